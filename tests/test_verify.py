"""A verification: what passes, what a denied read does, and the way through the command line."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from hipaa_pipeline import cli
from hipaa_pipeline.aws import finishing, stacks
from hipaa_pipeline.aws.live import Failure, LiveRead
from hipaa_pipeline.aws.live.identifiers import Identifiers
from hipaa_pipeline.aws.live.reader import Physical
from hipaa_pipeline.aws.session import Session
from hipaa_pipeline.clock import SystemClock
from hipaa_pipeline.configuration import load_environment
from hipaa_pipeline.controls import CHECKS
from hipaa_pipeline.errors import ExitCode
from hipaa_pipeline.findings import Finding, Status, exit_code
from hipaa_pipeline.local.server import LocalAccount, local_account
from hipaa_pipeline.stack import NOT_REPORTED, Resource, Stack, unknown
from hipaa_pipeline.verification import verify
from local_stacks import deploy_environment
from test_live_readers import expected

NOW = datetime.datetime(2026, 11, 23, tzinfo=datetime.UTC)


def stack(**resources: tuple[str, Mapping[str, Any]]) -> Stack:
    return Stack(
        {name: Resource(name, type_, properties) for name, (type_, properties) in resources.items()},
        "ap-southeast-1",
        "111122223333",
        name="test",
    )


def answers(wanted: Stack, live: Stack, **more: Any) -> dict[tuple[str, str, str], Status]:
    """The findings of the comparison by control, resource and property."""
    missing: tuple[Physical, ...] = more.get("missing", ())
    failures: tuple[Failure, ...] = ()
    read = LiveRead(live, Identifiers({}), failures, missing, more.get("unreadable", ()))
    own = {verify.EXISTS.slug, verify.MATCHES.slug, verify.KNOWN.slug}
    found = [one for one in verify.verify(wanted, read, (), NOW) if one.control in own]
    return {(one.control, one.resource, one.property): one.status for one in found}


def test_existing_matching_and_known() -> None:
    wanted = stack(A=("AWS::Logs::LogGroup", {"RetentionInDays": 90}), B=("AWS::Logs::LogGroup", {}))
    live = stack(A=("AWS::Logs::LogGroup", {"RetentionInDays": 7}), C=("AWS::Logs::LogGroup", {}))
    assert answers(wanted, live) == {
        ("live_resource_exists", "A", ""): Status.PASS,
        ("live_resource_exists", "B", ""): Status.FAIL,
        ("live_property_matches", "A", "RetentionInDays"): Status.FAIL,
        ("live_resource_known", "A", ""): Status.PASS,
        ("live_resource_known", "C", ""): Status.FAIL,
    }


@pytest.mark.parametrize(
    ("missing", "told"),
    [((), "Deploy the stack."), ((Physical("B", "AWS::Logs::LogGroup", "b"),), "--deployment-mode REVERT_DRIFT")],
)
def test_the_remedy_for_what_is_not_there_is_one_that_works(missing: tuple[Physical, ...], told: str) -> None:
    """Deploying again brings back what the stack does not have, and nothing that was deleted by hand."""
    wanted = stack(B=("AWS::Logs::LogGroup", {}))
    read = LiveRead(stack(), Identifiers({}), (), missing, ())
    (finding,) = [one for one in verify.verify(wanted, read, (), NOW) if one.control == verify.EXISTS.slug]
    assert finding.status is Status.FAIL
    assert told in finding.remedy
    assert ("Deploying again does not bring it back" in finding.remedy) is bool(missing)


def test_a_type_that_nobody_can_read_is_unknown() -> None:
    wanted = stack(Q=("AWS::SQS::Queue", {"QueueName": "q"}))
    live = stack(Q=("AWS::SQS::Queue", {}))
    found = answers(wanted, live, unreadable=(Physical("Q", "AWS::SQS::Queue", "q"),))
    assert found["live_resource_exists", "Q", ""] is Status.UNKNOWN


def test_what_no_api_reports_does_not_apply() -> None:
    wanted = stack(Key=("AWS::KMS::Key", {"PendingWindowInDays": 30, "EnableKeyRotation": True}))
    live = stack(
        Key=(
            "AWS::KMS::Key",
            {"PendingWindowInDays": unknown(NOT_REPORTED), "EnableKeyRotation": unknown("denied")},
        )
    )
    found = answers(wanted, live)
    assert found["live_property_matches", "Key", "PendingWindowInDays"] is Status.NOT_APPLICABLE
    assert found["live_property_matches", "Key", "EnableKeyRotation"] is Status.UNKNOWN


@pytest.fixture(scope="module")
def deployed() -> Iterator[LocalAccount]:
    """The protected environment, deployed and finished."""
    with local_account() as account:
        session = Session(account.connection)
        assert deploy_environment(session, "prod") == "CREATE_COMPLETE"
        stack_name = load_environment("prod").stack_name
        finishing.close_default_groups(session, stacks.resources(session, stack_name))
        stacks.set_protection(session, stack_name, protected=True)
        yield account


def run(account: LocalAccount) -> tuple[Session, tuple[Finding, ...]]:
    session = Session(account.connection, read_only=True, max_attempts=1)
    return session, verify.run(session, expected("prod", account.account_id), clock=SystemClock()).findings


def reads(account: LocalAccount) -> list[tuple[str, str]]:
    """Every call that a verification makes, but those that say what there is to read."""
    before = len(account.calls())
    run(account)
    listing = {"cloudformation.DescribeStacks", "cloudformation.ListStackResources"}
    made = sorted(set(account.calls()[before:]) - listing)
    return [(service, operation) for service, _, operation in (call.partition(".") for call in made)]


def test_a_finished_deployment_passes(deployed: LocalAccount) -> None:
    _, found = run(deployed)
    assert [one for one in found if one.status in (Status.FAIL, Status.UNKNOWN)] == []
    assert exit_code(found) is ExitCode.GOOD


def rounds(calls: Iterable[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """The calls in as few rounds as possible, with one call of each service in a round."""
    services = [list(group) for _, group in itertools.groupby(calls, key=lambda call: call[0])]
    return [[call for call in together if call] for together in itertools.zip_longest(*services)]


ASKED = {*(check.slug for check in CHECKS), *(question.slug for question in verify.QUESTIONS)}


def unnoticed(account: LocalAccount, calls: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those of the calls whose denial no unknown finding tells of. What is asked stays the same in any case."""
    numbers = [account.add_fault(service=service, operation=operation, action="deny") for service, operation in calls]
    _, found = run(account)
    for number in numbers:
        account.clear_faults(number)
    assert {one.control for one in found} == ASKED
    assert exit_code(found) is ExitCode.UNKNOWN
    reasons = " ".join(one.reason for one in found if one.status is Status.UNKNOWN).lower()
    return [call for call in calls if f":{call[1]}: ".lower() not in reasons]


def test_each_denied_read_is_unknown_and_nothing_is_skipped(deployed: LocalAccount) -> None:
    doubtful = [call for calls in rounds(reads(deployed)) for call in unnoticed(deployed, calls)]
    # A call that needs another's answer is not made when that one is denied too: it is denied alone then.
    assert [call for call in doubtful if unnoticed(deployed, [call])] == []


def test_a_failing_service_is_unknown(deployed: LocalAccount) -> None:
    number = deployed.add_fault(service="kinesis", operation="*", action="fail", status=500)
    _, found = run(deployed)
    deployed.clear_faults(number)
    stream = [one for one in found if one.resource == "RecordStream" and one.control == "live_property_matches"]
    assert {one.status for one in stream} == {Status.UNKNOWN}
    assert exit_code(found) is ExitCode.UNKNOWN


def test_a_failure_that_no_gap_explains_stays_one() -> None:
    """The flow log is unread, so whether the VPC has one is unknown; that its default group is open is not."""
    rule = [{"IpProtocol": "-1"}]
    default_group = {"DefaultSecurityGroup": {"SecurityGroupIngress": rule, "SecurityGroupEgress": []}}
    wanted = stack(
        Vpc=("AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/16"}),
        FlowLog=("AWS::EC2::FlowLog", {"ResourceId": {"Ref": "Vpc"}, "TrafficType": "ALL"}),
    )
    gap = {
        "ResourceId": unknown("ec2:DescribeFlowLogs: denied"),
        "TrafficType": unknown("ec2:DescribeFlowLogs: denied"),
    }
    live = stack(Vpc=("AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/16"}), FlowLog=("AWS::EC2::FlowLog", gap))
    live = dataclasses.replace(
        live,
        resources={**live.resources, "Vpc": dataclasses.replace(live.resources["Vpc"], attributes=default_group)},
    )
    found = verify.verify(wanted, LiveRead(live, Identifiers({}), (), (), ()), (), NOW)
    told = {one.control: (one.status, one.reason) for one in found if one.resource == "Vpc"}
    assert told["vpc_flow_log"][0] is Status.UNKNOWN
    assert "ec2:DescribeFlowLogs: denied" in told["vpc_flow_log"][1]
    assert told["vpc_default_group_closed"][0] is Status.FAIL


def command(*arguments: str) -> int:
    try:
        result = cli.group.main(["verify", *arguments], standalone_mode=False)
    except SystemExit as stopped:
        return int(stopped.code or 0)
    return int(result)


def point_at(account: LocalAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands find the account as they find any: by the environment's variables."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", account.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    monkeypatch.setenv("AWS_REGION", account.region)


@pytest.fixture
def here(deployed: LocalAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    point_at(deployed, monkeypatch)


@pytest.mark.usefixtures("here")
def test_the_command_passes_and_writes_findings(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("--env", "prod", "--format", "json") == 0
    found = json.loads(capsys.readouterr().out)
    assert {one["status"] for one in found} == {"pass", "not-applicable"}
    assert {one["control"] for one in found} >= {question.slug for question in verify.QUESTIONS}


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("environment", ["local", "dev"])
def test_every_environment_passes_after_its_deployment(environment: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What an ephemeral environment does without is waived; nothing else fails, and nothing is unknown."""
    assert cli.group.main(["deploy", "--env", environment, "--yes"], standalone_mode=False) == 0
    capsys.readouterr()
    assert command("--env", environment, "--format", "json") == 0
    found = json.loads(capsys.readouterr().out)
    assert {one["control"] for one in found if one["status"] == "waived"} == {
        "rds_multi_az", "rds_deletion_protection", "rds_in_backup_plan",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("address", "code", "reach"),
    [
        ("", 0, {"confirmed"}),  # as committed: an example, which the local account confirms by itself
        ("security@clinic.internal", 1, {"pending confirmation"}),
    ],
    ids=["committed", "another"],
)
def test_a_protected_environment_passes_when_its_alarms_reach_somebody(
    address: str,
    code: int,
    reach: set[str],
    account: LocalAccount,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    configuration = load_environment("prod")
    parameters = {**configuration.parameters, **({"AlarmEmail": address} if address else {})}
    (tmp_path / "templates").symlink_to(Path("templates").resolve())
    (tmp_path / "parameters").mkdir()
    document = json.dumps({"Parameters": parameters, "Tags": configuration.tags})
    (tmp_path / "parameters" / "prod.json").write_text(document, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    point_at(account, monkeypatch)
    assert cli.group.main(["deploy", "--env", "prod", "--yes"], standalone_mode=False) == code
    capsys.readouterr()
    assert command("--env", "prod", "--format", "json") == code
    found = json.loads(capsys.readouterr().out)
    assert {one["actual"] for one in found if one["control"] == "sns_alarms_reach_somebody"} == reach
    failing = {one["control"] for one in found if one["status"] in ("fail", "unknown")}
    assert failing == ({"sns_alarms_reach_somebody"} if code else set())


@pytest.mark.usefixtures("here")
def test_the_command_writes_junit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("--env", "prod", "--format", "junit", "--no-drift") == 0
    assert capsys.readouterr().out.startswith("<?xml")


@pytest.mark.usefixtures("here")
def test_the_drill_rings_every_alarm_and_puts_it_back(
    deployed: LocalAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    session = Session(deployed.connection)
    before = {
        one["AlarmName"]: one["StateValue"] for one in session.pages("cloudwatch", "describe_alarms", "MetricAlarms")
    }
    assert command("--env", "prod", "--format", "json", "--drill", "--yes") == 0
    found = [one for one in json.loads(capsys.readouterr().out) if one["control"] == "cloudwatch_alarm_drill"]
    assert {one["resource"]: one["status"] for one in found} == {
        name: "pass"
        for name, resource in expected("prod").resources.items()
        if resource.type == "AWS::CloudWatch::Alarm"
    }
    after = {
        one["AlarmName"]: one["StateValue"] for one in session.pages("cloudwatch", "describe_alarms", "MetricAlarms")
    }
    assert after == before
