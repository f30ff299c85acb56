"""The one module that prints: results to standard output, progress and notes to standard error."""

from __future__ import annotations

import functools
import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


@functools.cache
def errors() -> Console:
    """Rich's console on standard error: colours and live tables on a terminal, plain lines otherwise."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


@functools.cache
def results() -> Console:
    """Rich's console on standard output, for tables a person asked for; piped output is never wrapped or coloured."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


def note(text: str) -> None:
    """A line of progress or advice for a person, on standard error."""
    print(text, file=sys.stderr, flush=True)


def result(text: str) -> None:
    """A line of the result, on standard output."""
    print(text, flush=True)


def result_json(value: Any) -> None:
    """A JSON result on standard output."""
    print(json.dumps(value, indent=2, default=str))
