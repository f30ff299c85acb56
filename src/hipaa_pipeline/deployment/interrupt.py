"""Attend a running operation: follow it, and let Ctrl-C choose between leaving it alone and stopping it.

Whatever happens to this process, the operation's state is in AWS alone: nothing is lost by leaving.
"""

from __future__ import annotations

from collections.abc import Callable

from hipaa_pipeline.aws import stacks
from hipaa_pipeline.aws.session import AwsError, ErrorKind
from hipaa_pipeline.deployment.events import Row
from hipaa_pipeline.deployment.order import GoesOnError, Order, Tools
from hipaa_pipeline.deployment.progress import duration
from hipaa_pipeline.deployment.watch import Ended, StillRunning, events_so_far, follow

DETACH, STOP, WATCH = "detach", "stop", "watch"

_STOPPING = {
    "CREATE_IN_PROGRESS": "delete what was created so far",
    "UPDATE_IN_PROGRESS": "cancel the update, which rolls it back",
}


def operate(order: Order, tools: Tools, stack_id: str, resume: str, start: Callable[[], None]) -> Ended:
    """Start an operation and attend it to its end; what happened before is told apart by its events."""
    seen = events_so_far(tools.session, stack_id)
    start()
    return attend(order, tools, stack_id, resume, seen)


def attend(order: Order, tools: Tools, stack_id: str, resume: str, seen: set[str] | None = None) -> Ended:
    """The operation's end. `resume` is the command that picks it up again; `seen` as for `watch.follow`.

    Raises GoesOnError when the time-out passed, the person left, or AWS cannot be asked any more.
    """
    while True:
        try:
            return follow(
                tools.session, tools.clock, stack_id, tools.progress(), timeout=order.timeout_seconds, seen=seen
            )
        except KeyboardInterrupt:
            if _choice(order, tools, stack_id, resume) == DETACH:
                raise GoesOnError(f"You stopped watching {order.stack_name}; it goes on in AWS.", resume) from None
        except StillRunning as still:
            raise GoesOnError(_still(order.stack_name, still), resume) from None
        except AwsError as error:
            raise _lost(order.stack_name, error, resume) from error


def _choice(order: Order, tools: Tools, stack_id: str, resume: str) -> str:
    """As `_interrupted`; who types Ctrl-C again, or ends the input, only wants to leave. Raises GoesOnError."""
    try:
        return _interrupted(tools, stack_id)
    except KeyboardInterrupt:
        return DETACH
    except AwsError as error:
        raise _lost(order.stack_name, error, resume) from error


def _interrupted(tools: Tools, stack_id: str) -> str:
    """What the person chose, done already when it is to stop the operation; detach where nobody can be asked."""
    stack = stacks.read(tools.session, stack_id)
    options = {DETACH: "stop watching; the operation goes on in AWS", WATCH: "go on watching"}
    stopping = _STOPPING.get(stack.status) if stack else None
    if stopping:
        options[STOP] = stopping
    choice = tools.ask.choose("What now?", options, DETACH)
    if choice == STOP and stack:
        _stop(tools, stack)
    return choice


def _stop(tools: Tools, stack: stacks.DeployedStack) -> None:
    """A running creation cannot be cancelled in CloudFormation; deleting the stack is its roll-back."""
    if stack.status == "CREATE_IN_PROGRESS":
        stacks.delete(tools.session, stack.stack_id, tools.token())
        return
    try:
        stacks.cancel_update(tools.session, stack.stack_id, tools.token())
    except AwsError as error:
        if error.kind is not ErrorKind.INVALID:
            raise
        tools.say("The update can no longer be cancelled: CloudFormation is already past it.")


def _still(name: str, still: StillRunning) -> str:
    waiting = ", ".join(_told(row) for row in still.rows) or "the stack itself"
    return f"{name} is still being worked on after {duration(still.seconds)}; it goes on in AWS. Running: {waiting}."


def _told(row: Row) -> str:
    return f"{row.logical_id} ({row.status}, usually {duration(row.expected_seconds)})"


def _lost(name: str, error: AwsError, resume: str) -> GoesOnError:
    why = "The credentials are no longer accepted" if error.kind is ErrorKind.CREDENTIALS else "AWS cannot be asked"
    return GoesOnError(f"{why} ({error.message or error.code}); the operation on {name} goes on in AWS.", resume)
