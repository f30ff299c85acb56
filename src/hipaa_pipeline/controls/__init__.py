"""What must hold: each check is one small unit, and a table ties the paragraphs of the Security Rule to them."""

from __future__ import annotations

from hipaa_pipeline.controls import (
    alarms,
    backup,
    database_relations,
    environment,
    iam,
    kinesis,
    kms,
    literals,
    logs,
    naming,
    network,
    other_services,
    postgresql,
    principals,
    rds,
    security_groups,
    sns,
)
from hipaa_pipeline.controls.check import Check, Severity, Verdict
from hipaa_pipeline.controls.hipaa import HIPAA, Kind, Nature, Paragraph
from hipaa_pipeline.controls.judge import judge, judge_defaults

__all__ = ["CHECKS", "HIPAA", "Check", "Kind", "Nature", "Paragraph", "Severity", "Verdict", "judge", "judge_defaults"]

CHECKS: tuple[Check, ...] = (
    *kms.CHECKS,
    *rds.CHECKS,
    *database_relations.CHECKS,
    *postgresql.CHECKS,
    *backup.CHECKS,
    *kinesis.CHECKS,
    *network.CHECKS,
    *security_groups.CHECKS,
    *logs.CHECKS,
    *alarms.CHECKS,
    *sns.CHECKS,
    *iam.CHECKS,
    *principals.CHECKS,
    *other_services.CHECKS,
    *literals.CHECKS,
    *environment.CHECKS,
    *naming.CHECKS,
)
