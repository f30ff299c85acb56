"""Template values compiled once into expressions, so that a template can be resolved for thousands of parameter sets.

What depends on no parameter becomes a constant at compile time and is shared by every stack resolved from it; the rest
becomes a small function of the context. Each expression knows the names of its inputs, so that its result can be kept.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple

from hipaa_pipeline.evaluation import intrinsics
from hipaa_pipeline.evaluation.problems import Problems
from hipaa_pipeline.evaluation.texts import FunctionError, UndeterminedError, Variable, parse_sub
from hipaa_pipeline.source import TemplatePath
from hipaa_pipeline.stack import is_unknown

NO_VALUE = object()  # what `AWS::NoValue` stands for: the property or list item is left out
EXPORTS = "exports"  # the input that holds other stacks' exports
PSEUDO_PARAMETERS = frozenset(
    {
        "AWS::AccountId", "AWS::NotificationARNs", "AWS::Partition", "AWS::Region", "AWS::StackId", "AWS::StackName",
        "AWS::URLSuffix",
    }
)  # fmt: skip


class Context(NamedTuple):
    """The inputs of one resolution by name: their values, and hashable texts of them to keep results under."""

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


@dataclasses.dataclass(frozen=True)
class Names:
    """What the values of a template may refer to: resources come with their condition, or None."""

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
            return self.sequence([self.compile(item, (*path, index)) for index, item in enumerate(body)])
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

    def sequence(self, items: list[Expression]) -> Expression:
        """A list; items without a value are left out."""
        if all(isinstance(item, Constant) for item in items):
            return Constant([item.value for item in items if isinstance(item, Constant) and item.value is not NO_VALUE])
        evaluators = [item.evaluate for item in items]

        def evaluate(context: Context) -> Any:
            values = [evaluator(context) for evaluator in evaluators]
            return [value for value in values if value is not NO_VALUE]

        return Deferred(evaluate, _inputs(items))

    def _mapping(self, body: dict[str, Any], path: TemplatePath) -> Expression:
        call = next((key for key in body if key.startswith("Fn::")), None)
        if len(body) == 1 and (call or "Ref" in body):
            [(name, argument)] = body.items()
            return self._call(name, argument, (*path, name))
        if call:
            return self._unsupported(call, (*path, call))
        return self.members({key: self.compile(item, (*path, key)) for key, item in body.items()})

    def members(self, members: dict[str, Expression]) -> Expression:
        """A mapping in template order; members without a value are left out."""
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

        return Deferred(evaluate, _inputs(list(present.values()))) if varying else Constant(fixed)

    def _call(self, name: str, argument: Any, path: TemplatePath) -> Expression:
        match name:
            case "Ref":
                return self._ref(argument, path)
            case "Fn::GetAtt":
                return self._get_att(argument, path)
            case "Fn::Sub":
                return self._sub(argument, path)
            case "Fn::If":
                return self._if(argument, path)
            case "Fn::GetAZs":
                return self._with_input(intrinsics.availability_zones, argument, "AWS::Region", path)
            case "Fn::ImportValue":
                return self._with_input(intrinsics.import_value, argument, EXPORTS, path)
            case "Fn::FindInMap":
                return self.apply(intrinsics.find_in_map(self.names.mappings), self.compile(argument, path), path)
            case "Fn::Cidr":
                return self.apply(intrinsics.cidr, self.compile(self._known_block(argument), path), path)
        if name in _FUNCTIONS:
            return self.apply(_FUNCTIONS[name], self.compile(argument, path), path)
        return self._unsupported(name, path)

    def _unsupported(self, name: str, path: TemplatePath) -> Constant:
        if name == "Fn::Transform" or name.startswith("Fn::ForEach"):
            return self.problem(path, f"{name} is run by AWS, before the template is resolved")
        if name in _FUNCTIONS or name in _OTHER_FUNCTIONS:
            return self.problem(path, f"{name} must be the only key of its mapping")
        return self.problem(path, f"{name} is no function that can be used here")

    def _ref(self, name: Any, path: TemplatePath) -> Expression:
        if not isinstance(name, str):
            return self.problem(path, "Ref takes a name")
        if name == "AWS::NoValue":
            return Constant(NO_VALUE)
        if name in self.names.parameters or name in PSEUDO_PARAMETERS:
            return _input(name)
        return self._reference(name, {"Ref": name}, path)

    def _reference(self, name: str, reference: dict[str, Any], path: TemplatePath) -> Expression:
        """A reference to a resource, which must not be left out by its condition."""
        if name not in self.names.resources:
            return self.problem(path, f"the template has no resource or parameter {name!r}")
        condition = self.names.resources[name]
        if condition is None:
            return Constant(reference)
        key = condition_input(condition)

        def evaluate(context: Context) -> Any:
            if context.values[key] is False:
                return self.problems.answer(
                    path, f"{name} does not exist here, since its condition {condition} is false"
                )
            return reference

        return Deferred(evaluate, frozenset({key}))

    def _get_att(self, argument: Any, path: TemplatePath) -> Expression:
        match argument:
            case str() if "." in argument:
                return self._get_att(argument.split(".", 1), path)
            case [str(name), str(attribute)] if name and attribute:
                return self._reference(name, {"Fn::GetAtt": [name, attribute]}, path)
            case [str(name), dict() as attribute]:
                return self._attribute_by_parameter(name, attribute, path)
        return self.problem(path, "Fn::GetAtt takes a resource and an attribute")

    def _attribute_by_parameter(self, name: str, attribute: dict[str, Any], path: TemplatePath) -> Expression:
        resource = self._reference(name, {"Ref": name}, path)
        chosen = self.compile(attribute, (*path, 1))
        return self.apply(_attribute_of(name), self.sequence([resource, chosen]), path)

    def _sub(self, argument: Any, path: TemplatePath) -> Expression:
        variables: dict[str, Any] = {}
        match argument:
            case str():
                text = argument
            case [str(text), dict(variables)]:
                pass
            case _:
                return self.problem(path, "Fn::Sub takes a text, or a text and a mapping of variables")
        try:
            segments = parse_sub(text)
        except FunctionError as error:
            return self.problem(path, str(error))
        given = {name: self.compile(value, (*path, 1, name)) for name, value in variables.items()}
        pieces = [self._piece(segment, given, path) for segment in segments]
        return self.apply(intrinsics.concatenate, self.sequence(pieces), path)

    def _piece(self, segment: str | Variable, given: Mapping[str, Expression], path: TemplatePath) -> Expression:
        if not isinstance(segment, Variable):
            return Constant(segment)
        if segment.name in given:
            return given[segment.name]
        resource, dot, attribute = segment.name.partition(".")
        return self._get_att([resource, attribute], path) if dot else self._ref(resource, path)

    def _if(self, argument: Any, path: TemplatePath) -> Expression:
        match argument:
            case [str(name), then, otherwise] if name in self.names.conditions:
                pass
            case [str(name), _, _]:
                return self.problem(path, f"the template has no condition {name!r}")
            case _:
                return self.problem(path, "Fn::If takes a condition's name, a value if true and a value if false")
        key = condition_input(name)
        branches = {True: self.compile(then, (*path, 1)), False: self.compile(otherwise, (*path, 2))}

        def evaluate(context: Context) -> Any:
            chosen = context.values[key]
            return branches[chosen].evaluate(context) if isinstance(chosen, bool) else chosen

        return Deferred(evaluate, _inputs(list(branches.values())) | {key})

    def _with_input(self, function: Callable[[Any], Any], argument: Any, name: str, path: TemplatePath) -> Expression:
        """A function of its argument and of one of the context's inputs."""
        given, added = self.compile(argument, path), _input(name)

        def pair(context: Context) -> Any:
            return [given.evaluate(context), added.evaluate(context)]

        return self.apply(function, Deferred(pair, _inputs([given, added])), path)

    def _known_block(self, argument: Any) -> Any:
        """The argument of Fn::Cidr, with a VPC's own CidrBlock for the attribute of that name: they are the same."""
        match argument:
            case [{"Fn::GetAtt": [str(name), "CidrBlock"]}, *rest]:
                vpc = self.names.bodies.get(name)
                block = vpc.get("Properties", {}).get("CidrBlock") if isinstance(vpc, dict) else None
                if isinstance(block, str) or (isinstance(block, dict) and "Ref" in block):
                    return [block, *rest]
        return argument


def _input(name: str) -> Deferred:
    def evaluate(context: Context) -> Any:
        value = context.values[name]
        return list(value) if isinstance(value, list) else value

    return Deferred(evaluate, frozenset({name}))


def _inputs(expressions: list[Expression]) -> frozenset[str]:
    return frozenset().union(*(expression.inputs for expression in expressions))


def _attribute_of(name: str) -> Callable[[Any], Any]:
    def attribute(argument: Any) -> Any:
        if len(argument) != 2 or not isinstance(argument[1], str):
            raise FunctionError("the attribute of Fn::GetAtt must be a text")
        return {"Fn::GetAtt": [name, argument[1]]}

    return attribute


_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "Fn::Base64": intrinsics.encode_base64,
    "Fn::Join": intrinsics.join,
    "Fn::Length": intrinsics.length,
    "Fn::Select": intrinsics.select,
    "Fn::Split": intrinsics.split,
    "Fn::ToJsonString": intrinsics.to_json_string,
}
_OTHER_FUNCTIONS = {
    "Ref", "Fn::GetAtt", "Fn::Sub", "Fn::If", "Fn::GetAZs", "Fn::ImportValue", "Fn::FindInMap", "Fn::Cidr",
}  # fmt: skip
