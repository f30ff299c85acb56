"""Template values compiled once into expressions, so that a template can be resolved for thousands of parameter sets.

What depends on no parameter becomes a constant here and is shared by every stack resolved from it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from hipaa_pipeline.evaluation.expressions import Constant, Context, Deferred, Expression, mapping, sequence
from hipaa_pipeline.evaluation.forms import FORMS, FUNCTIONS
from hipaa_pipeline.evaluation.problems import Problems
from hipaa_pipeline.evaluation.texts import FunctionError, UndeterminedError
from hipaa_pipeline.source import TemplatePath
from hipaa_pipeline.stack import is_unknown


@dataclasses.dataclass(frozen=True)
class Names:
    """What the values of a template may refer to.

    `resources` are the conditions of resources by logical ID (None for one that always exists), `bodies` what the
    template says of them.
    """

    parameters: frozenset[str]
    resources: Mapping[str, str | None]
    conditions: frozenset[str]
    mappings: Mapping[str, Any]
    bodies: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Compiler:
    """Compiles template values into expressions; a problem is an error where `problems` is strict, else unknown."""

    names: Names
    problems: Problems

    def compile(self, body: Any, path: TemplatePath) -> Expression:
        """The expression of any value of a template, at a path of it."""
        if isinstance(body, dict):
            return self._mapping(body, path)
        if isinstance(body, list):
            return sequence([self.compile(item, (*path, index)) for index, item in enumerate(body)])
        if body is None:
            return self.problem(path, "null is not allowed in templates")
        return Constant(body)

    def problem(self, path: TemplatePath, problem: str) -> Constant:
        """An unknown value. Raises ResolveError when strict."""
        return Constant(self.problems.answer(path, problem))

    def apply(self, function: Callable[[Any], Any], argument: Expression, path: TemplatePath) -> Expression:
        """A function of `intrinsics` on an argument; at once where the argument is constant and right."""

        def evaluate(context: Context) -> Any:
            value = argument.evaluate(context)
            if is_unknown(value):
                return value
            try:
                return function(value)
            except UndeterminedError as error:
                return error.mark or self.problems.undetermined(path, str(error))
            except FunctionError as error:
                return self.problems.answer(path, str(error))

        if isinstance(argument, Constant):
            try:
                return Constant(function(argument.value))
            except (FunctionError, UndeterminedError):
                pass  # answered when evaluated: it may stand in the branch of an Fn::If that is never taken
        return Deferred(evaluate, argument.inputs)

    def _mapping(self, body: dict[str, Any], path: TemplatePath) -> Expression:
        function = next((key for key in body if key.startswith("Fn::")), None)
        if len(body) == 1 and (function or "Ref" in body):
            [(name, argument)] = body.items()
            return self._call(name, argument, (*path, name))
        if function:
            return self._unusable(function, (*path, function))
        return mapping({key: self.compile(item, (*path, key)) for key, item in body.items()})

    def _call(self, name: str, argument: Any, path: TemplatePath) -> Expression:
        if name in FORMS:
            return FORMS[name](self, argument, path)
        if name in FUNCTIONS:
            return self.apply(FUNCTIONS[name], self.compile(argument, path), path)
        return self._unusable(name, path)

    def _unusable(self, name: str, path: TemplatePath) -> Constant:
        if name == "Fn::Transform" or name.startswith("Fn::ForEach"):
            return self.problem(path, f"{name} is run by AWS, before the template is resolved")
        if name in FORMS or name in FUNCTIONS:
            return self.problem(path, f"{name} must be the only key of its mapping")
        return self.problem(path, f"{name} is no function that can be used here")
