"""StackSets in memory, counting every request: how many a fleet of any size takes, without an account.

It keeps what the requests depend on: pages of 100, one operation at a time, a status for each instance. It does not
resolve templates or make stacks. `docs/scale.md` is made from `measure`.
"""

from __future__ import annotations

import datetime
import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from hipaa_pipeline.aws import stacksets
from hipaa_pipeline.aws.session import AwsError, Connection, ErrorKind, Session
from hipaa_pipeline.fleet import run
from hipaa_pipeline.fleet.file import Fleet, Group
from hipaa_pipeline.fleet.operation import Operation, Share
from hipaa_pipeline.fleet.plan import Content, Found, Plan, plan, removal
from hipaa_pipeline.fleet.run import Tools
from hipaa_pipeline.fleet.wanted import targets

PAGE = 100
LOOKS = 3
"""How often an operation is seen running before it has ended; in AWS that is a matter of minutes, not of targets."""

_REGIONS = ("ap-southeast-1", "eu-central-1")
_ACCOUNTS_A_GROUP = 100


class SimulatedClock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def now(self) -> datetime.datetime:
        """Some day."""
        return datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(seconds=self._seconds)

    def elapsed(self) -> float:
        """Seconds waited so far."""
        return self._seconds

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self._seconds += seconds


class SimulatedStackSets(Session):
    """A session that only knows stack sets. `failing` accounts fail every operation, with their detailed status.

    `units` are the accounts of organisational units.
    """

    def __init__(self, units: Mapping[str, Iterable[str]] | None = None) -> None:
        super().__init__(Connection("ap-southeast-1"))
        self.failing: dict[str, str] = {}
        self.drifted: set[str] = set()
        self.requests: Counter[str] = Counter()
        self.operations: list[dict[str, Any]] = []
        self._units = {unit: tuple(accounts) for unit, accounts in (units or {}).items()}
        self._set: dict[str, Any] | None = None
        self._instances: dict[tuple[str, str], dict[str, Any]] = {}

    def call(
        self, service: str, operation: str, /, *, in_region: str | None = None, **arguments: Any
    ) -> dict[str, Any]:
        """One request."""
        del service, in_region
        self._count(operation, 1)
        answers: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "describe_stack_set": self._described,
            "describe_stack_instance": self._instance,
            "describe_stack_set_operation": self._looked_at,
            "list_stack_set_operations": lambda _: {"Summaries": self.operations[-20:][::-1]},
            "create_stack_set": self._create_set,
            "update_stack_set": self._update_set,
            "delete_stack_set": self._delete_set,
            "create_stack_instances": lambda given: self._change("CREATE", given),
            "update_stack_instances": lambda given: self._change("UPDATE", given),
            "delete_stack_instances": lambda given: self._change("DELETE", given),
            "detect_stack_set_drift": self._detect_drift,
        }
        return answers[operation](arguments)

    def pages(
        self, service: str, operation: str, key: str, /, *, in_region: str | None = None, **arguments: Any
    ) -> list[Any]:
        """All pages of a listing, one request a page."""
        del service, key, in_region
        if operation == "list_stack_instances":
            listed = [{**each, "ParameterOverrides": None} for each in self._instances.values()]
        else:
            listed = self._find(arguments["OperationId"])["Results"]
        self._count(operation, max(1, math.ceil(len(listed) / PAGE)))
        return listed

    def _count(self, operation: str, requests: int) -> None:
        with self._lock:
            self.calls += requests
            self.requests[operation] += requests

    def _described(self, _: dict[str, Any]) -> dict[str, Any]:
        if self._set is None:
            raise _refused("describe_stack_set", "StackSetNotFoundException", "no such stack set")
        return {"StackSet": self._set}

    def _create_set(self, given: dict[str, Any]) -> dict[str, Any]:
        self._set = {**given, "Status": "ACTIVE"}
        return {}

    def _update_set(self, given: dict[str, Any]) -> dict[str, Any]:
        self._set = {**(self._set or {}), **given}
        named = "Regions" in given
        places = list(self._places(given)) if named else list(self._instances)
        for place, instance in self._instances.items():
            if place not in places:
                instance["Status"] = "OUTDATED"
        return self._operate("UPDATE", given, places)

    def _delete_set(self, _: dict[str, Any]) -> dict[str, Any]:
        if self._instances:
            raise _refused("delete_stack_set", "StackSetNotEmptyException", "the stack set has instances")
        self._set = None
        return {}

    def _change(self, action: str, given: dict[str, Any]) -> dict[str, Any]:
        return self._operate(action, given, list(self._places(given)))

    def _detect_drift(self, given: dict[str, Any]) -> dict[str, Any]:
        for (account, _), instance in self._instances.items():
            instance["DriftStatus"] = "DRIFTED" if account in self.drifted else "IN_SYNC"
        return self._operate("DETECT_DRIFT", given, [])

    def _operate(self, action: str, given: dict[str, Any], places: list[tuple[str, str]]) -> dict[str, Any]:
        if any(each["Status"] == "RUNNING" for each in self.operations):
            raise _refused(action, "OperationInProgressException", "another operation is running")
        for place in places:
            self._apply(action, place, given)
        operation = {
            "OperationId": given["OperationId"],
            "Action": action,
            "Status": "RUNNING",
            "Looks": LOOKS,
            "Results": [self._result(place) for place in places],
        }
        self.operations.append(operation)
        return {"OperationId": given["OperationId"]}

    def _apply(self, action: str, place: tuple[str, str], given: dict[str, Any]) -> None:
        account, region = place
        if action == "DELETE" and account not in self.failing:
            self._instances.pop(place, None)
            return
        instance = self._instances.setdefault(place, {"Account": account, "Region": region, "Overrides": []})
        unit = next((unit for unit, accounts in self._units.items() if account in accounts), "")
        detailed = self.failing.get(account, "SUCCEEDED")
        status = "INOPERABLE" if detailed == "INOPERABLE" else "OUTDATED" if account in self.failing else "CURRENT"
        instance |= {
            "OrganizationalUnitId": unit,
            "Status": status,
            "StackInstanceStatus": {"DetailedStatus": detailed},
            "StatusReason": f"{detailed} in {account}" if account in self.failing else "",
            "StackId": f"arn:aws:cloudformation:{region}:{account}:stack/StackSet-x-{account}/1",
            "Overrides": given.get("ParameterOverrides", instance["Overrides"]),
        }

    def _result(self, place: tuple[str, str]) -> dict[str, str]:
        account, region = place
        failed = account in self.failing
        status, reason = ("FAILED", f"{self.failing[account]} in {account}") if failed else ("SUCCEEDED", "")
        return {"Account": account, "Region": region, "Status": status, "StatusReason": reason}

    def _looked_at(self, given: dict[str, Any]) -> dict[str, Any]:
        operation = self._find(given["OperationId"])
        operation["Looks"] -= 1
        if operation["Looks"] <= 0 and operation["Status"] == "RUNNING":
            failed = any(each["Status"] == "FAILED" for each in operation["Results"])
            operation["Status"] = "FAILED" if failed else "SUCCEEDED"
        return {"StackSetOperation": operation}

    def _find(self, operation_id: str) -> dict[str, Any]:
        return next(each for each in self.operations if each["OperationId"] == operation_id)

    def _instance(self, given: dict[str, Any]) -> dict[str, Any]:
        instance = self._instances[(given["StackInstanceAccount"], given["StackInstanceRegion"])]
        return {"StackInstance": {**instance, "ParameterOverrides": instance["Overrides"]}}

    def _places(self, given: dict[str, Any]) -> Iterator[tuple[str, str]]:
        """The places a request names: accounts, or the accounts of units narrowed to those it filters by."""
        named = given.get("DeploymentTargets", {})
        of_units = [account for unit in named.get("OrganizationalUnitIds", ()) for account in self._units[unit]]
        only = set(named.get("Accounts", of_units))
        accounts = given.get("Accounts") or [account for account in of_units if account in only]
        return itertools.product(accounts, given["Regions"])


def _refused(operation: str, code: str, message: str) -> AwsError:
    return AwsError(ErrorKind.OTHER, "cloudformation", operation, code, message)


def simulated_fleet(size: int) -> Fleet:
    """A fleet of so many targets: accounts in two Regions, a group with overrides of its own for each 100 accounts."""
    accounts = [f"{number:012}" for number in range(1, size // len(_REGIONS) + 1)]
    parts = [accounts[start : start + _ACCOUNTS_A_GROUP] for start in range(0, len(accounts), _ACCOUNTS_A_GROUP)]
    return Fleet(
        path=Path("fleet.toml"),
        name="hipaa-pipeline",
        region=_REGIONS[0],
        environment="prod",
        template=Path("template.yaml"),
        service_managed=False,
        delegated=False,
        auto_deployment=False,
        administration_role="",
        execution_role="",
        read_role="",
        operation=Operation(max_concurrent=Share(10), failure_tolerance=Share(10)),
        groups=tuple(
            Group(tuple(part), (), _REGIONS, {"DatabaseStorageGiB": str(100 + number)})
            for number, part in enumerate(parts)
        ),
    )


def measure(size: int) -> dict[str, int]:
    """The requests that each command takes for a fleet of so many targets, one in ten failing the first time."""
    fleet, session = simulated_fleet(size), SimulatedStackSets()
    wanted, content = targets(fleet), Content("Resources: {}", {"EnvironmentSuffix": "prod"}, {})
    numbers = itertools.count()
    tools = Tools(
        session=session,
        clock=SimulatedClock(),
        new_id=lambda: f"operation-{next(numbers)}",
        say=lambda _: None,
        timeout=3600.0,
    )

    def look() -> Plan:
        return plan(wanted, content, run.look(session, fleet))

    def deploy() -> Plan:
        if stacksets.read(session, run.address(fleet)):
            run.settle(fleet, tools)
        report = run.deploy(fleet, look(), tools)
        return plan(wanted, content, report.found)

    def verify() -> Found:
        run.detect_drift(fleet, tools)
        return Found(None, stacksets.instances(session, run.address(fleet)))

    def destroy() -> Found:
        return run.destroy(fleet, removal(run.look(session, fleet)), tools).found

    counted: dict[str, int] = {}
    session.failing = {group.accounts[0]: "FAILED" for group in fleet.groups} | {
        account: "FAILED" for group in fleet.groups for account in group.accounts[::10]
    }
    for name, command in {"plan, nothing there": look, "deploy, first time": deploy}.items():
        counted[name] = _requests(session, command)
    session.failing = {}
    later: dict[str, Callable[[], object]] = {
        "deploy again, one in ten failed": deploy,
        "plan or status, all current": look,
        "verify, drift": verify,
        "destroy": destroy,
    }
    return counted | {name: _requests(session, command) for name, command in later.items()}


def _requests(session: SimulatedStackSets, command: Callable[[], object]) -> int:
    before = session.calls
    command()
    return session.calls - before
