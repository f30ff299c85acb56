"""What a template cannot say, done through the APIs after a stack was created or updated."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from hipaa_pipeline.aws.session import AwsError, ErrorKind, Session
from hipaa_pipeline.aws.stacks import StackResource
from hipaa_pipeline.clock import Clock
from hipaa_pipeline.deployment.pace import pauses

DATABASE = "AWS::RDS::DBInstance"
VPC = "AWS::EC2::VPC"
REBOOT_SECONDS = 900.0


@dataclasses.dataclass(frozen=True)
class PendingReboot:
    """A database whose static parameters take effect only when it is rebooted."""

    logical_id: str
    identifier: str


def close_default_groups(session: Session, resources: Iterable[StackResource]) -> list[str]:
    """Remove every rule of the default security group of each VPC of the stack; the groups that had any.

    A VPC's default group admits its own members and lets everything out, and no template can change it.
    """
    vpcs = [resource.physical_id for resource in resources if resource.type == VPC]
    return [group for vpc in vpcs for group in _close_default_group(session, vpc)]


def _close_default_group(session: Session, vpc_id: str) -> list[str]:
    filters = [{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "group-name", "Values": ["default"]}]
    groups = session.pages("ec2", "describe_security_groups", "SecurityGroups", Filters=filters)
    return [group["GroupId"] for group in groups if _revoke_all(session, group)]


def _revoke_all(session: Session, group: dict[str, Any]) -> bool:
    directions = (
        ("revoke_security_group_ingress", group.get("IpPermissions", [])),
        ("revoke_security_group_egress", group.get("IpPermissionsEgress", [])),
    )
    for operation, permissions in directions:
        if permissions:
            _revoke(session, operation, group["GroupId"], permissions)
    return any(permissions for _, permissions in directions)


def _revoke(session: Session, operation: str, group_id: str, permissions: Sequence[dict[str, Any]]) -> None:
    """The echo of a repeated call finds no such rule any more, which is what was asked for."""
    try:
        session.call("ec2", operation, GroupId=group_id, IpPermissions=permissions)
    except AwsError as error:
        if error.kind is not ErrorKind.NOT_FOUND:
            raise


def pending_reboots(session: Session, resources: Iterable[StackResource]) -> list[PendingReboot]:
    """The stack's databases that wait for a reboot to take a changed static parameter."""
    return [
        PendingReboot(database.logical_id, database.physical_id)
        for database in resources
        if database.type == DATABASE and _waits(_instance(session, database.physical_id))
    ]


def reboot(session: Session, clock: Clock, identifier: str) -> bool:
    """Reboot a database and wait until its parameters are in effect; whether they are, within a quarter of an hour.

    One that is rebooting already is left to it.
    """
    try:
        session.call("rds", "reboot_db_instance", DBInstanceIdentifier=identifier)
    except AwsError as error:
        if error.code != "InvalidDBInstanceState":
            raise
    for pause in pauses(clock, REBOOT_SECONDS):
        instance = _instance(session, identifier)
        if instance.get("DBInstanceStatus") == "available" and not _waits(instance):
            return True
        clock.sleep(pause)
    return False


def _instance(session: Session, identifier: str) -> dict[str, Any]:
    found: dict[str, Any] = session.call("rds", "describe_db_instances", DBInstanceIdentifier=identifier)[
        "DBInstances"
    ][0]
    return found


def _waits(instance: dict[str, Any]) -> bool:
    return any(group.get("ParameterApplyStatus") == "pending-reboot" for group in instance.get("DBParameterGroups", ()))
