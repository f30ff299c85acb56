"""What must hold: each check is one small unit, and a table ties the paragraphs of the Security Rule to them."""

from __future__ import annotations

from hipaa_pipeline.controls import kinesis
from hipaa_pipeline.controls.check import Check, Severity, Verdict
from hipaa_pipeline.controls.hipaa import Kind, Nature, Paragraph, paragraphs
from hipaa_pipeline.controls.judge import judge

__all__ = ["CHECKS", "HIPAA", "Check", "Kind", "Nature", "Paragraph", "Severity", "Verdict", "judge"]

CHECKS: tuple[Check, ...] = (*kinesis.CHECKS,)

HIPAA: tuple[Paragraph, ...] = paragraphs(CHECKS)
