"""What is wrong with a template, and where; strictly an error, otherwise an unknown value."""

from __future__ import annotations

import dataclasses
from typing import Any

from hipaa_pipeline.errors import UserError
from hipaa_pipeline.source import Template, TemplatePath
from hipaa_pipeline.stack import unknown


class ResolveError(UserError):
    """A template cannot be resolved: something in it is wrong, or is no function this project evaluates."""


@dataclasses.dataclass(frozen=True)
class Problems:
    """What to do about a problem: raise ResolveError when `strict`, else let the value be unknown.

    `template` gives the messages line numbers; None for a body that has no text.
    """

    strict: bool
    template: Template | None = None

    def answer(self, path: TemplatePath, problem: str) -> Any:
        """The unknown value to use instead. Raises ResolveError when strict."""
        if not self.strict:
            return self.undetermined(path, problem)
        if self.template is None:
            raise ResolveError(f"{dotted(path)}: {problem}.")
        raise ResolveError(f"{self.template.place(path)}: {dotted(path)}: {problem}.", self.template.show(path))

    def undetermined(self, path: TemplatePath, reason: str) -> dict[str, str]:
        """The unknown value of something that only AWS knows, strict or not."""
        return unknown(f"{dotted(path)}: {reason}")


def dotted(path: TemplatePath) -> str:
    """A path as people write it: `Resources.Key.Properties.Tags[0].Value`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")
