"""Snapshots of a database that is about to go, and what they need to stay readable: their key."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from hipaa_pipeline.aws.session import AwsError, ErrorKind, Session
from hipaa_pipeline.clock import Clock
from hipaa_pipeline.deployment.pace import pauses
from hipaa_pipeline.errors import ExitCode, UserError

TIMEOUT_SECONDS = 7200.0
_KEY_MEMBERS = ("KmsKeyId", "EncryptionKeyArn", "kmsKeyId")  # of RDS, AWS Backup, CloudWatch Logs


def snapshot_database(session: Session, clock: Clock, instance: str, purpose: str) -> str:
    """Take a snapshot and wait until it can be restored; its identifier. `purpose` is part of it (`final`).

    A snapshot for the same purpose that is still being made (by a run that was interrupted) is waited for instead.
    Raises UserError when it fails or takes more than two hours.
    """
    identifier = _unfinished(session, instance, purpose) or _start(session, clock, instance, purpose)
    for pause in pauses(clock, TIMEOUT_SECONDS):
        answer = session.call("rds", "describe_db_snapshots", DBSnapshotIdentifier=identifier)
        status = answer["DBSnapshots"][0]["Status"]
        if status == "available":
            return identifier
        if status == "failed":
            break
        clock.sleep(pause)
    raise UserError(
        f"The snapshot {identifier} of {instance} did not become available, so nothing was deleted.",
        f"aws rds describe-db-snapshots --db-snapshot-identifier {identifier}",
        ExitCode.FAILED,
    )


def _start(session: Session, clock: Clock, instance: str, purpose: str) -> str:
    identifier = _identifier(instance, purpose, f"{clock.now():%Y%m%d-%H%M%S}")
    try:
        session.call("rds", "create_db_snapshot", DBInstanceIdentifier=instance, DBSnapshotIdentifier=identifier)
    except AwsError as error:
        if error.code != "DBSnapshotAlreadyExists":  # the echo of a repeated call
            raise
    return identifier


def _unfinished(session: Session, instance: str, purpose: str) -> str | None:
    return next(
        (
            snapshot["DBSnapshotIdentifier"]
            for snapshot in snapshots(session, instance)
            if snapshot["Status"] == "creating"
            and snapshot["DBSnapshotIdentifier"].startswith(_identifier(instance, purpose, ""))
        ),
        None,
    )


def _identifier(instance: str, purpose: str, moment: str) -> str:
    """RDS takes letters, digits and single hyphens."""
    return re.sub(r"-{2,}", "-", f"{instance}-{purpose}-{moment}")


def exists(session: Session, instance: str) -> bool:
    """Whether there is such a database; an earlier run may have come further."""
    try:
        session.call("rds", "describe_db_instances", DBInstanceIdentifier=instance)
    except AwsError as error:
        if error.kind is ErrorKind.NOT_FOUND:
            return False
        raise
    return True


def lift_protection(session: Session, instance: str) -> None:
    """Turn a database's deletion protection off, at once."""
    session.call(
        "rds",
        "modify_db_instance",
        DBInstanceIdentifier=instance,
        DeletionProtection=False,
        ApplyImmediately=True,
    )


def snapshots(session: Session, instance: str) -> list[dict[str, Any]]:
    """The manual snapshots of a database; they outlive it, and are found by its identifier when it is gone."""
    return session.pages(
        "rds", "describe_db_snapshots", "DBSnapshots", DBInstanceIdentifier=instance, SnapshotType="manual"
    )


def automated_backups(session: Session, instance: str) -> list[dict[str, Any]]:
    """The automated backups of a database that is gone, kept until their retention ends."""
    return [
        backup
        for backup in session.pages(
            "rds", "describe_db_instance_automated_backups", "DBInstanceAutomatedBackups", DBInstanceIdentifier=instance
        )
        if backup.get("Status") == "retained"
    ]


def keys_in_use(backups: Iterable[dict[str, Any]]) -> set[str]:
    """The ARNs of the keys without which these snapshots, backups, recovery points and log groups cannot be read."""
    return {str(backup[name]) for backup in backups for name in _KEY_MEMBERS if backup.get(name)}


def keep_key(session: Session, key_id: str) -> None:
    """Cancel the scheduled deletion of a key and put it back to use."""
    try:
        session.call("kms", "cancel_key_deletion", KeyId=key_id)
    except AwsError as error:
        if error.code != "KMSInvalidStateException":  # the echo of a repeated call finds it cancelled
            raise
    session.call("kms", "enable_key", KeyId=key_id)
