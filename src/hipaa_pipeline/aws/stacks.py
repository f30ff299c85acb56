"""CloudFormation stacks: read them, protect them, end them. Stacks are addressed by ID wherever one is known.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from hipaa_pipeline.aws.session import AwsError, Session
from hipaa_pipeline.stack import protected

OWNER_TAG = "hipaa-pipeline:environment"


@dataclasses.dataclass(frozen=True)
class DeployedStack:
    """A stack as DescribeStacks reports it."""

    stack_id: str
    name: str
    status: str
    reason: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]
    tags: Mapping[str, str]
    protected: bool

    @property
    def ours(self) -> bool:
        """Whether this tool made the stack: it carries the tag that `deploy` gives every stack of its own."""
        return OWNER_TAG in self.tags

    @property
    def is_protected(self) -> bool:
        """Whether the environment is a protected one, as it was deployed: the file may have been changed since."""
        return self.protected or protected(self.parameters)


@dataclasses.dataclass(frozen=True)
class StackResource:
    """A resource as ListStackResources reports it."""

    logical_id: str
    type: str
    physical_id: str
    status: str


def read(session: Session, name: str) -> DeployedStack | None:
    """The stack of a name or ID, None when there is none. A deleted stack is found by its ID only."""
    try:
        answer = session.call("cloudformation", "describe_stacks", StackName=name)
    except AwsError as error:
        if _is_absent(error):
            return None
        raise
    return _deployed(answer["Stacks"][0])


def resources(session: Session, stack_id: str) -> list[StackResource]:
    """The resources CloudFormation keeps for a stack, all pages; none for a stack that does not exist."""
    try:
        summaries = session.pages(
            "cloudformation", "list_stack_resources", "StackResourceSummaries", StackName=stack_id
        )
    except AwsError as error:
        if _is_absent(error):
            return []
        raise
    return [
        StackResource(
            summary["LogicalResourceId"],
            summary["ResourceType"],
            summary.get("PhysicalResourceId", ""),
            summary["ResourceStatus"],
        )
        for summary in summaries
    ]


def last_deleted(session: Session, name: str) -> str | None:
    """The ID of the youngest deleted stack of a name; CloudFormation remembers deleted stacks for 90 days."""
    summaries = session.pages("cloudformation", "list_stacks", "StackSummaries", StackStatusFilter=["DELETE_COMPLETE"])
    of_name = [summary for summary in summaries if summary["StackName"] == name]
    youngest = max(of_name, key=lambda summary: summary["CreationTime"], default=None)
    return youngest["StackId"] if youngest else None


def delete(session: Session, stack_id: str, token: str, retain: Sequence[str] = ()) -> None:
    """Start to delete a stack; deleting one that is being deleted, or gone, changes nothing.

    `retain` names resources to leave in the account, which CloudFormation accepts only after a failed deletion.
    """
    extra: dict[str, Any] = {"RetainResources": list(retain)} if retain else {}
    session.call("cloudformation", "delete_stack", StackName=stack_id, ClientRequestToken=token, **extra)


def set_protection(session: Session, stack_id: str, *, protected: bool) -> None:
    """Turn the stack's termination protection on or off."""
    session.call(
        "cloudformation", "update_termination_protection", StackName=stack_id, EnableTerminationProtection=protected
    )


def policy(session: Session, stack_id: str) -> str:
    """The stack policy's JSON text, empty when there is none."""
    answer = session.call("cloudformation", "get_stack_policy", StackName=stack_id)
    return str(answer.get("StackPolicyBody", ""))


def set_policy(session: Session, stack_id: str, body: str) -> None:
    """Replace the stack policy, which CloudFormation refuses while an operation is running."""
    session.call("cloudformation", "set_stack_policy", StackName=stack_id, StackPolicyBody=body)


def continue_rollback(session: Session, stack_id: str, token: str) -> None:
    """Go on rolling back an update whose rollback failed."""
    session.call("cloudformation", "continue_update_rollback", StackName=stack_id, ClientRequestToken=token)


def roll_back(session: Session, stack_id: str, token: str) -> None:
    """Roll back an operation that failed with rollback turned off."""
    session.call(
        "cloudformation", "rollback_stack", StackName=stack_id, ClientRequestToken=token, RetainExceptOnCreate=True
    )


def cancel_update(session: Session, stack_id: str, token: str) -> None:
    """Cancel a running update, which then rolls back."""
    session.call("cloudformation", "cancel_update_stack", StackName=stack_id, ClientRequestToken=token)


def _is_absent(error: AwsError) -> bool:
    """CloudFormation has no code of its own for a stack that does not exist: a ValidationError that says so."""
    return error.code == "ValidationError" and "does not exist" in error.message


def _deployed(answer: Mapping[str, Any]) -> DeployedStack:
    return DeployedStack(
        stack_id=answer["StackId"],
        name=answer["StackName"],
        status=answer["StackStatus"],
        reason=answer.get("StackStatusReason", ""),
        parameters={item["ParameterKey"]: item.get("ParameterValue", "") for item in answer.get("Parameters", ())},
        outputs={item["OutputKey"]: item["OutputValue"] for item in answer.get("Outputs", ())},
        tags={item["Key"]: item["Value"] for item in answer.get("Tags", ())},
        protected=bool(answer.get("EnableTerminationProtection", False)),
    )
