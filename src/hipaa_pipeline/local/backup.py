"""AWS Backup: selections as a resource type, and the access policy, lock and notifications of a vault.

MiniStack 1.5.33 has no `AWS::Backup::BackupSelection`, though its API keeps selections; of a vault it keeps name, key
and tags only, so that a policy that forbids deleting recovery points could not be read back; and it deletes a vault
with recovery points in it, of which it keeps no list.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hipaa_pipeline.local.additions import Additions, Created, Properties, ResourceType
from hipaa_pipeline.local.wire import ApiError

_LOCK_MEMBERS = ("MinRetentionDays", "MaxRetentionDays")


def additions() -> Additions:
    """What this module adds to the account."""
    return Additions(
        operations={
            "backup.GetBackupVaultAccessPolicy": get_vault_access_policy,
            "backup.PutBackupVaultAccessPolicy": put_vault_access_policy,
            "backup.DeleteBackupVaultAccessPolicy": delete_vault_access_policy,
            "backup.GetBackupVaultNotifications": get_vault_notifications,
            "backup.ListRecoveryPointsByBackupVault": list_recovery_points,
            "backup.DeleteRecoveryPoint": delete_recovery_point,
        },
        resource_types=(
            ResourceType(
                "AWS::Backup::BackupSelection",
                _select,
                _deselect,
                lambda selection_id, _old, _new: (selection_id, {}),
                ("BackupPlanId", "BackupSelection"),
            ),
        ),
        completions={"AWS::Backup::BackupVault": _complete_vault},
        deletions={"AWS::Backup::BackupVault": _delete_vault_with_stack},
        refusals={"backup.DeleteBackupVault": lambda request: _refuse_full(request["BackupVaultName"])},
    )


def _backup() -> Any:
    from ministack.services import backup

    return backup


def _select(properties: Properties) -> Created:
    selection = properties["BackupSelection"]
    status, _headers, body = _backup()._create_selection(properties["BackupPlanId"], {"BackupSelection": selection})
    answer = json.loads(body)
    if status >= 400:
        raise ApiError(answer["__type"], answer["Message"], status)
    physical_id = f"{properties['BackupPlanId']}_{answer['SelectionId']}"
    return physical_id, {
        "Id": physical_id,
        "SelectionId": answer["SelectionId"],
        "BackupPlanId": properties["BackupPlanId"],
    }


def _deselect(physical_id: str, _properties: Properties) -> None:
    _backup()._selections.pop(physical_id.partition("_")[2], None)


def _complete_vault(name: str, properties: Properties, _attributes: dict[str, Any]) -> None:
    vault = _vault(name)
    policy = properties.get("AccessPolicy")
    vault["_policy"] = json.dumps(policy) if isinstance(policy, dict) else policy
    vault["_notifications"] = properties.get("Notifications")
    lock = properties.get("LockConfiguration") or {}
    vault["Locked"] = bool(lock)
    for member in _LOCK_MEMBERS:
        vault.pop(member, None)
        if member in lock:
            vault[member] = int(lock[member])


def _vault(name: str) -> dict[str, Any]:
    vault: dict[str, Any] | None = _backup()._vaults.get(name)
    if vault is None:
        raise ApiError("ResourceNotFoundException", f"Backup vault {name} does not exist.")
    return vault


def get_vault_access_policy(request: dict[str, Any]) -> dict[str, Any]:
    """GetBackupVaultAccessPolicy; an error, as AWS answers, where the vault has none."""
    vault = _vault(request["BackupVaultName"])
    if not vault.get("_policy"):
        raise ApiError("ResourceNotFoundException", f"Access policy for {vault['BackupVaultName']} does not exist.")
    return {
        "BackupVaultName": vault["BackupVaultName"],
        "BackupVaultArn": vault["BackupVaultArn"],
        "Policy": vault["_policy"],
    }


def put_vault_access_policy(request: dict[str, Any]) -> dict[str, Any]:
    """PutBackupVaultAccessPolicy."""
    _vault(request["BackupVaultName"])["_policy"] = request.get("Policy")
    return {}


def delete_vault_access_policy(request: dict[str, Any]) -> dict[str, Any]:
    """DeleteBackupVaultAccessPolicy."""
    _vault(request["BackupVaultName"])["_policy"] = None
    return {}


def get_vault_notifications(request: dict[str, Any]) -> dict[str, Any]:
    """GetBackupVaultNotifications; an error where the vault has none."""
    vault = _vault(request["BackupVaultName"])
    if not vault.get("_notifications"):
        raise ApiError("ResourceNotFoundException", f"Notifications for {vault['BackupVaultName']} do not exist.")
    return {
        "BackupVaultName": vault["BackupVaultName"],
        "BackupVaultArn": vault["BackupVaultArn"],
        **vault["_notifications"],
    }


# Recovery points: MiniStack finishes a backup job at once and names its recovery point.


def _recovery_points(vault_name: str) -> list[dict[str, Any]]:
    return [
        job
        for job in _backup()._jobs.values()
        if job["BackupVaultName"] == vault_name and job["State"] == "COMPLETED" and not job.get("_point_deleted")
    ]


def list_recovery_points(request: dict[str, Any]) -> dict[str, Any]:
    """ListRecoveryPointsByBackupVault."""
    vault = _vault(request["BackupVaultName"])
    return {
        "RecoveryPoints": [
            {
                "RecoveryPointArn": job["RecoveryPointArn"],
                "BackupVaultName": vault["BackupVaultName"],
                "BackupVaultArn": vault["BackupVaultArn"],
                "ResourceArn": job["ResourceArn"],
                "IamRoleArn": job["IamRoleArn"],
                "Status": "COMPLETED",
                "CreationDate": job["CreationDate"],
                "CompletionDate": job["CompletionDate"],
                "EncryptionKeyArn": vault["EncryptionKeyArn"],
                "IsEncrypted": True,
            }
            for job in _recovery_points(vault["BackupVaultName"])
        ]
    }


def delete_recovery_point(request: dict[str, Any]) -> dict[str, Any]:
    """DeleteRecoveryPoint."""
    for job in _recovery_points(request["BackupVaultName"]):
        if job["RecoveryPointArn"] == request["RecoveryPointArn"]:
            job["_point_deleted"] = True
            _vault(request["BackupVaultName"])["NumberOfRecoveryPoints"] -= 1
            return {}
    raise ApiError("ResourceNotFoundException", f"Cannot find Recovery Point {request['RecoveryPointArn']}.")


def _refuse_full(vault_name: str) -> None:
    count = len(_recovery_points(vault_name))
    if count:
        raise ApiError("InvalidRequestException", f"Backup vault cannot be deleted (contains {count} recovery points)")


def _delete_vault_with_stack(name: str, _properties: Properties, delete: Callable[[], None]) -> None:
    _refuse_full(name)
    delete()
