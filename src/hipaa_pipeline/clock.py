"""Time as an argument: what waits takes a `Clock`, so that tests wait for nothing."""

from __future__ import annotations

import datetime
import time
from typing import Protocol


class Clock(Protocol):
    """The three things a deployment asks of time."""

    def now(self) -> datetime.datetime:
        """The date and time of day, in UTC."""
        ...

    def elapsed(self) -> float:
        """Seconds since some fixed point; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime.datetime:
        """The date and time of day, in UTC."""
        return datetime.datetime.now(datetime.UTC)

    def elapsed(self) -> float:
        """Seconds of a clock that never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
