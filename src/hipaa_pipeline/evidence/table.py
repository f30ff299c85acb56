"""The control matrix as CSV (RFC 4180): one line for each paragraph and finding.

A paragraph that nothing was asked about has a line with its duty; what serves no paragraph stands at the end.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from hipaa_pipeline.evidence.matrix import Question, Row, worst

COLUMNS = (
    "citation", "title", "kind", "paragraph_status", "control", "control_title", "severity", "rule",
    "control_status", "resource", "property", "expected", "actual", "reason", "evidence", "collected", "duty",
)  # fmt: skip
NO_PARAGRAPH = "none"
"""Stands for a citation where a finding serves no paragraph of 164.308 to 164.316."""

# A spreadsheet would take such a text for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def render(rows: Iterable[Row], beyond: Sequence[Question], collected: str) -> str:
    """The CSV text, with a header line and CRLF line ends."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerows(tuple(map(_cell, line)) for line in _lines(row, collected))
    writer.writerows(tuple(map(_cell, line)) for line in _others(beyond, collected))
    return stream.getvalue()


def _lines(row: Row, collected: str) -> Iterator[tuple[Any, ...]]:
    paragraph = row.paragraph
    start = (paragraph.citation, paragraph.title, paragraph.kind.value, row.assessment)
    if not row.questions:
        yield (*start, *[""] * (len(COLUMNS) - len(start) - 2), collected, paragraph.duty)
    for question in row.questions:
        for answer in _answers(question):
            yield (*start, *answer, collected, paragraph.duty)


def _others(beyond: Sequence[Question], collected: str) -> Iterator[tuple[Any, ...]]:
    title = "Checks that no paragraph asks for"
    status = worst(question.status for question in beyond).value
    for question in beyond:
        for answer in _answers(question):
            yield (NO_PARAGRAPH, title, "", status, *answer, collected, "")


def _answers(question: Question) -> Iterator[tuple[Any, ...]]:
    for answer in question.answers:
        finding = answer.finding
        yield (
            question.slug, question.title, finding.severity, finding.rule, finding.status.value, finding.resource,
            finding.property, finding.expected, finding.actual, finding.reason, f"findings.json#{answer.pointer}",
        )  # fmt: skip


def _cell(value: Any) -> str:
    text = text_of(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def text_of(value: Any) -> str:
    """A value as one line of text: texts as they are, nothing as nothing, the rest as compact JSON."""
    if value is None:
        return ""
    return " ".join(value.split()) if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
