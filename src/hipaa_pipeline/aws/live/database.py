"""The RDS instance, its subnet group and its parameter group, read back from RDS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hipaa_pipeline.aws.live.reader import (
    Part,
    Physical,
    Reader,
    ResourceReader,
    only,
    renamed,
    same,
    tags,
    without_empty,
)

_INSTANCE = {
    **same("DBInstanceIdentifier", "DBInstanceClass", "Engine", "EngineVersion", "EngineLifecycleSupport", "DBName"),
    **same("MasterUsername", "AllocatedStorage", "MaxAllocatedStorage", "StorageType", "Iops", "StorageThroughput"),
    **same("StorageEncrypted", "KmsKeyId", "MultiAZ", "PubliclyAccessible", "BackupRetentionPeriod", "LicenseModel"),
    **same("PreferredBackupWindow", "PreferredMaintenanceWindow", "AutoMinorVersionUpgrade", "CopyTagsToSnapshot"),
    **same("DeletionProtection", "MonitoringInterval", "MonitoringRoleArn", "CACertificateIdentifier", "NetworkType"),
    **same("PerformanceInsightsKMSKeyId", "PerformanceInsightsRetentionPeriod", "DatabaseInsightsMode"),
    "EnablePerformanceInsights": "PerformanceInsightsEnabled",
    "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
    "EnableCloudwatchLogsExports": "EnabledCloudwatchLogsExports",
}
_NESTED = ("DBSubnetGroupName", "DBParameterGroupName", "VPCSecurityGroups", "Port")
_STRIPED_GIB = 400  # from here on RDS stripes PostgreSQL's gp3 storage over four volumes
_SECRET = ("ManageMasterUserPassword", "MasterUserSecret")


def instance(reader: Reader, identifier: str) -> Mapping[str, Any]:
    """The description of one DB instance. Raises MissingError."""
    answer = reader.call("rds", "describe_db_instances", DBInstanceIdentifier=identifier)
    return only(answer["DBInstances"], "DBInstanceIdentifier", identifier)


def _instance(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    found = instance(reader, physical.id)
    secret = found.get("MasterUserSecret")
    return without_empty(
        {
            **renamed(_without_baseline(found), _INSTANCE),
            "DBSubnetGroupName": (found.get("DBSubnetGroup") or {}).get("DBSubnetGroupName"),
            "DBParameterGroupName": next(
                (group["DBParameterGroupName"] for group in found.get("DBParameterGroups", ())), None
            ),
            "VPCSecurityGroups": [group["VpcSecurityGroupId"] for group in found.get("VpcSecurityGroups", ())],
            "Port": (found.get("Endpoint") or {}).get("Port"),
            "ManageMasterUserPassword": bool(secret),
            "MasterUserSecret": renamed(secret or {}, same("SecretArn", "KmsKeyId")),
        }
    )


def _without_baseline(found: Mapping[str, Any]) -> dict[str, Any]:
    """The description without the IOPS and the throughput that gp3 storage of this size has by itself.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html#gp3-storage
    """
    large = found.get("AllocatedStorage", 0) >= _STRIPED_GIB
    baseline = {"Iops": 12_000 if large else 3_000, "StorageThroughput": 500 if large else 125}
    if found.get("StorageType") != "gp3":
        return dict(found)
    return {name: value for name, value in found.items() if value not in (baseline.get(name, object()), None)}


def _instance_attributes(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    found = instance(reader, physical.id)
    endpoint = found.get("Endpoint") or {}
    return without_empty(
        {
            "DbiResourceId": found.get("DbiResourceId"),
            "Endpoint.Address": endpoint.get("Address"),
            "MasterUserSecret.SecretArn": (found.get("MasterUserSecret") or {}).get("SecretArn"),
        }
    )


def _tags_of(kind: str) -> Part:
    def read(reader: Reader, physical: Physical) -> Mapping[str, Any]:
        name = reader.arn("rds", f"{kind}:{physical.id}")
        return {"Tags": tags(reader.call("rds", "list_tags_for_resource", ResourceName=name)["TagList"])}

    return Part(("Tags",), read)


def subnet_groups(reader: Reader, name: str) -> Sequence[Mapping[str, Any]]:
    """The descriptions of the subnet group of this name: one, or none. Raises AwsError."""
    found: list[Any] = reader.call("rds", "describe_db_subnet_groups", DBSubnetGroupName=name)["DBSubnetGroups"]
    return found


def _subnet_group(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    found = only(subnet_groups(reader, physical.id), "DBSubnetGroupName", physical.id)
    return {
        **renamed(found, same("DBSubnetGroupName", "DBSubnetGroupDescription")),
        "SubnetIds": sorted(subnet["SubnetIdentifier"] for subnet in found["Subnets"]),
    }


def _parameter_group(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    answer = reader.call("rds", "describe_db_parameter_groups", DBParameterGroupName=physical.id)
    found = only(answer["DBParameterGroups"], "DBParameterGroupName", physical.id)
    return renamed(found, {**same("DBParameterGroupName", "Description"), "Family": "DBParameterGroupFamily"})


def _parameters(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    """Only what was set (`Source=user`): a parameter put back to its default is no longer the stack's."""
    found = reader.pages("rds", "describe_db_parameters", "Parameters", DBParameterGroupName=physical.id, Source="user")
    return {
        "Parameters": {
            parameter["ParameterName"]: parameter["ParameterValue"]
            for parameter in sorted(found, key=lambda parameter: str(parameter["ParameterName"]))
            if parameter.get("Source", "user") == "user" and "ParameterValue" in parameter
        }
    }


READERS = {
    "AWS::RDS::DBInstance": ResourceReader(
        (Part((*_INSTANCE, *_NESTED, *_SECRET), _instance), _tags_of("db")),
        lambda reader, physical: {"DBInstanceArn": reader.arn("rds", f"db:{physical.id}")},
        _instance_attributes,
        # Arguments of the delete and modify calls, which RDS keeps no record of.
        unreported=("DeleteAutomatedBackups", "AllowMajorVersionUpgrade", "ApplyImmediately"),
    ),
    "AWS::RDS::DBSubnetGroup": ResourceReader(
        (Part(("DBSubnetGroupName", "DBSubnetGroupDescription", "SubnetIds"), _subnet_group), _tags_of("subgrp"))
    ),
    "AWS::RDS::DBParameterGroup": ResourceReader(
        (
            Part(("DBParameterGroupName", "Description", "Family"), _parameter_group),
            Part(("Parameters",), _parameters),
            _tags_of("pg"),
        )
    ),
}
