"""The report that a person reads: one HTML file with everything in it, no script and nothing fetched."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hipaa_pipeline.controls.hipaa import SECTIONS
from hipaa_pipeline.deployment.events import Event
from hipaa_pipeline.deployment.events import rows as event_rows
from hipaa_pipeline.evidence import Evidence
from hipaa_pipeline.evidence.diagram import architecture_picture
from hipaa_pipeline.evidence.matrix import Question, Row, worst
from hipaa_pipeline.evidence.table import text_of
from hipaa_pipeline.findings import Finding, Status, count
from hipaa_pipeline.verification.live_checks import LIVE_CHECKS
from hipaa_pipeline.verification.verify import EXISTS, KNOWN, MATCHES
from hipaa_pipeline.waivers import CONTROL as WAIVERS

if TYPE_CHECKING:
    from jinja2 import Environment

_PAGES = Path(__file__).parent / "pages"
_LONGEST_VALUE = 300


@dataclasses.dataclass(frozen=True)
class Gate:
    """One group of questions in the summary, and how its answers are spread."""

    title: str
    status: Status
    counts: dict[Status, int]


@dataclasses.dataclass(frozen=True)
class Step:
    """One resource in the timeline; `start` and `length` are percentages of the whole operation."""

    logical_id: str
    type: str
    status: str
    seconds: float
    start: float
    length: float


def html(evidence: Evidence, rows: Sequence[Row], questions: Sequence[Question]) -> str:
    """The report. Every text is escaped; the picture is this program's own markup."""
    from markupsafe import Markup

    picture = Markup(architecture_picture(evidence.expected))  # noqa: S704 - escapes its texts itself
    return environment_of_pages().get_template("report.html.j2").render(
        evidence=evidence,
        verdict=worst(finding.status for finding in evidence.findings),
        counts=count(evidence.findings),
        gates=gates(evidence.findings),
        attention=[
            (number, one) for number, one in enumerate(evidence.findings) if one.status in (Status.FAIL, Status.UNKNOWN)
        ],
        sections=_sections(rows),
        answered=_answered(questions),
        uncovered=[row for row in rows if not row.covered],
        covered=[row for row in rows if row.covered],
        steps=timeline(evidence.events),
        changes=_changes(evidence),
        picture=picture,
    )  # fmt: skip


def gates(findings: Iterable[Finding]) -> list[Gate]:
    """The groups of questions, each with its worst status."""
    titles = {
        **{question.slug: "As the template says" for question in (EXISTS, MATCHES, KNOWN)},
        **{question.slug: "What only a running account tells" for question in LIVE_CHECKS},
        WAIVERS: "Waivers in order",
    }
    groups: dict[str, list[Finding]] = {"Controls, asked of the running stack": []}
    for finding in findings:
        groups.setdefault(titles.get(finding.control, "Controls, asked of the running stack"), []).append(finding)
    return [Gate(title, worst(one.status for one in group), count(group)) for title, group in groups.items()]


def timeline(events: Sequence[Event]) -> list[Step]:
    """One operation as bars: when each resource began, and how long it took, in seconds."""
    if not events:
        return []
    begin, end = events[0].time, events[-1].time
    whole = max((end - begin).total_seconds(), 0.001)
    return [
        Step(
            row.logical_id,
            row.type,
            row.status,
            seconds := row.elapsed_seconds(end),
            round((row.started - begin).total_seconds() / whole * 100, 2),
            round(seconds / whole * 100, 2),
        )
        for row in event_rows(events)
    ]


def _sections(rows: Sequence[Row]) -> list[tuple[str, str, list[Row]]]:
    grouped = itertools.groupby(rows, key=lambda row: row.paragraph.section)
    return [(section, SECTIONS[section], list(members)) for section, members in grouped]


def _answered(questions: Sequence[Question]) -> list[tuple[str, list[Question]]]:
    """The questions by service."""
    by_service: dict[str, list[Question]] = {}
    for question in questions:
        by_service.setdefault(question.service, []).append(question)
    return sorted(by_service.items())


def anchor(citation: str) -> str:
    """A paragraph's place in the report: `164.312(a)(1)` -> `p164-312-a-1`."""
    return "p" + citation.replace(")", "").replace("(", "-").replace(".", "-")


def _changes(evidence: Evidence) -> list[dict[str, Any]]:
    found = [change.get("ResourceChange", {}) for change in evidence.change_set.get("Changes", ())]
    return [change for change in found if change]


def short(value: Any) -> str:
    """A value as one line, cut where it would fill the page; the whole of it is in the JSON files."""
    text = text_of(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]} …"


@functools.cache
def environment_of_pages() -> Environment:
    """Jinja2 with the pages: every text escaped, a missing value an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters["short"] = short
    environment.filters["anchor"] = anchor
    environment.globals["Status"] = Status
    return environment
