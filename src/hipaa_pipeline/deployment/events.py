"""Stack events, and what can be read from a list of them. Pure: events in, facts out."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Sequence

from hipaa_pipeline.deployment import durations
from hipaa_pipeline.deployment.states import is_busy

STACK_TYPE = "AWS::CloudFormation::Stack"
_STARTS = frozenset(
    {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS", "REVIEW_IN_PROGRESS"}
)


@dataclasses.dataclass(frozen=True)
class Event:
    """One step of one resource, or of the stack itself (`physical_id` is then the stack's ID)."""

    event_id: str
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str
    time: datetime.datetime
    stack_id: str

    @property
    def of_stack(self) -> bool:
        """Whether the event is the stack's own."""
        return self.physical_id == self.stack_id and self.type in {STACK_TYPE, ""}

    @property
    def failed(self) -> bool:
        """Whether the step failed."""
        return self.status.endswith("_FAILED") or self.status in {"VALIDATION_ERROR", "HOOK_INVOCATION_ERROR"}


@dataclasses.dataclass(frozen=True)
class Warned:
    """One finding of CloudFormation's early validation; only a blocking one stops a change set.

    `skipped` is a validation that CloudFormation did not make, so that what it would have found is not known.
    """

    name: str
    blocking: bool
    resource: str
    path: str
    reason: str
    skipped: bool = False


@dataclasses.dataclass(frozen=True)
class Row:
    """A resource as the progress table shows it; `ended` is None while it is being worked on."""

    logical_id: str
    type: str
    status: str
    reason: str
    started: datetime.datetime
    ended: datetime.datetime | None

    @property
    def expected_seconds(self) -> float:
        """How long this step usually takes."""
        return durations.expected_seconds(self.type, self.status)

    def elapsed_seconds(self, now: datetime.datetime) -> float:
        """How long the step took, or has taken until now."""
        return max(0.0, ((self.ended or now) - self.started).total_seconds())


def latest_operation(events: Sequence[Event]) -> Sequence[Event]:
    """The events of the last operation on the stack, oldest first, from the event that started it."""
    starts = [index for index, event in enumerate(events) if event.of_stack and event.status in _STARTS]
    return events[starts[-1] :] if starts else events


def rows(events: Iterable[Event]) -> list[Row]:
    """The state of every resource after these events (oldest first), in the order in which each was first touched."""
    table: dict[str, Row] = {}
    for event in events:
        if event.of_stack:
            continue
        known = table.get(event.logical_id)
        started = known.started if known and _same_step(known.status, event.status) else event.time
        ended = None if is_busy(event.status) else event.time
        table[event.logical_id] = Row(event.logical_id, event.type, event.status, event.reason, started, ended)
    return list(table.values())


def running(events: Iterable[Event]) -> list[Row]:
    """The resources that are still being worked on, the one that has taken longest first."""
    return sorted((row for row in rows(events) if row.ended is None), key=lambda row: row.started)


def touched(events: Iterable[Event]) -> dict[tuple[str, str], str]:
    """Everything these events created or changed: (type, physical ID) to logical ID."""
    return {
        (event.type, event.physical_id): event.logical_id
        for event in events
        if event.physical_id and not event.of_stack
    }


def created(events: Iterable[Event]) -> list[Event]:
    """The events that say a resource was created, in order."""
    return [event for event in events if event.status == "CREATE_COMPLETE" and not event.of_stack]


def _same_step(before: str, after: str) -> bool:
    """CREATE_IN_PROGRESS and CREATE_COMPLETE belong together; CREATE_COMPLETE and DELETE_IN_PROGRESS do not."""
    return is_busy(before) and before.partition("_")[0] == after.partition("_")[0]
