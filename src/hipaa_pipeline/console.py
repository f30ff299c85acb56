"""The one module that prints: results to standard output, progress and notes to standard error."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Mapping, Sequence
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


def width() -> int:
    """The columns a result may take: the terminal's, or 120 where it is piped."""
    return results().width if sys.stdout.isatty() else 120


def result_lines(lines: Sequence[str], styles: Mapping[str, str]) -> None:
    """Lines of a result; on a terminal the first word of each is coloured as `styles` says."""
    coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    for line in lines:
        style = styles.get(line.split(" ", 1)[0], "") if coloured else ""
        if not style:
            result(line)
            continue
        from rich.text import Text

        text = Text(line)
        text.stylize(style, 0, len(line.split(" ", 1)[0]))
        results().print(text, soft_wrap=True)


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
