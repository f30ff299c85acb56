"""Clear the way to a stack that can be changed: each stuck state has a way out, and each way out asks first."""

from __future__ import annotations

from collections.abc import Callable

from hipaa_pipeline.aws import changes, snapshots, stacks
from hipaa_pipeline.aws.events import new_events
from hipaa_pipeline.aws.finishing import DATABASE
from hipaa_pipeline.aws.leftovers import Leftover, leftovers
from hipaa_pipeline.aws.stacks import DeployedStack
from hipaa_pipeline.deployment.events import touched
from hipaa_pipeline.deployment.interrupt import attend, operate
from hipaa_pipeline.deployment.order import Order, Tools, require_ours
from hipaa_pipeline.deployment.states import Standing, standing
from hipaa_pipeline.deployment.watch import Ended
from hipaa_pipeline.errors import ExitCode, UserError

_MOST_STEPS = 6
LEAVE, USE = "leave", "use"
_REVIEW = {LEAVE: "leave it to its author", USE: "go on; the other change set is removed by it"}


def clear_the_way(order: Order, tools: Tools) -> DeployedStack | None:
    """The stack, ready for a change set, or None when there is none yet.

    Raises UserError when the stack is not ours, when its state has no way out here, or when the person says no.
    """
    for _ in range(_MOST_STEPS):
        stack = stacks.read(tools.session, order.stack_name)
        if stack is None:
            return None
        now = standing(stack.status)
        if now is Standing.IN_REVIEW:
            require_own_review(tools, stack)
            return stack
        require_ours(stack)
        if now is Standing.READY:
            return stack
        _WAYS_OUT[now](order, tools, stack)
    raise UserError(
        f"The stack {order.stack_name} does not come to rest: somebody else keeps changing it.",
        order.deploy_command,
        ExitCode.FAILED,
    )


def require_free(order: Order, tools: Tools) -> DeployedStack | None:
    """The stack, or None, for a command that changes nothing: raises UserError for every state but the simple ones."""
    stack = stacks.read(tools.session, order.stack_name)
    if stack is None:
        return None
    now = standing(stack.status)
    if now is Standing.IN_REVIEW:
        require_own_review(tools, stack)
        return stack
    require_ours(stack)
    if now is not Standing.READY:
        raise UserError(f"{stack.name} is {stack.status}: {now.value}.", order.deploy_command, ExitCode.FAILED)
    return stack


def require_own_review(tools: Tools, stack: DeployedStack) -> None:
    """A stack in review carries no tags yet: its change sets tell who made it. One without any is harmless to use.

    Somebody else's change set would be removed by the execution of another one, so only a person can decide that.
    """
    foreign = [found.name for found in changes.listed(tools.session, stack.name) if not found.ours]
    if not foreign:
        return
    told = f"{stack.name} waits for the review of a change set that this tool did not make ({', '.join(foreign)})."
    if tools.ask.choose(f"{told} Go on all the same?", _REVIEW, LEAVE) == LEAVE:
        look = f"aws cloudformation describe-change-set --stack-name {stack.name} --change-set-name {foreign[0]}"
        raise UserError(told, look, ExitCode.FAILED)


def _wait(order: Order, tools: Tools, stack: DeployedStack) -> None:
    if not order.wait_if_busy:
        raise UserError(
            f"Another operation is running on {stack.name} ({stack.status}).", order.deploy_command, ExitCode.FAILED
        )
    tools.say(f"{stack.name} is {stack.status}: following the operation that is running already.")
    attend(order, tools, stack.stack_id, order.deploy_command)


def _delete_failed_creation(order: Order, tools: Tools, stack: DeployedStack) -> None:
    """It never worked, and CloudFormation allows nothing else. One with a database is left to `destroy`."""
    if _has_database(tools, stack):
        told = f"{stack.name} is {stack.status}, its creation failed, and a database of it is still there."
        raise UserError(told, order.destroy_command, ExitCode.FAILED)
    _ask(tools, stack, "Its creation failed, and it can only be deleted. Delete it and start afresh?", order)
    left = delete_and_prove(order, tools, stack.stack_id)
    for one in left:
        tools.say(f"  left: {one.logical_id} {one.physical_id}: {one.reason}")


def _has_database(tools: Tools, stack: DeployedStack) -> bool:
    return any(
        resource.type == DATABASE and resource.physical_id and snapshots.exists(tools.session, resource.physical_id)
        for resource in stacks.resources(tools.session, stack.stack_id)
        if resource.status != "DELETE_COMPLETE"
    )


def _roll_back(order: Order, tools: Tools, stack: DeployedStack) -> None:
    _ask(tools, stack, "An update failed and was left as it was. Roll it back?", order)
    _operate(order, tools, stack, lambda: stacks.roll_back(tools.session, stack.stack_id, tools.token()))


def _continue_rollback(order: Order, tools: Tools, stack: DeployedStack) -> None:
    """Continue, which works once what was in the way is gone; skipping resources is left to a person."""
    _ask(tools, stack, "An update failed, and its rollback too. Continue the rollback?", order)
    ended = _operate(
        order, tools, stack, lambda: stacks.continue_rollback(tools.session, stack.stack_id, tools.token())
    )
    if ended.status == "UPDATE_ROLLBACK_FAILED":
        failed = [
            resource.logical_id
            for resource in stacks.resources(tools.session, stack.stack_id)
            if resource.status == "UPDATE_FAILED"
        ]
        raise UserError(
            f"The rollback failed again ({ended.reason or 'AWS gave no reason'}). Repair the cause, or skip the "
            "resources that cannot be rolled back; they then differ from the template.",
            f"aws cloudformation continue-update-rollback --stack-name {stack.name}"
            + (f" --resources-to-skip {' '.join(failed)}" if failed else ""),
            ExitCode.FAILED,
        )


def _point_to_destroy(order: Order, _tools: Tools, stack: DeployedStack) -> None:
    raise UserError(
        f"The deletion of {stack.name} failed half-way ({stack.reason or 'AWS gave no reason'}); finish it first.",
        order.destroy_command,
        ExitCode.FAILED,
    )


_WAYS_OUT = {
    Standing.BUSY: _wait,
    Standing.ROLLED_BACK: _delete_failed_creation,
    Standing.UPDATE_FAILED: _roll_back,
    Standing.ROLLBACK_STUCK: _continue_rollback,
    Standing.DELETE_STUCK: _point_to_destroy,
}


def delete_and_prove(order: Order, tools: Tools, stack_id: str) -> list[Leftover]:
    """Delete a stack whose creation failed, and what is left of everything its events ever named.

    Raises UserError when CloudFormation cannot delete it.
    """
    ended = operate(
        order, tools, stack_id, order.destroy_command, lambda: stacks.delete(tools.session, stack_id, tools.token())
    )
    if ended.status != "DELETE_COMPLETE":
        raise UserError(
            f"{order.stack_name} could not be deleted: {ended.reason or ended.status}.",
            order.destroy_command,
            ExitCode.FAILED,
        )
    return leftovers(tools.session, stack_id, touched(new_events(tools.session, stack_id, set())))


def _operate(order: Order, tools: Tools, stack: DeployedStack, start: Callable[[], None]) -> Ended:
    return operate(order, tools, stack.stack_id, order.deploy_command, start)


def _ask(tools: Tools, stack: DeployedStack, question: str, order: Order) -> None:
    if not tools.ask.confirm(f"{stack.name} is {stack.status}. {question}"):
        raise UserError(f"{stack.name} stays {stack.status}.", order.deploy_command, ExitCode.FAILED)
