"""The four formats: each carries what a finding says, and each is valid by its own rules."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_pipeline import report
from hipaa_pipeline.findings import Finding, Status

SARIF_SCHEMA = Path(__file__).parent / "data" / "sarif-schema-2.1.0.json"
FAILED = Finding(
    control="rds_storage_encrypted",
    status=Status.FAIL,
    resource="Database",
    property="StorageEncrypted",
    expected=True,
    actual=None,
    citation="164.312(a)(2)(iv), 164.312(e)(2)(ii)",
    remedy="Set StorageEncrypted to true",
    severity="high",
    line=120,
)
UNKNOWN = Finding(
    control="logs_retention",
    status=Status.UNKNOWN,
    rule="logs_retention_floor",
    resource="AuditLogGroup",
    property="RetentionInDays",
    expected=">= 90",
    actual={"Unknown": "parameter Days has no value"},
    reason="parameter Days has no value",
    severity="medium",
)
WAIVED = Finding(
    control="rds_multi_az",
    status=Status.WAIVED,
    resource="Database",
    property="MultiAZ",
    expected=True,
    actual=False,
    reason="development only",
    citation="164.308(a)(7)(ii)(C)",
    severity="low",
)
PASSED = Finding(control="kms_rotation", status=Status.PASS, resource="Key", citation="164.312(a)(2)(iv)")
NOT_APPLICABLE = Finding(control="s3_logging", status=Status.NOT_APPLICABLE, reason="no bucket")
ALL = [PASSED, FAILED, UNKNOWN, WAIVED, NOT_APPLICABLE]

TEXT = """\
hipaa.yaml in ap-southeast-1
pass    kms_rotation  164.312(a)(2)(iv)  Key
waived  rds_multi_az  [low]  164.308(a)(7)(ii)(C)
  hipaa.yaml  Database  MultiAZ
    expected: true
    actual:   false
    reason:   development only
UNKNOWN logs_retention  [medium]
  hipaa.yaml  AuditLogGroup  RetentionInDays
    rule:     logs_retention_floor
    expected: >= 90
    actual:   {"Unknown": "parameter Days has no value"}
    reason:   parameter Days has no value
FAIL    rds_storage_encrypted  [high]  164.312(a)(2)(iv), 164.312(e)(2)(ii)
  hipaa.yaml:120  Database  StorageEncrypted
    expected: true
    actual:   absent
    remedy:   Set StorageEncrypted to true
1 failed, 1 unknown, 1 waived, 1 passed, 1 not applicable (5 findings, 5 controls)"""


def test_text_groups_by_control_worst_last_and_ends_with_counts() -> None:
    assert report.render(ALL, "text", template_path="hipaa.yaml", title="hipaa.yaml in ap-southeast-1") == TEXT


def test_text_of_a_control_with_good_and_bad_findings_shows_the_bad() -> None:
    good = dataclasses.replace(FAILED, status=Status.PASS, resource="Replica")
    lines = report.render([good, FAILED], "text").splitlines()
    assert lines[1:3] == [
        "FAIL    rds_storage_encrypted  [high]  164.312(a)(2)(iv), 164.312(e)(2)(ii)",
        "  line 120  Database  StorageEncrypted",
    ]
    assert lines[-1] == "1 failed, 0 unknown, 0 waived, 1 passed, 0 not applicable (2 findings, 1 control)"


def test_text_of_a_good_control_names_a_few_resources() -> None:
    many = [dataclasses.replace(PASSED, resource=f"Key{number}") for number in range(7)]
    line = "pass    kms_rotation  164.312(a)(2)(iv)  Key0, Key1, Key2, Key3, Key4 and 2 more"
    assert report.render(many, "text").splitlines()[1] == line


def test_text_is_plain_unless_colour_is_asked_for() -> None:
    assert "\x1b[" not in report.render(ALL, "text")
    assert "\x1b[1;31mFAIL" in report.render(ALL, "text", colour=True, width=80)


def test_text_takes_square_brackets_literally() -> None:
    finding = dataclasses.replace(FAILED, property="KeyPolicy.Statement[2].Principal", actual="[bold]x[/bold]")
    text = report.render([finding], "text")
    assert "KeyPolicy.Statement[2].Principal" in text
    assert "[bold]x[/bold]" in text


def test_json_is_exactly_the_findings() -> None:
    assert json.loads(report.render(ALL, "json")) == [finding.as_dict() for finding in ALL]


def sarif(findings: list[Finding], template_path: str | None = "hipaa.yaml") -> Any:
    document = json.loads(report.render(findings, "sarif", template_path=template_path))
    schema = json.loads(SARIF_SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft4Validator(schema).validate(document)
    return document["runs"][0]


def test_sarif_has_a_result_with_kind_level_and_line_for_each_finding() -> None:
    results = sarif(ALL)["results"]
    assert [(result["ruleId"], result["kind"], result["level"]) for result in results] == [
        ("kms_rotation", "pass", "none"),
        ("rds_storage_encrypted", "fail", "error"),
        ("logs_retention_floor", "open", "none"),
        ("rds_multi_az", "fail", "note"),
        ("s3_logging", "notApplicable", "none"),
    ]
    location = results[1]["locations"][0]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "hipaa.yaml"},
        "region": {"startLine": 120},
    }
    assert location["logicalLocations"][0]["fullyQualifiedName"] == "Database.StorageEncrypted"


def test_sarif_shows_a_waiver_as_an_accepted_suppression_and_nothing_else_as_one() -> None:
    suppressed = [result.get("suppressions") for result in sarif(ALL)["results"]]
    accepted = [{"kind": "external", "status": "accepted", "justification": "development only"}]
    assert suppressed == [None, None, None, accepted, None]


def test_sarif_carries_every_field_and_points_each_result_at_its_rule() -> None:
    run = sarif(ALL)
    rules = run["tool"]["driver"]["rules"]
    assert [result["properties"] for result in run["results"]] == [finding.as_dict() for finding in ALL]
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == [finding.rule for finding in ALL]


def test_sarif_fingerprint_survives_a_move_and_tells_findings_apart() -> None:
    moved = dataclasses.replace(FAILED, line=7)
    prints = [result["partialFingerprints"]["finding/v1"] for result in sarif([FAILED, moved, WAIVED])["results"]]
    assert prints[0] == prints[1] != prints[2]


def test_junit_has_failures_errors_and_skips_with_counts() -> None:
    root = ET.fromstring(report.render(ALL, "junit", template_path="hipaa.yaml", title="check"))
    assert {name: root.get(name) for name in ("name", "tests", "failures", "errors", "skipped")} == {
        "name": "check", "tests": "5", "failures": "1", "errors": "1", "skipped": "2",
    }  # fmt: skip
    outcomes = [[child.tag for child in case if child.tag != "properties"] for case in root.iter("testcase")]
    assert outcomes == [[], ["failure"], ["error"], ["skipped"], ["skipped"]]
    failure = next(root.iter("failure"))
    assert failure.text == "hipaa.yaml:120"
    assert failure.get("message") == (
        "Database StorageEncrypted: expected true, found absent. Set StorageEncrypted to true. "
        "HIPAA: 164.312(a)(2)(iv), 164.312(e)(2)(ii)."
    )


def test_an_unknown_format_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="'yaml' is not one of text, json, sarif, junit"):
        report.render(ALL, "yaml")


texts = st.text(max_size=20)
findings = st.builds(
    Finding,
    control=st.text(min_size=1, max_size=10),
    status=st.sampled_from(Status),
    resource=texts,
    property=texts,
    expected=st.none() | st.booleans() | texts | st.lists(texts, max_size=2),
    actual=st.none() | st.integers() | texts | st.dictionaries(texts, texts, max_size=2),
    citation=texts,
    remedy=texts,
    reason=texts,
    severity=st.sampled_from(["", "low", "medium", "high", "critical"]),
    line=st.none() | st.integers(min_value=1),
)


@given(st.lists(findings, max_size=4))
def test_any_text_in_a_finding_leaves_every_format_well_formed(some: list[Finding]) -> None:
    assert len(json.loads(report.render(some, "json"))) == len(some)
    assert len(json.loads(report.render(some, "sarif"))["runs"][0]["results"]) == len(some)
    assert len(list(ET.fromstring(report.render(some, "junit")).iter("testcase"))) == len(some)
    assert report.render(some, "text").splitlines()
