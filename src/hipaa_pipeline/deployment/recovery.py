"""After an operation that failed: name the cause, clean up what the attempt created, list what is left of it."""

from __future__ import annotations

import dataclasses

from hipaa_pipeline.aws import snapshots, stacks
from hipaa_pipeline.aws.events import failed_events
from hipaa_pipeline.aws.explain import explain
from hipaa_pipeline.aws.finishing import DATABASE
from hipaa_pipeline.aws.leftovers import Leftover, leftovers
from hipaa_pipeline.aws.session import AwsError
from hipaa_pipeline.aws.stacks import DeployedStack
from hipaa_pipeline.deployment.events import created, touched
from hipaa_pipeline.deployment.failure import Cause, root_cause
from hipaa_pipeline.deployment.finishing import put_policy_back
from hipaa_pipeline.deployment.order import Order, Outcome, Result, Tools
from hipaa_pipeline.deployment.proof import superseded
from hipaa_pipeline.deployment.proposal import Proposal
from hipaa_pipeline.deployment.states import Standing, standing
from hipaa_pipeline.deployment.stuck import delete_and_prove
from hipaa_pipeline.deployment.watch import Ended
from hipaa_pipeline.errors import ExitCode, UserError


def recover(order: Order, tools: Tools, proposal: Proposal, ended: Ended) -> Outcome:
    """The outcome of a failed operation; that cleaning up failed as well must not hide the cause."""
    stack_id = proposal.change_set.stack_id
    cause = _cause(tools, proposal, ended)
    outcome = Outcome(
        result=Result.FAILED,
        stack_name=order.stack_name,
        stack_id=stack_id,
        message=_told(order, proposal, ended, cause),
        next_command=order.deploy_command,
        summary=proposal.summary,
        cause=cause,
    )
    try:
        if not proposal.creates and standing(ended.status) is Standing.READY:
            stack = reread(order, tools, stack_id)
            outcome = dataclasses.replace(outcome, findings=(put_policy_back(order, tools, stack.stack_id),))
        return dataclasses.replace(outcome, left=tuple(_clean_up(order, tools, proposal, ended)))
    except (UserError, AwsError) as error:
        after = error if isinstance(error, UserError) else explain(error, tools.session.connection)
        message = f"{outcome.message} Cleaning up did not succeed either: {after.message}"
        return dataclasses.replace(outcome, message=message, next_command=after.next_command)


def reread(order: Order, tools: Tools, stack_id: str) -> DeployedStack:
    """The stack after its operation. Raises UserError when somebody else deleted it."""
    stack = stacks.read(tools.session, stack_id)
    if stack is None:
        message = f"{order.stack_name} was deleted by somebody else while it was being deployed."
        raise UserError(message, order.deploy_command, ExitCode.FAILED)
    return stack


def _cause(tools: Tools, proposal: Proposal, ended: Ended) -> Cause | None:
    """From CloudFormation's own list of failures where it can be had, else from the stack's events."""
    if not ended.events:
        return None
    try:
        reported = failed_events(tools.session, proposal.change_set.stack_id, ended.events[0].time)
    except AwsError as error:
        tools.say(f"CloudFormation's own list of failures could not be read: {error.action}: {error.code}")
        reported = []
    update = not proposal.creates
    return root_cause(reported, update=update) or root_cause(ended.events, update=update)


def _clean_up(order: Order, tools: Tools, proposal: Proposal, ended: Ended) -> list[Leftover]:
    """A creation that failed leaves a stack that can only be deleted, so it is; it never held data.

    After a failed update the running stack stays; only what the update itself created is looked for.
    """
    stack_id = proposal.change_set.stack_id
    if proposal.creates and ended.status != "DELETE_COMPLETE":
        tools.say(f"Deleting {order.stack_name}, whose creation failed.")
        _unprotect(tools, ended)
        return delete_and_prove(order, tools, stack_id)
    if proposal.creates:
        return leftovers(tools.session, stack_id, touched(ended.events))
    return superseded(tools, stack_id, ended.events)


def _unprotect(tools: Tools, ended: Ended) -> None:
    """Deletion protection also stands in the way of a rollback; what this very attempt created holds no data yet."""
    for event in created(ended.events):
        if event.type == DATABASE and snapshots.exists(tools.session, event.physical_id):
            snapshots.lift_protection(tools.session, event.physical_id)


def _told(order: Order, proposal: Proposal, ended: Ended, cause: Cause | None) -> str:
    if cause is None and ended.status == "DELETE_COMPLETE":
        return f"The creation of {order.stack_name} was stopped, and what it had created was deleted."
    if cause is None and ended.status == "UPDATE_ROLLBACK_COMPLETE":
        return f"The update of {order.stack_name} was stopped and rolled back."
    operation = "creation" if proposal.creates else "update"
    first = f"{cause.logical_id} ({cause.type}): {cause.reason}" if cause else ended.reason or "AWS gave no reason"
    return f"The {operation} of {order.stack_name} ended with {ended.status}. What failed first: {first}"
