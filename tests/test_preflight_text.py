"""The screen: what is blocked first, good things in one line each, everything within its width."""

from __future__ import annotations

import dataclasses

from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.preflight import operations as aws
from hipaa_pipeline.preflight.result import Cost
from hipaa_pipeline.preflight.text import lines, troubles
from recorded import HEALTHY, REGION, SUBNETS, VPC, Recorded, denied, our_stack, route_table, subject_of, subnet, vpc


def test_the_whole_screen_of_the_founding_failure() -> None:
    """Five of five VPCs, a thousand of a thousand roles: what the first attempt would have been shown."""
    summary = HEALTHY[aws.GET_ACCOUNT_SUMMARY]["SummaryMap"]
    account = Recorded(
        {
            aws.DESCRIBE_VPCS: [vpc(VPC), *(vpc(f"vpc-{number}") for number in range(4))],
            aws.DESCRIBE_SUBNETS: [subnet(SUBNETS[0], "a"), subnet(SUBNETS[1], "b")],
            aws.DESCRIBE_ROUTE_TABLES: [route_table()],
            aws.GET_ACCOUNT_SUMMARY: {"SummaryMap": {**summary, "Roles": 1000}},
        }
    )
    shown = lines(account.preflight(subject_of(our_stack())), width=110)
    assert shown[:6] == [
        "Preflight of hipaa-pipeline-test (does not exist yet) in account 111122223333, ap-southeast-1",
        "",
        "         QUOTA             NEEDS     USED      LIMIT       LEFT  SOURCE",
        "BLOCKED  VPCs per Region       1        5          5         -1  ec2:DescribeVpcs, Service Quotas",
        "BLOCKED  IAM roles             4    1,000      1,000         -4  iam:GetAccountSummary",
        "ok       26 quotas; least room: Flow logs per VPC 1 of 2 left, Managed policies per role 6 of 10 left,",
    ]
    assert shown[-1] == "Blocked: it would fail. 2 blocked, 0 unknown, " + shown[-1].split(", ", 2)[2]
    assert "WAYS OUT" in shown
    assert len(shown) < 45


def test_everything_shows_every_row() -> None:
    result = Recorded().preflight(subject_of(our_stack()))
    shown = lines(result, everything=True)
    assert sum(row.quota.name in line for row in result.rows for line in shown) >= len(result.rows)


def test_a_missing_number_is_a_question_mark_with_its_reason() -> None:
    result = Recorded({aws.LIST_TOPICS: denied(aws.LIST_TOPICS)}).preflight(subject_of(our_stack()))
    shown = lines(result)
    assert shown[3].split() == [
        "UNKNOWN",
        "SNS",
        "topics",
        "1",
        "?",
        "100,000",
        "?",
        "sns:ListTopics,",
        "Service",
        "Quotas",
    ]
    assert shown[4].strip() == "sns:ListTopics is denied"
    assert "Unknown: it may fail." in shown[-1]


def test_a_healthy_account_fits_on_a_small_screen() -> None:
    shown = lines(Recorded().preflight(subject_of(our_stack())))
    assert len(shown) <= 24
    assert shown[-1].startswith("Nothing stands in the way.")


def test_what_is_skipped_is_seen() -> None:
    shown = lines(Recorded().preflight(subject_of(our_stack()), ("names_free", "quota_headroom")))
    assert [line.split()[:2] for line in shown if line.startswith("skipped")] == [
        ["skipped", "names_free"],
        ["skipped", "quota_headroom"],
    ]


def test_one_denied_read_is_told_once_however_many_answers_it_takes_away() -> None:
    account = Recorded(
        {
            aws.LIST_SERVICE_QUOTAS: denied(aws.LIST_SERVICE_QUOTAS),
            aws.SIMULATE_PRINCIPAL_POLICY: denied(aws.SIMULATE_PRINCIPAL_POLICY),
        }
    )
    result = account.preflight(subject_of(our_stack()))
    shown = lines(result)
    for reason in ("servicequotas:ListServiceQuotas is denied", "iam:SimulatePrincipalPolicy is denied"):
        assert sum(reason in finding.reason for finding in result.findings) > 10
        assert sum(reason in line for line in shown) == 1
    assert len(shown) < 45


def test_lines_keep_to_their_width() -> None:
    account = Recorded({operation: denied(operation) for operation in aws.ALL})
    for width in (80, 120):
        assert [
            line for line in lines(account.preflight(subject_of(our_stack())), width=width) if len(line) > width
        ] == []


def test_calls_made_again_are_told() -> None:
    import dataclasses

    result = Recorded().preflight(subject_of(our_stack()))
    shown = lines(dataclasses.replace(result, cost=Cost(40, {"ec2:describe_vpcs": 2}, 0.94)))
    assert shown[-2].endswith("40 calls in 0.9 s; nothing was changed")
    assert shown[-1] == "AWS had to be asked again (throttling or a lost connection): ec2:describe_vpcs 2 times"


def test_the_existing_vpc_is_named_beside_its_quota() -> None:
    parameters = {"ExistingVpcId": VPC, "ExistingPrivateSubnetIds": ",".join(SUBNETS)}
    result = Recorded({aws.DESCRIBE_FLOW_LOGS: [{"ResourceId": VPC}] * 2}).preflight(
        subject_of(our_stack(**parameters))
    )
    assert any(f"Flow logs per VPC ({VPC})" in line for line in lines(result))
    assert result.region == REGION


def test_troubles_of_many_places_are_told_once() -> None:
    unread = Finding(control="quota_headroom", status=Status.UNKNOWN, reason="sns:ListTopics is denied")
    places = [f"{number:012} eu-central-1 topics" for number in range(1, 6)]
    found = [
        *(dataclasses.replace(unread, resource=place) for place in places),
        Finding(control="engine", status=Status.PASS, actual="16.4"),
        Finding(control="waived", status=Status.WAIVED, reason="skipped"),
        Finding(
            control="names_free",
            status=Status.FAIL,
            resource="000000000001 eu-central-1 AlarmTopic",
            expected="no other topic",
            actual="taken",
            remedy="choose another EnvironmentSuffix",
        ),
    ]

    assert troubles(found, width=1000) == [
        "BLOCKED  names_free            000000000001 eu-central-1 AlarmTopic: expected no other topic, found taken",
        "                               -> choose another EnvironmentSuffix",
        f"UNKNOWN  quota_headroom        {', '.join(places[:3])} and 2 more: sns:ListTopics is denied",
    ]


def test_without_troubles_there_is_nothing_to_tell() -> None:
    assert troubles([Finding(control="engine", status=Status.PASS)]) == []
