"""Findings for a person: grouped by control, the worst last, where a terminal stops scrolling, then counts.

What does not apply is only counted.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from hipaa_pipeline.findings import Finding, Status, count
from hipaa_pipeline.report.wording import place, shown

_WORST_FIRST = (Status.FAIL, Status.UNKNOWN, Status.WAIVED, Status.PASS, Status.NOT_APPLICABLE)
_STYLES = {
    Status.FAIL: "bold red",
    Status.UNKNOWN: "bold yellow",
    Status.WAIVED: "magenta",
    Status.PASS: "green",
}
_LABELS = {
    Status.FAIL: "FAIL",
    Status.UNKNOWN: "UNKNOWN",
    Status.WAIVED: "waived",
    Status.PASS: "pass",
}
_LOOKED_AT = frozenset({Status.FAIL, Status.UNKNOWN, Status.WAIVED})
_MOST_NAMES = 5
_LONGEST_VALUE = 400


def render(
    findings: Sequence[Finding], *, template_path: str | None, title: str, colour: bool, width: int | None
) -> str:
    """The text form; `width` None never wraps, so that piped output can be searched line by line."""
    stream = io.StringIO()
    console = Console(
        file=stream,
        force_terminal=colour,
        no_color=not colour,
        color_system="standard" if colour else None,
        width=width or 10_000,
        soft_wrap=width is None,
        highlight=False,
        legacy_windows=False,
    )
    for line in _lines(findings, template_path, title):
        console.print(line)
    return stream.getvalue().rstrip("\n")


def _lines(findings: Sequence[Finding], template_path: str | None, title: str) -> Iterator[Text]:
    yield Text(title, style="bold")
    for control, group in _groups(findings):
        if group[0].status is not Status.NOT_APPLICABLE:
            yield from _control(control, group, template_path)
    yield Text(_summary(findings))


def _groups(findings: Sequence[Finding]) -> list[tuple[str, list[Finding]]]:
    """The findings of each control, worst first; the controls worst last, else in the order they came."""
    controls = list(dict.fromkeys(finding.control for finding in findings))
    by_control = {control: [finding for finding in findings if finding.control == control] for control in controls}
    groups = [(control, sorted(group, key=_rank)) for control, group in by_control.items()]
    return sorted(groups, key=lambda pair: -_rank(pair[1][0]))


def _rank(finding: Finding) -> int:
    return _WORST_FIRST.index(finding.status)


def _control(control: str, group: Sequence[Finding], template_path: str | None) -> Iterator[Text]:
    """One line that names the control, and below it each finding a person must look at."""
    worst = group[0]
    to_look_at = [finding for finding in group if finding.status in _LOOKED_AT]
    line = Text.assemble((f"{_LABELS[worst.status]:<8}", _STYLES[worst.status]), control)
    if worst.severity and to_look_at:
        line.append(f"  [{worst.severity}]")
    line.append(f"  {worst.citation}" if worst.citation else "", style="dim")
    if not to_look_at:
        line.append(_subjects(group))
    yield line
    yield from itertools.chain.from_iterable(_details(finding, template_path) for finding in to_look_at)


def _subjects(findings: Sequence[Finding]) -> str:
    names = list(dict.fromkeys(finding.resource for finding in findings if finding.resource))
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"  {', '.join(names[:_MOST_NAMES])}{more}" if names else ""


def _details(finding: Finding, template_path: str | None) -> Iterator[Text]:
    head = [part for part in (place(finding, template_path), finding.resource, finding.property) if part]
    rows = [("expected", shown(finding.expected)), ("actual", shown(finding.actual))]
    if finding.reason:
        rows.append(("reason", finding.reason))
    if finding.remedy:
        rows.append(("remedy", finding.remedy))
    if finding.rule != finding.control:
        rows.insert(0, ("rule", finding.rule))
    yield Text("  " + "  ".join(head or [finding.rule]), style="bold")
    for name, value in rows:
        yield Text.assemble((f"    {name + ':':<10}", "dim"), _one_line(value))


def _one_line(value: str) -> str:
    line = " ".join(value.split())
    return line if len(line) <= _LONGEST_VALUE else f"{line[: _LONGEST_VALUE - 1]}…"


def _summary(findings: Sequence[Finding]) -> str:
    counted = count(findings)
    controls = len({finding.control for finding in findings})
    words = (
        f"{counted[Status.FAIL]} failed",
        f"{counted[Status.UNKNOWN]} unknown",
        f"{counted[Status.WAIVED]} waived",
        f"{counted[Status.PASS]} passed",
        f"{counted[Status.NOT_APPLICABLE]} not applicable",
    )
    return f"{', '.join(words)} ({_many(len(findings), 'finding')}, {_many(controls, 'control')})"


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
