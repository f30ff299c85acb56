"""The progress of a stack operation: a live table on a terminal, plain lines everywhere else; on standard error."""

from __future__ import annotations

import collections
import datetime
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hipaa_pipeline import console
from hipaa_pipeline.clock import Clock
from hipaa_pipeline.deployment.events import Event, Row, rows

if TYPE_CHECKING:
    from rich.console import JustifyMethod, RenderableType
    from rich.live import Live
    from rich.table import Table

    from hipaa_pipeline.deployment.watch import Progress

_STYLES = {"FAILED": "red", "COMPLETE": "green", "PROGRESS": "yellow", "SKIPPED": "dim"}
_COLUMNS = ("Resource", "Type", "State", "Elapsed", "Expected", "Reason")
_BY_IMPORTANCE = ("State", "Resource", "Reason", "Elapsed", "Expected")
_TIMES = {"Elapsed", "Expected"}
_LEAST = {"Resource": 16, "Reason": 24}  # columns that say something though they are cut
_GAP = 2


def progress(clock: Clock) -> Progress:
    """The progress display that suits standard error."""
    return LiveProgress(clock) if console.errors().is_terminal else PlainProgress()


class PlainProgress:
    """One line per event, for logs."""

    def __enter__(self) -> PlainProgress:
        """Nothing to prepare."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def show(self, events: Sequence[Event], fresh: Sequence[Event]) -> None:
        """A line for each new event."""
        for event in fresh:
            console.note(event_line(event))


class LiveProgress:
    """A table that is redrawn in place: what failed, what runs with elapsed and expected time, what is done."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rows: list[Row] = []
        self._live: Live | None = None

    def __enter__(self) -> LiveProgress:
        """Start to draw."""
        from rich.live import Live

        self._live = Live(
            console=console.errors(), get_renderable=self._render, refresh_per_second=4, vertical_overflow="crop"
        )
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Draw a last time and leave the table on the screen."""
        if self._live:
            self._live.stop()

    def show(self, events: Sequence[Event], fresh: Sequence[Event]) -> None:
        """Show the state after these events at the next redraw."""
        self._rows = rows(events)

    def _render(self) -> RenderableType:
        size = console.errors().size
        return table(self._rows, self._clock, size.height - 3, size.width)


def event_line(event: Event) -> str:
    """One event as a line of a log: `12:03:04 CREATE_FAILED AWS::EC2::VPC Vpc: reason`."""
    line = f"{event.time:%H:%M:%S} {event.status:<20} {event.type} {event.logical_id}"
    return f"{line}: {event.reason}" if event.reason else line


def table(state: Sequence[Row], clock: Clock, height: int, width: int) -> Table:
    """The table of a state, at most `height` lines of at most `width` columns.

    What is done or waits is counted, not listed, when it is long. Where there is little room, what a person can do
    without is left out, and a state is never cut: CREATE_FAILED and CREATE_COMPLETE must be told apart.
    """
    from rich.table import Table
    from rich.text import Text

    now = clock.now()
    drawn = Table(
        box=None, padding=(0, _GAP, 0, 0), pad_edge=False, title=headline(state, now), title_justify="left",
        title_style="",
    )  # fmt: skip
    shown = [_cells(row, now) for row in chosen(state, max(height - 2, 3))]
    widths = column_widths(shown, width)
    for heading, columns in widths.items():
        justify: JustifyMethod = "right" if heading in _TIMES else "left"
        drawn.add_column(heading, justify=justify, no_wrap=True, overflow="ellipsis", width=columns)
    for cells in shown:
        style = _STYLES.get(cells["State"].rpartition("_")[2], "")
        drawn.add_row(*(Text(cells[heading], style=style if heading == "State" else "") for heading in widths))
    return drawn


def column_widths(shown: Sequence[Mapping[str, str]], width: int) -> dict[str, int]:
    """The columns to draw, from left to right, each with its width; a reason only where there is one.

    Room is given by importance. The resource's name and the reason take what is left and are cut where that is too
    little; every other column is whole or absent, the type first.
    """
    whole = {name: max([len(name), *(len(cells[name]) for cells in shown)]) for name in _COLUMNS}
    given: dict[str, int] = {}
    room = width + _GAP  # nothing follows the last column
    for name in _BY_IMPORTANCE:
        least = min(whole[name], _LEAST.get(name, whole[name]))
        if least + _GAP <= room and (name != "Reason" or any(cells[name] for cells in shown)):
            given[name] = least
            room -= least + _GAP
    for name in filter(given.__contains__, _LEAST):
        more = min(whole[name] - given[name], room)
        given[name] += more
        room -= more
    if whole["Type"] + _GAP <= room:
        given["Type"] = whole["Type"]
    return {name: given[name] for name in _COLUMNS if name in given}


def _cells(row: Row, now: datetime.datetime) -> dict[str, str]:
    return {
        "Resource": row.logical_id,
        "Type": row.type.removeprefix("AWS::"),
        "State": row.status,
        "Elapsed": duration(row.elapsed_seconds(now)),
        "Expected": duration(row.expected_seconds) if row.ended is None else "",
        "Reason": " ".join(row.reason.split()) if row.status.endswith("FAILED") else "",
    }


def headline(state: Sequence[Row], now: datetime.datetime) -> str:
    """`12 done, 3 running, 1 failed, 4:10`: how many resources, and the time since the first was begun."""
    if not state:
        return "starting"
    counted = collections.Counter(
        "failed" if row.status.endswith("_FAILED") else "running" if row.ended is None else "done" for row in state
    )
    begun = min(row.started for row in state)
    ended = now if counted["running"] else max(row.ended or now for row in state)
    told = [f"{counted[name]} {name}" for name in ("done", "running", "failed") if counted[name]]
    return ", ".join([*told, duration((ended - begun).total_seconds())])


def chosen(state: Sequence[Row], lines: int) -> list[Row]:
    """The rows to show in so many lines: failures first, then what runs, then what ended last; in order of start."""
    by_interest = sorted(
        state,
        key=lambda row: (
            not row.status.endswith("_FAILED"),
            row.ended is not None,
            -(row.ended or row.started).timestamp(),
        ),
    )
    return sorted(by_interest[:lines], key=lambda row: row.started)


def duration(seconds: float) -> str:
    """`8 s`, `1:40`, `1:02:03`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
