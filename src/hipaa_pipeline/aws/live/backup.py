"""The backup vault, plan and selection, read back from AWS Backup."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hipaa_pipeline.aws.live.reader import (
    MissingError,
    Part,
    Physical,
    Reader,
    ResourceReader,
    document,
    only,
    renamed,
    same,
    tags,
    without_empty,
)
from hipaa_pipeline.aws.session import AwsError, ErrorKind


def vault(reader: Reader, name: str) -> Mapping[str, Any]:
    """The description of one vault, from the list of all: asked for one that is gone, AWS Backup denies access.

    Raises MissingError.
    """
    return only(reader.pages("backup", "list_backup_vaults", "BackupVaultList"), "BackupVaultName", name)


def _vault(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    found = vault(reader, physical.id)
    locked = found.get("Locked") or found.get("MinRetentionDays") or found.get("MaxRetentionDays")
    lock = renamed(found, same("MinRetentionDays", "MaxRetentionDays")) if locked else None
    return without_empty({**renamed(found, same("BackupVaultName", "EncryptionKeyArn")), "LockConfiguration": lock})


def _access_policy(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    try:
        answer = reader.call("backup", "get_backup_vault_access_policy", BackupVaultName=physical.id)
    except AwsError as error:
        if error.kind is ErrorKind.NOT_FOUND:
            return {}  # a vault without a policy answers so
        raise
    return without_empty({"AccessPolicy": document(answer.get("Policy"))})


def _vault_tags(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    arn = vault(reader, physical.id)["BackupVaultArn"]
    return {"BackupVaultTags": _tag_map(reader, arn)}


def _tag_map(reader: Reader, arn: str) -> dict[str, str]:
    found = dict(reader.pages("backup", "list_tags", "Tags", ResourceArn=arn))
    return {tag["Key"]: tag["Value"] for tag in tags(found)}


def _plan(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    found = reader.call("backup", "get_backup_plan", BackupPlanId=physical.id)["BackupPlan"]
    return {
        "BackupPlan": without_empty(
            {
                "BackupPlanName": found["BackupPlanName"],
                "BackupPlanRule": [_plan_rule(rule) for rule in found.get("Rules", ())],
                "AdvancedBackupSettings": found.get("AdvancedBackupSettings"),
            }
        )
    }


_PLAN_RULE = {
    **same("RuleName", "ScheduleExpression", "ScheduleExpressionTimezone", "StartWindowMinutes", "Lifecycle"),
    **same("CompletionWindowMinutes", "EnableContinuousBackup", "RecoveryPointTags", "CopyActions"),
    "TargetBackupVault": "TargetBackupVaultName",
}


def _plan_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    return without_empty(renamed(rule, _PLAN_RULE))


def _plan_tags(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    arn = reader.call("backup", "get_backup_plan", BackupPlanId=physical.id)["BackupPlanArn"]
    return {"BackupPlanTags": _tag_map(reader, arn)}


def _selection(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    plan_id, selection_id = _selection_ids(reader, physical.id)
    answer = reader.call("backup", "get_backup_selection", BackupPlanId=plan_id, SelectionId=selection_id)
    found = answer["BackupSelection"]
    names = same("SelectionName", "IamRoleArn", "Resources", "NotResources", "ListOfTags", "Conditions")
    return {"BackupPlanId": plan_id, "BackupSelection": without_empty(renamed(found, names))}


def _selection_ids(reader: Reader, physical_id: str) -> tuple[str, str]:
    """The plan and the selection of CloudFormation's physical ID.

    Both are in it, joined by `_`, and the documentation does not say in which order: the stack's plans tell. A physical
    ID that names none of them is looked up. Raises MissingError.
    """
    plans = reader.ids("AWS::Backup::BackupPlan")
    halves = physical_id.split("_")
    for plan_id in plans:
        if plan_id in halves:
            return plan_id, "".join(half for half in halves if half != plan_id)
    for plan_id in plans:
        listed = reader.pages("backup", "list_backup_selections", "BackupSelectionsList", BackupPlanId=plan_id)
        found = next((item["SelectionId"] for item in listed if item["SelectionId"] in halves), None)
        if found:
            return plan_id, str(found)
    raise MissingError(physical_id)


def _plan_attributes(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    return {"BackupPlanId": physical.id, "BackupPlanArn": reader.arn("backup", f"backup-plan:{physical.id}")}


def _vault_attributes(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    return {"BackupVaultName": physical.id, "BackupVaultArn": reader.arn("backup", f"backup-vault:{physical.id}")}


READERS = {
    "AWS::Backup::BackupVault": ResourceReader(
        (
            Part(("BackupVaultName", "EncryptionKeyArn", "LockConfiguration"), _vault),
            Part(("AccessPolicy",), _access_policy),
            Part(("BackupVaultTags",), _vault_tags),
        ),
        _vault_attributes,
    ),
    "AWS::Backup::BackupPlan": ResourceReader(
        (Part(("BackupPlan",), _plan), Part(("BackupPlanTags",), _plan_tags)), _plan_attributes
    ),
    "AWS::Backup::BackupSelection": ResourceReader((Part(("BackupPlanId", "BackupSelection"), _selection),)),
}
