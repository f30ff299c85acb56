"""What outlives a stack on purpose: snapshots, backups, the key they need, and logs that services write themselves."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from hipaa_pipeline.aws import snapshots
from hipaa_pipeline.aws.finishing import DATABASE
from hipaa_pipeline.aws.leftovers import KEY, Leftover, Presence
from hipaa_pipeline.aws.session import AwsError, ErrorKind, Session
from hipaa_pipeline.aws.stacks import OWNER_TAG

VAULT = "AWS::Backup::BackupVault"
LOG_GROUP = "AWS::Logs::LogGroup"
RDS_LOGS = "/aws/rds/instance/"
ENHANCED_MONITORING = "RDSOSMetrics"
"""Enhanced monitoring of every database in the Region writes here; no stack owns it, and nobody's is deleted."""

_STACK_TAG = "aws:cloudformation:stack-id"
_STRANGER = "it carries the stack's tag, though the stack never named it"
_BACKUP_ARNS = (":snapshot:", ":auto-backup:", ":recovery-point:")


@dataclasses.dataclass(frozen=True)
class Remains:
    """What was found beside the stack's own resources, and which of its keys that needs (IDs).

    `records` are the stack's own log groups under deletion protection: what `keep_logs` left on purpose.
    """

    snapshots: tuple[Mapping[str, Any], ...] = ()
    automated_backups: tuple[Mapping[str, Any], ...] = ()
    recovery_points: tuple[Mapping[str, Any], ...] = ()
    records: tuple[Mapping[str, Any], ...] = ()
    log_groups: tuple[str, ...] = ()
    keys: frozenset[str] = frozenset()
    unknown: tuple[str, ...] = ()

    def as_leftovers(self) -> list[Leftover]:
        """All of it, with the reason and the command that removes it; all of it is wanted."""
        return [
            *(_snapshot(one) for one in self.snapshots),
            *(_automated_backup(one) for one in self.automated_backups),
            *(_recovery_point(one) for one in self.recovery_points),
            *(_log_group(name) for name in self.log_groups),
            *(Leftover("", "", "", Presence.UNKNOWN, reason, wanted=True) for reason in self.unknown),
        ]


def kept(session: Session, named: Mapping[tuple[str, str], str]) -> Remains:
    """What outlives these resources ((type, physical ID) to logical ID). A question AWS refuses becomes `unknown`."""
    databases = [physical for kind, physical in named if kind == DATABASE]
    keys = [physical for kind, physical in named if kind == KEY]
    vaults = [physical for kind, physical in named if kind == VAULT]
    own_logs = [physical for kind, physical in named if kind == LOG_GROUP]
    unknown: list[str] = []
    manual = _each(unknown, databases, lambda name: snapshots.snapshots(session, name))
    automated = _each(unknown, databases, lambda name: snapshots.automated_backups(session, name))
    points = _each(unknown, vaults, lambda name: recovery_points(session, name))
    records = _each(unknown, own_logs, lambda name: [one for one in _groups(session, name) if _is_record(one, name)])
    groups = _each(unknown, databases, lambda name: _groups(session, f"{RDS_LOGS}{name}/"))
    if databases:
        groups += _each(unknown, [ENHANCED_MONITORING], lambda name: _groups(session, name))
    needed = snapshots.keys_in_use([*manual, *automated, *points, *records])
    others = [group["logGroupName"] for group in groups if group["logGroupName"] not in own_logs]
    return Remains(
        tuple(manual),
        tuple(automated),
        tuple(points),
        tuple(records),
        tuple(others),
        frozenset(key for key in keys if any(arn.endswith(f"/{key}") or arn == key for arn in needed)),
        tuple(unknown),
    )


def tagged(session: Session, environment: str, stack_id: str, named: Mapping[tuple[str, str], str]) -> list[Leftover]:
    """What carries the environment's tag and is none of the resources that the stack ever named.

    Those are asked for one by one instead: the tagging service remembers what is gone for a while. Backups carry the
    tags of what they saved, and are wanted; what an earlier stack of the same name left (a key that waits for its
    deletion, records kept on purpose) was told at its end. Raises AwsError.
    """
    filters = [{"Key": OWNER_TAG, "Values": [environment]}]
    mappings = session.pages("resourcegroupstaggingapi", "get_resources", "ResourceTagMappingList", TagFilters=filters)
    known = {physical_id.rpartition(":")[2] for _, physical_id in named}
    ours = [mapping["ResourceARN"] for mapping in mappings if _stack_of(mapping) in ("", stack_id)]
    strangers = [arn for arn in ours if not _ends_with(arn, known)]
    return [
        Leftover("", "", arn, Presence.THERE, _STRANGER, wanted=False)
        for arn in sorted(strangers)
        if not any(part in arn for part in _BACKUP_ARNS) and ":stack/" not in arn
    ]


def _stack_of(mapping: Mapping[str, Any]) -> str:
    """The stack that made the resource, as CloudFormation's own tag says; empty for what no stack made."""
    return next((tag["Value"] for tag in mapping.get("Tags", ()) if tag["Key"] == _STACK_TAG), "")


def _ends_with(arn: str, names: Iterable[str]) -> bool:
    return any(arn == name or arn.endswith((f"/{name}", f":{name}")) for name in names)


def keep_keys(session: Session, remains: Remains) -> None:
    """Cancel the deletion of the keys without which the snapshots could never be restored."""
    for key in sorted(remains.keys):
        if session.call("kms", "describe_key", KeyId=key)["KeyMetadata"]["KeyState"] != "Enabled":
            snapshots.keep_key(session, key)


def keep_logs(session: Session, groups: Iterable[str]) -> None:
    """Put these log groups under deletion protection, so that deleting their stack leaves them with what they hold.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogGroupDeletionProtection.html
    """
    for name in groups:
        try:
            session.call(
                "logs", "put_log_group_deletion_protection", logGroupIdentifier=name, deletionProtectionEnabled=True
            )
        except AwsError as error:
            if error.kind is not ErrorKind.NOT_FOUND:  # somebody deleted it, and with it what it held
                raise


def drop_remade_logs(session: Session, groups: Iterable[str]) -> None:
    """Delete those of a deleted stack's log groups that RDS made again while its database went.

    RDS flushes its last lines into a group of the same name, without a key and without an end, which would also stand
    in the way of the next deployment. One under deletion protection was kept on purpose. What could not be deleted is
    found by the proof that follows.
    """
    for name in groups:
        if name.startswith(RDS_LOGS):
            with contextlib.suppress(AwsError):
                for group in _groups(session, name):
                    if group["logGroupName"] == name and not _is_record(group, name):
                        session.call("logs", "delete_log_group", logGroupName=name)


def recovery_points(session: Session, vault: str) -> list[dict[str, Any]]:
    """The recovery points in a backup vault, which CloudFormation cannot delete while it holds any.

    None in a vault that is gone, of which AWS Backup says no more than that access is denied.
    """
    vaults = session.pages("backup", "list_backup_vaults", "BackupVaultList")
    if all(one["BackupVaultName"] != vault for one in vaults):
        return []
    return session.pages("backup", "list_recovery_points_by_backup_vault", "RecoveryPoints", BackupVaultName=vault)


def _each(unknown: list[str], names: Iterable[str], ask: Any) -> list[Any]:
    found: list[Any] = []
    for name in names:
        try:
            found.extend(ask(name))
        except AwsError as error:
            if error.kind is not ErrorKind.NOT_FOUND:
                unknown.append(error.told)
    return found


def _groups(session: Session, prefix: str) -> list[dict[str, Any]]:
    return session.pages("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=prefix)


def _is_record(group: Mapping[str, Any], name: str) -> bool:
    return group["logGroupName"] == name and bool(group.get("deletionProtectionEnabled"))


def _snapshot(snapshot: Mapping[str, Any]) -> Leftover:
    name = snapshot["DBSnapshotIdentifier"]
    remove = f"aws rds delete-db-snapshot --db-snapshot-identifier {name}"
    return Leftover("", "AWS::RDS::DBSnapshot", name, Presence.THERE, "a snapshot of the database", remove, wanted=True)


def _automated_backup(backup: Mapping[str, Any]) -> Leftover:
    arn = backup.get("DBInstanceAutomatedBackupsArn") or backup["DbiResourceId"]
    return Leftover(
        "",
        "AWS::RDS::DBInstanceAutomatedBackup",
        str(arn),
        Presence.THERE,
        f"automated backups, kept for {backup.get('BackupRetentionPeriod', '?')} days",
        f"aws rds delete-db-instance-automated-backup --dbi-resource-id {backup.get('DbiResourceId', '')}",
        wanted=True,
    )


def _recovery_point(point: Mapping[str, Any]) -> Leftover:
    arn, vault = point["RecoveryPointArn"], point.get("BackupVaultName", "")
    remove = f"aws backup delete-recovery-point --backup-vault-name {vault} --recovery-point-arn {arn}"
    return Leftover("", "AWS::Backup::RecoveryPoint", arn, Presence.THERE, f"in the vault {vault}", remove, wanted=True)


def _log_group(name: str) -> Leftover:
    shared = name == ENHANCED_MONITORING
    reason = "shared by all databases of the Region" if shared else "created by RDS after the stack's own was deleted"
    remove = "" if shared else f"aws logs delete-log-group --log-group-name {name}"
    return Leftover("", "AWS::Logs::LogGroup", name, Presence.THERE, reason, remove, wanted=True)
