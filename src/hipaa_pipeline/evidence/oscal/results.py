"""The assessment results: an observation for each question and resource, a finding for each paragraph assessed."""

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


def assessment_results(expected: Stack, rows: Sequence[Row], collected: str, version: str) -> dict[str, Any]:
    """The assessment results document: one result, of the verification that collected the facts."""
    name = expected.name
    covered = [row for row in rows if row.covered]
    asked = {question.slug: question for row in covered for question in row.questions}
    observations = [
        _observation(expected, question, answer, collected)
        for question in asked.values()
        for answer in question.answers
        if answer.status is not Status.NOT_APPLICABLE
    ]
    result = {
        "uuid": ids.named("result", name),
        "title": f"Verification of {name}",
        "description": f"The stack {name} in {expected.region}, account {expected.account_id}, read back through the "
        "service APIs and asked the controls.",
        "start": collected,
        "end": collected,
        "reviewed-controls": {
            "control-selections": [
                {"include-controls": [{"control-id": ids.control_id(row.paragraph.citation)} for row in covered]}
            ]
        },
        "observations": observations,
        "findings": [_finding(name, row) for row in covered],
    }
    plan = {
        "uuid": ids.named("plan", name),
        "title": "Assessment plan",
        "description": "There is no separate plan: `hipaa-pipeline verify` asks every control of every resource, and "
        "docs/controls.md lists them.",
    }
    content = {
        "import-ap": {"href": f"#{plan['uuid']}"},
        "results": [result],
        "back-matter": {"resources": [plan]},
    }
    return ids.document("assessment-results", f"Assessment of {name}", collected, version, content)


def _observation_uuid(stack_name: str, question: Question, answer: Answer) -> str:
    return ids.named("observation", stack_name, question.slug, answer.resource)


def _observation(expected: Stack, question: Question, answer: Answer, collected: str) -> dict[str, Any]:
    finding = answer.finding
    observation: dict[str, Any] = {
        "uuid": _observation_uuid(expected.name, question, answer),
        "title": f"{question.slug} {answer.resource}".strip(),
        "description": _description(question, answer),
        "props": [ids.prop("check", question.slug), ids.prop("status", answer.status.value)],
        "methods": ["TEST"],
        "types": ["control-objective"],
        "relevant-evidence": [
            {"href": EVIDENCE, "description": f"The finding at {answer.pointer}, and what was read back in live.json"}
        ],
        "collected": collected,
    }
    if finding.property:
        observation["props"].append(ids.prop("property", finding.property))
    if answer.resource in expected.resources:
        observation["subjects"] = [
            {"subject-uuid": component_uuid(expected.name, answer.resource), "type": "component",
             "title": answer.resource}
        ]  # fmt: skip
    return observation


def _description(question: Question, answer: Answer) -> str:
    finding = answer.finding
    seen = f"expected {text_of(finding.expected) or 'nothing'}, found {text_of(finding.actual) or 'nothing'}"
    reason = f" ({finding.reason})" if finding.reason else ""
    return f"{question.title}: {answer.status.value}; {seen}{reason}"


def _finding(stack_name: str, row: Row) -> dict[str, Any]:
    paragraph = row.paragraph
    state = "satisfied" if row.status is Status.PASS else "not-satisfied"
    return {
        "uuid": ids.named("finding", stack_name, paragraph.citation),
        "title": f"{paragraph.citation} {paragraph.title}",
        "description": f"{paragraph.meaning} Beyond this stack: {paragraph.duty}.",
        "target": {
            "type": "statement-id",
            "target-id": ids.statement_id(paragraph.citation),
            "status": {"state": state, "reason": _REASONS.get(row.status, "other")},
        },
        "related-observations": [
            {"observation-uuid": _observation_uuid(stack_name, question, answer)}
            for question in row.questions
            for answer in question.answers
            if answer.status is not Status.NOT_APPLICABLE
        ],
    }
