"""How often to look: soon at first, seldom later, and not forever."""

from __future__ import annotations

from collections.abc import Iterator

from hipaa_pipeline.clock import Clock

SHORTEST_SECONDS = 0.05
LONGEST_SECONDS = 5.0


def pauses(clock: Clock, timeout: float) -> Iterator[float]:
    """Seconds to wait after each look, growing from 0.05 to 5, until `timeout` seconds have passed on the clock."""
    started, pause = clock.elapsed(), SHORTEST_SECONDS
    while clock.elapsed() - started < timeout:
        yield pause
        pause = min(pause * 1.6, LONGEST_SECONDS)
