"""How often to look, and to try again: soon at first, seldom later, and not forever."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hipaa_pipeline.clock import Clock

SHORTEST_SECONDS = 0.05
LONGEST_SECONDS = 5.0
MOST_ATTEMPTS = 5
FIRST_BACKOFF_SECONDS = 30.0


def pauses(clock: Clock, timeout: float) -> Iterator[float]:
    """Seconds to wait after each look, growing from 0.05 to 5, until `timeout` seconds have passed on the clock."""
    started, pause = clock.elapsed(), SHORTEST_SECONDS
    while clock.elapsed() - started < timeout:
        yield pause
        pause = min(pause * 1.6, LONGEST_SECONDS)


def backoff(attempt: int) -> float:
    """Seconds to wait after a failed attempt, the first being 1: each time twice as long."""
    return FIRST_BACKOFF_SECONDS * 2.0 ** (attempt - 1)
