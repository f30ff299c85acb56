"""RDS instances: everything a template sets is kept and shown, and deletion protection holds.

MiniStack 1.5.33 loses the managed master password, log exports, the key and retention of Performance Insights, the
certificate authority chosen, Extended Support and the instance's tags; it ignores deletion protection when a stack is
deleted. The records keep the API's own shape, so that DescribeDBInstances writes what is there.
"""

from __future__ import annotations

import secrets as random_secrets
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from hipaa_pipeline.local import interfaces, rds_offers
from hipaa_pipeline.local.additions import Additions, Properties, boolean, tag_list
from hipaa_pipeline.local.wire import ApiError

DEFAULT_AUTHORITY = "rds-ca-rsa2048-g1"
GP3 = {"Iops": 3000, "StorageThroughput": 125}


def additions() -> Additions:
    """What this module adds to the account."""
    return Additions(
        operations={
            "rds.CreateDBInstance": create_instance,
            "rds.DescribeDBInstances": describe_instances,
            "rds.ModifyDBInstance": modify_instance,
            "rds.DeleteDBInstance": delete_instance,
            "rds.RebootDBInstance": reboot_instance,
            "rds.DescribeDBInstanceAutomatedBackups": describe_automated_backups,
            "rds.DeleteDBInstanceAutomatedBackup": delete_automated_backup,
        },
        completions={"AWS::RDS::DBInstance": _complete},
        deletions={"AWS::RDS::DBInstance": _delete_with_stack},
        creation_checks=(_check_offered,),
        reset=retained_backups().clear,
    )


def _rds() -> Any:
    from ministack.services import rds

    return rds


# What a stack makes


def _check_offered(resource_type: str, properties: Any) -> None:
    """Refuse an engine version or an instance class that RDS does not offer, as RDS does on creation."""
    if resource_type != "AWS::RDS::DBInstance" or properties.get("Engine") != "postgres":
        return
    version, instance_class = properties.get("EngineVersion"), properties.get("DBInstanceClass")
    if version and version not in rds_offers.versions():
        raise ApiError("InvalidParameterCombination", f"Cannot find version {version} for postgres")
    if instance_class not in rds_offers.INSTANCE_CLASSES:
        raise ApiError(
            "InvalidParameterCombination",
            "RDS does not support creating a DB instance with the following combination: "
            f"DBInstanceClass={instance_class}, Engine=postgres, EngineVersion={version}, "
            "LicenseModel=postgresql-license. For supported combinations of instance class and database engine "
            "version, see the documentation.",
        )


def _complete(identifier: str, properties: Properties, attributes: dict[str, Any]) -> None:
    """Put into MiniStack's record what it lost of a template's properties."""
    instance = _rds()._instances[identifier]
    instance |= {
        "AllocatedStorage": int(properties.get("AllocatedStorage") or 20),
        "CACertificateIdentifier": properties.get("CACertificateIdentifier") or DEFAULT_AUTHORITY,
        "EnabledCloudwatchLogsExports": list(properties.get("EnableCloudwatchLogsExports") or ()),
        "EngineLifecycleSupport": properties.get("EngineLifecycleSupport", "open-source-rds-extended-support"),
        "LicenseModel": "postgresql-license" if instance["Engine"] == "postgres" else instance["LicenseModel"],
        "_delete_automated_backups": boolean(properties.get("DeleteAutomatedBackups", True)),
    }
    _set_storage(instance, properties)
    _set_performance_insights(instance, properties)
    _set_subnet_group(instance)
    _set_managed_password(instance, properties)
    _create_log_groups(instance)
    _place_interfaces(instance)
    if instance["MonitoringInterval"]:
        instance["EnhancedMonitoringResourceArn"] = _monitoring_stream(instance)
    _rds()._tags[instance["DBInstanceArn"]] = tag_list(properties.get("Tags"))
    instance["TagList"] = _rds()._tags[instance["DBInstanceArn"]]
    if "MasterUserSecret" in instance:
        attributes["MasterUserSecret.SecretArn"] = instance["MasterUserSecret"]["SecretArn"]


def _set_storage(instance: dict[str, Any], properties: Properties) -> None:
    """RDS gives gp3 its base performance when none is asked for."""
    if instance["StorageType"] == "gp3":
        for member, base in GP3.items():
            instance[member] = int(properties.get(member) or base)
    if instance["MultiAZ"]:
        zone = instance["AvailabilityZone"]
        instance["SecondaryAvailabilityZone"] = zone[:-1] + ("b" if zone.endswith("a") else "a")
    else:
        instance.pop("SecondaryAvailabilityZone", None)


def _set_performance_insights(instance: dict[str, Any], properties: Properties) -> None:
    for member in ("PerformanceInsightsKMSKeyId", "PerformanceInsightsRetentionPeriod"):
        instance.pop(member, None)
    if instance["PerformanceInsightsEnabled"]:
        instance["PerformanceInsightsKMSKeyId"] = properties.get("PerformanceInsightsKMSKeyId")
        instance["PerformanceInsightsRetentionPeriod"] = int(properties.get("PerformanceInsightsRetentionPeriod") or 7)


def _set_subnet_group(instance: dict[str, Any]) -> None:
    group = instance.get("DBSubnetGroup") or {}
    instance["DBSubnetGroup"] = _rds()._subnet_groups.get(group.get("DBSubnetGroupName"), group)


def _place_interfaces(instance: Mapping[str, Any]) -> None:
    """One interface, or two with a standby, each in a subnet of the group."""
    subnets = [each["SubnetIdentifier"] for each in instance["DBSubnetGroup"].get("Subnets", ())]
    interfaces.place(
        instance["DBInstanceArn"],
        subnets[: 2 if instance["MultiAZ"] else 1],
        [each["VpcSecurityGroupId"] for each in instance["VpcSecurityGroups"]],
        "interface",
        "RDSNetworkInterface",
    )


def _monitoring_stream(instance: Mapping[str, Any]) -> str:
    from ministack.core.responses import get_account_id, get_region

    stream = f"log-group:RDSOSMetrics:log-stream:{instance['DbiResourceId']}"
    return f"arn:aws:logs:{get_region()}:{get_account_id()}:{stream}"


def _create_log_groups(instance: Mapping[str, Any]) -> None:
    """RDS makes a missing log group of an export itself: without a key, without retention."""
    from ministack.services import cloudwatch_logs

    for export in instance["EnabledCloudwatchLogsExports"]:
        name = f"/aws/rds/instance/{instance['DBInstanceIdentifier']}/{export}"
        if name not in cloudwatch_logs._log_groups:
            cloudwatch_logs._create_log_group({"logGroupName": name})


# The managed master password


def _set_managed_password(instance: dict[str, Any], properties: Properties) -> None:
    """RDS makes, keeps and rotates the password in Secrets Manager: a secret that exists and names its instance.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html
    """
    managed = boolean(properties.get("ManageMasterUserPassword", False))
    key = (properties.get("MasterUserSecret") or {}).get("KmsKeyId") or properties.get("MasterUserSecretKmsKeyId")
    if managed and "MasterUserSecret" not in instance:
        arn = _create_secret(instance, key)
        instance["MasterUserSecret"] = {"SecretArn": arn, "SecretStatus": "active", "KmsKeyId": key}
    elif managed and key:
        instance["MasterUserSecret"]["KmsKeyId"] = key
        _secret(instance)["KmsKeyId"] = key
    elif not managed:
        _delete_secret(instance)


def _create_secret(instance: Mapping[str, Any], key: str | None) -> str:
    from ministack.services import secretsmanager

    name = f"rds!db-{uuid.uuid4()}"
    arn, _version = secretsmanager._store_new_secret(
        name,
        secret_string=f'{{"username":"{instance["MasterUsername"]}","password":"{random_secrets.token_urlsafe(21)}"}}',
        description=f"The secret associated with the primary RDS DB instance: {instance['DBInstanceArn']}",
        tags=[
            {"Key": "aws:rds:primaryDBInstanceArn", "Value": instance["DBInstanceArn"]},
            {"Key": "aws:secretsmanager:owningService", "Value": "rds"},
        ],
        kms_key_id=key,
        rotation_rules={"AutomaticallyAfterDays": 7},
    )
    secretsmanager._secrets[name] |= {"OwningService": "rds", "RotationEnabled": True}
    return str(arn)


def _secret(instance: Mapping[str, Any]) -> dict[str, Any]:
    from ministack.services import secretsmanager

    wanted = instance["MasterUserSecret"]["SecretArn"]
    found: dict[str, Any] = next(each for each in secretsmanager._secrets.values() if each["ARN"] == wanted)
    return found


def _delete_secret(instance: dict[str, Any]) -> None:
    from ministack.services import secretsmanager

    described = instance.pop("MasterUserSecret", None) or {}
    for name, secret in secretsmanager._secrets.items():
        if secret["ARN"] == described.get("SecretArn"):
            secretsmanager._secrets.pop(name)


# Deletion


def _delete_with_stack(identifier: str, _properties: Properties, delete: Callable[[], None]) -> None:
    instance = _rds()._instances.get(identifier)
    if instance is not None:
        _refuse_protected(instance)
        _leave_behind(instance, delete_backups=instance.get("_delete_automated_backups", True))
    delete()


def _refuse_protected(instance: Mapping[str, Any]) -> None:
    if instance.get("DeletionProtection"):
        raise ApiError(
            "InvalidParameterCombination",
            "Cannot delete protected DB Instance, please disable deletion protection and try again.",
        )


def _leave_behind(instance: dict[str, Any], *, delete_backups: bool) -> None:
    """What goes with an instance, and what stays: its secret and tags go, its automated backups may stay."""
    _delete_secret(instance)
    interfaces.remove(instance["DBInstanceArn"])
    _rds()._tags.pop(instance["DBInstanceArn"], None)
    if not delete_backups:
        retained_backups()[instance["DbiResourceId"]] = _automated_backup(instance, "retained")


def delete_instance(request: dict[str, Any]) -> dict[str, Any]:
    """DeleteDBInstance, with the final snapshot unless it is skipped. Raises ApiError for a protected instance."""
    instance = _instance(request["DBInstanceIdentifier"])
    _refuse_protected(instance)
    snapshot = request.get("FinalDBSnapshotIdentifier")
    if bool(snapshot) == bool(request.get("SkipFinalSnapshot")):
        raise ApiError(
            "InvalidParameterCombination",
            "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.",
        )
    if snapshot:
        _rds()._create_snapshot_internal(snapshot, instance)
    _leave_behind(instance, delete_backups=request.get("DeleteAutomatedBackups", True))
    _rds()._instances.pop(instance["DBInstanceIdentifier"])
    return {"DBInstance": {**instance, "DBInstanceStatus": "deleting"}}


# Automated backups

_backups: list[Any] = []


def retained_backups() -> Any:
    """Backups that outlived their instance, by resource ID and scoped by account and Region as MiniStack's stores."""
    from ministack.core.responses import AccountRegionScopedDict

    if not _backups:
        _backups.append(AccountRegionScopedDict())
    return _backups[0]


def _automated_backup(instance: Mapping[str, Any], status: str) -> dict[str, Any]:
    from ministack.core.responses import get_region

    return {
        **instance,
        "DBInstanceAutomatedBackupsArn": instance["DBInstanceArn"].replace(":db:", ":auto-backup:ab-"),
        "Encrypted": instance["StorageEncrypted"],
        "Region": get_region(),
        "Status": status,
    }


def describe_automated_backups(request: dict[str, Any]) -> dict[str, Any]:
    """DescribeDBInstanceAutomatedBackups: of the instances there are, and those kept of deleted ones."""
    active = [
        _automated_backup(instance, "active")
        for instance in _rds()._instances.values()
        if instance["BackupRetentionPeriod"]
    ]
    wanted = {member: request[member] for member in ("DBInstanceIdentifier", "DbiResourceId") if request.get(member)}
    backups = [*active, *retained_backups().values()]
    return {
        "DBInstanceAutomatedBackups": [
            backup for backup in backups if all(backup[member] == value for member, value in wanted.items())
        ]
    }


def delete_automated_backup(request: dict[str, Any]) -> dict[str, Any]:
    """DeleteDBInstanceAutomatedBackup of a deleted instance."""
    backup = retained_backups().pop(request.get("DbiResourceId"), None)
    if backup is None:
        raise ApiError("DBInstanceAutomatedBackupNotFound", "The automated backup was not found.", 404)
    return {"DBInstanceAutomatedBackup": {**backup, "Status": "deleted"}}


# Reads and changes


def create_instance(request: dict[str, Any]) -> dict[str, Any]:
    """CreateDBInstance, made as a stack makes one."""
    from ministack.services.cloudformation import provisioners

    properties = {**request, "VPCSecurityGroups": request.get("VpcSecurityGroupIds") or []}
    identifier = request["DBInstanceIdentifier"]
    if identifier in _rds()._instances:
        raise ApiError("DBInstanceAlreadyExists", "DB instance already exists")
    _check_offered("AWS::RDS::DBInstance", properties)
    provisioners._rds_db_instance_create("", properties, "")
    _complete(identifier, properties, {})
    return {"DBInstance": {**_shown(_instance(identifier)), "DBInstanceStatus": "creating"}}


def _instance(identifier: str) -> dict[str, Any]:
    found: dict[str, Any] | None = _rds()._resolve_instance(identifier)
    if found is None:
        raise ApiError("DBInstanceNotFound", f"DBInstance {identifier} not found.", 404)
    return found


def describe_instances(request: dict[str, Any]) -> dict[str, Any]:
    """DescribeDBInstances, by identifier and filters."""
    identifier = request.get("DBInstanceIdentifier")
    found = [_instance(identifier)] if identifier else list(_rds()._instances.values())
    filters = {
        "db-instance-id": lambda instance: {instance["DBInstanceIdentifier"], instance["DBInstanceArn"]},
        "dbi-resource-id": lambda instance: {instance["DbiResourceId"]},
        "engine": lambda instance: {instance["Engine"]},
    }
    for each in request.get("Filters") or ():
        of = filters.get(each["Name"])
        if of is None:
            raise ApiError("InvalidParameterValue", f"Unrecognized filter name: {each['Name']}")
        found = [instance for instance in found if of(instance) & set(each["Values"])]
    return {"DBInstances": [_shown(instance) for instance in found]}


def _shown(instance: Mapping[str, Any]) -> dict[str, Any]:
    """A record as the API shows it: empty texts are absent members."""
    shown = {member: value for member, value in instance.items() if value != ""}
    authority = shown.get("CACertificateIdentifier")
    return {
        **shown,
        "CertificateDetails": {"CAIdentifier": authority, "ValidTill": "2061-05-21T00:00:00+00:00"},
        "NetworkType": "IPV4",
        "DedicatedLogVolume": False,
        "ActivityStreamStatus": "stopped",
    }


# Members of ModifyDBInstance that are members of the instance under the same or another name.
_MODIFIED = {
    "AllocatedStorage": "AllocatedStorage",
    "AutoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
    "BackupRetentionPeriod": "BackupRetentionPeriod",
    "CACertificateIdentifier": "CACertificateIdentifier",
    "CopyTagsToSnapshot": "CopyTagsToSnapshot",
    "DBInstanceClass": "DBInstanceClass",
    "DeletionProtection": "DeletionProtection",
    "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
    "EnablePerformanceInsights": "PerformanceInsightsEnabled",
    "EngineVersion": "EngineVersion",
    "MaxAllocatedStorage": "MaxAllocatedStorage",
    "MonitoringInterval": "MonitoringInterval",
    "MonitoringRoleArn": "MonitoringRoleArn",
    "MultiAZ": "MultiAZ",
    "PerformanceInsightsKMSKeyId": "PerformanceInsightsKMSKeyId",
    "PerformanceInsightsRetentionPeriod": "PerformanceInsightsRetentionPeriod",
    "PreferredBackupWindow": "PreferredBackupWindow",
    "PreferredMaintenanceWindow": "PreferredMaintenanceWindow",
    "PubliclyAccessible": "PubliclyAccessible",
    "StorageType": "StorageType",
}
# Without ApplyImmediately these wait for the maintenance window; the others take effect at once.
_WAITING = {"AllocatedStorage", "DBInstanceClass", "EngineVersion", "MultiAZ", "StorageType"}


def modify_instance(request: dict[str, Any]) -> dict[str, Any]:
    """ModifyDBInstance; what waits for the maintenance window is shown as pending."""
    instance = _instance(request["DBInstanceIdentifier"])
    for member, kept in _MODIFIED.items():
        if member in request:
            waits = member in _WAITING and not request.get("ApplyImmediately")
            (instance.setdefault("PendingModifiedValues", {}) if waits else instance)[kept] = request[member]
    if "VpcSecurityGroupIds" in request:
        groups = [{"VpcSecurityGroupId": each, "Status": "active"} for each in request["VpcSecurityGroupIds"]]
        instance["VpcSecurityGroups"] = groups
    if "DBParameterGroupName" in request:
        name = request["DBParameterGroupName"]
        instance["DBParameterGroups"] = [{"DBParameterGroupName": name, "ParameterApplyStatus": "pending-reboot"}]
    if "ManageMasterUserPassword" in request:
        _set_managed_password(instance, request)
    _modify_exports(instance, request.get("CloudwatchLogsExportConfiguration") or {})
    return {"DBInstance": _shown(instance)}


def _modify_exports(instance: dict[str, Any], configuration: Mapping[str, Any]) -> None:
    exports = instance.setdefault("EnabledCloudwatchLogsExports", [])
    added = [each for each in configuration.get("EnableLogTypes") or () if each not in exports]
    removed = configuration.get("DisableLogTypes") or ()
    instance["EnabledCloudwatchLogsExports"] = [each for each in [*exports, *added] if each not in removed]
    _create_log_groups(instance)


def reboot_instance(request: dict[str, Any]) -> dict[str, Any]:
    """RebootDBInstance: parameters that waited for it are in force afterwards. It takes no time here."""
    instance = _instance(request["DBInstanceIdentifier"])
    for group in instance["DBParameterGroups"]:
        group["ParameterApplyStatus"] = "in-sync"
    return {"DBInstance": {**_shown(instance), "DBInstanceStatus": "rebooting"}}
