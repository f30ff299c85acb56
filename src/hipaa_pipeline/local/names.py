"""Explicit names that are taken: MiniStack lets a second stack overwrite the first one's role, stream or log group.

AWS refuses, both when a change set is validated and, without that, when the resource is created.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hipaa_pipeline.local.additions import Properties
from hipaa_pipeline.local.wire import ApiError


def taken(resource_type: str, properties: Properties) -> str | None:
    """The explicit name in `properties` if such a resource exists already; None where it is free or not explicit."""
    for named, member, exists in _rules():
        name = properties.get(member)
        if named == resource_type and isinstance(name, str) and exists(name, properties):
            return name
    return None


def refuse_taken(resource_type: str, properties: Properties) -> None:
    """Raise ApiError, in the words of CloudFormation's handlers, when the explicit name is taken."""
    name = taken(resource_type, properties)
    if name is not None:
        raise ApiError("AlreadyExists", message(resource_type, name))


def message(resource_type: str, name: str) -> str:
    """How CloudFormation says that a name is taken."""
    return f"Resource of type '{resource_type}' with identifier '{name}' already exists."


_Rule = tuple[str, str, Callable[[str, Properties], bool]]


def _rules() -> tuple[_Rule, ...]:
    """Resource type, property of the name, and whether it exists."""
    from ministack.services import backup, cloudwatch, cloudwatch_logs, ec2, iam, kinesis, kms, rds, secretsmanager, sns

    def among(store: Mapping[str, Any]) -> Callable[[str, Properties], bool]:
        return lambda name, _properties: name in store

    def policy(name: str, _properties: Properties) -> bool:
        return any(record["PolicyName"] == name for record in iam._policies.values())

    def group(name: str, properties: Properties) -> bool:
        return any(
            record["GroupName"] == name and record["VpcId"] == properties.get("VpcId")
            for record in ec2._security_groups.values()
        )

    return (
        ("AWS::IAM::Role", "RoleName", among(iam._roles)),
        ("AWS::IAM::ManagedPolicy", "ManagedPolicyName", policy),
        ("AWS::KMS::Alias", "AliasName", lambda name, _: kms._alias_arn(name) in kms._aliases),
        ("AWS::Kinesis::Stream", "Name", among(kinesis._streams)),
        ("AWS::Logs::LogGroup", "LogGroupName", among(cloudwatch_logs._log_groups)),
        ("AWS::CloudWatch::Alarm", "AlarmName", among(cloudwatch._alarms)),
        ("AWS::SNS::Topic", "TopicName", lambda name, _: any(arn.endswith(f":{name}") for arn in sns._topics)),
        ("AWS::RDS::DBInstance", "DBInstanceIdentifier", among(rds._instances)),
        ("AWS::RDS::DBSubnetGroup", "DBSubnetGroupName", among(rds._subnet_groups)),
        ("AWS::RDS::DBParameterGroup", "DBParameterGroupName", among(rds._param_groups)),
        ("AWS::Backup::BackupVault", "BackupVaultName", among(backup._vaults)),
        ("AWS::SecretsManager::Secret", "Name", among(secretsmanager._secrets)),
        ("AWS::EC2::SecurityGroup", "GroupName", group),
    )
