"""The intrinsic functions by name: those that only need their argument's value, and those compiled in their own way.

The latter take names, choose between values, or ask the context; each has the compiler, its argument and its path.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hipaa_pipeline.evaluation import intrinsics
from hipaa_pipeline.evaluation.expressions import (
    EXPORTS,
    NO_VALUE,
    Constant,
    Context,
    Deferred,
    Expression,
    all_inputs,
    condition_input,
    given_input,
    sequence,
)
from hipaa_pipeline.evaluation.pseudo import PSEUDO_PARAMETERS
from hipaa_pipeline.evaluation.texts import FunctionError, Variable, parse_sub
from hipaa_pipeline.source import TemplatePath

if TYPE_CHECKING:
    from hipaa_pipeline.evaluation.compiler import Compiler


def _ref(compiler: Compiler, name: Any, path: TemplatePath) -> Expression:
    if not isinstance(name, str):
        return compiler.problem(path, "Ref takes a name")
    if name == "AWS::NoValue":
        return Constant(NO_VALUE)
    if name in compiler.names.parameters or name in PSEUDO_PARAMETERS:
        return given_input(name)
    return _reference(compiler, name, {"Ref": name}, path)


def _reference(compiler: Compiler, name: str, reference: dict[str, Any], path: TemplatePath) -> Expression:
    """A reference to a resource, which must not be left out by its condition."""
    if name not in compiler.names.resources:
        return compiler.problem(path, f"the template has no resource or parameter {name!r}")
    condition = compiler.names.resources[name]
    if condition is None:
        return Constant(reference)
    key = condition_input(condition)

    def evaluate(context: Context) -> Any:
        if context.values[key] is not False:
            return reference
        return compiler.problems.answer(path, f"{name} does not exist here, since its condition {condition} is false")

    return Deferred(evaluate, frozenset({key}))


def _get_att(compiler: Compiler, argument: Any, path: TemplatePath) -> Expression:
    match argument:
        case str() if "." in argument:
            return _get_att(compiler, argument.split(".", 1), path)
        case [str(name), str(attribute)] if name and attribute:
            return _reference(compiler, name, {"Fn::GetAtt": [name, attribute]}, path)
        case [str(name), dict() as attribute]:
            resource = _reference(compiler, name, {"Ref": name}, path)
            chosen = compiler.compile(attribute, (*path, 1))
            return compiler.apply(_attribute_of, sequence([resource, chosen]), path)
    return compiler.problem(path, "Fn::GetAtt takes a resource and an attribute")


def _attribute_of(argument: Any) -> Any:
    match argument:
        case [{"Ref": name}, str(attribute)]:
            return {"Fn::GetAtt": [name, attribute]}
    raise FunctionError("the attribute of Fn::GetAtt must be a text")


def _sub(compiler: Compiler, argument: Any, path: TemplatePath) -> Expression:
    match argument:
        case str(text):
            variables: Mapping[str, Any] = {}
        case [str(text), dict() as variables]:
            pass
        case _:
            return compiler.problem(path, "Fn::Sub takes a text, or a text and a mapping of variables")
    try:
        segments = parse_sub(text)
    except FunctionError as error:
        return compiler.problem(path, str(error))
    given = {name: compiler.compile(value, (*path, 1, name)) for name, value in variables.items()}
    pieces = [_piece(compiler, segment, given, path) for segment in segments]
    return compiler.apply(intrinsics.concatenate, sequence(pieces), path)


def _piece(
    compiler: Compiler, segment: str | Variable, given: Mapping[str, Expression], path: TemplatePath
) -> Expression:
    if not isinstance(segment, Variable):
        return Constant(segment)
    if segment.name in given:
        return given[segment.name]
    resource, dot, attribute = segment.name.partition(".")
    return _get_att(compiler, [resource, attribute], path) if dot else _ref(compiler, resource, path)


def _if(compiler: Compiler, argument: Any, path: TemplatePath) -> Expression:
    match argument:
        case [str(name), then, otherwise] if name in compiler.names.conditions:
            key = condition_input(name)
        case [str(name), _, _]:
            return compiler.problem(path, f"the template has no condition {name!r}")
        case _:
            return compiler.problem(path, "Fn::If takes a condition's name, a value if true and a value if false")
    branches = {True: compiler.compile(then, (*path, 1)), False: compiler.compile(otherwise, (*path, 2))}

    def evaluate(context: Context) -> Any:
        chosen = context.values[key]
        return branches[chosen].evaluate(context) if isinstance(chosen, bool) else chosen

    return Deferred(evaluate, all_inputs(branches.values()) | {key})


def _find_in_map(compiler: Compiler, argument: Any, path: TemplatePath) -> Expression:
    return compiler.apply(intrinsics.find_in_map(compiler.names.mappings), compiler.compile(argument, path), path)


def _with_input(
    function: Callable[[Any], Any], name: str, compiler: Compiler, argument: Any, path: TemplatePath
) -> Expression:
    """A function of its argument and of one of the context's inputs."""
    given, added = compiler.compile(argument, path), given_input(name)

    def pair(context: Context) -> Any:
        return [given.evaluate(context), added.evaluate(context)]

    return compiler.apply(function, Deferred(pair, all_inputs([given, added])), path)


def _get_stack_output(compiler: Compiler, argument: Any, path: TemplatePath) -> Expression:
    if not isinstance(argument, dict) or not {"StackName", "OutputName"} <= argument.keys():
        return compiler.problem(path, "Fn::GetStackOutput takes a StackName and an OutputName")
    return Constant(compiler.problems.undetermined(path, "another stack's output is known only in AWS"))


def _cidr(compiler: Compiler, argument: Any, path: TemplatePath) -> Expression:
    """`Fn::Cidr`; a VPC's attribute CidrBlock is the property of that name."""
    match argument:
        case [{"Fn::GetAtt": [str(name), "CidrBlock"]}, *rest]:
            block = _property(compiler.names.bodies.get(name), "CidrBlock")
            if isinstance(block, str) or (isinstance(block, dict) and "Ref" in block):
                argument = [block, *rest]
    return compiler.apply(intrinsics.cidr, compiler.compile(argument, path), path)


def _property(body: Any, name: str) -> Any:
    properties = body.get("Properties") if isinstance(body, Mapping) else None
    return properties.get(name) if isinstance(properties, Mapping) else None


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "Fn::Base64": intrinsics.encode_base64,
    "Fn::Join": intrinsics.join,
    "Fn::Length": intrinsics.length,
    "Fn::Select": intrinsics.select,
    "Fn::Split": intrinsics.split,
    "Fn::ToJsonString": intrinsics.to_json_string,
}
FORMS: dict[str, Callable[[Compiler, Any, TemplatePath], Expression]] = {
    "Ref": _ref,
    "Fn::Cidr": _cidr,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAtt": _get_att,
    "Fn::GetAZs": functools.partial(_with_input, intrinsics.availability_zones, "AWS::Region"),
    "Fn::GetStackOutput": _get_stack_output,
    "Fn::If": _if,
    "Fn::ImportValue": functools.partial(_with_input, intrinsics.import_value, EXPORTS),
    "Fn::Sub": _sub,
}
