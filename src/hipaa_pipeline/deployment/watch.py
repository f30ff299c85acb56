"""Follow a running stack operation to its end, through throttling and broken connections."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Protocol

from hipaa_pipeline.aws import stacks
from hipaa_pipeline.aws.events import new_events
from hipaa_pipeline.aws.session import AwsError, ErrorKind, Session
from hipaa_pipeline.clock import Clock
from hipaa_pipeline.deployment.events import Event, Row, latest_operation, running
from hipaa_pipeline.deployment.pace import pauses
from hipaa_pipeline.deployment.states import is_busy

QUIET_SECONDS = 30.0


class Progress(Protocol):
    """Who is shown the progress. Used as a context manager, so that a live table is always closed."""

    def __enter__(self) -> Progress:
        """Begin to show."""
        ...

    def __exit__(self, *_: object) -> None:
        """Stop showing."""
        ...

    def show(self, events: Sequence[Event], fresh: Sequence[Event]) -> None:
        """Show the operation's events so far, of which `fresh` are new."""
        ...


@dataclasses.dataclass(frozen=True)
class Ended:
    """An operation that came to an end: the stack's status then, and the operation's events, oldest first."""

    status: str
    reason: str
    events: tuple[Event, ...]


class StillRunning(Exception):  # noqa: N818 - an outcome, not an error
    """The time-out passed and the operation goes on in AWS."""

    def __init__(self, rows: Sequence[Row], seconds: float) -> None:
        super().__init__(f"still running after {seconds:.0f} s")
        self.rows = tuple(rows)
        self.seconds = seconds


def events_so_far(session: Session, stack_id: str) -> set[str]:
    """The IDs of the events of earlier operations: what a new operation is told apart from."""
    seen: set[str] = set()
    new_events(session, stack_id, seen)
    return seen


def follow(
    session: Session,
    clock: Clock,
    stack_id: str,
    progress: Progress,
    *,
    timeout: float,
    seen: set[str] | None = None,
) -> Ended:
    """Follow the stack's operation until it ends.

    `seen` are the events from before the operation, when this process started it; without them the stack's last
    operation is followed from its beginning. Raises StillRunning after `timeout` seconds, AwsError when AWS cannot
    be asked any more.
    """
    known = set() if seen is None else set(seen)
    events: list[Event] = []
    began = clock.elapsed()
    with progress:
        for pause in pauses(clock, timeout):
            looked = clock.elapsed()
            stack = stacks.read(session, stack_id)
            fresh = _fresh(session, stack_id, known, whole_operation=seen is None and not events)
            events.extend(fresh)
            progress.show(events, fresh)
            if stack is None:
                return Ended("DELETE_COMPLETE", "", tuple(events))
            if not is_busy(stack.status):
                # A status read right after the start may be the one from before: its event settles the doubt. Only an
                # account that tells no events at all is believed after a while, by a status read that late.
                settled = any(event.of_stack and event.status == stack.status for event in events)
                if settled or (not events and looked - began >= QUIET_SECONDS):
                    return Ended(stack.status, stack.reason, tuple(events))
            clock.sleep(pause)
    raise StillRunning(running(events), timeout)


def _fresh(session: Session, stack_id: str, known: set[str], *, whole_operation: bool) -> Sequence[Event]:
    try:
        fresh = new_events(session, stack_id, known)
    except AwsError as error:
        if error.kind is ErrorKind.INVALID:  # the events of a stack that never came to be
            return []
        raise
    return latest_operation(fresh) if whole_operation else fresh
