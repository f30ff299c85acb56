"""The fleet commands against moto's stack sets over HTTP: three accounts, two Regions, one of them failing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click.testing
import pytest

from hipaa_pipeline.commands.fleet import command
from hipaa_pipeline.errors import UserError
from moto_fleet import ADMINISTRATOR, REASON, Moto, empty_moto, moto_server

ACCOUNTS = ("111111111111", "222222222222", "333333333333")
REGIONS = ("ap-southeast-1", "eu-central-1")
TEMPLATE = """
Parameters:
  EnvironmentSuffix: {Type: String}
  DeletionProtection: {Type: String, Default: 'false'}
Resources:
  AlarmTopic:
    Type: AWS::SNS::Topic
    Properties:
      TopicName: !Sub healthcare-alarm-topic-${EnvironmentSuffix}
"""
FLEET = """
[fleet]
name = "hipaa-pipeline"
environment = "prod"
template = "template.yaml"
read_role_name = "reader"

[operation]
max_concurrent = "50%"
failure_tolerance = 1
region_order = ["eu-central-1", "ap-southeast-1"]

[[targets]]
accounts = ["111111111111", "222222222222"]
regions = ["ap-southeast-1", "eu-central-1"]

[[targets]]
accounts = ["333333333333"]
regions = ["ap-southeast-1", "eu-central-1"]
parameters = {EnvironmentSuffix = "prod-three"}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with moto_server() as url:
        yield url


@pytest.fixture
def moto(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Moto:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parameters").mkdir()
    write_parameters({"EnvironmentSuffix": "prod"})
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    (tmp_path / "fleet.toml").write_text(FLEET)
    return empty_moto(server, monkeypatch)


def write_parameters(parameters: dict[str, str]) -> None:
    Path("parameters/prod.json").write_text(json.dumps({"Parameters": parameters, "Tags": {"Project": "x"}}))


def run(*arguments: str) -> click.testing.Result:
    return click.testing.CliRunner().invoke(command, [*arguments, "--fleet", "fleet.toml"], standalone_mode=False)


def deploy(*arguments: str) -> click.testing.Result:
    return run("deploy", "--no-preflight", "--yes", *arguments)


def answer(outcome: click.testing.Result) -> dict[str, Any]:
    assert outcome.exception is None, outcome.exception
    result: dict[str, Any] = json.loads(outcome.stdout)
    return result


def standings(outcome: click.testing.Result) -> dict[tuple[str, str], str]:
    return {(row["target"], row["region"]): row["standing"] for row in answer(outcome)["targets"]}


def every(standing: str) -> dict[tuple[str, str], str]:
    return {(account, region): standing for account in ACCOUNTS for region in REGIONS}


def topics(moto: Moto, account: str, region: str) -> list[str]:
    found = moto.in_account(account, "sns", region).list_topics()["Topics"]
    return [topic["TopicArn"].rpartition(":")[2] for topic in found]


def test_a_plan_changes_nothing(moto: Moto) -> None:
    outcome = run("plan", "--no-preflight", "--format", "json")

    assert outcome.return_value == 0
    assert standings(outcome) == every("missing")
    assert answer(outcome)["steps"] == [
        {"action": "create the stack set"},
        {
            "action": "create",
            "accounts": ["111111111111", "222222222222"],
            "organizational_units": [],
            "regions": ["ap-southeast-1", "eu-central-1"],
            "overrides": {},
        },
        {
            "action": "create",
            "accounts": ["333333333333"],
            "organizational_units": [],
            "regions": ["ap-southeast-1", "eu-central-1"],
            "overrides": {"EnvironmentSuffix": "prod-three"},
        },
    ]
    assert moto.client("cloudformation").list_stack_sets()["Summaries"] == []


def test_a_plan_for_a_person(moto: Moto) -> None:
    lines = run("plan", "--no-preflight").stdout.splitlines()

    assert lines[0].split() == ["Target", "Region", "Stands", "Plan", "Reason"]
    assert lines[1].split() == ["111111111111", "ap-southeast-1", "missing", "create"]
    assert "6 missing." in lines
    assert "missing: deploy again to create it." in lines
    assert "At most 1 accounts at a time in a Region." in lines
    assert "2. create: 2 accounts in ap-southeast-1, eu-central-1" in lines


def test_deploy_creates_every_stack_with_its_overrides(moto: Moto) -> None:
    outcome = deploy("--format", "json")

    assert outcome.return_value == 0
    assert standings(outcome) == every("current")
    assert {step["status"] for step in answer(outcome)["steps"]} == {"SUCCEEDED"}
    assert topics(moto, "222222222222", "eu-central-1") == ["healthcare-alarm-topic-prod"]
    assert topics(moto, "333333333333", "ap-southeast-1") == ["healthcare-alarm-topic-prod-three"]


def test_run_again_there_is_nothing_to_do(moto: Moto) -> None:
    deploy()

    again = deploy("--format", "json")

    assert again.return_value == 0
    assert "steps" not in answer(again)
    assert answer(run("plan", "--no-preflight", "--format", "json"))["steps"] == []


def test_one_failed_target_does_not_hide_the_others(moto: Moto) -> None:
    moto.trouble.accounts["333333333333"] = "FAILED"

    outcome = deploy("--format", "json")

    assert outcome.return_value == 1
    expected = every("current") | {("333333333333", region): "failed" for region in REGIONS}
    assert standings(outcome) == expected
    failed = [row for row in answer(outcome)["targets"] if row["standing"] == "failed"]
    assert {row["reason"] for row in failed} == {REASON}
    assert {row["remedy"] for row in failed} == {
        "remove the cause, then deploy again: only what is not current is tried"
    }
    last = answer(outcome)["steps"][-1]
    assert (last["status"], [each["status"] for each in last["results"]]) == ("FAILED", ["FAILED", "FAILED"])


def test_run_again_only_the_failed_are_tried(moto: Moto) -> None:
    moto.trouble.accounts["333333333333"] = "FAILED"
    deploy()
    plan = answer(run("plan", "--no-preflight", "--format", "json"))
    moto.trouble.accounts.clear()

    assert [(step["action"], step["accounts"]) for step in plan["steps"]] == [("update", ["333333333333"])]
    assert standings(deploy("--format", "json")) == every("current")


def test_a_call_that_is_refused_leaves_the_other_targets_alone(moto: Moto) -> None:
    # A stack of the name that moto gives an instance: creating it there is refused before an operation begins.
    parameters = [{"ParameterKey": "EnvironmentSuffix", "ParameterValue": "x"}]
    taken = moto.in_account("111111111111", "cloudformation", "eu-central-1")
    taken.create_stack(StackName="StackSet:hipaa-pipeline", TemplateBody=TEMPLATE, Parameters=parameters)

    outcome = deploy("--format", "json")

    assert outcome.return_value == 1
    rows = {(row["target"], row["region"]): row for row in answer(outcome)["targets"]}
    assert rows[("333333333333", "eu-central-1")]["standing"] == "current"
    assert rows[("111111111111", "eu-central-1")]["standing"] == "missing"
    assert "already exists" in rows[("111111111111", "eu-central-1")]["reason"]


@pytest.mark.parametrize(
    ("detailed", "standing", "remedy"),
    [
        ("SKIPPED_SUSPENDED_ACCOUNT", "suspended", "AWS suspended the account"),
        ("INOPERABLE", "inoperable", "StackSets gave up on the stack"),
        ("CANCELLED", "cancelled", "another target failed first"),
    ],
)
def test_each_way_to_stand_has_its_answer(moto: Moto, detailed: str, standing: str, remedy: str) -> None:
    moto.trouble.accounts["222222222222"] = detailed
    deploy()

    outcome = run("status", "--format", "json")

    assert outcome.return_value == 1
    rows = {row["target"]: row for row in answer(outcome)["targets"]}
    assert rows["222222222222"]["standing"] == standing
    assert rows["222222222222"]["remedy"].startswith(remedy)
    assert rows["111111111111"]["standing"] == "current"


@pytest.mark.parametrize("detailed", ["SKIPPED_SUSPENDED_ACCOUNT", "INOPERABLE"])
def test_what_no_retry_puts_right_is_not_retried(moto: Moto, detailed: str) -> None:
    moto.trouble.accounts["222222222222"] = detailed
    deploy()

    assert answer(run("plan", "--no-preflight", "--format", "json"))["steps"] == []


def test_a_new_template_updates_the_set_in_one_operation(moto: Moto) -> None:
    deploy()
    Path("template.yaml").write_text(TEMPLATE.replace("TopicName", "DisplayName: x\n      TopicName"))

    plan = answer(run("plan", "--no-preflight", "--format", "json"))
    outcome = deploy("--format", "json")

    assert plan["steps"] == [{"action": "update the stack set"}]
    assert standings(outcome) == every("current")
    body = moto.client("cloudformation").describe_stack_set(StackSetName="hipaa-pipeline")["StackSet"]["TemplateBody"]
    assert "DisplayName: x" in body


def test_changed_overrides_update_only_their_targets(moto: Moto) -> None:
    deploy()
    Path("fleet.toml").write_text(FLEET.replace("prod-three", "prod-drei"))

    outcome = run("plan", "--no-preflight", "--format", "json")

    assert standings(outcome) == every("current") | {("333333333333", region): "changed" for region in REGIONS}
    assert [(step["action"], step["accounts"]) for step in answer(outcome)["steps"]] == [("update", ["333333333333"])]
    assert standings(deploy("--format", "json")) == every("current")


def test_a_target_taken_out_stays_until_asked(moto: Moto) -> None:
    deploy()
    Path("fleet.toml").write_text(FLEET.replace('"111111111111", ', ""))

    kept = run("plan", "--no-preflight", "--format", "json")
    removed = deploy("--remove-surplus", "--format", "json")

    assert kept.return_value == 0
    assert standings(kept)[("111111111111", "eu-central-1")] == "surplus"
    assert answer(kept)["steps"] == []
    assert ("111111111111", "eu-central-1") not in standings(removed)
    assert topics(moto, "111111111111", "eu-central-1") == []


def test_status_tells_of_an_operation_at_work(moto: Moto) -> None:
    deploy()
    operation = begin(moto)

    outcome = run("status", "--format", "json")

    assert outcome.return_value == 3
    assert answer(outcome)["operation"]["operation_id"] == operation
    assert f"Operation {operation} (UPDATE) is RUNNING." in run("status").stdout


def test_deploy_waits_for_an_operation_and_gives_up_in_time(moto: Moto, monkeypatch: pytest.MonkeyPatch) -> None:
    deploy()
    operation = begin(moto)
    monkeypatch.setattr("hipaa_pipeline.clock.SystemClock.sleep", lambda self, seconds: None)
    monkeypatch.setattr("hipaa_pipeline.clock.SystemClock.elapsed", Hours())

    outcome = deploy("--timeout", "60")

    assert isinstance(outcome.exception, UserError)
    assert outcome.exception.exit_code == 3
    assert outcome.exception.message == f"The operation {operation} is still running after 3600 s and goes on in AWS."
    assert f"Waiting for operation {operation} (UPDATE), which is RUNNING." in outcome.stderr


class Hours:
    """A clock on which every look takes half an hour."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, *_: object) -> float:
        self.seconds += 1800.0
        return self.seconds


def begin(moto: Moto) -> str:
    """An operation that does not end."""
    from moto.cloudformation.models import cloudformation_backends

    stack_set = cloudformation_backends[ADMINISTRATOR]["ap-southeast-1"].describe_stack_set("hipaa-pipeline")
    stack_set.operations.insert(0, stack_set._create_operation("op-1", "UPDATE", "RUNNING"))
    stack_set.operations.pop()
    return "op-1"


def test_verify_tells_what_it_could_not_read(moto: Moto) -> None:
    deploy()

    outcome = run("verify", "--no-drift", "--format", "json")

    findings = json.loads(outcome.stdout)
    places = {f"{account} {region}" for account in ACCOUNTS for region in REGIONS}
    current = {each["resource"]: each["status"] for each in findings if each["control"] == "fleet_stack_current"}
    assert current == dict.fromkeys(places, "pass")
    # Moto's stacks have other names in the accounts than their instances say.
    unread = {each["resource"]: each["status"] for each in findings if each["control"] == "fleet_account_readable"}
    assert unread == dict.fromkeys(places, "unknown")
    assert outcome.return_value == 3


def test_verify_without_a_role_to_read_is_unknown(moto: Moto) -> None:
    Path("fleet.toml").write_text(FLEET.replace('read_role_name = "reader"\n', ""))
    deploy()

    findings = json.loads(run("verify", "--no-drift", "--format", "json").stdout)

    assert {each["reason"] for each in findings if each["status"] == "unknown"} == {
        "the fleet file names no read_role_name"
    }


def test_preflight_looks_into_each_account(moto: Moto) -> None:
    outcome = run("plan", "--format", "json")

    findings = answer(outcome)["preflight"]
    places = {tuple(each["resource"].split(" ")[:2]) for each in findings}
    assert places == {(account, region) for account in ACCOUNTS for region in REGIONS}
    assert len({each["control"] for each in findings}) > 5


def test_a_plan_with_unknown_answers_is_no_pass(moto: Moto) -> None:
    # Moto has no Service Quotas, so that preflight cannot tell the limits.
    outcome = run("plan")

    assert outcome.return_value == 3
    assert "BLOCKED" not in outcome.stdout
    assert "UNKNOWN  quota_headroom" in outcome.stdout


def test_a_blocked_plan_says_of_which_target_and_why(moto: Moto) -> None:
    moto.in_account("333333333333", "sns", "eu-central-1").create_topic(Name="healthcare-alarm-topic-prod-three")

    outcome = run("plan")

    assert outcome.return_value == 1
    [told] = [line for line in outcome.stdout.splitlines() if line.startswith("BLOCKED")]
    assert told.split()[1:5] == ["names_free", "333333333333", "eu-central-1", "AlarmTopic:"]


def test_deploy_goes_on_with_unknown_answers_only_when_told_to(moto: Moto) -> None:
    refused = run("deploy", "--yes")

    assert isinstance(refused.exception, UserError)
    assert refused.exception.exit_code == 3
    assert refused.exception.message == (
        "Preflight could not tell everything, so nothing was done; --accept-unknown deploys all the same."
    )
    assert refused.exception.next_command == "hipaa-pipeline fleet plan --fleet fleet.toml"
    assert "UNKNOWN  quota_headroom" in refused.stderr
    assert moto.client("cloudformation").list_stack_sets()["Summaries"] == []

    accepted = run("deploy", "--yes", "--accept-unknown", "--format", "json")

    assert accepted.return_value == 0
    assert standings(accepted) == every("current")


def test_what_is_unknown_of_blocked_targets_stops_nothing(moto: Moto) -> None:
    Path("fleet.toml").write_text(FLEET.replace("prod-three", "prod"))
    for account, region in every("blocked"):
        moto.in_account(account, "sns", region).create_topic(Name="healthcare-alarm-topic-prod")

    outcome = run("deploy", "--yes", "--format", "json")

    assert outcome.return_value == 1
    assert standings(outcome) == every("blocked")


def test_without_a_role_to_read_nothing_is_asked_and_nothing_unknown(moto: Moto) -> None:
    Path("fleet.toml").write_text(FLEET.replace('read_role_name = "reader"\n', ""))

    planned = run("plan", "--format", "json")

    assert (planned.return_value, answer(planned)["preflight"]) == (0, [])
    assert standings(run("deploy", "--yes", "--format", "json")) == every("current")


def test_what_a_target_has_already_does_not_block_its_update(moto: Moto) -> None:
    moto.trouble.own_stacks = True
    deploy()
    Path("template.yaml").write_text(TEMPLATE.replace("TopicName", "DisplayName: x\n      TopicName"))

    outcome = run("plan", "--format", "json")

    rows = {(row["target"], row["region"]): (row["standing"], row["action"]) for row in answer(outcome)["targets"]}
    assert rows == dict.fromkeys(every("current"), ("current", "update"))
    assert [each for each in answer(outcome)["preflight"] if each["status"] == "fail"] == []


def test_verify_without_a_fleet_says_so(moto: Moto) -> None:
    outcome = run("verify")

    assert isinstance(outcome.exception, UserError)
    assert outcome.exception.message == "The fleet hipaa-pipeline has no stacks."


def test_destroy_leaves_nothing(moto: Moto) -> None:
    deploy()

    outcome = run("destroy", "--yes", "--format", "json")

    assert outcome.return_value == 0
    assert answer(outcome)["targets"] == []
    assert all(topics(moto, account, region) == [] for account in ACCOUNTS for region in REGIONS)
    assert run("destroy", "--yes").return_value == 0
    assert standings(run("status", "--format", "json")) == every("missing")


def test_protected_stacks_are_not_destroyed(moto: Moto) -> None:
    write_parameters({"EnvironmentSuffix": "prod", "DeletionProtection": "true"})
    deploy()

    outcome = run("destroy", "--yes")

    assert isinstance(outcome.exception, UserError)
    assert "111111111111 in ap-southeast-1 is protected (DeletionProtection is true)" in outcome.exception.message
    assert topics(moto, "111111111111", "ap-southeast-1") == ["healthcare-alarm-topic-prod"]


def test_protection_taken_off_in_the_file_alone_is_not_taken_off(moto: Moto) -> None:
    write_parameters({"EnvironmentSuffix": "prod", "DeletionProtection": "true"})
    deploy()
    write_parameters({"EnvironmentSuffix": "prod", "DeletionProtection": "false"})

    outcome = run("destroy", "--yes")

    assert isinstance(outcome.exception, UserError)
    assert outcome.exception.exit_code == 1
    assert outcome.exception.message == (
        "111111111111 in ap-southeast-1 is protected (DeletionProtection is true), and with it its data."
    )
    assert topics(moto, "111111111111", "ap-southeast-1") == ["healthcare-alarm-topic-prod"]


@pytest.mark.parametrize("arguments", [("destroy",), ("deploy", "--no-preflight", "--remove-surplus")])
def test_a_protected_stack_that_the_file_does_not_name_is_not_deleted(moto: Moto, arguments: tuple[str, ...]) -> None:
    protected = 'parameters = {EnvironmentSuffix = "prod-three", DeletionProtection = "true"}'
    Path("fleet.toml").write_text(FLEET.replace('parameters = {EnvironmentSuffix = "prod-three"}', protected))
    deploy()
    Path("fleet.toml").write_text(FLEET.rpartition("[[targets]]")[0])

    outcome = run(*arguments, "--yes")

    assert isinstance(outcome.exception, UserError)
    assert outcome.exception.exit_code == 1
    assert outcome.exception.message.startswith("333333333333 in ap-southeast-1 is protected")
    assert topics(moto, "333333333333", "eu-central-1") == ["healthcare-alarm-topic-prod-three"]
    assert topics(moto, "111111111111", "eu-central-1") == ["healthcare-alarm-topic-prod"]


def test_a_stack_behind_the_set_is_deleted_only_when_it_says_that_it_is_not_protected(moto: Moto) -> None:
    deploy()
    moto.trouble.accounts["222222222222"] = "FAILED"
    moto.trouble.own_stacks = True
    Path("fleet.toml").write_text(FLEET.replace('read_role_name = "reader"\n', ""))

    refused = run("destroy", "--yes")

    assert isinstance(refused.exception, UserError)
    assert refused.exception.exit_code == 3
    assert refused.exception.message == (
        "222222222222 in ap-southeast-1 may be protected: its stack is behind the stack set and could not be read."
    )
    assert topics(moto, "222222222222", "ap-southeast-1") == ["healthcare-alarm-topic-prod"]
    Path("fleet.toml").write_text(FLEET)
    assert answer(run("destroy", "--yes", "--format", "json"))["targets"] == []


def test_a_stack_behind_the_set_that_is_protected_is_not_deleted(moto: Moto) -> None:
    write_parameters({"EnvironmentSuffix": "prod", "DeletionProtection": "true"})
    deploy()
    write_parameters({"EnvironmentSuffix": "prod", "DeletionProtection": "false"})
    # The stack set gets the new parameters, and no stack does.
    moto.client("cloudformation").update_stack_set(
        StackSetName="hipaa-pipeline",
        TemplateBody=TEMPLATE,
        Parameters=[{"ParameterKey": "DeletionProtection", "ParameterValue": "false"}],
    )
    moto.trouble.accounts |= dict.fromkeys(ACCOUNTS, "CANCELLED")
    moto.trouble.own_stacks = True

    outcome = run("destroy", "--yes", "--accept-unknown")

    assert isinstance(outcome.exception, UserError)
    assert outcome.exception.message.startswith("111111111111 in ap-southeast-1 is protected")
    assert topics(moto, "111111111111", "ap-southeast-1") == ["healthcare-alarm-topic-prod"]


def test_destroy_takes_the_risk_of_protection_only_when_told_to(moto: Moto) -> None:
    deploy()
    moto.trouble.accounts["222222222222"] = "FAILED"
    Path("fleet.toml").write_text(FLEET.replace('read_role_name = "reader"\n', ""))

    assert answer(run("destroy", "--yes", "--accept-unknown", "--format", "json"))["targets"] == []


def test_without_a_terminal_and_without_yes_nothing_happens(moto: Moto) -> None:
    outcome = run("deploy", "--no-preflight")

    assert isinstance(outcome.exception, UserError)
    assert outcome.exception.exit_code == 2
    assert moto.client("cloudformation").list_stack_sets()["Summaries"] == []


def test_a_set_of_the_other_permission_model_is_refused(moto: Moto) -> None:
    moto.client("cloudformation").create_stack_set(
        StackSetName="hipaa-pipeline", TemplateBody=TEMPLATE, PermissionModel="SERVICE_MANAGED"
    )

    outcome = run("plan")

    assert isinstance(outcome.exception, UserError)
    assert "is service-managed, which cannot be changed" in outcome.exception.message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"222222222222"', '"111111111111"', "targets[0].accounts names 111111111111 twice"),
        (
            'accounts = ["333333333333"]',
            'accounts = ["111111111111"]',
            "111111111111 in ap-southeast-1 is a target twice",
        ),
        ('"eu-central-1"', '"xx-central-1"', "there is no Region xx-central-1"),
        ("EnvironmentSuffix =", "Suffix =", "333333333333 in ap-southeast-1: "),
        ('environment = "prod"', 'environment = "nowhere"', "There is no environment 'nowhere'"),
        ("[fleet]", "[fleet", "is not valid TOML"),
    ],
)
def test_bad_input_gets_a_sentence_before_aws_is_asked(
    moto: Moto, monkeypatch: pytest.MonkeyPatch, old: str, new: str, message: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    Path("fleet.toml").write_text(FLEET.replace(old, new))

    outcome = run("plan")

    assert isinstance(outcome.exception, UserError)
    assert message in outcome.exception.message
    assert outcome.exception.exit_code == 2
