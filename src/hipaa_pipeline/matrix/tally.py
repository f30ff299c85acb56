"""Counting what became of the combinations."""

from __future__ import annotations

import collections
import dataclasses
import operator
from collections.abc import Mapping

from hipaa_pipeline.matrix.space import Values


@dataclasses.dataclass(frozen=True)
class Example:
    """A stack in which a check did not hold; `place` is its Region's among those tried, then its own in the Region."""

    place: tuple[int, int]
    region: str
    values: Values


@dataclasses.dataclass
class Tally:
    """How many parameter sets the template refused, and what became of the stacks of the others.

    `held` counts the stacks in which every check holds, `held_but_waivable` those in which only waivable ones of an
    ephemeral environment do not; `waived` and `failed` count stacks by check. `examples` are the first stacks in which
    each check failed, whoever counted them.
    """

    refused: int = 0
    held: int = 0
    held_but_waivable: int = 0
    failing: int = 0
    waived: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    failed: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    examples: dict[str, Example] = dataclasses.field(default_factory=dict)

    @property
    def judged(self) -> int:
        """How many stacks were judged."""
        return self.held + self.held_but_waivable + self.failing

    @property
    def tried(self) -> int:
        """How many parameter sets were tried."""
        return self.refused + self.judged

    @property
    def summary(self) -> str:
        """The counts in a sentence's beginning."""
        return (
            f"{self.tried:,} parameter sets tried: {self.refused:,} refused by the template, {self.held:,} hold every "
            f"control, {self.held_but_waivable:,} ephemeral ones all but waivable controls, {self.failing:,} fail"
        )

    def count(self, stack: Example, waived: list[str], failed: list[str]) -> None:
        """Count one stack by the checks that do not hold in it; of a Region's stacks in their order."""
        self.held += not waived and not failed
        self.held_but_waivable += bool(waived) and not failed
        self.failing += bool(failed)
        self.waived.update(waived)
        self.failed.update(failed)
        for slug in failed:
            self.examples.setdefault(slug, stack)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.refused + other.refused,
            self.held + other.held,
            self.held_but_waivable + other.held_but_waivable,
            self.failing + other.failing,
            self.waived + other.waived,
            self.failed + other.failed,
            _first(self.examples, other.examples),
        )


def _first(some: Mapping[str, Example], others: Mapping[str, Example]) -> dict[str, Example]:
    """The earlier example of each check, so that it does not depend on how the work was shared out."""
    place = operator.attrgetter("place")
    return {**some, **{slug: min(some.get(slug, example), example, key=place) for slug, example in others.items()}}
