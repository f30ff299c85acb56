"""Propose a change: a change set that was created and read, not executed; and how to take it back without a trace."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from hipaa_pipeline.aws import changes, stacks
from hipaa_pipeline.aws.changes import ChangeSet, Request, Verdict
from hipaa_pipeline.aws.events import validation_warnings
from hipaa_pipeline.aws.session import AwsError
from hipaa_pipeline.aws.stacks import DeployedStack
from hipaa_pipeline.deployment.changes import Summary, parameter_changes, summarise
from hipaa_pipeline.deployment.events import Warned
from hipaa_pipeline.deployment.order import Order, Tools
from hipaa_pipeline.deployment.states import Standing, standing
from hipaa_pipeline.errors import ExitCode, UserError
from hipaa_pipeline.preflight.names import explicit_name, naming_property


class OvertakenError(Exception):
    """Somebody else changed the stack between two steps; look at it again and start over."""


@dataclasses.dataclass(frozen=True)
class Proposal:
    """What would happen. `warnings` are CloudFormation's own, `unchecked` why they could not be read, if so.

    `new_stack` says that this run's change set brought the stack into being, in review.
    """

    change_set: ChangeSet
    kind: str
    new_stack: bool
    summary: Summary
    warnings: Sequence[Warned] = ()
    unchecked: str = ""

    @property
    def creates(self) -> bool:
        """Whether the stack does not exist yet."""
        return self.kind == "CREATE"


def propose(order: Order, tools: Tools, stack: DeployedStack | None) -> Proposal | None:
    """Create and read a change set; None, and nothing left behind, when there is nothing to change.

    Raises UserError with CloudFormation's reason, nothing left behind, when it refuses the template or parameters;
    OvertakenError when somebody else was faster.
    """
    change_set, kind = _create(order, tools, stack)
    try:
        verdict, reason = changes.wait(tools.session, tools.clock, change_set)
        proposal = _read(order, tools, stack, change_set, kind)
    except BaseException as error:
        if isinstance(error, AwsError) and changes.is_lost(error):
            raise OvertakenError from error
        withdraw_anyway(tools, change_set, new_stack=stack is None)
        raise
    if verdict is Verdict.CHANGES and proposal.summary.changes:
        return proposal
    withdraw(tools, change_set, new_stack=stack is None)
    if verdict is Verdict.REFUSED:
        raise _refused(order, proposal, reason)
    return None


def withdraw(tools: Tools, change_set: ChangeSet, *, new_stack: bool) -> None:
    """Remove a change set; and its stack, if this run made it, it is in review still, and nobody else waits on it."""
    changes.discard(tools.session, change_set)
    stack = stacks.read(tools.session, change_set.stack_id) if new_stack else None
    if stack and standing(stack.status) is Standing.IN_REVIEW and not changes.listed(tools.session, stack.name):
        stacks.delete(tools.session, stack.stack_id, tools.token())


def withdraw_anyway(tools: Tools, change_set: ChangeSet, *, new_stack: bool) -> None:
    """As `withdraw`, for when something else went wrong already, which is what the user must hear first.

    Safe at any time: CloudFormation removes no change set that is being executed, and no stack but one in review goes.
    """
    try:
        withdraw(tools, change_set, new_stack=new_stack)
    except AwsError as error:
        tools.say(f"The change set {change_set.name} could not be removed: {error.message or error.code}")


def _create(order: Order, tools: Tools, stack: DeployedStack | None) -> tuple[ChangeSet, str]:
    kind = "UPDATE" if stack and standing(stack.status) is Standing.READY else "CREATE"
    request = Request(
        stack=order.stack_name,
        name=tools.token(),
        kind=kind,
        template_body=order.template_body,
        parameters=order.parameters,
        tags=order.stack_tags,
    )
    try:
        return changes.create(tools.session, request), kind
    except AwsError as error:
        now = stacks.read(tools.session, order.stack_name)
        if (now.status if now else None) != (stack.status if stack else None):
            raise OvertakenError from error
        if error.code == "ValidationError":
            raise UserError(f"CloudFormation refused the change: {error.message}", "make check") from error
        raise


def _read(order: Order, tools: Tools, stack: DeployedStack | None, change_set: ChangeSet, kind: str) -> Proposal:
    description = changes.describe(tools.session, change_set)
    warnings, unchecked = validation_warnings(tools.session, change_set.arn)
    before = stack.parameters if stack and kind == "UPDATE" else description.parameters
    parameters = parameter_changes(before, description.parameters)
    naming = {name: naming_property(one.type) for name, one in order.resources.items() if explicit_name(one)}
    summary = summarise(description.plain, description.with_values, parameters, naming)
    return Proposal(change_set, kind, stack is None, summary, tuple(warnings), unchecked)


def _refused(order: Order, proposal: Proposal, reason: str) -> UserError:
    """CloudFormation's reason, and what its early validation found where that is the reason."""
    found = [f"{warned.resource} {warned.path}: {warned.reason}" for warned in proposal.warnings if warned.blocking]
    told = "; ".join(found) or reason or "it gave no reason"
    if not found and proposal.unchecked:
        told += f" (the details could not be read: {proposal.unchecked})"
    again = order.command("preflight") if found else "make check"
    return UserError(f"CloudFormation refused the change set: {told}", again, ExitCode.FAILED)
