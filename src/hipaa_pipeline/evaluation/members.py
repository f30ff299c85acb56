"""The members of a template's Resources and Outputs: each there or not by its condition, each result kept."""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from hipaa_pipeline.evaluation.compiler import Compiler
from hipaa_pipeline.evaluation.expressions import (
    NO_VALUE,
    Constant,
    Context,
    Deferred,
    Expression,
    condition_input,
    mapping,
)
from hipaa_pipeline.source import TemplatePath
from hipaa_pipeline.stack import Resource

MAX_KEPT = 512  # results kept of one member


class Member:
    """A resource or output; `evaluate` gives what `make` builds of its evaluated body, once for equal inputs."""

    def __init__(self, name: str, condition: str | None, body: Expression, make: Callable[[Any], Any]) -> None:
        self.name = name
        self._condition = None if condition is None else condition_input(condition)
        self._body = body
        self._make = make
        self._key = _key_of(body.inputs)
        self._kept: dict[Hashable, Any] = {}

    def exists(self, context: Context) -> bool:
        """Whether its condition is not false; one whose condition is unknown says so in its Condition attribute."""
        return self._condition is None or context.values[self._condition] is not False

    def evaluate(self, context: Context) -> Any:
        """The member for these inputs; members made for equal inputs are the same object."""
        key = self._key(context.keys)
        if key not in self._kept:
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            self._kept[key] = self._make(self._body.evaluate(context))
        return self._kept[key]


def resource(name: str, declared: Mapping[str, Any], compiler: Compiler) -> Member:
    """A member of Resources, evaluating to a `stack.Resource`. Raises ResolveError when strict."""
    path: TemplatePath = ("Resources", name)
    members = {key: compiler.compile(value, (*path, key)) for key, value in declared.items() if key not in _READ_APART}
    members["DependsOn"] = _depends_on(declared.get("DependsOn", []), compiler, (*path, "DependsOn"))
    condition, members["Condition"] = _condition(declared, compiler, path)

    def make(body: Any) -> Resource:
        properties = body.pop("Properties", {})
        return Resource(name, declared["Type"], properties, body)

    return Member(name, condition, mapping(members), make)


def output(name: str, declared: Mapping[str, Any], compiler: Compiler) -> Member:
    """A member of Outputs, evaluating to its Description, Value and Export. Raises ResolveError when strict."""
    path: TemplatePath = ("Outputs", name)
    members = {key: compiler.compile(value, (*path, key)) for key, value in declared.items() if key != "Condition"}
    condition, members["Condition"] = _condition(declared, compiler, path)
    return Member(name, condition, mapping(members), lambda body: body)


_READ_APART = {"Type", "Condition", "DependsOn"}


def _condition(declared: Mapping[str, Any], compiler: Compiler, path: TemplatePath) -> tuple[str | None, Expression]:
    """The condition's name, and an attribute that has a value only when it is unknown whether the member exists."""
    name = declared.get("Condition")
    if name is None:
        return None, Constant(NO_VALUE)
    if not isinstance(name, str) or name not in compiler.names.conditions:
        return None, compiler.problem((*path, "Condition"), f"the template has no condition {name!r}")
    key = condition_input(name)

    def evaluate(context: Context) -> Any:
        value = context.values[key]
        return NO_VALUE if isinstance(value, bool) else value

    return name, Deferred(evaluate, frozenset({key}))


def _depends_on(declared: Any, compiler: Compiler, path: TemplatePath) -> Expression:
    """The logical IDs of those that exist, as a list; no attribute when there are none."""
    names = [declared] if isinstance(declared, str) else declared
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return compiler.problem(path, "DependsOn takes a logical ID or a list of them")
    missing = [name for name in names if name not in compiler.names.resources]
    if missing:
        return compiler.problem(path, f"the template has no resource {missing[0]!r}")
    keys = {name: condition_input(of) for name in names if (of := compiler.names.resources[name]) is not None}

    def evaluate(context: Context) -> Any:
        return [name for name in names if name not in keys or context.values[keys[name]] is not False] or NO_VALUE

    return Deferred(evaluate, frozenset(keys.values()))


def _key_of(inputs: frozenset[str]) -> Callable[[Mapping[str, Hashable]], Hashable]:
    return operator.itemgetter(*sorted(inputs)) if inputs else lambda _: ()
