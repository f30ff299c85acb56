"""What holds for every template and every choice of parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipaa_pipeline.configuration import TEMPLATE_PATH
from hipaa_pipeline.evaluation.parameters import Parameter
from hipaa_pipeline.matrix.space import boundary_values
from hipaa_pipeline.resolve import ParameterError, Resolver, compile_template, resolve
from hipaa_pipeline.source import load_template
from hipaa_pipeline.stack import Stack, is_reference, is_unknown, references

REGIONS = ("ap-southeast-1", "us-east-1", "cn-north-1")

# Templates made of every function, in right and in wrong ways.

NAMES = st.sampled_from(["Text", "List", "Count", "Kept", "Perhaps", "Absent", "AWS::Region", "AWS::NoValue", "M", "k"])
CONDITIONS = st.sampled_from(["Yes", "IsA", "Absent"])
TEXTS = st.sampled_from(
    ["", "a", "0", "1", ",", "10.0.0.0/16", "${Text}", "a${Kept.Arn}b", "${!x}", "${Absent}", "${-}"]
)
FUNCTIONS = (
    "Ref", "Fn::Base64", "Fn::Cidr", "Fn::FindInMap", "Fn::Foo", "Fn::ForEach::X", "Fn::GetAZs", "Fn::GetAtt",
    "Fn::GetStackOutput", "Fn::If", "Fn::ImportValue", "Fn::Join", "Fn::Length", "Fn::Select", "Fn::Split", "Fn::Sub",
    "Fn::ToJsonString", "Fn::Transform", "Fn::Equals", "Condition", "Unknown",
)  # fmt: skip


def _more(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(inner, max_size=4)
    arguments = st.one_of(
        inner,
        lists,
        NAMES,
        st.tuples(CONDITIONS, inner, inner).map(list),
        st.tuples(TEXTS, lists).map(list),
        st.tuples(TEXTS, st.dictionaries(NAMES, inner, max_size=2)).map(list),
    )
    calls = st.dictionaries(st.sampled_from(FUNCTIONS), arguments, min_size=1, max_size=1)
    return lists | calls | st.dictionaries(st.sampled_from(["a", "b", *FUNCTIONS]), inner, max_size=3)


VALUES = st.recursive(st.none() | st.booleans() | st.integers(-1, 3) | TEXTS | NAMES, _more, max_leaves=12)
PARAMETERS = {
    "Text": {"Type": "String", "Default": "a"},
    "List": {"Type": "CommaDelimitedList", "Default": "a,b"},
    "Count": {"Type": "Number", "Default": 1},
}


def _template(value: Any, condition: Any) -> dict[str, Any]:
    return {
        "Parameters": PARAMETERS,
        "Mappings": {"M": {"a": {"k": "v"}}},
        "Conditions": {"Yes": {"Fn::Equals": [1, 1]}, "IsA": {"Fn::Equals": [{"Ref": "Text"}, "a"]}, "Any": condition},
        "Rules": {"R": {"Assertions": [{"Assert": condition}]}},
        "Resources": {
            "Kept": {"Type": "T"},
            "Perhaps": {"Type": "T", "Condition": "IsA", "DependsOn": value},
            "Subject": {"Type": "T", "Properties": {"P": value, "Q": [value]}, "Metadata": value},
            "Odd": value,
        },
        "Outputs": {"O": {"Value": value, "Condition": "Any"}, "Odd": value},
    }


@given(VALUES, VALUES, st.fixed_dictionaries({"Text": st.sampled_from(["a", "b"]), "Count": TEXTS}))
@settings(max_examples=300)
def test_any_template_resolves_when_not_strict(value: Any, condition: Any, parameters: Mapping[str, str]) -> None:
    """Whatever a template holds, it becomes a stack in the normal form, and nothing is raised."""
    stack = resolve(_template(value, condition), parameters, region="eu-central-1", strict=False)
    assert [each for each in _mappings(stack.as_dict()["resources"]["Subject"]) if _is_call(each)] == []


@given(VALUES)
@settings(max_examples=200)
def test_resolving_is_idempotent(value: Any) -> None:
    """A resolved stack, read as a template, resolves to itself."""
    body = {
        "Parameters": PARAMETERS,
        "Conditions": {"Yes": {"Fn::Equals": [1, 1]}},
        "Resources": {"Kept": {"Type": "T"}, "Subject": {"Type": "T", "Properties": {"P": value}}},
    }
    once = resolve(body, {}, region="eu-central-1", strict=False).as_dict()["resources"]
    again = resolve({"Resources": once}, {}, region="eu-central-1", strict=False).as_dict()["resources"]
    assert again == once


@given(VALUES, st.lists(st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(REGIONS)), min_size=2, max_size=4))
def test_a_compiled_template_resolves_as_a_fresh_one(value: Any, choices: list[tuple[str, str]]) -> None:
    """What was kept from earlier resolutions never shows in a later one."""
    body = _template(value, {"Fn::Equals": [{"Ref": "Text"}, "b"]})
    resolver = compile_template(body, strict=False)
    for text, region in choices:
        fresh = resolve(body, {"Text": text}, region=region, strict=False)
        assert resolver.resolve({"Text": text}, region=region) == fresh


# The project's own template.


@cache
def _own() -> Resolver:
    return compile_template(load_template(TEMPLATE_PATH))


@cache
def _bounds(parameter: Parameter) -> tuple[str, ...]:
    return tuple(filter(parameter.accepts, boundary_values(parameter, REGIONS[0])))


def _text_for(parameter: Parameter) -> st.SearchStrategy[str]:
    """Any value the parameter accepts, beside those of its boundaries."""
    if parameter.allowed_values is not None:
        return st.sampled_from(parameter.allowed_values)
    if parameter.allowed_pattern is None:
        return st.integers(int(parameter.min_value or 0), int(parameter.max_value or 0)).map(str)
    return st.from_regex(parameter.allowed_pattern, fullmatch=True).map(lambda text: text.rstrip("\n"))


@st.composite
def own_parameters(draw: st.DrawFn) -> dict[str, str]:
    """A value for every parameter of the template, each one that its parameter accepts."""
    parameters = _own().parameters
    at_bounds = {name: draw(st.sampled_from(_bounds(parameter))) for name, parameter in parameters.items()}
    name = draw(st.sampled_from(list(parameters)))
    return at_bounds | {name: draw(_text_for(parameters[name]))}


@given(own_parameters(), st.sampled_from(REGIONS))
@settings(max_examples=300)
def test_every_choice_resolves_or_is_refused_by_a_rule(parameters: dict[str, str], region: str) -> None:
    """Parameters that are each accepted make a complete stack, or violate a rule that names them."""
    resolver = _own()
    refused = ""
    try:
        stack = resolver.resolve(parameters, region=region, stack_name="stack")
        _assert_complete(stack)
    except ParameterError as error:
        refused = error.message
    assert all(line.startswith("Rule ") for line in refused.splitlines())


@given(st.data())
def test_a_value_that_is_not_accepted_is_refused_by_its_name(data: st.DataObject) -> None:
    """Any text a parameter does not accept is refused, with the parameter's name and what it takes."""
    resolver = _own()
    name = data.draw(st.sampled_from(list(resolver.parameters)))
    parameter = resolver.parameters[name]
    text = data.draw(st.text(max_size=70).filter(lambda each: not parameter.accepts(each)))
    with pytest.raises(ParameterError) as caught:
        resolver.resolve({"EnvironmentSuffix": "test", name: text}, region="us-east-1", stack_name="stack")
    assert f"Parameter {name} is {text!r}; it must be {parameter.allowed()}" in caught.value.message


def _assert_complete(stack: Stack) -> None:
    """Everything is known, nothing is left to evaluate, and every reference leads to a resource of the stack."""
    values = [(each.properties, each.attributes) for each in stack.resources.values()] + list(stack.outputs.values())
    assert set(references(values)) <= stack.resources.keys()
    assert [each for each in _mappings(values) if is_unknown(each) or _is_call(each)] == []
    assert {type(result) for result in stack.conditions.values()} == {bool}


def _is_call(mapping: dict[str, Any]) -> bool:
    """Whether a mapping is an intrinsic function that should have been evaluated."""
    if is_reference(mapping):
        return False
    return any(key.startswith("Fn::") for key in mapping) or set(mapping) == {"Ref"}


def _mappings(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from _mappings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _mappings(item)
