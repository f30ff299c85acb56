"""`preflight` as a user meets it: a local account over real HTTP, the screen, the formats, the exit codes."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import click.testing
import pytest

from hipaa_pipeline.aws.session import Session
from hipaa_pipeline.commands.preflight import command
from hipaa_pipeline.errors import UserError
from hipaa_pipeline.local.server import LocalAccount
from hipaa_pipeline.preflight.checks import SLUGS

ROOT = Path(__file__).parents[1]
FULL = {"vpc/L-F678F1CE": 5, "iam/L-FE177D64": 1000}


@pytest.fixture(autouse=True)
def in_a_checkout(monkeypatch: pytest.MonkeyPatch, account: LocalAccount) -> None:
    monkeypatch.chdir(ROOT)
    for name, value in {
        "AWS_ENDPOINT_URL": account.endpoint_url,
        "AWS_REGION": account.region,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_CREDENTIAL_EXPIRATION", raising=False)


def run(*arguments: str) -> click.testing.Result:
    outcome = click.testing.CliRunner().invoke(command, ["--env", "dev", *arguments], standalone_mode=False)
    if outcome.exception and not isinstance(outcome.exception, UserError):
        raise outcome.exception
    return outcome


def test_nothing_stands_in_the_way() -> None:
    outcome = run()
    assert outcome.return_value == 0
    last = outcome.stdout.splitlines()[-1]
    assert last.startswith("Nothing stands in the way. 0 blocked, 0 unknown,")


def test_a_full_account_is_blocked_with_its_ways_out(account: LocalAccount) -> None:
    account.fill(FULL)
    before = account.inventory()
    outcome = run()
    assert outcome.return_value == 1
    assert account.inventory() == before
    lines = outcome.stdout.splitlines()
    assert [line.split()[:3] for line in lines if line.startswith("BLOCKED")] == [
        ["BLOCKED", "VPCs", "per"],
        ["BLOCKED", "IAM", "roles"],
    ]
    assert any("--quota-code L-F678F1CE --desired-value 6 --region ap-southeast-1" in line for line in lines)
    assert any(line.strip().startswith("ExistingVpcId=vpc-") for line in lines)


def test_json_is_a_list_of_findings_and_its_detail_holds_the_rest(account: LocalAccount) -> None:
    account.fill({"vpc/L-F678F1CE": 5})
    findings = json.loads(run("--format", "json").stdout)
    assert {finding["control"] for finding in findings} == set(SLUGS)
    assert [finding["rule"] for finding in findings if finding["status"] == "fail"] == ["vpcs"]
    detail = json.loads(run("--format", "json", "--detail").stdout)
    assert [finding["rule"] for finding in detail["findings"] if finding["status"] == "fail"] == ["vpcs"]
    assert {way["slug"] for way in detail["exits"]} == {"request_increase", "existing_vpc", "idle_vpcs"}


@pytest.mark.parametrize("output_format", ["sarif", "junit"])
def test_other_formats_carry_the_blocked_quota(account: LocalAccount, output_format: str) -> None:
    account.fill({"vpc/L-F678F1CE": 5})
    outcome = run("--format", output_format)
    assert outcome.return_value == 1
    assert "quota_headroom" in outcome.stdout


def test_unknown_is_3_and_accepted_is_0(account: LocalAccount) -> None:
    account.add_fault(service="service-quotas", operation="*", action="deny")
    assert run().return_value == 3
    outcome = run("--accept-unknown")
    assert outcome.return_value == 0
    assert "Unknown: it may fail." in outcome.stdout


def test_accepting_the_unknown_accepts_nothing_that_is_blocked(account: LocalAccount) -> None:
    account.add_fault(service="sns", operation="ListTopics", action="deny")
    account.fill({"vpc/L-F678F1CE": 5})
    assert run("--accept-unknown").return_value == 1


def test_a_check_can_be_switched_off_by_its_slug(account: LocalAccount) -> None:
    account.fill({"vpc/L-F678F1CE": 5})
    outcome = run("--skip", "quota_headroom")
    assert outcome.return_value == 0
    assert "switched off by --skip quota_headroom" in outcome.stdout


def test_an_unknown_slug_is_bad_usage() -> None:
    outcome = run("--skip", "quotas")
    assert isinstance(outcome.exception, UserError)
    assert outcome.exception.message.startswith("There is no check quotas: the checks are caller_identity,")


def test_all_rows() -> None:
    everything, folded = run("--all").stdout.splitlines(), run().stdout.splitlines()
    assert len(everything) - len(folded) > 20


@pytest.mark.parametrize(("minutes", "code"), [(5, 1), (120, 0)])
def test_credentials_of_the_environment_must_last(monkeypatch: pytest.MonkeyPatch, minutes: int, code: int) -> None:
    ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=minutes)
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", ends.isoformat())
    assert run().return_value == code


def test_expired_credentials_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", "2026-01-01T00:00:00Z")
    outcome = run()
    assert isinstance(outcome.exception, UserError)
    assert outcome.exception.message.startswith("AWS credentials are missing or were not accepted: ")


def test_the_policy_for_this_account_and_region() -> None:
    documents = json.loads(run("--print-policy").stdout)
    resources = [
        each for document in documents for statement in document["Statement"] for each in statement["Resource"]
    ]
    assert "arn:aws:kinesis:ap-southeast-1:111122223333:stream/healthcare-*-*" in resources


# Increases ----------------------------------------------------------------------------------------------------------


def requests(account: LocalAccount) -> list[dict[str, Any]]:
    """What was asked of Service Quotas so far; the local account keeps one history for all Regions."""
    session = Session(account.connection)
    history = session.pages("service-quotas", "list_requested_service_quota_change_history", "RequestedQuotas")
    return [{"code": each["QuotaCode"], "desired": each["DesiredValue"], "status": each["Status"]} for each in history]


def test_nothing_is_asked_for_without_being_told_to(account: LocalAccount) -> None:
    account.fill(FULL)
    run()
    assert requests(account) == []


def test_asking_needs_a_confirmation(account: LocalAccount) -> None:
    account.fill(FULL)
    outcome = run("--request-increase")
    assert isinstance(outcome.exception, UserError)
    assert "Ask AWS to raise VPCs per Region from 5 to 6?" in outcome.exception.message
    assert requests(account) == []


def test_what_is_blocked_is_asked_for_once(account: LocalAccount) -> None:
    account.fill(FULL)
    for _ in range(2):
        assert run("--request-increase", "--yes").return_value == 1
    asked = {each["code"]: (each["desired"], each["status"]) for each in requests(account)}
    assert asked == {"L-F678F1CE": (6.0, "PENDING"), "L-FE177D64": (1003.0, "PENDING")}
    again = run()
    assert "VPCs per Region: 6 is already asked for (PENDING)" in again.stdout


class ApprovingClock:
    """A clock whose sleep lets AWS decide: the requests are granted while the command waits."""

    def __init__(self, account: LocalAccount) -> None:
        self.account = account
        self.slept = 0.0

    def now(self) -> datetime.datetime:
        return datetime.datetime.now(datetime.UTC)

    def elapsed(self) -> float:
        return self.slept

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.account.approve_increases()


class PatientClock(ApprovingClock):
    """A clock under which AWS never decides."""

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


def test_a_granted_increase_ends_the_wait_and_the_blockade(
    account: LocalAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.fill(FULL)
    clock = ApprovingClock(account)
    monkeypatch.setattr("hipaa_pipeline.clock.SystemClock", lambda: clock)
    outcome = run("--request-increase", "--wait-for-increase", "60", "--yes")
    assert outcome.return_value == 0
    assert clock.slept == 30.0
    assert "Nothing stands in the way." in outcome.stdout.splitlines()[-1]


def test_waiting_is_bounded(account: LocalAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    account.fill({"vpc/L-F678F1CE": 5})
    clock = PatientClock(account)
    monkeypatch.setattr("hipaa_pipeline.clock.SystemClock", lambda: clock)
    outcome = run("--request-increase", "--wait-for-increase", "1.25", "--yes")
    assert outcome.return_value == 1
    assert clock.slept == 75.0
    assert requests(account) == [{"code": "L-F678F1CE", "desired": 6.0, "status": "PENDING"}]


def test_waiting_alone_asks_for_nothing(account: LocalAccount) -> None:
    account.fill({"vpc/L-F678F1CE": 5})
    assert run("--wait-for-increase", "1", "--yes").return_value == 1
    assert requests(account) == []


def test_a_refused_request_is_a_sentence(account: LocalAccount) -> None:
    account.fill({"vpc/L-F678F1CE": 5})
    account.add_fault(service="service-quotas", operation="RequestServiceQuotaIncrease", action="deny")
    outcome = run("--request-increase", "--yes")
    assert isinstance(outcome.exception, UserError)
    assert "AWS refused servicequotas:RequestServiceQuotaIncrease" in outcome.exception.message
