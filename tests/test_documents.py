"""The generated documents say what the checks and the template say, and point at the right lines."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from hipaa_pipeline.controls import CHECKS, HIPAA, judge
from hipaa_pipeline.documents import all_documents
from hipaa_pipeline.documents.controls import controls_document
from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.resolve import resolve
from hipaa_pipeline.source import Template, parse_template
from hipaa_pipeline.template import template_text
from hipaa_pipeline.verification.verify import QUESTIONS

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def template() -> Template:
    return parse_template(template_text(), "templates/hipaa-pipeline.yaml")


@pytest.fixture(scope="module")
def findings(template: Template) -> list[Finding]:
    return judge(resolve(template, {"EnvironmentSuffix": "prod"}, region="us-east-1"))


@pytest.fixture(scope="module")
def document(template: Template, findings: list[Finding]) -> str:
    return controls_document(template, findings)


def test_every_paragraph_of_the_rule_is_there_once_covered_or_not(document: str) -> None:
    covered = re.findall(r"^### (164\.\S+) ", document, re.MULTILINE)
    left = re.findall(r"^\| (164\.\S+) \|", document, re.MULTILINE)
    assert sorted([*covered, *left]) == sorted(paragraph.citation for paragraph in HIPAA)


def test_every_check_and_every_question_is_there(document: str) -> None:
    assert {*(check.slug for check in CHECKS), *(question.slug for question in QUESTIONS)} == set(
        re.findall(r"^\| `(\w+)` \|", document, re.MULTILINE)
    )


def test_a_link_leads_to_the_line_of_the_property(document: str, template: Template) -> None:
    [line] = set(re.findall(r"`rds_storage_encrypted` .*\(\.\./templates/hipaa-pipeline\.yaml#L(\d+)\)", document))
    assert template.text.splitlines()[int(line) - 1].strip() == "StorageEncrypted: true"


def test_no_covered_paragraph_is_without_a_check_and_a_duty(document: str) -> None:
    covered = document.split("## Covered")[1].split("## Not covered")[0].split("\n### ")[1:]
    assert all("\n| `" in part and "**What remains:** " in part for part in covered)


def test_what_fails_is_not_called_satisfied(template: Template, findings: list[Finding]) -> None:
    failing = [
        dataclasses.replace(finding, status=Status.FAIL) if finding.control == "kms_key_rotation" else finding
        for finding in findings
    ]
    rows = [row for row in controls_document(template, failing).splitlines() if row.startswith("| `kms_key_rotation`")]
    assert rows
    assert all("| **not satisfied:** [`Key`]" in row for row in rows)


def test_all_controls_of_prod_are_satisfied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert "not satisfied" not in all_documents()[Path("docs/controls.md")]


def test_documents_are_the_same_each_time_and_end_in_one_newline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    first = all_documents()
    assert first == all_documents()
    assert all(path.parts[0] == "docs" and text.endswith("\n") and text[-2] != "\n" for path, text in first.items())
    assert not any(str(ROOT) in text for text in first.values())
