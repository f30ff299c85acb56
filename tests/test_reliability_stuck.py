"""Stacks found in a state that somebody or something left them in: each has a way out, and each way out asks first."""

from __future__ import annotations

import pytest

from hipaa_pipeline.deployment.order import Result
from hipaa_pipeline.errors import ExitCode, UserError
from hipaa_pipeline.local.server import LocalAccount
from scenario import STACK, Answers, Scenario, remaining


@pytest.fixture
def scenario(account: LocalAccount) -> Scenario:
    return Scenario(account.connection)


def change_set(scenario: Scenario, name: str, kind: str = "CREATE") -> None:
    """A change set made by somebody else, or by an earlier run of this tool that was killed."""
    scenario.session.call(
        "cloudformation",
        "create_change_set",
        StackName=STACK,
        ChangeSetName=name,
        ChangeSetType=kind,
        TemplateBody=scenario.template.text,
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[{"ParameterKey": "EnvironmentSuffix", "ParameterValue": "test"}],
    )


def failed_creation(account: LocalAccount, scenario: Scenario) -> None:
    """A stack of this tool's in ROLLBACK_COMPLETE: the process was killed before it could clean up."""
    account.add_fault(logical_id="RecordStream", action="fail", message="limit exceeded", times=1)
    account.add_fault(service="cloudformation", operation="DeleteStack", action="deny")
    assert scenario.deploy().result is Result.FAILED
    account.clear_faults()
    assert scenario.stack()["StackStatus"] == "ROLLBACK_COMPLETE"


def test_stuck_rollback_complete(account: LocalAccount, scenario: Scenario) -> None:
    failed_creation(account, scenario)
    scenario.ask = Answers(False)
    with pytest.raises(UserError, match="stays ROLLBACK_COMPLETE") as caught:
        scenario.deploy()
    assert (caught.value.exit_code, caught.value.next_command) == (ExitCode.FAILED, "make deploy ENV=test")
    scenario.ask = Answers(True, True)
    assert scenario.deploy().result is Result.CREATED
    assert scenario.ask.questions[0] == (
        f"{STACK} is ROLLBACK_COMPLETE. Its creation failed, and it can only be deleted. Delete it and start afresh?"
    )


def test_stuck_rollback_complete_of_somebody_else(account: LocalAccount, scenario: Scenario) -> None:
    account.add_fault(logical_id="RecordStream", action="fail", message="limit exceeded", times=1)
    change_set(scenario, "theirs")
    scenario.session.call("cloudformation", "execute_change_set", ChangeSetName="theirs", StackName=STACK)
    while scenario.stack()["StackStatus"].endswith("_IN_PROGRESS"):
        scenario.tools.clock.sleep(1)
    with pytest.raises(UserError, match="was not made by this tool"):
        scenario.deploy()
    assert scenario.stack()["StackStatus"] == "ROLLBACK_COMPLETE"


def test_stuck_review_in_progress(account: LocalAccount, scenario: Scenario) -> None:
    change_set(scenario, "hipaa-pipeline-20260101-000000-1")
    assert scenario.deploy().result is Result.CREATED


def test_a_stack_in_review_can_be_destroyed(account: LocalAccount, scenario: Scenario) -> None:
    """An interrupted plan left it; it holds nothing."""
    change_set(scenario, "hipaa-pipeline-20260101-000000-1")
    assert scenario.destroy().result is Result.DESTROYED
    assert account.inventory() == {}


def test_stuck_review_in_progress_of_somebody_else(account: LocalAccount, scenario: Scenario) -> None:
    change_set(scenario, "theirs")
    before = account.inventory()
    for attempt in (scenario.deploy, scenario.destroy):
        with pytest.raises(
            UserError, match="waits for the review of a change set that this tool did not make"
        ) as caught:
            attempt()
        assert caught.value.next_command.endswith(f"--stack-name {STACK} --change-set-name theirs")
    assert account.inventory() == before
    scenario.ask = Answers("use", True)
    assert scenario.deploy().result is Result.CREATED
    assert scenario.ask.questions[0].endswith("Go on all the same?")


def test_stuck_review_in_progress_and_then_declined(account: LocalAccount, scenario: Scenario) -> None:
    """The stack in review is removed only when no other change set waits on it."""
    change_set(scenario, "hipaa-pipeline-20260101-000000-1")
    before = account.inventory()
    scenario.ask = Answers(False)
    assert scenario.deploy().result is Result.REFUSED
    assert account.inventory() == before


def test_stuck_update_failed(account: LocalAccount, scenario: Scenario) -> None:
    """Somebody updated with rollback turned off."""
    scenario.deploy()
    tags = [{"Key": "hipaa-pipeline:environment", "Value": "test"}]
    parameters = [{"ParameterKey": "EnvironmentSuffix", "ParameterValue": "test"}]
    parameters.append({"ParameterKey": "Reports", "ParameterValue": "true"})
    account.add_fault(logical_id="ReportTopic", action="fail", message="limit exceeded", times=1)
    scenario.session.call(
        "cloudformation", "update_stack", StackName=STACK, UsePreviousTemplate=True, DisableRollback=True,
        Parameters=parameters, Tags=tags, Capabilities=["CAPABILITY_NAMED_IAM"],
    )  # fmt: skip
    while scenario.stack()["StackStatus"].endswith("_IN_PROGRESS"):
        scenario.tools.clock.sleep(1)
    assert scenario.stack()["StackStatus"] == "UPDATE_FAILED"
    scenario.ask = Answers(True, True)
    assert scenario.deploy({"Days": "180"}).result is Result.UPDATED
    assert "Roll it back?" in scenario.ask.questions[0]


def test_stuck_delete_failed(account: LocalAccount, scenario: Scenario) -> None:
    scenario.deploy()
    account.add_fault(resource_type="AWS::EC2::VPC", phase="delete", action="fail", message="has dependencies", times=1)
    assert scenario.destroy().result is Result.FAILED
    assert scenario.stack()["StackStatus"] == "DELETE_FAILED"
    with pytest.raises(UserError, match="failed half-way") as caught:
        scenario.deploy()
    assert caught.value.next_command == "make destroy ENV=test"
    assert scenario.destroy().result is Result.DESTROYED
    assert remaining(account) == {}


def test_stuck_operation_in_progress(account: LocalAccount, scenario: Scenario) -> None:
    """`deploy` run again picks up what is running, and finds nothing more to do."""
    account.set_creation_delay(20)
    other = Scenario(account.connection)
    start(other)
    outcome = scenario.deploy()
    assert scenario.said == [f"{STACK} is CREATE_IN_PROGRESS: following the operation that is running already."]
    assert "CREATE_COMPLETE RecordStream" in scenario.watcher.lines
    assert (outcome.result, outcome.exit_code) == (Result.UNCHANGED, ExitCode.GOOD)


def test_stuck_operation_in_progress_refused(account: LocalAccount, scenario: Scenario) -> None:
    number = account.add_fault(logical_id="RecordStream", action="latency", hold=True)
    start(Scenario(account.connection))
    with pytest.raises(UserError, match=r"Another operation is running on .* \(CREATE_IN_PROGRESS\)"):
        scenario.deploy(wait_if_busy=False)
    with pytest.raises(UserError, match="Another operation is running"):
        scenario.destroy(wait_if_busy=False)
    account.clear_faults(number)
    assert scenario.deploy().result is Result.UNCHANGED


def start(scenario: Scenario) -> None:
    """Begin to deploy and leave at once, as a person does who presses Ctrl-C and detaches."""
    scenario.ask = Answers(True, "detach")
    scenario.watcher = type(scenario.watcher)(on_events=_leave)
    assert scenario.deploy().result is Result.RUNNING


def _leave(_events: int) -> None:
    raise KeyboardInterrupt
