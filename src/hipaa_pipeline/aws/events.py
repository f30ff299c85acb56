"""What happened to a stack: its events, and what CloudFormation itself found wrong with a change set.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeEvents.html
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from hipaa_pipeline.aws.session import AwsError, ErrorKind, Session
from hipaa_pipeline.deployment.events import Event, Warned

_ROLLBACKS = frozenset({"ROLLBACK", "CONTINUE_ROLLBACK"})


def new_events(session: Session, stack_id: str, seen: set[str]) -> list[Event]:
    """The events that are not in `seen` yet, oldest first; their IDs are added to it. Reads no page twice."""
    found: list[Event] = []
    arguments: dict[str, str] = {}
    while True:
        page = session.call("cloudformation", "describe_stack_events", StackName=stack_id, **arguments)
        fresh = [_event(entry) for entry in page.get("StackEvents", ()) if entry["EventId"] not in seen]
        found.extend(fresh)
        if len(fresh) < len(page.get("StackEvents", ())) or not page.get("NextToken"):
            break
        arguments["NextToken"] = page["NextToken"]
    seen.update(event.event_id for event in found)
    return found[::-1]


def failed_events(session: Session, stack_id: str, since: datetime.datetime) -> list[Event]:
    """The failures that CloudFormation reports since then, oldest first, but for those of a rollback.

    Unlike the stack's events these include failed validations and hooks; a rollback is an operation of its own here.
    Empty where DescribeEvents is not allowed or not implemented: the stack's own events tell most of it too.
    """
    try:
        entries = session.pages(
            "cloudformation", "describe_events", "OperationEvents", StackName=stack_id, Filters={"FailedEvents": True}
        )
    except AwsError as error:
        if error.kind in {ErrorKind.DENIED, ErrorKind.OTHER, ErrorKind.INVALID}:
            return []
        raise
    own = [entry for entry in entries if entry["Timestamp"] >= since and entry.get("OperationType") not in _ROLLBACKS]
    return sorted((_event(entry) for entry in reversed(own)), key=lambda event: event.time)


def validation_warnings(session: Session, change_set_arn: str) -> tuple[list[Warned], str]:
    """What CloudFormation's early validation found, and, when it could not be read, why.

    Findings in WARN mode (quotas among them) do not stop a change set and are shown nowhere else.
    """
    try:
        entries = session.pages("cloudformation", "describe_events", "OperationEvents", ChangeSetName=change_set_arn)
    except AwsError as error:
        if error.kind in {ErrorKind.DENIED, ErrorKind.OTHER, ErrorKind.INVALID, ErrorKind.NOT_FOUND}:
            return [], error.told
        raise
    return [_warned(entry) for entry in entries if entry.get("EventType") == "VALIDATION_ERROR"], ""


def _event(entry: Mapping[str, Any]) -> Event:
    reason = entry.get("ResourceStatusReason") or entry.get("ValidationStatusReason") or entry.get("HookStatusReason")
    status = entry.get("ResourceStatus") or entry.get("EventType", "")
    return Event(
        event_id=entry["EventId"],
        logical_id=entry.get("LogicalResourceId", ""),
        physical_id=entry.get("PhysicalResourceId", ""),
        type=entry.get("ResourceType", ""),
        status=status,
        reason=reason or "",
        time=entry["Timestamp"],
        stack_id=entry["StackId"],
    )


def _warned(entry: Mapping[str, Any]) -> Warned:
    return Warned(
        name=entry.get("ValidationName", ""),
        blocking=entry.get("ValidationFailureMode") == "FAIL",
        resource=entry.get("LogicalResourceId", ""),
        path=entry.get("ValidationPath", ""),
        reason=entry.get("ValidationStatusReason", ""),
        skipped=entry.get("ValidationStatus") == "SKIPPED",
    )
