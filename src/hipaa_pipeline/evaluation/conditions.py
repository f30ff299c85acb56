"""Conditions and rules: expressions that are true, false, or unknown (then the mark of `stack.unknown` says why).

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-conditions.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-rules.html
"""

from __future__ import annotations

import dataclasses
import graphlib
from collections.abc import Callable, Mapping
from typing import Any

from hipaa_pipeline.evaluation.compiler import Compiler
from hipaa_pipeline.evaluation.expressions import (
    Constant,
    Context,
    Deferred,
    Expression,
    all_inputs,
    condition_input,
    sequence,
)
from hipaa_pipeline.evaluation.problems import Problems
from hipaa_pipeline.evaluation.texts import FunctionError, UndeterminedError, plain_text
from hipaa_pipeline.source import TemplatePath
from hipaa_pipeline.stack import UNKNOWN, is_unknown

_ACCOUNT_FUNCTIONS = {"Fn::RefAll", "Fn::ValueOf", "Fn::ValueOfAll"}


@dataclasses.dataclass(frozen=True)
class Assertion:
    """One assertion of a rule: it must hold whenever the rule's condition does."""

    rule: str
    holds: Expression
    description: str


def conditions(section: Mapping[str, Any], compiler: Compiler) -> dict[str, Expression]:
    """The conditions of a template by name, each after those it refers to. Raises ResolveError when strict."""
    read = _Reader(compiler, compiler.compile)
    compiled = {name: read.expression(body, ("Conditions", name)) for name, body in section.items()}
    needed = {name: _needed(expression) for name, expression in compiled.items()}
    try:
        order = list(graphlib.TopologicalSorter(needed).static_order())
    except graphlib.CycleError as error:
        circle = " -> ".join(error.args[1])
        answers = [
            compiler.problem(("Conditions", name), f"conditions refer to each other: {circle}") for name in compiled
        ]
        return dict(zip(compiled, answers, strict=True))
    return {name: compiled[name] for name in order if name in compiled}


def assertions(section: Mapping[str, Any], compiler: Compiler) -> list[Assertion]:
    """The assertions of a template's Rules. Raises ResolveError when strict."""
    values = _RuleValues(compiler)
    read = _Reader(compiler, values.compile, _RULE_PREDICATES)
    return [each for name, rule in section.items() for each in _assertions_of(name, rule, read, compiler.problems)]


def _assertions_of(name: str, rule: Any, read: _Reader, problems: Problems) -> list[Assertion]:
    path: TemplatePath = ("Rules", name)
    if not isinstance(rule, Mapping) or not isinstance(rule.get("Assertions"), list):
        problems.answer(path, "a rule is a mapping with a list of Assertions")
        return []
    applies = [read.expression(rule["RuleCondition"], (*path, "RuleCondition"))] if "RuleCondition" in rule else []
    found = []
    for index, assertion in enumerate(rule["Assertions"]):
        place = (*path, "Assertions", index)
        if not isinstance(assertion, Mapping) or "Assert" not in assertion:
            problems.answer(place, "an assertion is a mapping with Assert")
            continue
        asserted = read.expression(assertion["Assert"], (*place, "Assert"))
        holds = _any([_not(applies[0]), asserted]) if applies else asserted
        found.append(Assertion(name, holds, str(assertion.get("AssertDescription", ""))))
    return found


def _needed(expression: Expression) -> set[str]:
    prefix = condition_input("")
    return {name.removeprefix(prefix) for name in expression.inputs if name.startswith(prefix)}


@dataclasses.dataclass(frozen=True)
class _Reader:
    """Compiles conditions; `value` compiles what they compare, `predicates` are the functions that only Rules have."""

    compiler: Compiler
    value: Callable[[Any, TemplatePath], Expression]
    predicates: Mapping[str, Callable[[Any], bool]] = dataclasses.field(default_factory=dict)

    def expression(self, body: Any, path: TemplatePath) -> Expression:
        match body:
            case {"Condition": str(name)} if len(body) == 1 and not self.predicates:
                return self._reference(name, path)
            case {"Fn::Not": [argument]} if len(body) == 1:
                return _not(self.expression(argument, (*path, "Fn::Not", 0)))
            case {"Fn::And": list(arguments)} if len(body) == 1 and len(arguments) >= 2:
                return _all(self._each(arguments, (*path, "Fn::And")))
            case {"Fn::Or": list(arguments)} if len(body) == 1 and len(arguments) >= 2:
                return _any(self._each(arguments, (*path, "Fn::Or")))
            case {"Fn::Equals": [_, _] as arguments} if len(body) == 1:
                return self._apply(_equals, arguments, (*path, "Fn::Equals"))
        name = str(next(iter(body))) if isinstance(body, dict) and len(body) == 1 else ""
        if name in self.predicates:
            return self._apply(self.predicates[name], body[name], (*path, name))
        return self.compiler.problem(path, "this is no condition function with the arguments it takes")

    def _each(self, arguments: list[Any], path: TemplatePath) -> list[Expression]:
        return [self.expression(argument, (*path, index)) for index, argument in enumerate(arguments)]

    def _apply(self, predicate: Callable[[Any], bool], arguments: Any, path: TemplatePath) -> Expression:
        if not isinstance(arguments, list) or len(arguments) != 2:
            return self.compiler.problem(path, "this function takes a list of two")
        values = [self.value(argument, (*path, index)) for index, argument in enumerate(arguments)]
        return self.compiler.apply(predicate, sequence(values), path)

    def _reference(self, name: str, path: TemplatePath) -> Expression:
        if name not in self.compiler.names.conditions:
            return self.compiler.problem(path, f"the template has no condition {name!r}")
        key = condition_input(name)
        return Deferred(lambda context: context.values[key], frozenset({key}))


@dataclasses.dataclass(frozen=True)
class _RuleValues:
    """Compiles what rules compare: CloudFormation allows literals, lists, Ref, and functions that ask the account."""

    compiler: Compiler

    def compile(self, body: Any, path: TemplatePath) -> Expression:
        if isinstance(body, list):
            return sequence([self.compile(item, (*path, index)) for index, item in enumerate(body)])
        if isinstance(body, Mapping) and len(body) == 1 and next(iter(body)) in _ACCOUNT_FUNCTIONS:
            return Constant(self.compiler.problems.undetermined(path, "only AWS can ask the account"))
        if isinstance(body, Mapping) and set(body) != {"Ref"}:
            return self.compiler.problem(path, f"{', '.join(body)} cannot be used in Rules")
        return self.compiler.compile(body, path)


def _not(expression: Expression) -> Expression:
    def evaluate(context: Context) -> Any:
        value = expression.evaluate(context)
        return not value if isinstance(value, bool) else value

    return Deferred(evaluate, expression.inputs)


def _all(expressions: list[Expression]) -> Expression:
    return _decided_by(False, expressions)


def _any(expressions: list[Expression]) -> Expression:
    return _decided_by(True, expressions)


def _decided_by(decisive: bool, expressions: list[Expression]) -> Expression:
    """`decisive` when one is; else unknown when one is; else the opposite: Or when decisive is True, And when False."""

    def evaluate(context: Context) -> Any:
        answer: Any = not decisive
        for expression in expressions:
            value = expression.evaluate(context)
            if value is decisive:
                return decisive
            if not isinstance(value, bool):
                answer = value
        return answer

    return Deferred(evaluate, all_inputs(expressions))


def _equals(argument: Any) -> bool:
    """`Fn::Equals`: scalars by their texts (5 equals "5", true equals "true"), lists and mappings by their members."""
    left, right = _two(argument)
    if isinstance(left, list | dict) or isinstance(right, list | dict):
        return bool(left == right)
    return plain_text(left) == plain_text(right)


def _contains(argument: Any) -> bool:
    """`Fn::Contains: [list, text]`."""
    members, wanted = _two(argument)
    return plain_text(wanted) in _texts(members)


def _each_member_equals(argument: Any) -> bool:
    """`Fn::EachMemberEquals: [list, text]`."""
    members, wanted = _two(argument)
    return all(member == plain_text(wanted) for member in _texts(members))


def _each_member_in(argument: Any) -> bool:
    """`Fn::EachMemberIn: [list, list]`."""
    members, allowed = _two(argument)
    return set(_texts(members)) <= set(_texts(allowed))


def _two(argument: Any) -> tuple[Any, Any]:
    if len(argument) != 2:
        raise FunctionError("a value is missing")
    for value in argument:
        if is_unknown(value):
            raise UndeterminedError(value[UNKNOWN], value)
    left, right = argument
    return left, right


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise FunctionError("a list is needed")
    return [plain_text(item) for item in value]


_RULE_PREDICATES: dict[str, Callable[[Any], bool]] = {
    "Fn::Contains": _contains,
    "Fn::EachMemberEquals": _each_member_equals,
    "Fn::EachMemberIn": _each_member_in,
}
