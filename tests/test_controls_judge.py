"""Every answer has its place and its reason; unknown is never a pass; nothing raises, whatever a template holds."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controls_stacks import FOREIGN_ACCOUNT, environment, production, stack_of
from hipaa_pipeline.asked import ASKED, serving
from hipaa_pipeline.controls import CHECKS, HIPAA, Check, Kind, Nature, Severity, judge
from hipaa_pipeline.controls.check import ANY, STACK
from hipaa_pipeline.controls.hipaa import SECTIONS
from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.stack import Resource, Stack, is_reference, protected, unknown

TYPES = sorted({type_ for check in CHECKS for type_ in check.types} - {ANY, STACK})


def answers(stack: Stack, slug: str) -> list[Finding]:
    """The findings of one check."""
    return judge(stack, checks=[check for check in CHECKS if check.slug == slug])


def test_slugs_are_unique_and_read_like_names() -> None:
    slugs = [check.slug for check in CHECKS]
    assert len(slugs) == len(set(slugs))
    assert all(slug == slug.lower() and slug.replace("_", "").isalnum() for slug in slugs)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.slug)
def test_a_check_says_what_and_what_to_do(check: Check) -> None:
    assert check.title
    assert check.title[0].isupper()
    assert check.title[-1] != "."
    assert check.remedy.endswith(".")
    assert check.types
    assert isinstance(check.severity, Severity)
    assert len(check.citations) == len(set(check.citations))


def test_every_citation_is_a_paragraph_that_applies() -> None:
    """Clearinghouse isolation and group health plans are never claimed, though published packs cite them."""
    cited = {citation for check in CHECKS for citation in check.citations}
    applicable = {paragraph.citation for paragraph in HIPAA if paragraph.nature is not Nature.CONDITIONAL}
    assert cited <= applicable
    conditional = [paragraph for paragraph in HIPAA if paragraph.nature is Nature.CONDITIONAL]
    assert [paragraph.citation for paragraph in conditional] == [
        "164.308(a)(4)(ii)(A)",
        "164.314(b)(1)",
        "164.314(b)(2)",
    ]


def test_every_technical_paragraph_has_a_question_and_no_other_one_has() -> None:
    uncovered = [p.citation for p in HIPAA if p.nature in (Nature.TECHNICAL, Nature.MIXED) and not serving(p)]
    claimed = [p.citation for p in HIPAA if p.nature not in (Nature.TECHNICAL, Nature.MIXED) and serving(p)]
    assert uncovered == []
    assert claimed == []


def test_the_paragraphs_are_those_of_the_rule() -> None:
    """Counted in the regulation: 164.308 to 164.316 with their implementation specifications."""
    kinds = [paragraph.kind for paragraph in HIPAA]
    assert len({paragraph.citation for paragraph in HIPAA}) == len(HIPAA)
    assert {kind: kinds.count(kind) for kind in Kind} == {Kind.STANDARD: 22, Kind.REQUIRED: 21, Kind.ADDRESSABLE: 22}
    assert list(dict.fromkeys(paragraph.section for paragraph in HIPAA)) == list(SECTIONS)
    assert all(paragraph.duty and paragraph.meaning.endswith(".") for paragraph in HIPAA)


def test_what_serves_a_paragraph() -> None:
    [audit] = [paragraph for paragraph in HIPAA if paragraph.citation == "164.312(a)(2)(iii)"]
    assert [one.slug for one in serving(audit)] == ["postgresql_idle_session_ends", "postgresql_idle_transaction_ends"]


@pytest.mark.parametrize(
    ("slug", "citation"),
    [
        ("vpc_flow_log", "164.312(c)(2)"),
        ("flow_log_all_traffic", "164.312(c)(2)"),
        ("rds_minor_upgrades", "164.308(a)(5)(ii)(A)"),
        ("cloudwatch_alarm_drill", "164.308(a)(7)(ii)(D)"),
    ],
)
def test_what_published_packs_cite_and_does_not_hold(slug: str, citation: str) -> None:
    [paragraph] = [paragraph for paragraph in HIPAA if paragraph.citation == citation]
    assert slug in {one.slug for one in ASKED}
    assert slug not in {one.slug for one in serving(paragraph)}


def test_premises_and_media_are_shared_and_never_left_to_aws_alone() -> None:
    duties = {p.citation: p.duty for p in HIPAA if p.citation.startswith(("164.310(a)", "164.310(d)"))}
    assert len(duties) == 10
    assert [citation for citation, duty in duties.items() if not duty.startswith("Shared: AWS ")] == []
    assert [citation for citation, duty in duties.items() if "your organisation for its own" not in duty] == []


def test_only_what_keeps_data_available_or_money_may_be_waived() -> None:
    assert [check.slug for check in CHECKS if check.waivable] == [
        "rds_multi_az",
        "rds_deletion_protection",
        "rds_in_backup_plan",
        "ephemeral_is_cheap",
    ]


def test_a_check_without_a_resource_of_its_types_answers_once() -> None:
    [finding] = answers(stack_of({}), "kinesis_encrypted")
    assert finding.status is Status.NOT_APPLICABLE
    assert finding.reason == "the stack has no AWS::Kinesis::Stream"


def test_an_answer_has_everything() -> None:
    [finding] = answers(stack_of({"Stream": {"Type": "AWS::Kinesis::Stream"}}), "kinesis_encrypted")
    assert finding.as_dict() == {
        "control": "kinesis_encrypted",
        "rule": "kinesis_encrypted",
        "status": "fail",
        "resource": "Stream",
        "property": "StreamEncryption.EncryptionType",
        "expected": "KMS",
        "actual": "not set",
        "citation": "164.312(a)(2)(iv), 164.312(e)(2)(ii)",
        "remedy": "Set StreamEncryption.EncryptionType to KMS; removing StreamEncryption in an update turns it off.",
        "reason": "",
        "severity": "critical",
        "line": None,
    }


def test_every_bad_answer_about_an_empty_resource_says_what_was_expected() -> None:
    stack = stack_of({type_.replace("::", ""): {"Type": type_} for type_ in TYPES})
    bad = [finding for finding in judge(stack) if finding.status is Status.FAIL]
    assert len({finding.control for finding in bad}) > 50
    assert [f for f in bad if f.expected in (None, "") or f.actual in (None, "")] == []


def test_each_check_answers_for_each_resource_of_its_types() -> None:
    stack = production()
    for check in CHECKS:
        subjects = {r.logical_id for r in stack.resources.values() if r.type in check.types}
        if subjects:
            assert subjects <= {finding.resource for finding in judge(stack, checks=[check])}, check.slug


def test_answers_come_in_the_order_of_the_checks() -> None:
    order = {check.slug: index for index, check in enumerate(CHECKS)}
    places = [order[finding.control] for finding in judge(production())]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, True),
        ({"DeletionProtection": "true"}, True),
        ({"DeletionProtection": "False"}, False),
        ({"DeletionProtection": False}, False),
        ({"DeletionProtection": ""}, True),
    ],
)
def test_protection_follows_from_the_parameter(parameters: dict[str, Any], expected: bool) -> None:
    group = {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 90}}
    [finding] = answers(stack_of({"Group": group}, **parameters), "log_group_retention")
    assert finding.status is (Status.FAIL if expected else Status.NOT_APPLICABLE)
    assert protected(parameters) is expected


DENIED = unknown("AccessDenied")


def _blinded(value: Any, depth: int) -> Any:
    """A value in which everything `depth` steps down is unknown."""
    if depth == 0:
        return DENIED
    if isinstance(value, dict) and not is_reference(value):
        return {name: _blinded(item, depth - 1) for name, item in value.items()}
    return [_blinded(item, depth - 1) for item in value] if isinstance(value, list) else DENIED


def _without(stack: Stack, logical_id: str, depth: int) -> Stack:
    """The stack with the values of one resource unknown, from a depth on."""
    known = stack.resources[logical_id]
    attributes = dict.fromkeys(known.attributes, DENIED)
    blind = Resource(logical_id, known.type, _blinded(known.properties, depth), attributes)
    return dataclasses.replace(stack, resources={**stack.resources, logical_id: blind})


# Answers about a resource that its own properties do not decide, or that an unknown value cannot make bad.
_DECIDED_ELSEWHERE = {
    "no_secret_in_property",  # a value that is not in the template is no literal of it
    "vpc_flow_log",  # the flow log refers to the VPC
    "vpc_endpoints_complete",  # and so do endpoints
    "rds_in_backup_plan",  # the selection refers to the database
}
# Answers that only ask whether there is something, or whether a name is there.
_PRESENCE = {
    "alarm_actions",
    "alarm_insufficient_data_actions",
    "lambda_in_vpc",
    "postgresql_no_leaking_settings",
    "resource_tagged",
    "s3_access_logged",
    "security_group_egress_named",
    "security_group_egress_not_open",
}


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("logical_id", sorted(production().resources))
def test_what_is_unknown_never_passes(logical_id: str, depth: int) -> None:
    findings = judge(_without(production(), logical_id, depth))
    passed = {f.control for f in findings if f.resource == logical_id and f.status is Status.PASS}
    absent = {
        check.slug
        for check in CHECKS
        if any(
            f.control == check.slug and f.resource == logical_id and _unset(production(), logical_id, f.property)
            for f in findings
        )
    }
    present = _PRESENCE if depth > 1 else set()
    assert passed - _DECIDED_ELSEWHERE - present - absent == set()


def _unset(stack: Stack, logical_id: str, path: str) -> bool:
    """Whether a property was absent from the start: its default is known."""
    resource = stack.resources[logical_id]
    if path.startswith("Parameters."):  # the settings of a parameter group have dots in their names
        return path.removeprefix("Parameters.") not in resource.properties.get("Parameters", {})
    return path.split(".")[0].split("[")[0] not in {*resource.properties, *resource.attributes}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["*", "Allow", "arn:aws:iam::1:x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Statement", "Effect", "Action", "Resource", "Principal", "Condition", "Ref", "Fn::GetAtt", "Fn::Sub",
                 "Unknown", "AWS", "Service", "StringEquals", "Key", "Value", "Name", "PolicyDocument", "0"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)  # fmt: skip


def _properties_of(type_: str) -> list[str]:
    """The top-level properties that a good resource of a type has."""
    return sorted({name for r in production().resources.values() if r.type == type_ for name in r.properties})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_judging_never_raises(data: st.DataObject) -> None:
    """One resource of a random type in the `prod` stack gets random values for its properties."""
    stack = production()
    type_ = data.draw(st.sampled_from(TYPES))
    names = _properties_of(type_) or ["PolicyDocument", "Policies", "AccessPolicy", "Parameters"]
    properties = data.draw(st.dictionaries(st.sampled_from(names), JSON, max_size=6))
    resource = Resource("Fuzzed", type_, properties, {"DependsOn": properties, "UpdateReplacePolicy": properties})
    findings = judge(dataclasses.replace(stack, resources={**stack.resources, "Fuzzed": resource}))
    assert {finding.control for finding in findings} == {check.slug for check in CHECKS}


@pytest.mark.parametrize("properties", [["a"], "text", 5, None, unknown("a macro")])
def test_properties_that_are_no_mapping_are_unknown(properties: Any) -> None:
    resource = Resource("Stream", "AWS::Kinesis::Stream", properties)
    findings = judge(dataclasses.replace(stack_of({}), resources={"Stream": resource}))
    assert {f.status for f in findings if f.resource == "Stream"} == {Status.UNKNOWN}


def test_judging_changes_nothing() -> None:
    stack = environment("prod")
    before = copy.deepcopy(stack.as_dict())
    judge(stack)
    assert stack.as_dict() == before


def test_the_same_stack_gets_the_same_answers() -> None:
    assert judge(production()) == judge(production())


def test_a_stack_with_a_foreign_account_in_a_parameter_is_judged_by_its_own() -> None:
    """What is foreign depends on the account the stack is resolved for."""
    statement = {"Effect": "Allow", "Principal": {"AWS": FOREIGN_ACCOUNT}, "Action": "kms:Decrypt", "Resource": "*"}
    resources = {"Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Statement": [statement]}}}}
    here = stack_of(resources)
    there = dataclasses.replace(here, account_id=FOREIGN_ACCOUNT)
    statuses = [answers(stack, "resource_policy_own_account")[0].status for stack in (here, there)]
    assert statuses == [Status.FAIL, Status.PASS]
