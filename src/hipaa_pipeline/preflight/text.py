"""A preflight's result on one screen: what is blocked first, what is good in one line each, then the ways out."""

from __future__ import annotations

import collections
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from hipaa_pipeline.findings import Finding, Status, count
from hipaa_pipeline.preflight import ledger
from hipaa_pipeline.preflight.exits import Exit
from hipaa_pipeline.preflight.ledger import Row
from hipaa_pipeline.preflight.result import UNTOLD, Result
from hipaa_pipeline.preflight.subject import WARNING

_LABELS = {
    Status.FAIL: "BLOCKED",
    Status.UNKNOWN: "UNKNOWN",
    Status.WAIVED: "skipped",
    Status.PASS: "ok",
    Status.NOT_APPLICABLE: "n/a",
}
_WARNS = "warning"
STYLES = {
    "BLOCKED": "bold red", "UNKNOWN": "bold yellow", _WARNS: "yellow", "skipped": "magenta", "ok": "green",
    "n/a": "dim",
}  # fmt: skip
_WORST_FIRST = (Status.FAIL, Status.UNKNOWN, Status.WAIVED, Status.PASS, Status.NOT_APPLICABLE)
_TROUBLES = frozenset({Status.FAIL, Status.UNKNOWN})
_MAX_WIDTH = 120
_MAX_NAMED = 3


def lines(result: Result, *, everything: bool = False, width: int = _MAX_WIDTH) -> list[str]:
    """The result as lines of text. With `everything`, every row of the ledger has a line, not only those in trouble."""
    return [
        *_wrapped("", _heading(result), width),
        "",
        *_ledger(result.rows, everything=everything, width=width),
        *_checks(result.findings, width),
        *_ways_out(result.exits, width),
        "",
        *_summary(result, width),
    ]


def troubles(findings: Iterable[Finding], width: int = _MAX_WIDTH) -> list[str]:
    """What is blocked and what could not be told, of any number of preflights; what they have alike in one line."""
    groups: dict[str, list[Finding]] = collections.defaultdict(list)
    for finding in findings:
        if finding.status in _TROUBLES:
            groups[finding.control].append(finding)
    return [
        line
        for control, group in sorted(groups.items(), key=lambda item: min(map(_rank, item[1])))
        for alike in _alike(sorted(group, key=_rank))
        for line in _trouble(control, alike, width)
    ]


def _heading(result: Result) -> str:
    state = {None: "does not exist yet", UNTOLD: "it is unknown whether it exists"}.get(
        result.stack_status, result.stack_status
    )
    return f"Preflight of {result.stack_name} ({state}) in account {result.account_id}, {result.region}"


def _ledger(rows: Sequence[Row], *, everything: bool, width: int) -> Iterator[str]:
    shown = [row for row in rows if everything or row.status is not Status.PASS]
    column = max((len(_name(row)) for row in shown), default=0)
    if shown:
        yield f"{'':<9}{'QUOTA':<{column}}  {'NEEDS':>6}  {'USED':>7}  {'LIMIT':>9}  {'LEFT':>9}  SOURCE"
    for row in sorted(shown, key=lambda row: _WORST_FIRST.index(row.status)):
        numbers = f"{_number(row.needed):>6}  {_number(row.used.value):>7}"
        limit = f"{_number(row.limit.value):>9}  {_number(row.headroom):>9}"
        yield f"{_LABELS[row.status]:<9}{_name(row):<{column}}  {numbers}  {limit}  {_sources(row)}"
    for reason in dict.fromkeys(row.cause for row in shown if row.cause):
        yield from _wrapped(f"{'':<9}", reason, width)
    if not everything:
        yield from _folded([row for row in rows if row.status is Status.PASS], width)


def _folded(rows: Sequence[Row], width: int) -> Iterator[str]:
    """The rows that are good, in one line: how many, and which has the least room."""
    if not rows:
        return
    tight = sorted((row for row in rows if row.headroom is not None), key=_room)[:_MAX_NAMED]
    named = ", ".join(f"{_name(row)} {_number(row.headroom)} of {_number(row.limit.value)} left" for row in tight)
    least = f"; least room: {named}" if named else ""
    yield from _wrapped(f"{'ok':<9}", f"{len(rows)} quotas{least}", width)


def _room(row: Row) -> float:
    """How much of the quota would be left, as a share."""
    return (row.headroom or 0) / (row.limit.value or 1)


def _name(row: Row) -> str:
    outside = row.subject if row.subject.startswith(("vpc-", "sg-")) else ""
    return f"{row.quota.name} ({outside})" if outside else row.quota.name


def _sources(row: Row) -> str:
    return row.used.source if row.used.source == row.limit.source else f"{row.used.source}, {row.limit.source}"


def _number(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"


def _checks(findings: Sequence[Finding], width: int) -> Iterator[str]:
    """Every check but the ledger: one line when it is good, one for each of its findings that is not."""
    groups: dict[str, list[Finding]] = collections.defaultdict(list)
    for finding in findings:
        if finding.control != ledger.CONTROL or finding.rule in {ledger.CONTROL, ledger.UNCOUNTED}:
            groups[finding.control].append(finding)
    for control, group in sorted(groups.items(), key=lambda item: min(map(_rank, item[1]))):
        troubled = [finding for finding in group if _label(finding) not in {"ok", "n/a"}]
        if troubled:
            for alike in _alike(sorted(troubled, key=_rank)):
                yield from _trouble(control, alike, width)
        else:
            yield from _wrapped(f"{_label(group[0]):<9}{control:<22}", _good(group), width)


def _rank(finding: Finding) -> float:
    rank = _WORST_FIRST.index(finding.status)
    return rank - 0.5 if finding.severity == WARNING else rank


def _label(finding: Finding) -> str:
    if finding.severity == WARNING and finding.status is Status.PASS:
        return _WARNS
    return _LABELS[finding.status]


def _alike(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Findings that say the same of different things go together: one denied read makes many of them unknown."""
    groups: dict[tuple[str, ...], list[Finding]] = collections.defaultdict(list)
    for finding in findings:
        groups[_label(finding), _what(finding), finding.remedy].append(finding)
    return list(groups.values())


def _what(finding: Finding) -> str:
    return finding.reason or f"expected {finding.expected}, found {finding.actual}"


def _trouble(control: str, alike: Sequence[Finding], width: int) -> Iterator[str]:
    first = alike[0]
    names = [finding.resource or finding.rule for finding in alike if finding.resource or finding.rule != control]
    shown = ", ".join(names[:_MAX_NAMED])
    more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
    rule = f"{first.rule}: " if len(alike) == 1 and first.resource and first.rule != control else ""
    told = f"{rule}{shown}{more}: {_what(first)}" if names else _what(first)
    yield from _wrapped(f"{_label(first):<9}{control:<22}", told, width)
    if first.remedy:
        yield from _wrapped(f"{'':<31}-> ", first.remedy, width)


def _good(group: Sequence[Finding]) -> str:
    if group[0].reason:
        return group[0].reason
    if len(group) > 1:
        return f"{len(group)} of {len(group)}"
    return str(group[0].actual or "as it should be")


def _ways_out(exits: Iterable[Exit], width: int) -> Iterator[str]:
    for number, way in enumerate(exits, start=1):
        if number == 1:
            yield from ("", "WAYS OUT")
        yield from _wrapped(f"{number:>3}. ", way.title, width)
        for name, value in way.parameters.items():
            yield f"     {name}={value}"
        yield from (f"     {command}" for command in way.commands)
        for note in way.notes:
            yield from _wrapped("     ", note, width)


def _wrapped(lead: str, text: str, width: int) -> Iterator[str]:
    room = max(20, width - len(lead))
    for number, part in enumerate(textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)):
        yield (lead if number == 0 else " " * len(lead)) + part


def _summary(result: Result, width: int) -> Iterator[str]:
    counted = count(result.findings)
    blocked, unknown = counted[Status.FAIL], counted[Status.UNKNOWN]
    verdict = (
        "Blocked: it would fail." if blocked else "Unknown: it may fail." if unknown else "Nothing stands in the way."
    )
    cost = f"{result.cost.calls} calls in {result.cost.seconds:.1f} s"
    counts = f"{blocked} blocked, {unknown} unknown, {counted[Status.PASS]} ok"
    yield from _wrapped("", f"{verdict} {counts}; {cost}; nothing was changed", width)
    if result.cost.retried:
        again = ", ".join(f"{call} {times} times" for call, times in sorted(result.cost.retried.items()))
        yield from _wrapped("", f"AWS had to be asked again (throttling or a lost connection): {again}", width)
