"""What template values are compiled into: constants, and small functions of the values a stack is resolved for."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, NamedTuple

NO_VALUE = object()  # what `AWS::NoValue` stands for: the property or list item is left out
EXPORTS = "exports"  # the input that holds other stacks' exports


class Context(NamedTuple):
    """The inputs of one resolution by name: their values, and hashable stand-ins to keep results under.

    Inputs are parameters and pseudo parameters by their names, conditions by `condition_input`, and `EXPORTS`.
    """

    values: Mapping[str, Any]
    keys: Mapping[str, Hashable]


class Constant(NamedTuple):
    """A value that is the same in every context."""

    value: Any
    inputs: frozenset[str] = frozenset()

    def evaluate(self, context: Context) -> Any:
        """The value itself."""
        return self.value


class Deferred(NamedTuple):
    """A value that depends on these inputs."""

    evaluate: Callable[[Context], Any]
    inputs: frozenset[str]


Expression = Constant | Deferred


def condition_input(name: str) -> str:
    """The name of the input that holds a condition's result (True, False or unknown)."""
    return f"Condition {name}"


def given_input(name: str) -> Deferred:
    """The value of an input."""

    def evaluate(context: Context) -> Any:
        value = context.values[name]
        return list(value) if isinstance(value, list) else value

    return Deferred(evaluate, frozenset({name}))


def sequence(items: list[Expression]) -> Expression:
    """A list; items without a value are left out."""
    constants = [item.value for item in items if isinstance(item, Constant)]
    if len(constants) == len(items):
        return Constant([value for value in constants if value is not NO_VALUE])
    evaluators = [item.evaluate for item in items]

    def evaluate(context: Context) -> Any:
        values = [evaluator(context) for evaluator in evaluators]
        return [value for value in values if value is not NO_VALUE]

    return Deferred(evaluate, all_inputs(items))


def mapping(members: Mapping[str, Expression]) -> Expression:
    """A mapping in the order given; members without a value are left out."""
    present = {key: member for key, member in members.items() if member != Constant(NO_VALUE)}
    fixed = {key: member.value if isinstance(member, Constant) else None for key, member in present.items()}
    varying = [(key, member.evaluate) for key, member in present.items() if isinstance(member, Deferred)]

    def evaluate(context: Context) -> Any:
        values = fixed.copy()
        for key, evaluator in varying:
            value = evaluator(context)
            if value is NO_VALUE:
                del values[key]
            else:
                values[key] = value
        return values

    return Deferred(evaluate, all_inputs(present.values())) if varying else Constant(fixed)


def all_inputs(expressions: Iterable[Expression]) -> frozenset[str]:
    """Everything these expressions depend on."""
    return frozenset().union(*(expression.inputs for expression in expressions))
