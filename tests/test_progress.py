"""The progress display: which rows are shown, in which words, on a terminal and in a log."""

from __future__ import annotations

import dataclasses
import datetime
import io

import pytest

from hipaa_pipeline.deployment.events import Event, Row, rows
from hipaa_pipeline.deployment.progress import (
    LiveProgress,
    PlainProgress,
    chosen,
    duration,
    event_line,
    headline,
    table,
)
from scenario import QuickClock

START = datetime.datetime(2026, 11, 23, 12, 3, 4, tzinfo=datetime.UTC)
STACK_ID = "arn:aws:cloudformation:ap-southeast-1:111122223333:stack/s/1"


def row(name: str, status: str, started: int, ended: int | None = None, reason: str = "") -> Row:
    def at(second: int) -> datetime.datetime:
        return START + datetime.timedelta(seconds=second)

    return Row(name, "AWS::EC2::VPC", status, reason, at(started), None if ended is None else at(ended))


def event(status: str, reason: str = "") -> Event:
    return Event("1", "Vpc", "vpc-1", "AWS::EC2::VPC", status, reason, START, STACK_ID)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (8.4, "8 s"), (59.6, "1:00"), (60, "1:00"), (100, "1:40"), (3599, "59:59"), (3723, "1:02:03")],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_event_line() -> None:
    assert event_line(event("CREATE_COMPLETE")) == "12:03:04 CREATE_COMPLETE      AWS::EC2::VPC Vpc"
    assert event_line(event("CREATE_FAILED", "limit")) == "12:03:04 CREATE_FAILED        AWS::EC2::VPC Vpc: limit"


def test_plain_progress_is_a_line_per_event_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with PlainProgress() as progress:
        progress.show([event("CREATE_IN_PROGRESS"), event("CREATE_COMPLETE")], [event("CREATE_COMPLETE")])
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", event_line(event("CREATE_COMPLETE")) + "\n")


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ([], "starting"),
        ([row("A", "CREATE_COMPLETE", 0, 1), row("B", "CREATE_IN_PROGRESS", 0)], "1 done, 1 running, 1:30"),
        ([row("A", "CREATE_FAILED", 5, 9), row("B", "DELETE_COMPLETE", 7, 15)], "1 done, 1 failed, 10 s"),
    ],
)
def test_headline(state: list[Row], text: str) -> None:
    assert headline(state, START + datetime.timedelta(seconds=90)) == text


def test_chosen_rows_are_failures_then_what_runs_then_what_ended_last() -> None:
    state = [
        row("Old", "CREATE_COMPLETE", 0, 1),
        row("Failed", "CREATE_FAILED", 1, 2),
        row("New", "CREATE_COMPLETE", 2, 9),
        row("Running", "CREATE_IN_PROGRESS", 3),
    ]
    assert [one.logical_id for one in chosen(state, 4)] == ["Old", "Failed", "New", "Running"]
    assert [one.logical_id for one in chosen(state, 3)] == ["Failed", "New", "Running"]
    assert [one.logical_id for one in chosen(state, 2)] == ["Failed", "Running"]
    assert [one.logical_id for one in chosen(state, 1)] == ["Failed"]


class StoppedClock(QuickClock):
    def now(self) -> datetime.datetime:
        return START + datetime.timedelta(seconds=90)


def drawn(state: list[Row], width: int = 100) -> list[str]:
    from rich.console import Console

    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(table(state, StoppedClock(), 20, width))
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_table() -> None:
    state = [row("Vpc", "CREATE_COMPLETE", 0, 8), row("Role", "CREATE_FAILED", 9, 10, "limit exceeded")]
    state.append(row("Endpoint", "CREATE_IN_PROGRESS", 10))
    assert drawn(state) == [
        "1 done, 1 running, 1 failed, 1:30",
        "Resource  Type      State               Elapsed  Expected  Reason",
        "Vpc       EC2::VPC  CREATE_COMPLETE         8 s",
        "Role      EC2::VPC  CREATE_FAILED           1 s            limit exceeded",
        "Endpoint  EC2::VPC  CREATE_IN_PROGRESS     1:20      15 s",
    ]


REASON = "The maximum number of VPCs has been reached. (Service: Ec2, Status Code: 400)"
FAILING = [
    dataclasses.replace(row("DatabaseParameterGroup", "CREATE_COMPLETE", 0, 8), type="AWS::RDS::DBParameterGroup"),
    row("PrivateSubnetRouteTableAssociationA", "CREATE_IN_PROGRESS", 1),
    row("Vpc", "CREATE_FAILED", 2, 10, REASON),
]


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (
            120,
            [
                "Resource                             State               Elapsed  Expected  Reason",
                "DatabaseParameterGroup               CREATE_COMPLETE         8 s",
                "PrivateSubnetRouteTableAssociationA  CREATE_IN_PROGRESS     1:29      15 s",
                f"Vpc                                  CREATE_FAILED           8 s            {REASON[:43]}…",
            ],
        ),
        (
            80,
            [
                "Resource                   State               Elapsed  Reason",
                "DatabaseParameterGroup     CREATE_COMPLETE         8 s",
                "PrivateSubnetRouteTableA…  CREATE_IN_PROGRESS     1:29",
                "Vpc                        CREATE_FAILED           8 s  The maximum number of V…",
            ],
        ),
        (
            40,
            [
                "Resource              State",
                "DatabaseParameterGr…  CREATE_COMPLETE",
                "PrivateSubnetRouteT…  CREATE_IN_PROGRESS",
                "Vpc                   CREATE_FAILED",
            ],
        ),
    ],
)
def test_a_state_is_never_cut(width: int, lines: list[str]) -> None:
    assert drawn(FAILING, width) == ["1 done, 1 running, 1 failed, 1:30", *lines]


def test_a_table_without_rows_says_that_it_begins() -> None:
    assert drawn([])[0] == "starting"


def test_table_never_wraps() -> None:
    state = [row("Vpc", "CREATE_FAILED", 0, 8, "a reason that is much longer than the screen is wide, by far")]
    assert len(drawn(state, width=60)) == 3


def test_live_progress_leaves_its_last_state_on_the_screen() -> None:
    progress = LiveProgress(StoppedClock())
    with progress:
        progress.show([event("CREATE_IN_PROGRESS")], [event("CREATE_IN_PROGRESS")])
    assert progress._rows == rows([event("CREATE_IN_PROGRESS")])
