"""Findings as SARIF 2.1.0, the format of code scanning.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html: section 3.27.9 `kind` (a finding that could not be
decided is `open`), 3.27.10 `level` (`none` unless the kind is `fail`), 3.35 `suppression` (how a waiver is shown).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from hipaa_pipeline import __version__
from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.report.wording import sentence

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_KINDS = {
    Status.PASS: "pass",
    Status.FAIL: "fail",
    Status.UNKNOWN: "open",
    Status.WAIVED: "fail",
    Status.NOT_APPLICABLE: "notApplicable",
}
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}


def render(findings: Sequence[Finding], *, template_path: str | None) -> str:
    """One SARIF log with one run; `template_path` is relative to the repository's root."""
    rules = list(dict.fromkeys(finding.rule for finding in findings))
    run = {
        "tool": {"driver": _driver(findings, rules)},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, rules.index(finding.rule), template_path) for finding in findings],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, default=str)


def _driver(findings: Sequence[Finding], rules: Sequence[str]) -> dict[str, Any]:
    first = {finding.rule: finding for finding in reversed(findings)}
    return {
        "name": "hipaa-pipeline",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_rule(first[rule]) for rule in rules],
    }


def _rule(finding: Finding) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": finding.rule,
        "shortDescription": {"text": finding.rule.replace("_", " ")},
        "defaultConfiguration": {"level": _LEVELS.get(finding.severity, "error")},
        "properties": {"control": finding.control, "tags": ["HIPAA", *_citations(finding)]},
    }
    if finding.remedy:
        rule["help"] = {"text": finding.remedy}
    return rule


def _citations(finding: Finding) -> list[str]:
    return list(dict.fromkeys(part for part in finding.citation.split(", ") if part))


def _result(finding: Finding, index: int, template_path: str | None) -> dict[str, Any]:
    kind = _KINDS[finding.status]
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "kind": kind,
        "level": _LEVELS.get(finding.severity, "error") if kind == "fail" else "none",
        "message": {"text": sentence(finding)},
        "partialFingerprints": {"finding/v1": _fingerprint(finding)},
        "properties": finding.as_dict(),
    }
    if finding.status is Status.WAIVED:
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": finding.reason}]
    location = _location(finding, template_path)
    return {**result, "locations": [location]} if location else result


def _fingerprint(finding: Finding) -> str:
    """The same for the same question about the same property, wherever it moves in the file."""
    text = "\n".join((finding.rule, finding.resource, finding.property))
    return hashlib.sha256(text.encode()).hexdigest()


def _location(finding: Finding, template_path: str | None) -> dict[str, Any]:
    location: dict[str, Any] = {}
    if template_path:
        artifact = {"uri": quote(template_path.replace("\\", "/").removeprefix("./"))}
        location["physicalLocation"] = {"artifactLocation": artifact}
        if finding.line:
            location["physicalLocation"]["region"] = {"startLine": finding.line}
    if finding.resource:
        qualified = ".".join(part for part in (finding.resource, finding.property) if part)
        location["logicalLocations"] = [{"name": finding.resource, "fullyQualifiedName": qualified, "kind": "resource"}]
    return location
