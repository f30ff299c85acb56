"""The one module that prints: results to standard output, progress and notes to standard error."""

from __future__ import annotations

import functools
import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hipaa_pipeline.errors import UserError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer
    from rich.console import Console

    from hipaa_pipeline.findings import Finding


class Output(io.FileIO):
    """Standard output that tells in a sentence why it cannot be written, such as a full disk."""

    def write(self, data: ReadableBuffer, /) -> int:
        """As FileIO.write. Raises UserError, or BrokenPipeError where the reader has enough (`| head -1`)."""
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            with Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), self.fileno())  # what is buffered still has to go somewhere at the end
            raise _unwritable(error.strerror or str(error)) from error


def open_streams() -> None:
    """Prepare the standard streams for whatever the caller made of them: closed, full, or poor in characters.

    Raises UserError where standard output is closed: before a command has done anything, rather than after.
    """
    told = sys.stdout is not None
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - it stays
    if not told:
        raise _unwritable("it is closed")
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(Output(sys.stdout.fileno(), "wb", closefd=False)),
        encoding=sys.stdout.encoding,
        errors="backslashreplace",
        line_buffering=sys.stdout.isatty(),
    )


def _unwritable(reason: str) -> UserError:
    return UserError(
        f"The result cannot be written to standard output: {reason}.", "Send it elsewhere: run it again with > FILE."
    )


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
    result(json.dumps(value, indent=2, default=str))


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
