"""Log groups, encrypted and with retention: 164.312(b) audit controls."""

from __future__ import annotations

from typing import Any

from troposphere import Ref, Template, logs

from hipaa_pipeline.template.encryption import Encryption
from hipaa_pipeline.template.names import name, tags


def add_log_group(template: Template, logical_id: str, group_name: Any, encryption: Encryption) -> logs.LogGroup:
    """Add one log group under the key, with the environment's retention."""
    return template.add_resource(
        logs.LogGroup(
            logical_id,
            DeletionPolicy="Delete",
            UpdateReplacePolicy="Retain",
            LogGroupName=group_name,
            KmsKeyId=encryption.key_arn,
            RetentionInDays=Ref("LogRetentionDays"),
            Tags=tags(),
        )
    )


def add_audit_log(template: Template, encryption: Encryption) -> logs.LogGroup:
    """Add the log group that applications write their audit trail to."""
    return add_log_group(template, "AuditLogGroup", name("audit-log"), encryption)
