"""An operation followed to its end: a status from before it is not taken for its end, however long the calls take."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from hipaa_pipeline.aws.session import Connection, Session
from hipaa_pipeline.deployment.watch import QUIET_SECONDS, StillRunning, follow
from scenario import QuickClock, Watcher

STACK_ID = "arn:aws:cloudformation:eu-central-1:111122223333:stack/s/1"
NOW = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)


class Scripted(Session):
    """Answers with one status and the events so far a look; the last look lasts. Each look at events takes a while."""

    def __init__(self, clock: QuickClock, looks: list[tuple[str, list[str]]], seconds: float) -> None:
        super().__init__(Connection("eu-central-1", None, "http://127.0.0.1:1", "a", "b"))
        self._clock, self._looks, self._seconds = clock, looks, seconds

    def call(
        self, service: str, operation: str, /, *, in_region: str | None = None, **arguments: Any
    ) -> dict[str, Any]:
        """The answer of this look."""
        status, events = self._looks[0]
        if operation == "describe_stacks":
            return {"Stacks": [{"StackId": STACK_ID, "StackName": "s", "StackStatus": status}]}
        assert operation == "describe_stack_events"
        self._clock.sleep(self._seconds)
        if len(self._looks) > 1:
            self._looks.pop(0)
        return {"StackEvents": [_event(number, events[number]) for number in reversed(range(len(events)))]}


def _event(number: int, status: str) -> dict[str, Any]:
    return {
        "EventId": str(number), "StackId": STACK_ID, "PhysicalResourceId": STACK_ID, "LogicalResourceId": "s",
        "ResourceType": "AWS::CloudFormation::Stack", "ResourceStatus": status, "Timestamp": NOW,
    }  # fmt: skip


STARTED, ENDED = ["UPDATE_IN_PROGRESS"], ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"]


@pytest.mark.parametrize(
    ("looks", "seconds", "ended"),
    [
        # The status is of the update before; reading the events took so long that it is old news.
        ([("UPDATE_COMPLETE", STARTED), ("UPDATE_ROLLBACK_COMPLETE", ENDED)], 31.0, "UPDATE_ROLLBACK_COMPLETE"),
        ([("UPDATE_COMPLETE", []), ("UPDATE_IN_PROGRESS", STARTED), ("UPDATE_ROLLBACK_COMPLETE", ENDED)], 31.0,
         "UPDATE_ROLLBACK_COMPLETE"),
        ([("REVIEW_IN_PROGRESS", ["CREATE_IN_PROGRESS"]), ("CREATE_COMPLETE", ["CREATE_IN_PROGRESS",
                                                                               "CREATE_COMPLETE"])], 31.0,
         "CREATE_COMPLETE"),
        ([("UPDATE_ROLLBACK_COMPLETE", ENDED)], 0.0, "UPDATE_ROLLBACK_COMPLETE"),
        # An account that tells no events.
        ([("UPDATE_COMPLETE", [])], 0.0, "UPDATE_COMPLETE"),
    ],
)  # fmt: skip
def test_only_the_operations_own_end_is_believed(
    looks: list[tuple[str, list[str]]], seconds: float, ended: str
) -> None:
    clock = QuickClock()
    found = follow(Scripted(clock, looks, seconds), clock, STACK_ID, Watcher(), timeout=600, seen=set())
    assert found.status == ended


def test_an_account_without_events_is_believed_after_a_while_only() -> None:
    clock = QuickClock()
    follow(Scripted(clock, [("UPDATE_COMPLETE", [])], 0.0), clock, STACK_ID, Watcher(), timeout=600, seen=set())
    assert clock.elapsed() >= QUIET_SECONDS


def test_an_end_that_no_event_tells_is_never_called_one() -> None:
    """Events that began and do not end leave it open, which is exit code 3, not success."""
    clock = QuickClock()
    with pytest.raises(StillRunning):
        follow(Scripted(clock, [("UPDATE_COMPLETE", STARTED)], 0.0), clock, STACK_ID, Watcher(), timeout=60, seen=set())
