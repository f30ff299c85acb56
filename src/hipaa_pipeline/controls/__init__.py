"""What must hold: each check is one small unit, and a table ties the paragraphs of the Security Rule to them."""

from __future__ import annotations

from hipaa_pipeline.controls import (
    alarms,
    database_relations,
    environment,
    kinesis,
    kms,
    logs,
    network,
    postgresql,
    rds,
    security_groups,
    sns,
)
from hipaa_pipeline.controls.check import Check, Severity, Verdict
from hipaa_pipeline.controls.hipaa import Kind, Nature, Paragraph, paragraphs
from hipaa_pipeline.controls.judge import judge

__all__ = ["CHECKS", "HIPAA", "Check", "Kind", "Nature", "Paragraph", "Severity", "Verdict", "judge"]

CHECKS: tuple[Check, ...] = (
    *kms.CHECKS,
    *rds.CHECKS,
    *database_relations.CHECKS,
    *postgresql.CHECKS,
    *kinesis.CHECKS,
    *network.CHECKS,
    *security_groups.CHECKS,
    *logs.CHECKS,
    *alarms.CHECKS,
    *sns.CHECKS,
    *environment.CHECKS,
)

HIPAA: tuple[Paragraph, ...] = paragraphs(CHECKS)
