"""The assessment results: an observation for each finding, an OSCAL finding for each paragraph's objective."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hipaa_pipeline.evidence.matrix import Answer, Question, Row
from hipaa_pipeline.evidence.oscal import ids
from hipaa_pipeline.evidence.oscal.components import component_uuid
from hipaa_pipeline.evidence.table import text_of
from hipaa_pipeline.findings import Status
from hipaa_pipeline.stack import Stack

EVIDENCE = "../findings.json"
_REASONS = {Status.PASS: "pass", Status.FAIL: "fail"}


def assessment_results(
    expected: Stack, rows: Sequence[Row], beyond: Sequence[Question], about: ids.About
) -> dict[str, Any]:
    """The assessment results document: one result, of the verification that collected the facts.

    What `beyond` found serves no paragraph: it is observed, and no finding is about it.
    """
    covered = [row for row in rows if row.covered]
    asked = {question.slug: question for row in covered for question in row.questions}
    observations = [
        _observation(expected, question, answer, about)
        for question in (*asked.values(), *beyond)
        for answer in _told(question)
    ]
    result = {
        "uuid": about.assessed("result"),
        "title": f"Verification of {about.place}",
        "description": f"The stack {about.stack} in {about.region}, account {about.account_id}, read back through the "
        f"service APIs ({about.endpoint}) and asked the controls.",
        "start": about.collected,
        "end": about.collected,
        "reviewed-controls": _reviewed(covered),
        "observations": observations,
        "findings": [_finding(row, about) for row in covered],
    }
    plan = {
        "uuid": about.assessed("plan"),
        "title": "Assessment plan",
        "description": "There is no separate plan: `hipaa-pipeline verify` asks every control of every resource, and "
        "docs/controls.md lists them.",
    }
    content = {
        "import-ap": {"href": f"#{plan['uuid']}"},
        "results": [result],
        "back-matter": {"resources": [plan]},
    }
    return ids.document("assessment-results", f"Assessment of {about.place}", about, content)


def _reviewed(covered: Sequence[Row]) -> dict[str, Any]:
    citations = [row.paragraph.citation for row in covered]
    return {
        "control-selections": [
            {"include-controls": [{"control-id": ids.control_id(citation)} for citation in citations]}
        ],
        "control-objective-selections": [
            {"include-objectives": [{"objective-id": ids.objective_id(citation)} for citation in citations]}
        ],
        "remarks": "Of each control only the objective was assessed: the technical measures of the stack.",
    }


def _told(question: Question) -> list[Answer]:
    """The answers that say something: "not applicable" observed nothing."""
    return [answer for answer in question.answers if answer.finding.status is not Status.NOT_APPLICABLE]


def _observation_uuid(about: ids.About, answer: Answer) -> str:
    return about.assessed("observation", answer.pointer)


def _observation(expected: Stack, question: Question, answer: Answer, about: ids.About) -> dict[str, Any]:
    finding = answer.finding
    observation: dict[str, Any] = {
        "uuid": _observation_uuid(about, answer),
        "title": f"{finding.rule} {finding.resource}".strip(),
        "description": _description(question, answer),
        "props": [
            ids.prop("check", question.slug),
            ids.prop("rule", finding.rule),
            ids.prop("status", finding.status.value),
            *([ids.prop("severity", finding.severity)] if finding.severity else []),
            *([ids.prop("property", finding.property)] if finding.property else []),
        ],
        "methods": ["TEST"],
        "types": ["control-objective"],
        "relevant-evidence": [
            {"href": EVIDENCE, "description": f"The finding at {answer.pointer}, and what was read back in live.json"}
        ],
        "collected": about.collected,
    }
    if finding.resource in expected.resources:
        observation["subjects"] = [
            {"subject-uuid": component_uuid(about, finding.resource), "type": "component", "title": finding.resource}
        ]
    return observation


def _description(question: Question, answer: Answer) -> str:
    finding = answer.finding
    seen = f"expected {text_of(finding.expected) or 'nothing'}, found {text_of(finding.actual) or 'nothing'}"
    reason = f" ({finding.reason})" if finding.reason else ""
    return f"{question.title}: {finding.status.value}; {seen}{reason}"


def _finding(row: Row, about: ids.About) -> dict[str, Any]:
    paragraph = row.paragraph
    state = "satisfied" if row.status is Status.PASS else "not-satisfied"
    return {
        "uuid": about.assessed("finding", paragraph.citation),
        "title": f"{paragraph.citation} {paragraph.title}: technical measures",
        "description": f"Whether the technical measures of {about.stack} that serve {paragraph.citation} hold. "
        f"The paragraph: {paragraph.meaning}",
        "target": {
            "type": "objective-id",
            "target-id": ids.objective_id(paragraph.citation),
            "status": {"state": state, "reason": _REASONS.get(row.status, "other")},
        },
        "related-observations": [
            {"observation-uuid": _observation_uuid(about, answer)}
            for question in row.questions
            for answer in _told(question)
        ],
        "remarks": f"Not assessed here, and still to be met: {paragraph.duty}.",
    }
