"""A second, separate copy of the database: 164.308(a)(7)(ii)(A) data backup plan."""

from __future__ import annotations

from typing import Any

import awacs.backup as backup_actions
from awacs.aws import Deny, Principal, Statement
from troposphere import GetAtt, If, Ref, Template, backup, iam, rds

from hipaa_pipeline.template.encryption import Encryption
from hipaa_pipeline.template.names import aws_managed_policy, name, permissions_boundary, tag_values, tags
from hipaa_pipeline.template.policies import policy, service_trust


def add_backup(template: Template, instance: rds.DBInstance, encryption: Encryption) -> None:
    """Add a vault, a daily plan and the selection that names the database."""
    vault = template.add_resource(
        backup.BackupVault(
            "BackupVault",
            Condition="WithBackup",
            DeletionPolicy="Delete",
            UpdateReplacePolicy="Retain",
            BackupVaultName=name("backup-vault"),
            EncryptionKeyArn=encryption.key_arn,
            BackupVaultTags=tag_values(),
        )
    )
    # Past the constructor, whose validator would turn the policy into a JSON text that nobody wants to read.
    vault.properties["AccessPolicy"] = _nobody_deletes_recovery_points()
    plan = template.add_resource(
        backup.BackupPlan(
            "BackupPlan",
            Condition="WithBackup",
            BackupPlan=backup.BackupPlanResourceType(
                BackupPlanName=name("backup-plan"),
                BackupPlanRule=[
                    backup.BackupRuleResourceType(
                        RuleName="daily",
                        TargetBackupVault=Ref(vault),
                        ScheduleExpression="cron(0 20 * * ? *)",
                        StartWindowMinutes=60,
                        CompletionWindowMinutes=240,
                        Lifecycle=backup.LifecycleResourceType(DeleteAfterDays=Ref("BackupPlanDays")),
                    )
                ],
            ),
            BackupPlanTags=tag_values(),
        )
    )
    template.add_resource(
        backup.BackupSelection(
            "BackupSelection",
            Condition="WithBackup",
            BackupPlanId=Ref(plan),
            BackupSelection=backup.BackupSelectionResourceType(
                SelectionName=name("backup-selection"),
                IamRoleArn=If("HasBackupRole", Ref("ExistingBackupRoleArn"), GetAtt(_add_backup_role(template), "Arn")),
                Resources=[GetAtt(instance, "DBInstanceArn")],
            ),
        )
    )


def _nobody_deletes_recovery_points() -> Any:
    """Recovery points end by the plan's lifecycle, which AWS Backup itself carries out, and in no other way."""
    return policy(
        Statement(
            Sid="RecoveryPointsExpireOnly",
            Effect=Deny,
            Principal=Principal("AWS", "*"),
            Action=[backup_actions.DeleteRecoveryPoint, backup_actions.UpdateRecoveryPointLifecycle],
            Resource=["*"],
        )
    )


def _add_backup_role(template: Template) -> iam.Role:
    return template.add_resource(
        iam.Role(
            "BackupRole",
            Condition="NewBackupRole",
            AssumeRolePolicyDocument=service_trust("backup.amazonaws.com"),
            ManagedPolicyArns=[aws_managed_policy("service-role/AWSBackupServiceRolePolicyForBackup")],
            PermissionsBoundary=permissions_boundary(),
            Tags=tags(),
        )
    )
