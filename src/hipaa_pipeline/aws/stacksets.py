"""CloudFormation stack sets: read them and their instances, start operations, follow them.

Every operation gets an ID from the caller, so that a call repeated after a lost answer starts nothing twice.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Iterable, Mapping
from typing import Any

from hipaa_pipeline.aws.session import AwsError, Session, gather
from hipaa_pipeline.clock import Clock
from hipaa_pipeline.deployment.pace import pauses
from hipaa_pipeline.fleet.state import Instance, StackSet

ACTIVE = ("RUNNING", "STOPPING", "QUEUED")
_SERVICE = "cloudformation"


@dataclasses.dataclass(frozen=True)
class Address:
    """A stack set's name, and as whom it is asked about: the `CallAs` argument, empty for self-managed sets."""

    name: str
    call_as: Mapping[str, str] = dataclasses.field(default_factory=dict, hash=False)

    @property
    def arguments(self) -> dict[str, Any]:
        """What every request carries."""
        return {"StackSetName": self.name, **self.call_as}


@dataclasses.dataclass(frozen=True)
class Running:
    """An operation as ListStackSetOperations reports it."""

    operation_id: str
    action: str
    status: str
    started: datetime.datetime | None = None
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How an operation went in one account and Region."""

    account: str
    region: str
    status: str
    reason: str


class StillRunning(Exception):  # noqa: N818 - an outcome, not an error
    """The time-out passed and the operation goes on in AWS."""

    def __init__(self, operation: Running, seconds: float) -> None:
        super().__init__(f"operation {operation.operation_id} is still running after {seconds:.0f} s")
        self.operation = operation


def read(session: Session, address: Address) -> StackSet | None:
    """The stack set, None when there is none."""
    try:
        told = session.call(_SERVICE, "describe_stack_set", **address.arguments)["StackSet"]
    except AwsError as error:
        if error.code == "StackSetNotFoundException":
            return None
        raise
    if told.get("Status") == "DELETED":
        return None
    return StackSet(
        template_body=told.get("TemplateBody", ""),
        parameters=_pairs(told.get("Parameters", ()), "ParameterKey", "ParameterValue"),
        tags=_pairs(told.get("Tags", ()), "Key", "Value"),
        service_managed=told.get("PermissionModel") == "SERVICE_MANAGED",
    )


def instances(session: Session, address: Address, *, with_overrides: bool = False) -> tuple[Instance, ...]:
    """Every instance; with its parameter overrides only when asked, for they take one request each."""
    told = session.pages(_SERVICE, "list_stack_instances", "Summaries", **address.arguments)
    found = [_instance(each) for each in told]
    if not with_overrides:
        return tuple(found)
    return tuple(gather([functools.partial(_with_overrides, session, address, each) for each in found]))


def active_operation(session: Session, address: Address) -> Running | None:
    """The operation that is at work on the stack set, if any. The newest are listed first."""
    told = session.call(_SERVICE, "list_stack_set_operations", **address.arguments, MaxResults=20)
    running = [_running(each) for each in told.get("Summaries", ())]
    return next((each for each in running if each.status in ACTIVE), None)


def create_set(
    session: Session, address: Address, *, token: str, content: Mapping[str, Any], permissions: Mapping[str, Any]
) -> None:
    """Create an empty stack set."""
    session.call(_SERVICE, "create_stack_set", **address.arguments, **content, **permissions, ClientRequestToken=token)


def update_set(
    session: Session, address: Address, *, operation_id: str, content: Mapping[str, Any], where: Mapping[str, Any]
) -> str:
    """Give a stack set new content; `where` are preferences and targets, none for all. Returns the operation's ID."""
    arguments = {**address.arguments, **content, **where, "OperationId": operation_id}
    return str(session.call(_SERVICE, "update_stack_set", **arguments)["OperationId"])


def change_instances(
    session: Session, address: Address, verb: str, *, operation_id: str, where: Mapping[str, Any]
) -> str:
    """Start to `create`, `update` or `delete` instances; `where` are targets, overrides and preferences."""
    arguments = {**address.arguments, **where, "OperationId": operation_id}
    return str(session.call(_SERVICE, f"{verb}_stack_instances", **arguments)["OperationId"])


def delete_set(session: Session, address: Address) -> None:
    """Delete a stack set without instances."""
    session.call(_SERVICE, "delete_stack_set", **address.arguments)


def detect_drift(session: Session, address: Address, *, operation_id: str, preferences: Mapping[str, Any]) -> str:
    """Start to look for drift in every instance. Returns the operation's ID."""
    arguments = {**address.arguments, "OperationPreferences": preferences, "OperationId": operation_id}
    return str(session.call(_SERVICE, "detect_stack_set_drift", **arguments)["OperationId"])


def follow(session: Session, address: Address, operation_id: str, clock: Clock, timeout: float) -> Running:
    """The operation once it has ended. Raises StillRunning after `timeout` seconds."""
    latest = Running(operation_id, "", "RUNNING")
    for pause in pauses(clock, timeout):
        arguments = {**address.arguments, "OperationId": operation_id}
        latest = _running(session.call(_SERVICE, "describe_stack_set_operation", **arguments)["StackSetOperation"])
        if latest.status not in ACTIVE:
            return latest
        clock.sleep(pause)
    raise StillRunning(latest, timeout)


def outcomes(session: Session, address: Address, operation_id: str) -> tuple[Outcome, ...]:
    """How an operation went in each account and Region."""
    arguments = {**address.arguments, "OperationId": operation_id}
    told = session.pages(_SERVICE, "list_stack_set_operation_results", "Summaries", **arguments)
    return tuple(
        Outcome(each["Account"], each["Region"], each.get("Status", ""), each.get("StatusReason", "")) for each in told
    )


def as_list(given: Mapping[str, str], key: str, value: str) -> list[dict[str, str]]:
    """Parameters or tags as CloudFormation takes them."""
    return [{key: name, value: text} for name, text in given.items()]


def _with_overrides(session: Session, address: Address, instance: Instance) -> Instance:
    told = session.call(
        _SERVICE,
        "describe_stack_instance",
        **address.arguments,
        StackInstanceAccount=instance.account,
        StackInstanceRegion=instance.region,
    )["StackInstance"]
    overrides = _pairs(told.get("ParameterOverrides", ()), "ParameterKey", "ParameterValue")
    return dataclasses.replace(instance, overrides=overrides)


def _instance(told: Mapping[str, Any]) -> Instance:
    return Instance(
        account=told["Account"],
        region=told["Region"],
        unit=told.get("OrganizationalUnitId", ""),
        status=told.get("Status", ""),
        detailed=told.get("StackInstanceStatus", {}).get("DetailedStatus", ""),
        reason=told.get("StatusReason", ""),
        stack_id=told.get("StackId", ""),
        drift=told.get("DriftStatus", "NOT_CHECKED"),
    )


def _running(told: Mapping[str, Any]) -> Running:
    return Running(
        told["OperationId"],
        told.get("Action", ""),
        told.get("Status", ""),
        told.get("CreationTimestamp"),
        told.get("StatusReason", ""),
    )


def _pairs(told: Iterable[Mapping[str, Any]], key: str, value: str) -> dict[str, str]:
    return {each[key]: each.get(value, "") for each in told}
