"""The zones that the stack would be in, and whether they have what is put there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from hipaa_pipeline.findings import Finding
from hipaa_pipeline.preflight import operations as aws
from hipaa_pipeline.preflight.facts import Operation
from hipaa_pipeline.preflight.subject import WARNING
from hipaa_pipeline.preflight.zones import get_azs
from recorded import (
    REGION,
    SUBNETS,
    VPC,
    Recorded,
    ask,
    denied,
    deployed,
    endpoint_service,
    orderable,
    our_stack,
    subject_of,
    subnet,
    troubles,
    zone,
)

SLUG = "availability_zones"
ENDPOINTS = {"CreateVpcEndpoints": "true"}
MULTI_AZ = {"DatabaseMultiAz": "true"}
IN_VPC = {"ExistingVpcId": VPC, "ExistingPrivateSubnetIds": ",".join(SUBNETS)}


def defaults(letters: str) -> Any:
    """DescribeSubnets of an account with default subnets in these zones, and the subnets of the VPC handed in."""
    default = [subnet(f"subnet-default-{letter}", letter, "vpc-default", DefaultForAz=True) for letter in letters]
    given = [subnet(SUBNETS[0], "b"), subnet(SUBNETS[1], "c")]
    return lambda arguments: default if arguments.get("Filters") else given


def offered(letters: str) -> list[dict[str, Any]]:
    """What RDS offers, in these zones."""
    return [orderable(AvailabilityZones=[{"Name": f"{REGION}{letter}"} for letter in letters])]


def without(service: str, letters: str = "") -> Any:
    """DescribeVpcEndpointServices, with one service in these zones only; without any, the service is not there."""

    def answer(arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
        names = arguments["Filters"][0]["Values"]
        found = [endpoint_service(name, letters if name.endswith(f".{service}") else "abc") for name in names]
        return [each for each in found if each["AvailabilityZones"]]

    return answer


@pytest.mark.parametrize(
    ("zones", "subnets", "expected"),
    [
        ("abc", "", "abc"),
        ("cab", "", "abc"),
        ("abc", "abc", "abc"),
        ("abc", "cb", "bc"),
        ("abc", "c", "c"),
        ("abc", "d", "abc"),
        ("", "", ""),
    ],
)
def test_get_azs(zones: str, subnets: str, expected: str) -> None:
    chosen = get_azs([zone(letter) for letter in zones], defaults(subnets)({"Filters": True}))
    assert chosen == tuple(f"{REGION}{letter}" for letter in expected)


def test_a_subnet_that_is_no_default_does_not_count() -> None:
    assert get_azs([zone("a"), zone("b")], [subnet("subnet-1", "b")]) == (f"{REGION}a", f"{REGION}b")


@pytest.mark.parametrize(
    ("parameters", "changes", "expected"),
    [
        ({}, {}, []),
        ({**ENDPOINTS, **MULTI_AZ}, {}, []),
        # zones b and c are chosen where only these have default subnets
        ({**MULTI_AZ}, {aws.DESCRIBE_SUBNETS: defaults("bc"), aws.DESCRIBE_ORDERABLE_OPTIONS: offered("bc")}, []),
        (
            {**MULTI_AZ},
            {aws.DESCRIBE_SUBNETS: defaults("bc"), aws.DESCRIBE_ORDERABLE_OPTIONS: offered("ab")},
            [("Database", "database_zones", "fail")],
        ),
        ({**MULTI_AZ}, {aws.DESCRIBE_ORDERABLE_OPTIONS: offered("a")}, [("Database", "database_zones", "fail")]),
        ({"DatabaseMultiAz": "false"}, {aws.DESCRIBE_ORDERABLE_OPTIONS: offered("bc")}, []),
        (
            {"DatabaseMultiAz": "false"},
            {aws.DESCRIBE_ORDERABLE_OPTIONS: offered("c")},
            [("Database", "database_zones", "fail")],
        ),
        ({}, {aws.DESCRIBE_ORDERABLE_OPTIONS: offered("")}, [("Database", "database_zones", "unknown")]),
        ({}, {aws.DESCRIBE_ORDERABLE_OPTIONS: []}, []),  # that is the other check's
        (ENDPOINTS, {aws.DESCRIBE_ENDPOINT_SERVICES: without("kms", "ab")}, []),
        (
            ENDPOINTS,
            {aws.DESCRIBE_ENDPOINT_SERVICES: without("kms", "bc")},
            [("KmsEndpoint", "endpoint_zones", "fail")],
        ),
        (
            ENDPOINTS,
            {aws.DESCRIBE_ENDPOINT_SERVICES: without("kinesis-streams")},
            [("KinesisEndpoint", "endpoint_service", "fail")],
        ),
        ({"CreateVpcEndpoints": "false"}, {aws.DESCRIBE_ENDPOINT_SERVICES: []}, []),
        ({}, {aws.DESCRIBE_SUBNETS: defaults("b")}, [
            ("PrivateSubnetB", "zone", "fail"), ("Database", "database_zones", "unknown"),
            *((f"{name}Endpoint", "endpoint_zones", "unknown") for name in (
                "Kinesis", "Kms", "Logs", "Monitoring", "SecretsManager", "Sts",
            )),
        ]),
        (
            {},
            {aws.DESCRIBE_AVAILABILITY_ZONES: [zone("a"), zone("b", "unavailable"), zone("c")]},
            [("PrivateSubnetB", "zone", "fail")],
        ),
        ({}, {aws.DESCRIBE_AVAILABILITY_ZONES: [zone("a"), zone("b"), zone("c", "unavailable")]}, []),
        # a VPC handed in has its subnets in b and c
        ({**IN_VPC, **MULTI_AZ}, {aws.DESCRIBE_ORDERABLE_OPTIONS: offered("bc")}, []),
        ({**IN_VPC, **MULTI_AZ}, {aws.DESCRIBE_ORDERABLE_OPTIONS: offered("ab")}, [
            ("Database", "database_zones", "fail"),
        ]),
        ({**IN_VPC, **ENDPOINTS}, {aws.DESCRIBE_ENDPOINT_SERVICES: without("sts", "ab")}, [
            ("StsEndpoint", "endpoint_zones", "fail"),
        ]),
    ],
)  # fmt: skip
def test_what_the_zones_have(
    parameters: dict[str, str], changes: dict[Operation, Any], expected: list[tuple[str, str, str]]
) -> None:
    account = Recorded({aws.DESCRIBE_SUBNETS: defaults("abc"), **changes})
    found = ask(SLUG, account, our_stack(**parameters))
    assert [(each.resource, *trouble) for each in found for trouble in troubles([each])] == expected
    assert all(each.remedy for each in found if str(each.status) == "fail")


def test_a_zone_that_is_constrained_is_a_warning() -> None:
    zones = [zone("a"), zone("b", "constrained"), zone("c")]
    found = ask(SLUG, Recorded({aws.DESCRIBE_AVAILABILITY_ZONES: zones}), our_stack())
    assert [(each.resource, each.reason) for each in found if each.severity == WARNING] == [
        ("PrivateSubnetB", f"{REGION}b is constrained: AWS may refuse new resources there")
    ]
    assert troubles(found) == []


def test_what_is_told_of_a_zone_that_lacks_the_class() -> None:
    found = ask(SLUG, Recorded({aws.DESCRIBE_ORDERABLE_OPTIONS: offered("ac")}), our_stack(**MULTI_AZ))
    (finding,) = (each for each in found if each.rule == "database_zones")
    assert finding.expected == f"postgres 17.11 on db.t4g.medium in 2 of {REGION}a, {REGION}b"
    assert finding.actual == f"{REGION}a, {REGION}c"
    assert finding.remedy == (
        "choose another class, or hand in a VPC with subnets in other zones (ExistingVpcId, ExistingPrivateSubnetIds)"
    )


def there(**parameters: str) -> Recorded:
    """An account in which the stack is deployed, with its subnets in the zones b and c."""
    account = deployed(our_stack(**parameters))
    subnets = [subnet("x-PrivateSubnetA", "b"), subnet("x-PrivateSubnetB", "c")]
    account.answers[aws.DESCRIBE_SUBNETS] = lambda arguments: [] if arguments.get("Filters") else subnets
    return account


@pytest.mark.parametrize(
    ("before", "after", "answers", "expected"),
    [
        ({}, {}, {aws.DESCRIBE_ORDERABLE_OPTIONS: offered("a")}, ["not-applicable"]),
        ({}, {}, {aws.DESCRIBE_AVAILABILITY_ZONES: denied(aws.DESCRIBE_AVAILABILITY_ZONES)}, ["not-applicable"]),
        ({"DatabaseMultiAz": "false"}, MULTI_AZ, {aws.DESCRIBE_ORDERABLE_OPTIONS: offered("bc")}, ["pass"]),
        ({"DatabaseMultiAz": "false"}, MULTI_AZ, {aws.DESCRIBE_ORDERABLE_OPTIONS: offered("ab")}, ["fail"]),
        ({"CreateVpcEndpoints": "false"}, ENDPOINTS, {aws.DESCRIBE_ENDPOINT_SERVICES: without("kms", "ab")},
            ["pass", "fail", "pass", "pass", "pass", "pass"]),
    ],
)  # fmt: skip
def test_a_stack_that_is_there_keeps_its_zones(
    before: dict[str, str], after: dict[str, str], answers: dict[Operation, Any], expected: list[str]
) -> None:
    account = there(**before)
    account.answers |= answers
    assert [str(each.status) for each in ask(SLUG, account, our_stack(**{**before, **after}))] == expected


@pytest.mark.parametrize(
    ("operation", "rules"),
    [
        (aws.DESCRIBE_AVAILABILITY_ZONES, {SLUG}),
        (aws.DESCRIBE_SUBNETS, {SLUG}),
        (aws.DESCRIBE_ORDERABLE_OPTIONS, {SLUG}),
        (aws.DESCRIBE_STACKS, {SLUG}),
        (aws.DESCRIBE_ENDPOINT_SERVICES, {"endpoint_zones"}),
    ],
)
def test_a_denied_read_is_unknown(operation: Operation, rules: set[str]) -> None:
    result = Recorded({operation: denied(operation)}).preflight(subject_of(our_stack(**ENDPOINTS)))
    unknown: list[Finding] = [each for each in result.findings if each.control == SLUG and troubles([each])]
    assert {each.rule for each in unknown} == rules
    assert {(str(each.status), each.reason) for each in unknown} == {("unknown", f"{operation.action} is denied")}
