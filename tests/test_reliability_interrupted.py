"""Deployments that are interrupted: Ctrl-C, time-outs, lost credentials, killed processes, two of them at once."""

from __future__ import annotations

import concurrent.futures
import random
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from hipaa_pipeline.deployment.order import Outcome, Result
from hipaa_pipeline.documents.reliability import fault
from hipaa_pipeline.errors import ExitCode
from hipaa_pipeline.local.server import LocalAccount
from scenario import STACK, Answers, Scenario, Watcher, remaining

RESUME = "make deploy ENV=test"
KILLED = Path(__file__).parent / "killed.py"


@pytest.fixture
def scenario(account: LocalAccount) -> Scenario:
    return Scenario(account.connection)


class CtrlC:
    """Presses Ctrl-C once, when the first events are shown; then lets what was held go on."""

    def __init__(self, account: LocalAccount, *, release: bool = True) -> None:
        self._account, self._release, self.pressed = account, release, False

    def __call__(self, _events: int) -> None:
        if not self.pressed:
            self.pressed = True
            if self._release:
                self._account.clear_faults()
            raise KeyboardInterrupt


def hold(account: LocalAccount, phase: str = "create") -> None:
    """Let the stream take as long as it takes until somebody clears the faults."""
    account.add_fault(logical_id="RecordStream", phase=phase, action="latency", hold=True)


def test_interrupted_detach(account: LocalAccount, scenario: Scenario) -> None:
    hold(account)
    scenario.ask, scenario.watcher = Answers(True, "detach"), Watcher(CtrlC(account))
    left = scenario.deploy()
    assert (left.result, left.exit_code, left.next_command) == (Result.RUNNING, ExitCode.UNKNOWN, RESUME)
    assert left.message == f"You stopped watching {STACK}; it goes on in AWS."
    assert scenario.deploy().exit_code is ExitCode.GOOD
    assert scenario.stack()["StackStatus"] == "CREATE_COMPLETE"


class Leaving(Answers):
    """Confirms, and types Ctrl-C instead of a choice."""

    def choose(self, question: str, options: Mapping[str, str], default: str) -> str:
        self.questions.append(question)
        raise KeyboardInterrupt


def test_interrupted_ctrl_c_again(account: LocalAccount, scenario: Scenario) -> None:
    """Ctrl-C at the question is no answer to it: the operation goes on."""
    hold(account)
    scenario.ask, scenario.watcher = Leaving(True), Watcher(CtrlC(account))
    left = scenario.deploy()
    assert (left.result, left.exit_code, left.next_command) == (Result.RUNNING, ExitCode.UNKNOWN, RESUME)
    assert left.message == f"You stopped watching {STACK}; it goes on in AWS."
    assert scenario.ask.questions[-1] == "What now?"
    assert scenario.deploy().exit_code is ExitCode.GOOD


def test_interrupted_watch_on(account: LocalAccount, scenario: Scenario) -> None:
    hold(account)
    scenario.ask, scenario.watcher = Answers(True, "watch"), Watcher(CtrlC(account))
    assert scenario.deploy().result is Result.CREATED
    assert "CREATE_COMPLETE RecordStream" in scenario.watcher.lines


def test_interrupted_stop_a_creation(account: LocalAccount, scenario: Scenario) -> None:
    outcome = stopped(account, scenario, "create")
    assert (outcome.result, outcome.exit_code) == (Result.FAILED, ExitCode.FAILED)
    assert outcome.message == f"The creation of {STACK} was stopped, and what it had created was deleted."
    assert remaining(account) == {}


def test_interrupted_stop_an_update(account: LocalAccount, scenario: Scenario) -> None:
    scenario.deploy()
    outcome = stopped(account, scenario, "update")
    assert (outcome.result, outcome.message) == (Result.FAILED, f"The update of {STACK} was stopped and rolled back.")
    assert scenario.stack()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "sns.topic" not in remaining(account)


def test_a_stop_that_is_refused_leaves_the_operation_to_aws(account: LocalAccount, scenario: Scenario) -> None:
    scenario.deploy()
    hold(account, "update")
    account.add_fault(service="cloudformation", operation="CancelUpdateStack", action="deny")
    scenario.ask, scenario.watcher = Answers(True, "stop"), Watcher(CtrlC(account, release=False))
    left = scenario.deploy({"Shards": "2"})
    assert (left.result, left.exit_code, left.next_command) == (Result.RUNNING, ExitCode.UNKNOWN, RESUME)
    assert "goes on in AWS" in left.message
    account.clear_faults()
    assert scenario.deploy({"Shards": "2"}).exit_code is ExitCode.GOOD


def stopped(account: LocalAccount, scenario: Scenario, phase: str) -> Outcome:
    """Stop an operation while its stream is being worked on, which goes on once AWS was told to stop."""
    hold(account, phase)
    scenario.ask, scenario.watcher = Answers(True, "stop"), Watcher(CtrlC(account, release=False))
    told = "DeleteStack" if phase == "create" else "CancelUpdateStack"
    events = scenario.session.client("cloudformation", scenario.session.region).meta.events

    def release(**_: object) -> None:
        account.clear_faults()

    events.register(f"after-call.cloudformation.{told}", release)
    try:
        return scenario.deploy({"Days": "180", "Shards": "2", "Reports": "true"})
    finally:
        events.unregister(f"after-call.cloudformation.{told}", release)


def test_interrupted_no_terminal(account: LocalAccount, scenario: Scenario) -> None:
    hold(account)
    scenario.watcher = Watcher(CtrlC(account))
    assert scenario.deploy().result is Result.RUNNING
    assert scenario.deploy().exit_code is ExitCode.GOOD


def test_timed_out(account: LocalAccount, scenario: Scenario) -> None:
    hold(account)
    outcome = scenario.deploy(timeout_seconds=60.0)
    assert (outcome.result, outcome.exit_code, outcome.next_command) == (Result.RUNNING, ExitCode.UNKNOWN, RESUME)
    assert "still being worked on after 1:00" in outcome.message
    assert "RecordStream (CREATE_IN_PROGRESS, usually 30 s)" in outcome.message
    account.clear_faults()
    assert scenario.deploy().exit_code is ExitCode.GOOD


def test_credentials_expire(account: LocalAccount, scenario: Scenario) -> None:
    hold(account)
    account.add_fault(
        service="cloudformation", operation="DescribeStackEvents", action="fail", nth=3, times=1,
        code="ExpiredToken", message="The security token included in the request is expired", status=403,
    )  # fmt: skip
    outcome = scenario.deploy()
    assert (outcome.result, outcome.exit_code, outcome.next_command) == (Result.RUNNING, ExitCode.UNKNOWN, RESUME)
    assert "The credentials are no longer accepted" in outcome.message
    account.clear_faults()
    assert scenario.deploy().exit_code is ExitCode.GOOD


@pytest.mark.parametrize("point", fault("killed").points)
def test_killed(account: LocalAccount, point: str) -> None:
    """Killed before a call, as `kill -9` kills; the same command again brings it to its end."""
    command, _, number = point.partition(" before call ")
    scenario = Scenario(account.connection)
    if command == "destroy":
        scenario.deploy({"DeletionProtection": "true"})
    killed = subprocess.run(
        [sys.executable, str(KILLED), account.endpoint_url, number, command],
        capture_output=True, text=True, timeout=60, check=False, cwd=KILLED.parent,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
    if command == "destroy":
        assert scenario.destroy().exit_code is ExitCode.GOOD
        assert {*remaining(account)} == {"kms.key", "logs.group", "rds.snapshot"}
        return
    assert scenario.deploy({"DeletionProtection": "true"}).exit_code is ExitCode.GOOD
    assert scenario.stack()["StackStatus"] == "CREATE_COMPLETE"
    assert scenario.stack()["EnableTerminationProtection"] is True
    assert len(remaining(account)["kms.key"]) == 1


def test_the_points_of_killing_are_random_ones() -> None:
    """Drawn once, from 20 calls of each command, so that everybody tries the same."""
    numbers = random.Random(20261123)
    drawn = [("deploy", numbers.sample(range(2, 20), 7)), ("destroy", numbers.sample(range(2, 15), 3))]
    assert fault("killed").points == tuple(
        f"{command} before call {number}" for command, found in drawn for number in sorted(found)
    )


@pytest.mark.parametrize("point", fault("at_the_same_time").points[:2])
def test_at_the_same_time(account: LocalAccount, point: str) -> None:
    """One creates; the others wait, or find that they were overtaken, and then find nothing more to do."""
    account.set_creation_delay(20)
    count = int(point.split()[0])
    scenarios = [Scenario(account.connection) for _ in range(count)]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        outcomes = list(pool.map(lambda one: one.deploy(), scenarios))
    assert sorted(outcome.result for outcome in outcomes) == ["created", *["unchanged"] * (count - 1)]
    assert scenarios[0].stack()["StackStatus"] == "CREATE_COMPLETE"
    assert len(remaining(account)["kinesis.stream"]) == 1
    assert len(remaining(account)["kms.key"]) == 1


def test_at_the_same_time_updates(account: LocalAccount) -> None:
    scenarios = [Scenario(account.connection) for _ in range(2)]
    scenarios[0].deploy()
    account.set_creation_delay(20)
    parameters = [{"Days": "180"}, {"Days": "365"}]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        outcomes = list(pool.map(lambda one, values: one.deploy(values), scenarios, parameters))
    assert [outcome.exit_code for outcome in outcomes] == [ExitCode.GOOD, ExitCode.GOOD]
    assert scenarios[0].stack()["StackStatus"] == "UPDATE_COMPLETE"
