"""The matrix: what it tries, that its memory changes no answer, that it finds a safeguard somebody can switch off."""

from __future__ import annotations

import dataclasses
import itertools
import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from hipaa_pipeline import matrix
from hipaa_pipeline.configuration import load_environment
from hipaa_pipeline.controls import CHECKS, judge
from hipaa_pipeline.controls.check import STACK
from hipaa_pipeline.errors import UserError
from hipaa_pipeline.findings import Status
from hipaa_pipeline.matrix.acceptance import Acceptance
from hipaa_pipeline.matrix.memory import BAD, Facts, Memory
from hipaa_pipeline.matrix.space import Values, boundary_values, combinations, decisive_parameters, decisive_values
from hipaa_pipeline.matrix.tally import Example, Tally
from hipaa_pipeline.resolve import ParameterError, Resolver, compile_template
from hipaa_pipeline.source import parse_template
from hipaa_pipeline.template import template_text

REGION = "us-east-1"
SWITCHABLE = """\
Parameters:
  Encrypt: {Type: String, Default: "true", AllowedValues: ["true", "false"]}
  Mode: {Type: String, Default: PROVISIONED, AllowedValues: [PROVISIONED, ON_DEMAND]}
  DeletionProtection: {Type: String, Default: "true", AllowedValues: ["true", "false"]}
  Hours: {Type: Number, Default: 168, MinValue: 168, MaxValue: 8760}
Rules:
  ProtectedIsEncrypted:
    RuleCondition: !Equals [!Ref DeletionProtection, "true"]
    Assertions:
      - Assert: !Equals [!Ref Encrypt, "true"]
Conditions:
  IsEncrypted: !Equals [!Ref Encrypt, "true"]
  IsProvisioned: !Equals [!Ref Mode, PROVISIONED]
Resources:
  Key:
    Type: AWS::KMS::Key
    Properties: {EnableKeyRotation: true}
  Stream:
    Type: AWS::Kinesis::Stream
    Properties:
      RetentionPeriodHours: !Ref Hours
      ShardCount: !If [IsProvisioned, 1, !Ref AWS::NoValue]
      StreamEncryption: !If [IsEncrypted, {EncryptionType: KMS, KeyId: !Ref Key}, !Ref AWS::NoValue]
"""


@pytest.fixture(scope="module")
def pipeline() -> Resolver:
    return compile_template(parse_template(template_text()))


@pytest.fixture(scope="module")
def tried(pipeline: Resolver) -> list[Values]:
    return sets(pipeline)


def switchable() -> Resolver:
    return compile_template(parse_template(SWITCHABLE))


def sets(resolver: Resolver, bases: Sequence[Values] = ()) -> list[Values]:
    return list(combinations(resolver, REGION, bases, Acceptance(resolver, REGION).refuses))


def test_decisive_parameters_are_those_that_conditions_read_beside_those_that_only_rules_read() -> None:
    assert decisive_parameters(switchable()) == (["Encrypt", "Mode"], ["DeletionProtection"])


def test_every_combination_of_the_decisive_ones_is_tried_with_what_lets_it_through() -> None:
    tried = [(each["Encrypt"], each["Mode"], each["DeletionProtection"]) for each in sets(switchable())[:6]]
    assert tried == [
        ("true", "PROVISIONED", "true"),
        ("true", "ON_DEMAND", "true"),
        ("false", "PROVISIONED", "true"),  # refused by the rule
        ("false", "PROVISIONED", "false"),
        ("false", "ON_DEMAND", "true"),  # refused by the rule
        ("false", "ON_DEMAND", "false"),
    ]


def test_no_set_is_counted_twice(tried: list[Values]) -> None:
    assert len({tuple(sorted(values.items())) for values in tried}) == len(tried)


def test_each_parameter_is_tried_at_and_outside_its_bounds_on_each_start() -> None:
    base = {"Mode": "ON_DEMAND", "DeletionProtection": "false", "Hours": "200"}
    tried = sets(switchable(), [base])
    for mode, encrypt in itertools.product(("PROVISIONED", "ON_DEMAND"), ("true", "false")):
        hours = {each["Hours"] for each in tried if (each["Mode"], each["Encrypt"]) == (mode, encrypt)}
        assert {"167", "168", "8760", "8761", "200"} <= hours, (mode, encrypt)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("DeletionProtection", ["true", "false"]),
        ("LogRetentionDays", ["2192", "90", "3653"]),
        ("ExistingVpcId", ["", "vpc-0123456789abcdef0"]),
    ],
)
def test_what_a_decisive_parameter_is_tried_with(pipeline: Resolver, name: str, expected: list[str]) -> None:
    parameter = pipeline.parameters[name]
    assert decisive_values(parameter, parameter.default or "", REGION) == expected


def test_every_decisive_parameter_of_the_template_has_two_values_it_accepts(pipeline: Resolver) -> None:
    for name in itertools.chain(*decisive_parameters(pipeline)):
        parameter = pipeline.parameters[name]
        values = decisive_values(parameter, parameter.default or "", REGION)
        assert len(values) >= 2, name
        assert all(parameter.accepts(value) for value in values), name


def test_every_bounded_parameter_of_the_template_is_tried_with_a_value_it_refuses(pipeline: Resolver) -> None:
    for parameter in pipeline.parameters.values():
        assert not all(parameter.accepts(value) for value in boundary_values(parameter, REGION)), parameter.name


def test_the_counts_add_up() -> None:
    tally = matrix.judge_share(parse_template(SWITCHABLE), (REGION,), (), 1, 0)
    assert tally.tried == len(sets(switchable()))
    assert tally.refused >= 2  # a protected environment without encryption
    shares = [matrix.judge_share(parse_template(SWITCHABLE), (REGION,), (), 3, share) for share in range(3)]
    assert sum(shares, Tally()).summary == tally.summary


def finding(text: str, control: str) -> Any:
    outcome = matrix.run(parse_template(text, "t.yaml"), (REGION,), processes=1)
    return next(each for each in outcome.findings if each.control == control)


def test_a_safeguard_that_a_parameter_switches_off_is_found_with_an_example() -> None:
    found = finding(SWITCHABLE, "kinesis_encrypted")
    assert found.status is Status.FAIL
    assert (found.resource, found.property, found.line) == ("Stream", "StreamEncryption.EncryptionType", 23)
    assert "first in us-east-1 with Encrypt=false, DeletionProtection=false" in found.reason


def test_a_safeguard_that_the_template_does_not_let_go_holds_in_every_stack() -> None:
    refusing = SWITCHABLE.replace('AllowedValues: ["true", "false"]}\n  Mode', 'AllowedValues: ["true"]}\n  Mode')
    found = finding(refusing, "kinesis_encrypted")
    assert found.status is Status.PASS
    judged = matrix.run(parse_template(refusing), (REGION,), processes=1).tally.judged
    assert found.actual == f"holds in {judged} of {judged} stacks"


def test_two_processes_count_the_same_as_one() -> None:
    template = parse_template(SWITCHABLE)
    one, two = (matrix.run(template, (REGION,), processes=processes) for processes in (1, 2))
    assert one == two


@pytest.mark.parametrize("shares", [2, 3, 5, 8])
def test_the_example_is_the_first_whoever_found_it(shares: int) -> None:
    """The second Region's failures, of which a share may find one before another finds any of the first Region's."""
    template, regions = parse_template(SWITCHABLE), (REGION, "eu-central-1")
    tallies = [matrix.judge_share(template, regions, (), shares, share) for share in range(shares)]
    for order in (tallies, reversed(tallies)):
        assert sum(order, Tally()) == matrix.judge_share(template, regions, (), 1, 0)


def test_all_cores_are_counted_where_the_system_does_not_tell_which_are_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on macOS."""
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    template = parse_template(SWITCHABLE)
    assert matrix.run(template, (REGION,)) == matrix.run(template, (REGION,), processes=1)


def test_nothing_judged_is_no_pass() -> None:
    impossible = SWITCHABLE.replace('- Assert: !Equals [!Ref Encrypt, "true"]', '- Assert: !Equals ["a", "b"]').replace(
        'RuleCondition: !Equals [!Ref DeletionProtection, "true"]', 'RuleCondition: !Equals ["a", "a"]'
    )
    outcome = matrix.run(parse_template(impossible), (REGION,), processes=1)
    assert outcome.tally.judged == 0
    assert {each.status for each in outcome.findings} == {Status.FAIL, Status.UNKNOWN}


def test_too_many_combinations_are_refused_before_anything_is_tried() -> None:
    names = [f"P{index}" for index in range(21)]
    body = {
        "Parameters": {name: {"Type": "String", "Default": "a", "AllowedValues": ["a", "b"]} for name in names},
        "Conditions": {name: {"Fn::Equals": [{"Ref": name}, "a"]} for name in names},
        "Resources": {"Key": {"Type": "AWS::KMS::Key"}},
    }
    with pytest.raises(UserError, match="2,097,152 combinations"):
        sets(compile_template(body))


def sample(resolver: Resolver, tried: list[Values], number: int) -> list[Any]:
    chosen = random.Random(20261123).sample(tried, number)
    stacks = []
    for values in chosen:
        try:
            stacks.append(resolver.resolve(values, region=REGION))
        except ParameterError:
            continue
    return stacks


def test_memory_gives_the_answers_that_judging_anew_gives(pipeline: Resolver, tried: list[Values]) -> None:
    memory = Memory()
    stacks = sample(pipeline, tried, 400)
    assert len(stacks) > 20
    for stack in stacks:
        remembered = {check.slug: memory.bad(check, Facts(stack)) for check in CHECKS}
        judged: dict[str, set[Status]] = {check.slug: set() for check in CHECKS}
        for each in judge(stack):
            judged[each.control].add(each.status)
        assert remembered == {slug: BAD & statuses for slug, statuses in judged.items()}


def test_acceptance_answers_as_the_resolver_does(pipeline: Resolver, tried: list[Values]) -> None:
    acceptance = Acceptance(pipeline, REGION)
    for values in random.Random(1).sample(tried, 2000):
        try:
            pipeline.resolve(values, region=REGION)
            refused = False
        except ParameterError:
            refused = True
        assert acceptance.refuses(values) == refused, values


def test_memory_asks_a_check_again_only_when_what_it_looked_at_changed(pipeline: Resolver) -> None:
    values = load_environment("prod", Path(__file__).parents[1] / "parameters").parameters
    check = next(check for check in CHECKS if check.slug == "kinesis_customer_key")
    asked: list[str] = []

    def counting(resource: Any, stack: Any) -> Any:
        asked.append(resource.logical_id)
        return check.judge(resource, stack)

    counted = dataclasses.replace(check, judge=counting)
    memory = Memory()
    for changes in ({}, {"DatabaseStorageGiB": "200"}, {"StreamShards": "3"}, {"StreamShards": "3"}):
        memory.bad(counted, Facts(pipeline.resolve({**values, **changes}, region=REGION)))
    assert asked == ["RecordStream", "RecordStream"]  # first, and when the stream itself changed


def test_a_check_that_is_no_pure_function_is_noticed() -> None:
    answers = itertools.cycle([True, False])
    check = next(check for check in CHECKS if check.types != (STACK,) and check.slug == "kinesis_encrypted")

    def fickle(resource: Any, stack: Any) -> Any:
        _ = stack.parameters["DeletionProtection"] if next(answers) else stack.parameters["Encrypt"]
        return check.judge(resource, stack)

    memory = Memory()
    resolver = switchable()
    first = resolver.resolve({}, region=REGION)
    second = resolver.resolve({"DeletionProtection": "false"}, region=REGION)
    fickle_check = dataclasses.replace(check, judge=fickle)
    memory.bad(fickle_check, Facts(first))
    with pytest.raises(AssertionError, match="no pure function"):
        memory.bad(fickle_check, Facts(second))


def test_tallies_add_up_and_keep_the_first_example() -> None:
    first, second = Tally(refused=1), Tally()
    second.count(Example((0, 0), "us-east-1", {"A": "2"}), ["w"], [])
    second.count(Example((0, 1), "us-east-1", {"A": "1"}), [], ["x"])
    second.count(Example((0, 3), "us-east-1", {"A": "3"}), [], ["x"])
    first.count(Example((0, 2), "us-east-1", {"A": "4"}), [], ["x", "y"])
    first.count(Example((1, 0), "eu-central-1", {"A": "1"}), [], ["z"])
    second.count(Example((0, 5), "us-east-1", {"A": "5"}), [], ["z"])
    for total in (first + second, second + first):
        assert (total.tried, total.judged, total.failing, total.held_but_waivable) == (7, 6, 5, 1)
        assert total.failed == {"x": 3, "y": 1, "z": 2}
        assert total.examples == {
            "x": Example((0, 1), "us-east-1", {"A": "1"}),
            "y": Example((0, 2), "us-east-1", {"A": "4"}),
            "z": Example((0, 5), "us-east-1", {"A": "5"}),
        }
