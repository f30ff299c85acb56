"""Conditions and rules: true, false, or unknown; cycles and unknown names are errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_pipeline.resolve import ParameterError, ResolveError, resolve
from hipaa_pipeline.source import parse_template
from hipaa_pipeline.stack import Stack, unknown

PARAMETERS: dict[str, Any] = {
    "Mode": {"Type": "String", "Default": "a"},
    "Size": {"Type": "Number", "Default": 5},
    "Subnets": {"Type": "CommaDelimitedList", "Default": ""},
    "Secret": {"Type": "String", "Default": "hidden", "NoEcho": True},
    "Vpc": {"Type": "AWS::EC2::VPC::Id", "Default": "vpc-1"},
    "Required": {"Type": "String", "Default": ""},
}
YES = {"Fn::Equals": ["a", "a"]}
NO = {"Fn::Equals": ["a", "b"]}


def stack_of(sections: Mapping[str, Any], strict: bool = True, **parameters: str) -> Stack:
    body = {"Parameters": PARAMETERS, "Resources": {"Any": {"Type": "T"}}, **sections}
    return resolve(body, parameters, region="eu-central-1", strict=strict)


def decided(condition: Any, strict: bool = True, **parameters: str) -> Any:
    return stack_of({"Conditions": {"C": condition, "Yes": YES, "No": NO}}, strict, **parameters).conditions["C"]


@pytest.mark.parametrize(
    ("condition", "result"),
    [
        (YES, True),
        (NO, False),
        ({"Fn::Equals": [{"Ref": "Mode"}, "a"]}, True),
        ({"Fn::Equals": [{"Ref": "Mode"}, "A"]}, False),
        ({"Fn::Equals": [{"Ref": "Size"}, "5"]}, True),
        ({"Fn::Equals": [{"Ref": "Size"}, 5]}, True),
        ({"Fn::Equals": [True, "true"]}, True),
        ({"Fn::Equals": [["a"], ["a"]]}, True),
        ({"Fn::Equals": [["a"], "a"]}, False),
        ({"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-central-1"]}, True),
        ({"Fn::Equals": [{"Fn::Join": ["", {"Ref": "Subnets"}]}, ""]}, True),
        ({"Fn::Equals": [{"Fn::Select": [0, {"Ref": "Subnets"}]}, ""]}, True),
        ({"Fn::Equals": [{"Ref": "Secret"}, "hidden"]}, True),
        ({"Fn::Not": [YES]}, False),
        ({"Fn::Not": [{"Condition": "No"}]}, True),
        ({"Fn::And": [YES, {"Condition": "Yes"}]}, True),
        ({"Fn::And": [YES, NO, YES]}, False),
        ({"Fn::Or": [NO, {"Condition": "No"}]}, False),
        ({"Fn::Or": [NO, YES]}, True),
        ({"Condition": "Yes"}, True),
        ({"Fn::Or": [{"Fn::And": [YES, {"Fn::Not": [NO]}]}, NO]}, True),
    ],
)
def test_conditions(condition: Any, result: bool) -> None:
    assert decided(condition) is result


UNKNOWN = {"Fn::Equals": [{"Ref": "Missing"}, "a"]}
WHY = unknown("Conditions.U.Fn::Equals[0].Ref: the template has no resource or parameter 'Missing'")


@pytest.mark.parametrize(
    ("condition", "result"),
    [
        ({"Condition": "U"}, WHY),
        ({"Fn::Not": [{"Condition": "U"}]}, WHY),
        ({"Fn::And": [{"Condition": "U"}, NO]}, False),
        ({"Fn::And": [{"Condition": "U"}, YES]}, WHY),
        ({"Fn::And": [YES, {"Condition": "U"}]}, WHY),
        ({"Fn::Or": [{"Condition": "U"}, YES]}, True),
        ({"Fn::Or": [NO, {"Condition": "U"}]}, WHY),
    ],
)
def test_an_unknown_operand_counts_only_where_it_decides(condition: Any, result: Any) -> None:
    conditions = {"C": condition, "U": UNKNOWN}
    assert stack_of({"Conditions": conditions}, strict=False).conditions["C"] == result


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ({"Condition": "Absent"}, "Conditions.C: the template has no condition 'Absent'."),
        ("text", "Conditions.C: this is no condition function with the arguments it takes."),
        (True, "Conditions.C: this is no condition function with the arguments it takes."),
        ({"Fn::Not": [YES, NO]}, "Conditions.C: this is no condition function with the arguments it takes."),
        ({"Fn::And": [YES]}, "Conditions.C: this is no condition function with the arguments it takes."),
        ({"Fn::Equals": ["a"]}, "Conditions.C: this is no condition function with the arguments it takes."),
        ({"Fn::Contains": [["a"], "a"]}, "Conditions.C: this is no condition function with the arguments it takes."),
        (
            {"Fn::Or": [NO, {"x": 1}]},
            "Conditions.C.Fn::Or[1]: this is no condition function with the arguments it takes.",
        ),
        (
            {"Fn::Equals": [{"Ref": "Any"}, "a"]},
            "Conditions.C.Fn::Equals[0].Ref: the template has no resource or parameter 'Any'.",
        ),
        (
            {"Fn::Equals": [{"Ref": "AWS::NoValue"}, "a"]},
            "Conditions.C.Fn::Equals: a value is missing.",
        ),
    ],
)
def test_wrong_conditions(condition: Any, problem: str) -> None:
    with pytest.raises(ResolveError) as caught:
        decided(condition)
    assert caught.value.message == problem
    assert decided(condition, strict=False) == unknown(problem.removesuffix("."))


def test_conditions_in_a_circle_are_refused() -> None:
    conditions = {"A": {"Condition": "B"}, "B": {"Fn::Not": [{"Condition": "A"}]}}
    with pytest.raises(ResolveError, match="conditions refer to each other: "):
        stack_of({"Conditions": conditions})
    assert set(stack_of({"Conditions": conditions}, strict=False).conditions) == {"A", "B"}


def test_a_condition_may_stand_before_what_it_refers_to() -> None:
    conditions = {"First": {"Fn::Not": [{"Condition": "Second"}]}, "Second": YES}
    assert stack_of({"Conditions": conditions}).conditions == {"First": False, "Second": True}


@given(st.lists(st.booleans(), min_size=2, max_size=10))
def test_and_or_not_are_those_of_logic(operands: list[bool]) -> None:
    """For all operands And and Or are all() and any(), and De Morgan's law holds."""
    written = [YES if operand else NO for operand in operands]
    assert decided({"Fn::And": written}) is all(operands)
    assert decided({"Fn::Or": written}) is any(operands)
    assert decided({"Fn::Not": [{"Fn::Or": [{"Fn::Not": [each]} for each in written]}]}) is all(operands)


def rule(asserted: Any, condition: Any = None, description: str = "says why") -> dict[str, Any]:
    applies = {} if condition is None else {"RuleCondition": condition}
    return {"Rules": {"Network": {**applies, "Assertions": [{"Assert": asserted, "AssertDescription": description}]}}}


@pytest.mark.parametrize(
    "asserted",
    [
        YES,
        {"Fn::Contains": [["a", "b"], {"Ref": "Mode"}]},
        {"Fn::Contains": [{"Ref": "Subnets"}, "subnet-1"]},
        {"Fn::EachMemberIn": [{"Ref": "Subnets"}, ["subnet-1", "subnet-2", "subnet-3"]]},
        {"Fn::Not": [{"Fn::EachMemberEquals": [{"Ref": "Subnets"}, "subnet-1"]}]},
        {"Fn::And": [{"Fn::Equals": [{"Ref": "Size"}, "5"]}, {"Fn::Or": [NO, YES]}]},
        {"Fn::Equals": [{"Fn::ValueOf": ["Vpc", "Tags.Name"]}, "a"]},
        {
            "Fn::EachMemberIn": [
                {"Fn::ValueOfAll": ["AWS::EC2::Subnet::Id", "VpcId"]},
                {"Fn::RefAll": "AWS::EC2::VPC::Id"},
            ]
        },
    ],
)
def test_rules_that_hold_or_are_left_to_the_account(asserted: Any) -> None:
    assert list(stack_of(rule(asserted), Subnets="subnet-1,subnet-2").resources) == ["Any"]


@pytest.mark.parametrize(
    ("asserted", "message"),
    [
        (NO, "Rule Network: says why ()"),
        ({"Fn::Contains": [["b"], {"Ref": "Mode"}]}, "Rule Network: says why (Mode is 'a')"),
        (
            {"Fn::EachMemberIn": [{"Ref": "Subnets"}, ["subnet-1"]]},
            "Rule Network: says why (Subnets is 'subnet-1,subnet-2')",
        ),
        (
            {"Fn::EachMemberEquals": [{"Ref": "Subnets"}, "subnet-1"]},
            "Rule Network: says why (Subnets is 'subnet-1,subnet-2')",
        ),
        ({"Fn::Equals": [{"Ref": "Secret"}, ""]}, "Rule Network: says why (Secret is ****)"),
        (
            {
                "Fn::And": [
                    {"Fn::Equals": [{"Ref": "Mode"}, "b"]},
                    {"Fn::Equals": [{"Fn::ValueOf": ["Vpc", "Tags.A"]}, ""]},
                ]
            },
            "Rule Network: says why (Mode is 'a')",
        ),
    ],
)
def test_a_violated_rule_is_refused_with_what_it_says(asserted: Any, message: str) -> None:
    with pytest.raises(ParameterError) as caught:
        stack_of(rule(asserted), Subnets="subnet-1,subnet-2")
    assert caught.value.message == message


def test_a_rule_is_asked_only_when_it_applies() -> None:
    ephemeral = {"Fn::Equals": [{"Ref": "Mode"}, "ephemeral"]}
    assert list(stack_of(rule(NO, ephemeral)).resources) == ["Any"]
    with pytest.raises(ParameterError, match=r"^Rule Network: says why \(Mode is 'ephemeral'\)$"):
        stack_of(rule(NO, ephemeral), Mode="ephemeral")


def test_every_violated_rule_is_told() -> None:
    rules = {name: {"Assertions": [{"Assert": NO, "AssertDescription": name.lower()}]} for name in ("One", "Two")}
    with pytest.raises(ParameterError) as caught:
        stack_of({"Rules": rules})
    assert caught.value.message == "Rule One: one ()\nRule Two: two ()"


def test_a_violated_rule_is_noted_when_not_strict() -> None:
    assert stack_of(rule(NO), strict=False).unresolved == {"Rules.Network": "Rule Network: says why ()"}


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ({"R": []}, "Rules.R: a rule is a mapping with a list of Assertions."),
        ({"R": {}}, "Rules.R: a rule is a mapping with a list of Assertions."),
        ({"R": {"Assertions": [{}]}}, "Rules.R.Assertions[0]: an assertion is a mapping with Assert."),
        (
            {"R": {"Assertions": [{"Assert": {"Condition": "C"}}]}},
            "Rules.R.Assertions[0].Assert: this is no condition function with the arguments it takes.",
        ),
        (
            {"R": {"Assertions": [{"Assert": {"Fn::Contains": ["a"]}}]}},
            "Rules.R.Assertions[0].Assert.Fn::Contains: this function takes a list of two.",
        ),
        (
            {"R": {"Assertions": [{"Assert": {"Fn::Contains": ["a", "a"]}}]}},
            "Rules.R.Assertions[0].Assert.Fn::Contains: a list is needed.",
        ),
        (
            {"R": {"Assertions": [{"Assert": {"Fn::Equals": [{"Fn::Join": ["", []]}, ""]}}]}},
            "Rules.R.Assertions[0].Assert.Fn::Equals[0]: Fn::Join cannot be used in Rules.",
        ),
        (
            {"R": {"RuleCondition": {"Fn::Equals": [{"Ref": "Any"}, ""]}, "Assertions": [{"Assert": YES}]}},
            "Rules.R.RuleCondition.Fn::Equals[0].Ref: the template has no resource or parameter 'Any'.",
        ),
    ],
)
def test_wrong_rules(section: Any, problem: str) -> None:
    with pytest.raises(ResolveError) as caught:
        stack_of({"Rules": section})
    assert caught.value.message == problem
    assert list(stack_of({"Rules": section}, strict=False).resources) == ["Any"]


def test_problems_carry_the_line_and_a_command() -> None:
    template = parse_template("Conditions:\n  A: !Not [!Condition B]\nResources: {R: {Type: T}}", "t.yaml")
    with pytest.raises(ResolveError) as caught:
        resolve(template, {}, region="eu-central-1")
    assert caught.value.message == "t.yaml:2: Conditions.A.Fn::Not[0]: the template has no condition 'B'."
    assert caught.value.next_command == "sed -n '1,4p' t.yaml"
