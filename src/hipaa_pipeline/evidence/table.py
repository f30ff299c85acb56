"""The control matrix as CSV (RFC 4180): one line for each paragraph, question and resource."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from hipaa_pipeline.evidence.matrix import Row

COLUMNS = (
    "citation", "title", "kind", "paragraph_status", "control", "control_title", "control_status", "resource",
    "property", "expected", "actual", "reason", "evidence", "collected", "duty",
)  # fmt: skip
# A spreadsheet would take such a text for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def render(rows: Iterable[Row], collected: str) -> str:
    """The CSV text, with a header line and CRLF line ends."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    writer.writerows(tuple(map(_cell, line)) for row in rows for line in _lines(row, collected))
    return stream.getvalue()


def _lines(row: Row, collected: str) -> Iterator[tuple[Any, ...]]:
    paragraph = row.paragraph
    start = (paragraph.citation, paragraph.title, paragraph.kind.value, row.status.value)
    if not row.questions:
        yield (*start, "", "", "", "", "", "", "", "", "", collected, paragraph.duty)
    for question in row.questions:
        for answer in question.answers:
            finding = answer.finding
            yield (
                *start, question.slug, question.title, answer.status.value, answer.resource, finding.property,
                finding.expected, finding.actual, finding.reason, f"findings.json#{answer.pointer}", collected,
                paragraph.duty,
            )  # fmt: skip


def _cell(value: Any) -> str:
    text = text_of(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def text_of(value: Any) -> str:
    """A value as one line of text: texts as they are, nothing as nothing, the rest as compact JSON."""
    if value is None:
        return ""
    return " ".join(value.split()) if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
