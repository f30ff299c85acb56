"""Operations that fail: the cause is named, and nothing is left. Rows of docs/reliability.md, each at every point."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hipaa_pipeline.aws import stacks
from hipaa_pipeline.deployment.failure import Kind
from hipaa_pipeline.deployment.order import Result
from hipaa_pipeline.documents.reliability import RESOURCE_TYPES, fault
from hipaa_pipeline.errors import ExitCode, UserError
from hipaa_pipeline.local.server import LocalAccount
from hipaa_pipeline.resolve import resolve
from hipaa_pipeline.source import load_template, parse_template
from scenario import STACK, Answers, Scenario, remaining

_WRITTEN = load_template(Path(__file__).parents[1] / "templates" / "hipaa-pipeline.yaml")
PIPELINE = parse_template(json.dumps(_WRITTEN.body, separators=(",", ":")))  # JSON is read ten times faster
EVERYTHING = {
    "EnvironmentSuffix": "test",
    "DeletionProtection": "false",
    "CreateVpcEndpoints": "true",
    "CreateBackupPlan": "true",
    "AlarmEmail": "security@example.com",
}


@pytest.fixture
def scenario(account: LocalAccount) -> Scenario:
    return Scenario(account.connection)


def test_the_table_names_every_resource_type() -> None:
    stack = resolve(PIPELINE, EVERYTHING, region="ap-southeast-1")
    assert sorted({resource.type for resource in stack.resources.values()}) == list(RESOURCE_TYPES)


@pytest.mark.parametrize("kind", fault("creation_fails").points)
def test_creation_fails(account: LocalAccount, kind: str) -> None:
    scenario = Scenario(account.connection, template=PIPELINE, base_parameters=EVERYTHING)
    account.add_fault(resource_type=kind, action="fail", message=f"The maximum number of {kind} has been reached.")
    outcome = scenario.deploy()
    assert (outcome.result, outcome.exit_code) == (Result.FAILED, ExitCode.FAILED)
    assert outcome.cause is not None
    assert (outcome.cause.type, outcome.cause.kind) == (kind, Kind.QUOTA)
    assert f"{outcome.cause.logical_id} ({kind}): " in outcome.message
    assert remaining(account) == {}
    assert {one.type for one in outcome.left} <= {"AWS::KMS::Key"}


@pytest.mark.parametrize("kind", fault("update_fails").points)
def test_update_fails(account: LocalAccount, scenario: Scenario, kind: str) -> None:
    """The stack goes back to what it was, its policy included; what the update had created is gone."""
    scenario.deploy()
    before, description = remaining(account), scenario.stack()
    account.add_fault(resource_type=kind, phase="update", action="fail", message="Access denied for this update")
    outcome = scenario.deploy({"Days": "180", "Storage": "40", "Shards": "2", "Reports": "true"})
    assert (outcome.result, outcome.exit_code) == (Result.FAILED, ExitCode.FAILED)
    assert outcome.cause is not None
    assert (outcome.cause.type, outcome.cause.kind) == (kind, Kind.PERMISSION)
    assert outcome.left == ()
    assert _without_times(remaining(account)) == _without_times(before)
    assert scenario.stack()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert scenario.stack()["Parameters"] == description["Parameters"]

    account.clear_faults()
    assert scenario.deploy({"Days": "180"}).result is Result.UPDATED


def test_an_addition_that_fails_leaves_nothing_of_the_update(account: LocalAccount, scenario: Scenario) -> None:
    scenario.deploy()
    before = remaining(account)
    account.add_fault(logical_id="ReportTopic", action="fail", message="already exists")
    outcome = scenario.deploy({"Reports": "true"})
    assert outcome.cause is not None
    assert (outcome.cause.logical_id, outcome.cause.kind) == ("ReportTopic", Kind.NAME_TAKEN)
    assert _without_times(remaining(account)) == _without_times(before)


@pytest.mark.parametrize("kind", fault("rollback_of_creation_fails").points)
def test_rollback_of_creation_fails(account: LocalAccount, scenario: Scenario, kind: str) -> None:
    account.add_fault(logical_id="ProcessorRole", action="fail", message="The maximum number of roles has been reached")
    account.add_fault(resource_type=kind, phase="delete", action="fail", message="has a dependent object", times=1)
    outcome = scenario.deploy()
    assert outcome.result is Result.FAILED
    assert outcome.cause is not None
    assert (outcome.cause.logical_id, outcome.cause.kind) == ("ProcessorRole", Kind.QUOTA)
    there = remaining(account)
    assert "cloudformation.stack" not in there
    assert bool(there) == bool([one for one in outcome.left if one.presence == "there"]), "what is left is told"


@pytest.mark.parametrize("kind", fault("rollback_of_update_fails").points)
def test_rollback_of_update_fails(account: LocalAccount, scenario: Scenario, kind: str) -> None:
    """The next deployment offers to continue the rollback, and then makes the update."""
    scenario.deploy()
    update = {"Days": "180", "Storage": "40", "Shards": "2", "Reports": "true"}
    account.add_fault(logical_id="ReportTopic", action="fail", message="limit exceeded")
    account.add_fault(resource_type=kind, phase="update", action="fail", message="is in use", nth=2)
    outcome = scenario.deploy(update)
    assert outcome.cause is not None
    assert outcome.cause.logical_id == "ReportTopic"
    assert scenario.stack()["StackStatus"] == "UPDATE_ROLLBACK_FAILED"

    scenario.ask = Answers(False)
    with pytest.raises(UserError, match="stays UPDATE_ROLLBACK_FAILED"):
        scenario.deploy(update)
    assert "Continue the rollback?" in scenario.ask.questions[0]

    scenario.ask = Answers(True)
    with pytest.raises(UserError, match="The rollback failed again") as caught:
        scenario.deploy(update)
    assert caught.value.next_command.startswith(f"aws cloudformation continue-update-rollback --stack-name {STACK}")

    account.clear_faults()
    scenario.ask = Answers(True, True)
    assert scenario.deploy(update).result is Result.UPDATED


@pytest.mark.parametrize("reason", fault("passing_cause").points)
def test_passing_cause(account: LocalAccount, reason: str) -> None:
    scenario = Scenario(account.connection)
    account.add_fault(logical_id="RecordStream", action="fail", message=reason, times=2)
    before = scenario.tools.clock.elapsed()
    outcome = scenario.deploy(attempts=3)
    assert (outcome.result, outcome.exit_code) == (Result.CREATED, ExitCode.GOOD)
    assert scenario.tools.clock.elapsed() - before > 90
    assert [line for line in scenario.said if line.startswith("Attempt")] == [
        "Attempt 1 of 3 failed for a passing cause; trying again in 30 s.",
        "Attempt 2 of 3 failed for a passing cause; trying again in 60 s.",
    ]
    assert len(remaining(account)["cloudformation.stack"]) == 1


def test_any_number_of_attempts_has_its_pauses(account: LocalAccount) -> None:
    scenario = Scenario(account.connection)
    account.add_fault(logical_id="RecordStream", action="fail", message="Rate exceeded", times=6)
    assert scenario.deploy(attempts=7).result is Result.CREATED
    pauses = [line.rpartition(" in ")[2] for line in scenario.said if line.startswith("Attempt")]
    assert pauses == ["30 s.", "60 s.", "120 s.", "240 s.", "480 s.", "960 s."]


@pytest.mark.parametrize(
    ("reason", "attempts"), [("Rate exceeded", 1), ("The maximum number of streams has been reached", 5)]
)
def test_what_is_not_worth_it_is_not_tried_again(account: LocalAccount, reason: str, attempts: int) -> None:
    scenario = Scenario(account.connection)
    account.add_fault(logical_id="RecordStream", action="fail", message=reason, times=1)
    assert scenario.deploy(attempts=attempts).result is Result.FAILED
    assert remaining(account) == {}


def test_cleaning_up_that_fails_does_not_hide_the_cause(account: LocalAccount, scenario: Scenario) -> None:
    account.add_fault(logical_id="RecordStream", action="fail", message="The maximum number of shards has been reached")
    account.add_fault(service="cloudformation", operation="DeleteStack", action="deny")
    outcome = scenario.deploy()
    assert outcome.cause is not None
    assert outcome.cause.logical_id == "RecordStream"
    assert "Cleaning up did not succeed either: AWS refused cloudformation:DeleteStack" in outcome.message

    account.clear_faults()
    assert scenario.deploy().result is Result.CREATED
    assert "Its creation failed, and it can only be deleted." in scenario.ask.questions[-2]


def _without_times(inventory: dict[str, list[str]]) -> dict[str, list[str]]:
    """Without the stack's status and the executed change sets, which tell of the attempt, not of resources."""
    return {kind: names for kind, names in inventory.items() if not kind.startswith("cloudformation.")}


def test_reading_a_stack_that_is_not_there(account: LocalAccount, scenario: Scenario) -> None:
    assert stacks.read(scenario.session, STACK) is None
    assert stacks.resources(scenario.session, STACK) == []


def test_a_protected_creation_that_fails_after_its_database(account: LocalAccount, scenario: Scenario) -> None:
    """Deletion protection stands in the way of the rollback: it is lifted, as what this attempt created holds no data.

    The local account then forgets the database, which AWS would delete with the stack; it is told as left instead.
    """
    account.add_fault(logical_id="ReportTopic", action="fail", message="limit exceeded")
    outcome = scenario.deploy({"DeletionProtection": "true", "Reports": "true"})
    assert outcome.cause is not None
    assert outcome.cause.logical_id == "ReportTopic"
    assert "cloudformation.stack" not in remaining(account)
    found = scenario.session.call("rds", "describe_db_instances")["DBInstances"]
    assert [instance["DeletionProtection"] for instance in found] == [False]
    assert [one.logical_id for one in outcome.left if one.presence == "there"] == ["Database"]
