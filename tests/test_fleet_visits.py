from __future__ import annotations

import dataclasses

import pytest

from hipaa_pipeline.aws.session import AwsError, Connection, ErrorKind, Session
from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.fleet import visits
from hipaa_pipeline.fleet.plan import Row
from hipaa_pipeline.fleet.simulation import SimulatedClock, simulated_fleet
from hipaa_pipeline.fleet.state import Instance, Standing
from hipaa_pipeline.fleet.visits import Visit
from hipaa_pipeline.fleet.wanted import Target
from hipaa_pipeline.stack import Stack


class Denied(Session):
    """An account whose role may not be taken."""

    def __init__(self) -> None:
        super().__init__(Connection("ap-southeast-1"))
        self.asked: list[str] = []

    def call(
        self, service: str, operation: str, /, *, in_region: str | None = None, **arguments: str
    ) -> dict[str, str]:
        self.asked.append(arguments["RoleArn"])
        raise AwsError(ErrorKind.DENIED, service, operation, "AccessDenied", "not authorized to perform sts:AssumeRole")


def expected(place: Instance, name: str) -> Stack:
    return Stack({}, region=place.region, account_id=place.account, name=name)


@pytest.mark.parametrize(
    ("region", "role"),
    [
        ("eu-central-1", "arn:aws:iam::111111111111:role/reader"),
        ("cn-north-1", "arn:aws-cn:iam::111111111111:role/reader"),
        ("us-gov-west-1", "arn:aws-us-gov:iam::111111111111:role/reader"),
        ("us-isob-east-1", "arn:aws-iso-b:iam::111111111111:role/reader"),
        ("eusc-de-east-1", "arn:aws-eusc:iam::111111111111:role/reader"),
    ],
)
def test_an_account_that_may_not_be_read_is_unknown(region: str, role: str) -> None:
    fleet, session = dataclasses.replace(simulated_fleet(2), read_role="reader"), Denied()
    target = Target("111111111111", "", region, {})

    [visit] = visits.preflights(session, fleet, [target], [], expected, 1, SimulatedClock())

    assert session.asked == [role]
    [finding] = visit.findings
    assert (finding.status, finding.resource) == (Status.UNKNOWN, f"111111111111 {region}")
    assert finding.reason == f"{role}: not authorized to perform sts:AssumeRole"
    assert visit.stop == ""


def test_a_unit_is_no_account_to_look_into() -> None:
    unit = Target("", "ou-1", "eu-central-1", {})

    assert visits.preflights(Denied(), simulated_fleet(2), [unit], [], expected, 1, SimulatedClock()) == []


def test_an_instance_without_a_stack_is_not_looked_into() -> None:
    assert visits.verifications(Denied(), simulated_fleet(2), [Instance("1", "r1")], expected, SimulatedClock()) == []


@pytest.mark.parametrize("role", ["", "reader"])
def test_protection_that_cannot_be_read_is_unknown(role: str) -> None:
    fleet, session = dataclasses.replace(simulated_fleet(2), read_role=role), Denied()
    instance = Instance("111111111111", "eu-central-1", stack_id="arn:aws:cloudformation:x:1:stack/StackSet-x-1/1")

    assert visits.protections(session, fleet, [instance]) == [None]
    assert len(session.asked) == bool(role)


def test_what_blocks_a_target_is_what_failed() -> None:
    found = [
        Finding(control="quota", status=Status.FAIL, reason="5 of 5 VPCs are used"),
        Finding(control="names", status=Status.FAIL),
        Finding(control="permissions", status=Status.UNKNOWN, reason="denied"),
        Finding(control="engine", status=Status.PASS),
    ]

    assert Visit(("1", "r1"), tuple(found)).stop == "5 of 5 VPCs are used; names"
    assert Visit(("1", "r1"), tuple(found[2:])).stop == ""


@pytest.mark.parametrize(
    ("drift", "status"),
    [
        ("IN_SYNC", Status.PASS),
        ("DRIFTED", Status.FAIL),
        ("NOT_CHECKED", Status.UNKNOWN),
        ("UNKNOWN", Status.UNKNOWN),
    ],
)
def test_drift_as_a_finding(drift: str, status: Status) -> None:
    finding = visits.drift_finding(Instance("1", "r1", drift=drift))

    assert (finding.status, finding.resource, finding.actual) == (status, "1 r1", drift)


@pytest.mark.parametrize("standing", list(Standing))
def test_a_standing_as_a_finding(standing: Standing) -> None:
    finding = visits.standing_finding(Row("1", "r1", standing, reason="because"))

    assert (finding.status is Status.PASS) == (standing in {Standing.CURRENT, Standing.SURPLUS})
    assert (finding.status is Status.UNKNOWN) == (standing is Standing.RUNNING)
    assert bool(finding.remedy) == (standing is not Standing.CURRENT)
