"""Help for tests that deploy stacks into the local account."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

from hipaa_pipeline.aws.session import Session
from hipaa_pipeline.configuration import TEMPLATE_PATH, load_environment

CAPABILITIES = ["CAPABILITY_NAMED_IAM"]
STACK = "test"
PATIENCE_SECONDS = 20.0


def deploy(
    session: Session,
    resources: Mapping[str, Any],
    *,
    stack: str = STACK,
    update: bool = False,
    parameters: Mapping[str, str] | None = None,
) -> str:
    """Deploy resources through a change set, `parameters` as defaults; the stack's status when it has come to rest."""
    defaults = {name: {"Type": "String", "Default": value} for name, value in (parameters or {}).items()}
    made = change_set(session, {"Parameters": defaults, "Resources": dict(resources)}, stack=stack, update=update)
    session.call("cloudformation", "execute_change_set", ChangeSetName=made["ChangeSetId"])
    return status_at_rest(session, stack)


def change_set(
    session: Session, template: Mapping[str, Any], *, stack: str = STACK, update: bool = False
) -> dict[str, Any]:
    """Create a change set and describe it."""
    made = session.call(
        "cloudformation",
        "create_change_set",
        StackName=stack,
        ChangeSetName=f"change-{uuid.uuid4()}",
        ChangeSetType="UPDATE" if update else "CREATE",
        TemplateBody=json.dumps(template),
        Capabilities=CAPABILITIES,
    )
    return session.call("cloudformation", "describe_change_set", ChangeSetName=made["Id"])


def deploy_environment(session: Session, environment: str, **overrides: str) -> str:
    """Deploy the project's template with a parameter file, some values replaced; the stack's status at rest."""
    configuration = load_environment(environment)
    parameters = {**configuration.parameters, **overrides}
    session.call(
        "cloudformation",
        "create_change_set",
        StackName=configuration.stack_name,
        ChangeSetName="change",
        ChangeSetType="CREATE",
        TemplateBody=TEMPLATE_PATH.read_text(encoding="utf-8"),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        Tags=[{"Key": name, "Value": value} for name, value in configuration.tags.items()],
        Capabilities=CAPABILITIES,
    )
    session.call("cloudformation", "execute_change_set", StackName=configuration.stack_name, ChangeSetName="change")
    return status_at_rest(session, configuration.stack_name)


def status_at_rest(session: Session, stack: str = STACK) -> str:
    """Wait, with a bound, until nothing is in progress; the status, DELETE_COMPLETE where the stack is gone."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        stacks = session.call("cloudformation", "list_stacks")["StackSummaries"]
        status = next((each["StackStatus"] for each in stacks if each["StackName"] == stack), "DELETE_COMPLETE")
        if not status.endswith("_IN_PROGRESS"):
            return str(status)
        time.sleep(0.02)
    raise AssertionError(f"{stack} did not come to rest")


def delete(session: Session, stack: str = STACK) -> str:
    """Delete a stack; its status at rest."""
    session.call("cloudformation", "delete_stack", StackName=stack)
    return status_at_rest(session, stack)


def physical_ids(session: Session, stack: str = STACK) -> dict[str, str]:
    """The stack's resources: logical to physical ID."""
    listed = session.pages("cloudformation", "list_stack_resources", "StackResourceSummaries", StackName=stack)
    return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in listed}


def reasons(session: Session, status: str, stack: str = STACK) -> dict[str, str]:
    """Logical ID and reason of each event with a status, the newest last."""
    events = session.pages("cloudformation", "describe_stack_events", "StackEvents", StackName=stack)
    return {
        each["LogicalResourceId"]: each.get("ResourceStatusReason", "")
        for each in reversed(events)
        if each["ResourceStatus"] == status
    }
