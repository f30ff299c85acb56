"""Change sets: create, read all of, execute, discard.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any

from hipaa_pipeline.aws.session import AwsError, ErrorKind, Session
from hipaa_pipeline.clock import Clock
from hipaa_pipeline.deployment.pace import pauses
from hipaa_pipeline.errors import ExitCode, UserError

NAME_PREFIX = "hipaa-pipeline-"
LARGEST_BODY = 51_200
READY_TIMEOUT_SECONDS = 600.0
_NO_CHANGE = ("didn't contain changes", "No updates are to be performed")


class Verdict(enum.Enum):
    """What CloudFormation made of a request for a change set."""

    CHANGES = "changes"
    NO_CHANGES = "no changes"
    REFUSED = "refused"


@dataclasses.dataclass(frozen=True)
class Request:
    """What a change set is asked for: `kind` is CREATE or UPDATE, `name` unique."""

    stack: str
    name: str
    kind: str
    template_body: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class ChangeSet:
    """A change set that exists: its own ID, its stack's ID, and its name, which is also its execution's token."""

    arn: str
    stack_id: str
    name: str


@dataclasses.dataclass(frozen=True)
class Listed:
    """A change set of a stack, as ListChangeSets reports it."""

    name: str
    arn: str

    @property
    def ours(self) -> bool:
        """Whether this tool made it."""
        return self.name.startswith(NAME_PREFIX)


def create(session: Session, request: Request) -> ChangeSet:
    """Ask for a change set, with the template inline, and return at once.

    Raises UserError for a template that does not fit into a request, AwsError for one CloudFormation refuses outright.
    """
    size = len(request.template_body.encode())
    if size > LARGEST_BODY:
        message = f"The template has {size:,} bytes; CloudFormation takes at most {LARGEST_BODY:,} without a bucket."
        raise UserError(message, "hipaa-pipeline template")
    try:
        answer = session.call(
            "cloudformation",
            "create_change_set",
            StackName=request.stack,
            ChangeSetName=request.name,
            ChangeSetType=request.kind,
            ClientToken=request.name,
            TemplateBody=request.template_body,
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value} for key, value in sorted(request.parameters.items())
            ],
            Tags=[{"Key": key, "Value": value} for key, value in sorted(request.tags.items())],
        )
    except AwsError as error:
        if error.code not in {"AlreadyExistsException", "AlreadyExists"}:
            raise
        # The name is unique, so it can only be this request's own echo: an answer was lost and the call repeated.
        answer = _describe(session, request.name, StackName=request.stack)
        return ChangeSet(answer["ChangeSetId"], answer["StackId"], request.name)
    return ChangeSet(answer["Id"], answer["StackId"], request.name)


def wait(session: Session, clock: Clock, change_set: ChangeSet) -> tuple[Verdict, str]:
    """Wait until a change set can be read; what CloudFormation made of it and, when refused, its reason.

    Raises UserError when it takes longer than ten minutes.
    """
    for pause in pauses(clock, READY_TIMEOUT_SECONDS):
        answer = _describe(session, change_set.arn)
        if answer["Status"] == "CREATE_COMPLETE":
            return Verdict.CHANGES, ""
        if answer["Status"] == "FAILED":
            reason = str(answer.get("StatusReason", ""))
            return (Verdict.NO_CHANGES if any(text in reason for text in _NO_CHANGE) else Verdict.REFUSED), reason
        clock.sleep(pause)
    raise UserError(
        f"The change set {change_set.name} is still not ready after {READY_TIMEOUT_SECONDS / 60:.0f} minutes.",
        f"aws cloudformation describe-change-set --change-set-name {change_set.arn}",
        ExitCode.UNKNOWN,
    )


@dataclasses.dataclass(frozen=True)
class Description:
    """A change set, all pages, read twice: its `Changes` without and with property values; its parameters' values.

    With values CloudFormation has been seen to leave resources out (aws-cdk-cli#1780), so neither is complete alone.
    """

    plain: list[dict[str, Any]]
    with_values: list[dict[str, Any]]
    parameters: dict[str, str]


def describe(session: Session, change_set: ChangeSet) -> Description:
    """Everything a change set says."""
    plain = _pages(session, change_set)
    with_values = _pages(session, change_set, IncludePropertyValues=True)
    parameters = {item["ParameterKey"]: item.get("ParameterValue", "") for item in plain[0].get("Parameters", ())}
    return Description(_changes(plain), _changes(with_values), parameters)


def execute(session: Session, change_set: ChangeSet) -> None:
    """Start a change set. Rollback is always on, and deletes what this very operation created, retained or not.

    Raises AwsError; its code is `ChangeSetNotFound` when somebody else's execution removed this change set.
    """
    try:
        session.call(
            "cloudformation",
            "execute_change_set",
            ChangeSetName=change_set.arn,
            ClientRequestToken=change_set.name,
            DisableRollback=False,
            RetainExceptOnCreate=True,
        )
    except AwsError as error:
        # The echo of a repeated call finds the change set in execution, which is what was asked for.
        if not (error.code.startswith("InvalidChangeSetStatus") and _is_executing(session, change_set)):
            raise


def discard(session: Session, change_set: ChangeSet) -> None:
    """Remove a change set that was not executed; one that is gone already is as good."""
    try:
        session.call("cloudformation", "delete_change_set", ChangeSetName=change_set.arn)
    except AwsError as error:
        if error.kind is not ErrorKind.NOT_FOUND and "does not exist" not in error.message:
            raise


def listed(session: Session, stack_name: str) -> list[Listed]:
    """The change sets that wait on a stack, all pages."""
    summaries = session.pages("cloudformation", "list_change_sets", "Summaries", StackName=stack_name)
    return [Listed(summary["ChangeSetName"], summary["ChangeSetId"]) for summary in summaries]


def is_lost(error: AwsError) -> bool:
    """Whether a call failed because the change set is of no use any more.

    Another execution on the stack removes all others, or makes them obsolete.
    """
    return error.code.startswith(("ChangeSetNotFound", "InvalidChangeSetStatus"))


def _pages(session: Session, change_set: ChangeSet, **arguments: Any) -> list[dict[str, Any]]:
    pages = [_describe(session, change_set.arn, **arguments)]
    while pages[-1].get("NextToken"):
        pages.append(_describe(session, change_set.arn, NextToken=pages[-1]["NextToken"], **arguments))
    return pages


def _changes(pages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    changes = [change for page in pages for change in page.get("Changes", ())]
    return [change["ResourceChange"] for change in changes if "ResourceChange" in change]


def _is_executing(session: Session, change_set: ChangeSet) -> bool:
    return str(_describe(session, change_set.arn).get("ExecutionStatus", "")).startswith("EXECUTE_")


def _describe(session: Session, name: str, **arguments: Any) -> dict[str, Any]:
    return session.call("cloudformation", "describe_change_set", ChangeSetName=name, **arguments)
