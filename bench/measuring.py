"""Time taken, for all benchmarks: of a function and of a command, by the clock and by the processor."""

from __future__ import annotations

import resource
import subprocess
import time
from collections.abc import Callable, Sequence


def seconds(work: Callable[[], object]) -> float:
    """Seconds by the clock."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def processor_ms(work: Callable[[], object], runs: int) -> float:
    """Milliseconds of this process's processor time for one of several runs."""
    started = time.process_time()
    for _ in range(runs):
        work()
    return (time.process_time() - started) / runs * 1000


def command_processor_seconds(command: Sequence[str], runs: int) -> float:
    """The least processor time of some runs of a command, in seconds."""
    return min(_processor_seconds(command) for _ in range(runs))


def _processor_seconds(command: Sequence[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - our own
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
