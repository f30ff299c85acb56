"""The last deployment of a stack, for the record: its change set as CloudFormation tells it, and its events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hipaa_pipeline.aws.events import new_events
from hipaa_pipeline.aws.session import AwsError, Session
from hipaa_pipeline.deployment.events import Event, latest_operation

_KEPT = ("ChangeSetName", "ChangeSetId", "StackName", "Status", "ExecutionStatus", "CreationTime", "Changes")


def change_set(session: Session, description: Mapping[str, Any]) -> dict[str, Any]:
    """The change set that a stack's description (`DescribeStacks`) says it was last deployed by.

    Empty where CloudFormation no longer keeps it, which is usual after some time. Raises AwsError for other reasons.
    """
    arn = description.get("ChangeSetId") or _executed(session, description["StackId"])
    if not arn:
        return {}
    pages: list[dict[str, Any]] = []
    arguments: dict[str, str] = {}
    while not pages or arguments:
        try:
            page = session.call("cloudformation", "describe_change_set", ChangeSetName=arn, **arguments)
        except AwsError as error:
            if error.code.startswith("ChangeSetNotFound"):
                return {}
            raise
        pages.append(page)
        arguments = {"NextToken": page["NextToken"]} if page.get("NextToken") else {}
    changes = [change for page in pages for change in page.get("Changes", ())]
    return {name: pages[0][name] for name in _KEPT if name in pages[0]} | {"Changes": changes}


def _executed(session: Session, stack_id: str) -> str:
    """The newest executed change set that is still listed; empty without one."""
    listed = session.pages("cloudformation", "list_change_sets", "Summaries", StackName=stack_id)
    executed = [summary for summary in listed if summary.get("ExecutionStatus") == "EXECUTE_COMPLETE"]
    newest = sorted(executed, key=lambda summary: summary["CreationTime"])[-1:]
    return str(newest[0]["ChangeSetId"]) if newest else ""


def events(session: Session, stack_id: str) -> tuple[Event, ...]:
    """The events of the last operation, oldest first. Raises AwsError."""
    return tuple(latest_operation(new_events(session, stack_id, set())))
