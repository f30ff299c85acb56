"""Texts with references: one normal form, whether written with Fn::Sub or Fn::Join."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_pipeline.evaluation.intrinsics import join
from hipaa_pipeline.evaluation.texts import (
    FunctionError,
    Segment,
    UndeterminedError,
    Variable,
    normal_form,
    parse_sub,
    plain_text,
    segments_of,
)
from hipaa_pipeline.stack import unknown

ARN = {"Fn::GetAtt": ["Key", "Arn"]}


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("", []),
        ("plain $ { } text", ["plain $ { } text"]),
        ("${Key}", [Variable("Key")]),
        ("a${Key.Arn}b${AWS::Region}", ["a", Variable("Key.Arn"), "b", Variable("AWS::Region")]),
        ("${ Key }", [Variable("Key")]),
        ("${!aws:username}", ["${aws:username}"]),
        ("a${!b}${c}", ["a${b}", Variable("c")]),
        ("${!!x}", ["${!x}"]),
        ("$${Key}", ["$", Variable("Key")]),
        ("${unclosed", ["${unclosed"]),
    ],
)
def test_sub_is_read_as_segments(text: str, segments: list[Segment]) -> None:
    assert parse_sub(text) == segments


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("${}", "${} is no variable; a literal is written ${!}"),
        ("${path:-/tmp}", "${path:-/tmp} is no variable; a literal is written ${!path:-/tmp}"),
        ("${a b}", "${a b} is no variable; a literal is written ${!a b}"),
    ],
)
def test_sub_refuses_what_is_no_variable(text: str, problem: str) -> None:
    with pytest.raises(FunctionError) as caught:
        parse_sub(text)
    assert str(caught.value) == problem


@pytest.mark.parametrize(
    ("segments", "form"),
    [
        ([], ""),
        (["", ""], ""),
        (["a", "b"], "ab"),
        (["${x}"], "${x}"),
        ([Variable("Key")], {"Ref": "Key"}),
        (["", Variable("Key"), ""], {"Ref": "Key"}),
        ([Variable("Key.Arn")], ARN),
        ([Variable("Nested.Outputs.Arn")], {"Fn::GetAtt": ["Nested", "Outputs.Arn"]}),
        (["a", Variable("Key.Arn"), "/*"], {"Fn::Sub": "a${Key.Arn}/*"}),
        (["$", "{x}", Variable("Key")], {"Fn::Sub": "${!x}${Key}"}),
        (["$", Variable("Key")], {"Fn::Sub": "$${Key}"}),
        ([Variable("A"), Variable("B")], {"Fn::Sub": "${A}${B}"}),
    ],
)
def test_normal_form(segments: list[Segment], form: object) -> None:
    assert normal_form(segments) == form


@pytest.mark.parametrize(
    ("value", "segments"),
    [
        ("${literal}", ["${literal}"]),
        (True, ["true"]),
        (False, ["false"]),
        (5432, ["5432"]),
        (0.5, ["0.5"]),
        ({"Ref": "Key"}, [Variable("Key")]),
        (ARN, [Variable("Key.Arn")]),
        ({"Fn::Sub": "a${Key}${!b}"}, ["a", Variable("Key"), "${b}"]),
    ],
)
def test_segments_of_scalars_and_references(value: Any, segments: list[Segment]) -> None:
    assert segments_of(value) == segments


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (["a"], "a text is needed, not a list"),
        ({"a": "b"}, "a text is needed, not a mapping"),
        ({"Fn::Sub": "${-}"}, "${-} is no variable; a literal is written ${!-}"),
    ],
)
def test_lists_and_mappings_are_no_texts(value: Any, problem: str) -> None:
    with pytest.raises(FunctionError) as caught:
        segments_of(value)
    assert str(caught.value) == problem


def test_an_unknown_part_makes_the_text_unknown() -> None:
    mark = unknown("because")
    with pytest.raises(UndeterminedError) as caught:
        segments_of(mark)
    assert caught.value.mark == mark


@pytest.mark.parametrize("reference", [{"Ref": "Key"}, ARN, {"Fn::Sub": "a${Key}"}])
def test_a_reference_has_no_plain_text_yet(reference: Any) -> None:
    with pytest.raises(UndeterminedError) as caught:
        plain_text(reference)
    assert str(caught.value) == "it needs a value that exists only once the stack does"


# Every "${" is closed before a reference can follow: an open one has no meaning that AWS documents.
LITERALS = st.lists(st.sampled_from(["a", "$", "}", "!", "{b}", "${a}", "${!b}"]), max_size=5).map("".join)
VARIABLES = st.sampled_from(["Key", "Key.Arn", "Nested.Outputs.A"]).map(Variable)
SEGMENTS = st.lists(LITERALS | VARIABLES, max_size=6)


@given(SEGMENTS)
def test_the_normal_form_means_the_same_text(segments: list[Segment]) -> None:
    """Substituting values as CloudFormation does gives the joined text, for every mix of literals and references."""
    expected = "".join(_value_of(each.name) if isinstance(each, Variable) else each for each in segments)
    assert _substituted(normal_form(segments)) == expected


@given(SEGMENTS)
def test_the_normal_form_is_one(segments: list[Segment]) -> None:
    """Reading the normal form and writing it again changes nothing."""
    form = normal_form(segments)
    assert normal_form(segments_of(form)) == form


@given(SEGMENTS, LITERALS)
def test_join_and_sub_agree(segments: list[Segment], delimiter: str) -> None:
    """`Fn::Join` of pieces has the normal form of the `Fn::Sub` that says the same."""
    between: list[Segment] = []
    for index, segment in enumerate(segments):
        between += [delimiter, segment] if index else [segment]
    items = [normal_form([segment]) for segment in segments]
    assert join([delimiter, items]) == normal_form(between)


def _substituted(form: Any) -> str:
    """What CloudFormation makes of a normal form, by its own rules rather than by the code under test."""
    match form:
        case str():
            return form
        case {"Ref": name}:
            return _value_of(name)
        case {"Fn::GetAtt": [name, attribute]}:
            return _value_of(f"{name}.{attribute}")
    pattern = re.compile(r"\$\{(!?)([^}]*)\}|\$\{!")
    return pattern.sub(lambda found: _replacement(found), form["Fn::Sub"])


def _replacement(found: re.Match[str]) -> str:
    if found.group() == "${!":
        return "${"
    return f"${{{_substituted({'Fn::Sub': found.group(2)})}}}" if found.group(1) else _value_of(found.group(2))


def _value_of(name: str) -> str:
    return f"<{name.lower()}>"
