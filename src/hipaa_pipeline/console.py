"""The one module that prints: results to standard output, progress and notes to standard error."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from hipaa_pipeline.findings import Finding


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


def result_findings(
    findings: Sequence[Finding], output_format: str, *, template_path: str | None = None, title: str = "findings"
) -> None:
    """The findings on standard output in one of `report.FORMATS`: coloured and wrapped only on a terminal."""
    from hipaa_pipeline import report

    terminal = sys.stdout.isatty()
    result(
        report.render(
            findings,
            output_format,
            template_path=template_path,
            title=title,
            colour=terminal and "NO_COLOR" not in os.environ,
            width=results().width if terminal else None,
        )
    )
