"""What a list of stack events tells."""

from __future__ import annotations

import datetime

import pytest

from hipaa_pipeline.deployment import events
from hipaa_pipeline.deployment.durations import expected_seconds, expected_total
from hipaa_pipeline.deployment.events import Event, created, latest_operation, rows, running, touched

STACK_ID = "arn:aws:cloudformation:ap-southeast-1:111122223333:stack/s/1"
START = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)


def event(second: int, logical_id: str, status: str, physical_id: str = "", kind: str = "AWS::EC2::VPC") -> Event:
    time = START + datetime.timedelta(seconds=second)
    return Event(f"{second}{logical_id}", logical_id, physical_id, kind, status, "", time, STACK_ID)


def stack(second: int, status: str) -> Event:
    return event(second, "s", status, STACK_ID, events.STACK_TYPE)


HISTORY = [
    stack(0, "CREATE_IN_PROGRESS"),
    event(1, "Vpc", "CREATE_IN_PROGRESS"),
    event(9, "Vpc", "CREATE_COMPLETE", "vpc-1"),
    stack(10, "CREATE_COMPLETE"),
    stack(100, "UPDATE_IN_PROGRESS"),
    event(101, "Role", "UPDATE_IN_PROGRESS", "role"),
    event(102, "Other", "CREATE_IN_PROGRESS", "other"),
    event(105, "Role", "UPDATE_FAILED", "role"),
    stack(106, "UPDATE_ROLLBACK_IN_PROGRESS"),
    event(107, "Other", "DELETE_IN_PROGRESS", "other"),
]


def test_the_last_operation_begins_with_the_stacks_own_start() -> None:
    assert latest_operation(HISTORY) == HISTORY[4:]
    assert latest_operation(HISTORY[:4]) == HISTORY[:4]
    assert latest_operation([]) == []
    assert latest_operation(HISTORY[5:]) == HISTORY[5:], "without a start everything is taken"


def test_rows_keep_the_first_order_and_time_each_step_apart() -> None:
    told = [(row.logical_id, row.status, row.elapsed_seconds(START + datetime.timedelta(seconds=110)))
            for row in rows(HISTORY[4:])]  # fmt: skip
    assert told == [("Role", "UPDATE_FAILED", 4.0), ("Other", "DELETE_IN_PROGRESS", 3.0)]


def test_running_is_what_has_not_ended_longest_first() -> None:
    assert [row.logical_id for row in running(HISTORY)] == ["Other"]
    assert [row.logical_id for row in running(HISTORY[:7])] == ["Role", "Other"]


def test_touched_names_everything_that_ever_had_an_identifier() -> None:
    assert touched(HISTORY) == {
        ("AWS::EC2::VPC", "vpc-1"): "Vpc",
        ("AWS::EC2::VPC", "role"): "Role",
        ("AWS::EC2::VPC", "other"): "Other",
    }


def test_created_names_what_was_completed() -> None:
    assert [one.logical_id for one in created(HISTORY)] == ["Vpc"]


@pytest.mark.parametrize(
    ("kind", "status", "seconds"),
    [
        ("AWS::RDS::DBInstance", "CREATE_IN_PROGRESS", 600.0),
        ("AWS::RDS::DBInstance", "DELETE_IN_PROGRESS", 480.0),
        ("AWS::EC2::VPCEndpoint", "CREATE_IN_PROGRESS", 60.0),
        ("AWS::CloudWatch::Alarm", "CREATE_IN_PROGRESS", 5.0),
    ],
)
def test_expected_seconds(kind: str, status: str, seconds: float) -> None:
    assert expected_seconds(kind, status) == seconds


def test_expected_total_is_the_longest_chain() -> None:
    assert expected_total([]) == 0.0
    assert expected_total(["AWS::CloudWatch::Alarm"]) == 5.0
    assert expected_total(["AWS::KMS::Key", "AWS::RDS::DBInstance", "AWS::EC2::VPCEndpoint"]) == 720.0
