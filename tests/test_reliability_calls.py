"""Calls that are throttled, lost, answered into nothing, or denied: rows of docs/reliability.md, each at every call."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hipaa_pipeline.aws.explain import explain
from hipaa_pipeline.aws.leftovers import Presence
from hipaa_pipeline.aws.session import AwsError
from hipaa_pipeline.deployment.order import Outcome, Result
from hipaa_pipeline.deployment.proposal import Proposal
from hipaa_pipeline.deployment.wording import plan_lines
from hipaa_pipeline.documents.reliability import CALLS, fault
from hipaa_pipeline.errors import ExitCode, UserError
from hipaa_pipeline.local.server import LocalAccount
from scenario import Scenario, called, remaining

PROTECTED = {"DeletionProtection": "true"}
REPLACED = {**PROTECTED, "StreamName": "events"}
ALLOWED = frozenset({"RecordStream"})


def life(scenario: Scenario) -> list[tuple[str, Callable[[], Outcome], Result]]:
    """The steps of a stack's life, which together need every call there is, and what each must come to."""
    return [
        ("create", lambda: scenario.deploy(PROTECTED), Result.CREATED),
        ("nothing to do", lambda: scenario.deploy(PROTECTED), Result.UNCHANGED),
        ("replace", lambda: scenario.deploy(REPLACED, allow_replace=ALLOWED), Result.UPDATED),
        ("destroy", scenario.destroy, Result.DESTROYED),
    ]


def left_by_design(account: LocalAccount) -> bool:
    """A protected stack leaves its logs and its database's final snapshots, and the key they cannot be read without."""
    left = remaining(account)
    return [*left] == ["kms.key", "logs.group", "rds.snapshot"] and len(left["kms.key"]) == 1


@pytest.fixture(scope="module")
def used(local_process: LocalAccount) -> dict[str, list[str]]:
    """The calls of each step, in the order in which they are first made."""
    local_process.reset()
    scenario = Scenario(local_process.connection)
    found = {}
    for name, step, result in life(scenario):
        with called(scenario.session) as calls:
            assert step().result is result
        found[name] = [*calls]
    return found


def test_the_table_names_every_call(used: dict[str, list[str]]) -> None:
    assert sorted({call for calls in used.values() for call in calls}) == list(CALLS)


# Where IAM's name of an action is not the call's.
ACTIONS = {"resourcegroupstaggingapi:GetResources": "tag:GetResources"}
INJECTED: dict[str, dict[str, object]] = {
    "throttled": {"action": "throttle", "times": 3},
    "connection_broken": {"action": "drop-before", "times": 2},
    "answer_lost": {"action": "drop-after", "times": 1},
    "server_error": {"action": "fail", "code": "InternalFailure", "status": 500, "times": 2},
}


@pytest.mark.parametrize("slug", INJECTED)
def test_a_call_that_goes_wrong_for_a_while_fails_nothing(account: LocalAccount, slug: str) -> None:
    """Each call meets the fault at its first use in each step; every step ends as if there were none."""
    scenario = Scenario(account.connection)
    met: set[str] = set()
    for name, step, result in life(scenario):
        account.clear_faults()
        for call in fault(slug).points:
            _inject(account, call, **INJECTED[slug])
        outcome = step()
        assert (outcome.result, outcome.exit_code) == (result, ExitCode.GOOD), name
        met |= _used_up(account)
    assert met == set(fault(slug).points)
    assert left_by_design(account)


@pytest.mark.parametrize("call", fault("denied").points)
def test_a_call_that_is_denied_is_named_and_the_next_run_goes_on(
    account: LocalAccount, used: dict[str, list[str]], call: str
) -> None:
    """Denied in the first step that needs it; the same step gets through once it is allowed."""
    scenario = Scenario(account.connection)
    for name, step, _ in life(scenario):
        if call not in used[name]:
            step()
            continue
        _inject(account, call, action="deny")
        assert ACTIONS.get(call, call) in _told(step)
        account.clear_faults()
        assert step().exit_code is ExitCode.GOOD
        return
    pytest.fail(f"no step uses {call}")


def test_validation_that_may_not_be_read_is_told_and_stops_nothing(account: LocalAccount) -> None:
    """CloudFormation's warnings are advice: who may not read them must learn that they were not read."""
    scenario = Scenario(account.connection)
    _inject(account, "cloudformation:DescribeEvents", action="deny")
    assert scenario.deploy().result is Result.CREATED
    proposal = scenario.shown[-1]
    assert isinstance(proposal, Proposal)
    assert [line for line in plan_lines("s", proposal) if "cloudformation:DescribeEvents" in line]


def _inject(account: LocalAccount, call: str, **injected: object) -> None:
    service, operation = call.split(":")
    account.add_fault(service=service, operation=operation, **injected)


def _told(step: Callable[[], Outcome]) -> str:
    """What the user is told when the step does not end well."""
    try:
        outcome = step()
    except UserError as error:
        return f"{error.message} {error.next_command}"
    except AwsError as error:
        return explain(error).message
    doubts = [one.reason for one in outcome.left if one.presence is Presence.UNKNOWN]
    assert outcome.exit_code is not ExitCode.GOOD or doubts
    return " ".join([outcome.message, *(finding.reason for finding in outcome.findings), *doubts])


def _used_up(account: LocalAccount) -> set[str]:
    faults = account.admin("GET", "faults")
    return {f"{one['service']}:{one['operation']}" for one in faults if one["times"] <= 0}
