"""Fleets run against simulated stack sets: what moto cannot do, and how many requests it takes."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from hipaa_pipeline.aws import stacksets
from hipaa_pipeline.aws.session import AwsError, ErrorKind
from hipaa_pipeline.errors import ExitCode, UserError
from hipaa_pipeline.fleet import run
from hipaa_pipeline.fleet.file import Fleet, Group
from hipaa_pipeline.fleet.operation import Operation, Share
from hipaa_pipeline.fleet.plan import Action, Content, Plan, Row, plan, removal
from hipaa_pipeline.fleet.run import Tools
from hipaa_pipeline.fleet.simulation import SimulatedClock, SimulatedStackSets, measure, simulated_fleet
from hipaa_pipeline.fleet.state import Standing
from hipaa_pipeline.fleet.wanted import targets

CONTENT = Content("Resources: {}", {"EnvironmentSuffix": "prod"}, {"Project": "x"})
REGIONS = ("ap-southeast-1", "eu-central-1")
UNITS = {"ou-1": ("111111111111", "222222222222"), "ou-2": ("333333333333",)}


def self_managed(*accounts: str) -> Fleet:
    return dataclasses.replace(simulated_fleet(2), groups=(Group(accounts, (), REGIONS, {}),))


def service_managed() -> Fleet:
    return dataclasses.replace(
        simulated_fleet(2),
        service_managed=True,
        delegated=True,
        auto_deployment=True,
        operation=Operation(Share(1), Share(0)),
        groups=(Group((), ("ou-1", "ou-2"), REGIONS, {"StreamShards": "2"}),),
    )


class Recorded(SimulatedStackSets):
    """Keeps what was sent."""

    def __init__(self, units: Mapping[str, Iterable[str]]) -> None:
        super().__init__(units)
        self.sent: list[tuple[str, dict[str, Any]]] = []

    def call(
        self, service: str, operation: str, /, *, in_region: str | None = None, **arguments: Any
    ) -> dict[str, Any]:
        self.sent.append((operation, arguments))
        return super().call(service, operation, in_region=in_region, **arguments)

    def last(self, operation: str) -> dict[str, Any]:
        return dict(self.sent)[operation]


class Refusing(SimulatedStackSets):
    """Refuses every call that names one account."""

    def _change(self, action: str, given: dict[str, Any]) -> dict[str, Any]:
        if "111111111111" in given["Accounts"]:
            raise AwsError(ErrorKind.INVALID, "cloudformation", "create_stack_instances", "ValidationError", "no role")
        return super()._change(action, given)


class Unchangeable(SimulatedStackSets):
    """Refuses to update the stack set."""

    def _update_set(self, given: dict[str, Any]) -> dict[str, Any]:
        del given
        raise AwsError(ErrorKind.INVALID, "cloudformation", "update_stack_set", "ValidationError", "bad template")


def tools_for(session: SimulatedStackSets, timeout: float = 3600.0) -> tuple[Tools, list[str]]:
    numbers, said = itertools.count(1), list[str]()
    return (
        Tools(
            session=session,
            clock=SimulatedClock(),
            new_id=lambda: f"operation-{next(numbers)}",
            say=said.append,
            timeout=timeout,
        ),
        said,
    )


def look(session: SimulatedStackSets, fleet: Fleet, content: Content = CONTENT) -> Plan:
    return plan(targets(fleet), content, run.look(session, fleet))


def standings(rows: tuple[Row, ...]) -> dict[tuple[str, str], Standing]:
    return {(row.owner, row.region): row.standing for row in rows}


def test_units_of_an_organisation() -> None:
    fleet, session = service_managed(), Recorded(UNITS)
    session.failing = {"222222222222": "FAILED"}
    tools, _ = tools_for(session)

    run.deploy(fleet, look(session, fleet), tools)

    created = session.last("create_stack_set")
    assert created["PermissionModel"] == "SERVICE_MANAGED"
    assert created["AutoDeployment"] == {"Enabled": True, "RetainStacksOnAccountRemoval": True}
    made = session.last("create_stack_instances")
    assert made["DeploymentTargets"] == {"OrganizationalUnitIds": ["ou-1", "ou-2"]}
    assert made["Regions"] == list(REGIONS)
    assert made["ParameterOverrides"] == [{"ParameterKey": "StreamShards", "ParameterValue": "2"}]
    assert {arguments["CallAs"] for _, arguments in session.sent} == {"DELEGATED_ADMIN"}

    again = look(session, fleet)
    assert standings(again.rows)[("222222222222", "eu-central-1")] is Standing.FAILED
    assert [(step.block.units, step.block.accounts, step.block.regions) for step in again.steps if step.block] == [
        (("ou-1",), ("222222222222",), REGIONS)
    ]
    session.failing = {}
    run.deploy(fleet, again, tools)
    updated = session.last("update_stack_instances")
    assert updated["DeploymentTargets"] == {
        "OrganizationalUnitIds": ["ou-1"],
        "Accounts": ["222222222222"],
        "AccountFilterType": "INTERSECTION",
    }
    assert set(standings(look(session, fleet).rows).values()) == {Standing.CURRENT}
    assert run.destroy(fleet, removal(run.look(session, fleet)), tools).found.stack_set is None


def test_an_instance_that_cannot_be_deleted_keeps_its_set() -> None:
    fleet, session = self_managed("111111111111", "222222222222"), SimulatedStackSets()
    tools, _ = tools_for(session)
    run.deploy(fleet, look(session, fleet), tools)
    session.failing = {"222222222222": "FAILED"}

    report = run.destroy(fleet, removal(run.look(session, fleet)), tools)

    assert report.found.stack_set is not None
    rows = run.with_reasons(removal(report.found).rows, report.taken)
    assert [(row.owner, row.standing, row.reason) for row in rows] == [
        ("222222222222", Standing.FAILED, "FAILED in 222222222222") for _ in REGIONS
    ]


def test_somebody_elses_operation_is_waited_for() -> None:
    fleet, session = self_managed("111111111111"), SimulatedStackSets()
    tools, said = tools_for(session)
    run.deploy(fleet, look(session, fleet), tools)
    proposed = look(session, fleet, dataclasses.replace(CONTENT, tags={}))
    stacksets.detect_drift(session, run.address(fleet), operation_id="theirs", preferences={})

    report = run.deploy(fleet, proposed, tools)

    assert "Waiting for operation theirs (DETECT_DRIFT), which is RUNNING." in said
    assert [taken.status for taken in report.taken] == ["SUCCEEDED"]


def test_time_that_runs_out_is_told_and_nothing_is_cancelled() -> None:
    fleet, session = self_managed("111111111111"), SimulatedStackSets()
    tools, _ = tools_for(session, timeout=0.0)

    with pytest.raises(
        UserError, match=r"The operation operation-2 is still running after 0 s and goes on in AWS\."
    ) as caught:
        run.deploy(fleet, look(session, fleet), tools)

    assert caught.value.exit_code == ExitCode.UNKNOWN
    assert session.operations[-1]["Status"] == "RUNNING"


def test_a_step_that_is_refused_is_told_of_its_targets_only() -> None:
    fleet = dataclasses.replace(
        simulated_fleet(2),
        groups=(Group(("111111111111",), (), REGIONS, {}), Group(("222222222222",), (), REGIONS, {"x": "1"})),
    )
    session = Refusing()
    tools, _ = tools_for(session)

    report = run.deploy(fleet, look(session, fleet), tools)

    assert report.failed
    rows = run.with_reasons(plan(targets(fleet), CONTENT, report.found).rows, report.taken)
    assert {(row.owner, row.standing, row.reason) for row in rows} == {
        ("111111111111", Standing.MISSING, "no role"),
        ("222222222222", Standing.CURRENT, ""),
    }
    assert run.exit_code(rows, failed=report.failed) is ExitCode.FAILED


def test_without_its_update_the_old_template_goes_to_nobody() -> None:
    session = Unchangeable()
    tools, _ = tools_for(session)
    run.deploy(self_managed("111111111111"), look(session, self_managed("111111111111")), tools)
    fleet, newer = self_managed("111111111111", "222222222222"), dataclasses.replace(CONTENT, template_body="newer")
    proposed = look(session, fleet, newer)
    assert [step.action for step in proposed.steps] == [Action.UPDATE_SET, Action.CREATE]

    with pytest.raises(AwsError, match="bad template"):
        run.deploy(fleet, proposed, tools)

    assert {each.account for each in run.look(session, fleet).instances} == {"111111111111"}


def test_an_update_that_fails_in_some_targets_goes_on_with_the_new_template() -> None:
    session = SimulatedStackSets()
    tools, _ = tools_for(session)
    run.deploy(self_managed("111111111111"), look(session, self_managed("111111111111")), tools)
    fleet, newer = self_managed("111111111111", "222222222222"), dataclasses.replace(CONTENT, template_body="newer")
    session.failing = {"111111111111": "FAILED"}

    report = run.deploy(fleet, look(session, fleet, newer), tools)

    assert [taken.status for taken in report.taken] == ["FAILED", "SUCCEEDED"]
    assert report.found.stack_set is not None
    assert report.found.stack_set.template_body == "newer"
    assert {owner: each for (owner, _), each in standings(look(session, fleet, newer).rows).items()} == {
        "111111111111": Standing.FAILED,
        "222222222222": Standing.CURRENT,
    }


@pytest.mark.parametrize(
    ("standings", "code"),
    [
        ([], ExitCode.GOOD),
        ([Standing.CURRENT, Standing.SURPLUS], ExitCode.GOOD),
        ([Standing.CURRENT, Standing.RUNNING], ExitCode.UNKNOWN),
        ([Standing.RUNNING, Standing.FAILED], ExitCode.FAILED),
        *([[standing], ExitCode.FAILED] for standing in Standing if standing not in {"current", "surplus", "running"}),
    ],
)
def test_the_exit_code_of_a_fleet(standings: list[Standing], code: ExitCode) -> None:
    assert run.exit_code([Row("a", "r1", each) for each in standings]) is code


def test_drift_is_told_of_each_instance() -> None:
    fleet, session = self_managed("111111111111", "222222222222"), SimulatedStackSets()
    tools, _ = tools_for(session)
    run.deploy(fleet, look(session, fleet), tools)
    session.drifted = {"222222222222"}

    run.detect_drift(fleet, tools)

    found = stacksets.instances(session, run.address(fleet))
    assert {(each.account, each.drift) for each in found} == {
        ("111111111111", "IN_SYNC"),
        ("222222222222", "DRIFTED"),
    }


@pytest.mark.parametrize("size", [10, 100, 1_000])
def test_requests_grow_with_the_targets_and_no_faster(size: int) -> None:
    counted = measure(size)

    assert counted["plan, nothing there"] == 1
    # One for each instance's overrides, one page for each hundred, and a few for each operation.
    assert counted["plan or status, all current"] <= 1.02 * size + 2
    assert counted["deploy, first time"] <= 1.05 * size + 12
    assert counted["deploy again, one in ten failed"] <= 2.1 * size + 12
    assert counted["verify, drift"] <= 0.02 * size + 5
    assert counted["destroy"] <= 1.03 * size + 10


def test_doubling_the_targets_doubles_the_requests() -> None:
    small, large = measure(200), measure(400)

    assert {name: large[name] <= 2 * small[name] for name in small} == dict.fromkeys(small, True)
