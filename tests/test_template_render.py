"""The emitter: whatever it writes, a YAML parser reads back as it was, and what fits stays on one line."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_pipeline.source import parse_template
from hipaa_pipeline.template.render import WIDTH, render

TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=200)
KEYS = st.text(
    st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="&"), min_size=1, max_size=30
).filter(lambda key: not key.startswith("Fn::") and key not in {"Ref", "Condition"})
NAMES = st.from_regex(r"[A-Z][A-Za-z]{0,20}", fullmatch=True)
SCALARS = TEXTS | st.integers() | st.booleans()
FUNCTIONS = st.one_of(
    NAMES.map(lambda name: {"Ref": name}),
    st.tuples(NAMES, NAMES).map(lambda pair: {"Fn::GetAtt": list(pair)}),
    TEXTS.map(lambda text: {"Fn::Sub": text}),
    st.tuples(NAMES, TEXTS, TEXTS).map(lambda parts: {"Fn::If": list(parts)}),
)
VALUES = st.recursive(
    SCALARS | FUNCTIONS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)


@given(st.dictionaries(NAMES, st.dictionaries(KEYS, VALUES, min_size=1, max_size=4), min_size=1, max_size=3))
def test_what_is_written_is_read_back(properties: dict[str, Any]) -> None:
    resources = {name: {"Type": "AWS::SNS::Topic", "Properties": values} for name, values in properties.items()}
    assert parse_template(render({"Resources": resources}, {})).body == {"Resources": resources}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain", "plain"),
        ("arn:aws:iam::aws:policy/x", "arn:aws:iam::aws:policy/x"),
        ("true", "'true'"),
        ("No", "'No'"),
        ("1", "'1'"),
        ("2012-10-17", "'2012-10-17'"),
        ("", "''"),
        ("it's: quoted", "'it''s: quoted'"),
        ("# not a comment", "'# not a comment'"),
        (5432, "5432"),
        (True, "true"),
        ({"Ref": "AWS::Region"}, "!Ref AWS::Region"),
        ({"Fn::GetAtt": ["Database", "Endpoint.Address"]}, "!GetAtt Database.Endpoint.Address"),
        ({"Fn::If": ["A", {"Ref": "B"}, {"Ref": "AWS::NoValue"}]}, "!If [A, !Ref B, !Ref 'AWS::NoValue']"),
        ([{"Key": "Name", "Value": {"Fn::Sub": "x-${Y}"}}], "[{Key: Name, Value: !Sub 'x-${Y}'}]"),
        ([], "[]"),
        ({}, "{}"),
    ],
)
def test_values_on_one_line(value: Any, written: str) -> None:
    resources = {"A": {"Type": "T", "Properties": {"Sid": "told line by line", "Value": value}}}
    assert render({"Resources": resources}, {}).splitlines()[-1] == f"      Value: {written}"


def test_rule_functions_have_no_short_form() -> None:
    rule = {"Assertions": [{"Assert": {"Fn::Contains": [["a"], {"Ref": "B"}]}, "AssertDescription": "why"}]}
    assert render({"Rules": {"R": rule}}, {}) == (
        "Rules:\n  R:\n    Assertions:\n    - Assert: {'Fn::Contains': [[a], !Ref B]}\n      AssertDescription: why\n"
    )


def test_sections_and_resource_keys_come_in_aws_order() -> None:
    body = {
        "Outputs": {"O": {"Description": "d", "Value": "v"}},
        "Resources": {"R": {"Properties": {"P": 1}, "Condition": "C", "Type": "T"}},
        "Description": "d",
    }
    assert render(body, {"R": "Topic"}) == (
        "Description: d\n"
        "\n"
        "Resources:\n"
        "  # Topic\n"
        "  R:\n"
        "    Type: T\n"
        "    Condition: C\n"
        "    Properties: {P: 1}\n"
        "\n"
        "Outputs:\n"
        "  O:\n"
        "    Description: d\n"
        "    Value: v\n"
    )


def test_long_texts_are_folded() -> None:
    text = " ".join(["word"] * 60)
    written = render({"Description": text}, {})
    assert max(map(len, written.splitlines())) <= WIDTH
    assert parse_template(written + "Resources: {A: {Type: T}}\n").body["Description"] == text


@pytest.mark.parametrize(
    "body", [{"Transform": "AWS::Include"}, {"Resources": {"A": {"Type": "T", "CreationPolicy": {}}}}]
)
def test_what_has_no_place_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no place in the order"):
        render(body, {})


def test_unprintable_texts_are_refused() -> None:
    with pytest.raises(ValueError, match="printable"):
        render({"Description": "a\nb"}, {})
