"""Judging a template that cannot be resolved whole: unknown stays unknown, with its place."""

from __future__ import annotations

from hipaa_pipeline.checking import RESOLVED, check_template
from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.source import parse_template
from hipaa_pipeline.template import template_text


def judged(text: str) -> list[Finding]:
    return check_template(parse_template(text, "t.yaml"), {}, region="us-east-1", strict=False)


def test_a_macro_leaves_the_template_unresolved_at_its_line() -> None:
    text = "Resources:\n  Key: {Type: AWS::KMS::Key}\nTransform: AWS::Serverless-2016-10-31\n"
    [found] = [finding for finding in judged(text) if finding.control == RESOLVED]
    assert (found.status, found.property, found.line) == (Status.UNKNOWN, "Transform", 3)


def test_a_template_that_resolves_has_nothing_unresolved() -> None:
    assert not any(finding.control == RESOLVED for finding in judged("Resources: {Key: {Type: AWS::KMS::Key}}"))


def test_our_template_without_its_suffix_has_unknowns_but_no_invented_failures() -> None:
    findings = judged(template_text())
    assert {finding.control for finding in findings if finding.status is Status.FAIL} == set()
    unknown = {finding.control for finding in findings if finding.status is Status.UNKNOWN}
    assert {RESOLVED, "rds_log_groups", "rds_failed_login_alarm"} <= unknown
