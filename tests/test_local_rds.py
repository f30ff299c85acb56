"""RDS in the local account: instances, their password, protection, backups, parameters, snapshots and offers."""

from __future__ import annotations

from typing import Any

import pytest

from hipaa_pipeline.aws.session import AwsError, Session
from hipaa_pipeline.local.server import LocalAccount
from hipaa_pipeline.template.parameters import ENGINE_VERSIONS, INSTANCE_CLASSES
from local_stacks import delete, deploy, physical_ids, reasons

KEY = "arn:aws:kms:ap-southeast-1:111122223333:key/1"
DATABASE: dict[str, Any] = {
    "DBInstanceIdentifier": "db", "Engine": "postgres", "EngineVersion": "17.11", "DBInstanceClass": "db.t4g.small",
    "AllocatedStorage": "20", "StorageType": "gp3", "StorageEncrypted": True, "KmsKeyId": KEY, "MultiAZ": "true",
    "MasterUsername": "master", "ManageMasterUserPassword": True, "MasterUserSecret": {"KmsKeyId": KEY},
    "EnableIAMDatabaseAuthentication": True, "EnableCloudwatchLogsExports": ["postgresql", "upgrade"],
    "EnablePerformanceInsights": True, "PerformanceInsightsKMSKeyId": KEY, "PerformanceInsightsRetentionPeriod": 7,
    "CACertificateIdentifier": "rds-ca-ecc384-g1", "MonitoringInterval": "60",
    "MonitoringRoleArn": "arn:aws:iam::111122223333:role/monitoring", "DeletionProtection": "false",
    "EngineLifecycleSupport": "open-source-rds-extended-support-disabled", "BackupRetentionPeriod": "7",
    "DBParameterGroupName": {"Ref": "Group"}, "CopyTagsToSnapshot": True, "Tags": [{"Key": "a", "Value": "b"}],
}  # fmt: skip
GROUP = {
    "Type": "AWS::RDS::DBParameterGroup",
    "Properties": {
        "Family": "postgres17", "Description": "test", "DBParameterGroupName": "group",
        "Parameters": {"rds.force_ssl": "1", "shared_preload_libraries": "pgaudit"},
    },
}  # fmt: skip


def database(**changed: Any) -> dict[str, Any]:
    """A stack of a database and its parameter group, the database deleted without a snapshot."""
    properties = {name: value for name, value in {**DATABASE, **changed}.items() if value is not None}
    instance = {"Type": "AWS::RDS::DBInstance", "DeletionPolicy": "Delete", "Properties": properties}
    return {"Group": GROUP, "Database": {**instance, "UpdateReplacePolicy": "Snapshot"}}


def described(session: Session) -> dict[str, Any]:
    instance: dict[str, Any] = session.call("rds", "describe_db_instances", DBInstanceIdentifier="db")["DBInstances"][0]
    return instance


def parameters(session: Session, **wanted: Any) -> dict[str, dict[str, Any]]:
    found = session.pages("rds", "describe_db_parameters", "Parameters", DBParameterGroupName="group", **wanted)
    return {each["ParameterName"]: each for each in found}


def test_all_that_a_template_sets_is_shown(session: Session) -> None:
    assert deploy(session, database()) == "CREATE_COMPLETE"
    instance = described(session)
    expected = {
        "AllocatedStorage": 20, "StorageType": "gp3", "Iops": 3000, "StorageThroughput": 125, "KmsKeyId": KEY,
        "StorageEncrypted": True, "MultiAZ": True, "EnabledCloudwatchLogsExports": ["postgresql", "upgrade"],
        "PerformanceInsightsEnabled": True, "PerformanceInsightsKMSKeyId": KEY, "PerformanceInsightsRetentionPeriod": 7,
        "CACertificateIdentifier": "rds-ca-ecc384-g1", "MonitoringInterval": 60, "DeletionProtection": False,
        "MonitoringRoleArn": "arn:aws:iam::111122223333:role/monitoring", "BackupRetentionPeriod": 7,
        "EngineLifecycleSupport": "open-source-rds-extended-support-disabled", "CopyTagsToSnapshot": True,
        "IAMDatabaseAuthenticationEnabled": True, "LicenseModel": "postgresql-license",
        "DBParameterGroups": [{"DBParameterGroupName": "group", "ParameterApplyStatus": "in-sync"}],
    }  # fmt: skip
    assert {name: instance.get(name) for name in expected} == expected
    assert instance["DbiResourceId"].startswith("db-")
    assert instance["CertificateDetails"]["CAIdentifier"] == "rds-ca-ecc384-g1"
    tags = session.call("rds", "list_tags_for_resource", ResourceName=instance["DBInstanceArn"])["TagList"]
    assert {"Key": "a", "Value": "b"} in tags


def test_the_managed_password_is_a_secret_under_the_key_and_goes_with_the_instance(session: Session) -> None:
    deploy(session, database())
    secret = described(session)["MasterUserSecret"]
    assert (secret["SecretStatus"], secret["KmsKeyId"]) == ("active", KEY)
    kept = session.call("secretsmanager", "describe_secret", SecretId=secret["SecretArn"])
    assert (kept["KmsKeyId"], kept["RotationEnabled"]) == (KEY, True)
    assert kept["Name"].startswith("rds!db-")
    deploy(session, database(ManageMasterUserPassword=None, MasterUserSecret=None), update=True)
    assert "MasterUserSecret" not in described(session)
    assert session.call("secretsmanager", "list_secrets")["SecretList"] == []


def test_an_instance_made_through_the_api_is_as_whole(session: Session) -> None:
    given: dict[str, Any] = {name: value for name, value in DATABASE.items() if isinstance(value, (bool, list))}
    given |= {"DBInstanceIdentifier": "db", "Engine": "postgres", "DBInstanceClass": "db.t4g.small",
              "AllocatedStorage": 20, "MasterUsername": "master", "MasterUserSecretKmsKeyId": KEY,
              "EngineVersion": "17.11", "VpcSecurityGroupIds": ["sg-1"]}  # fmt: skip
    session.call("rds", "create_db_instance", **given)
    instance = described(session)
    assert instance["EnabledCloudwatchLogsExports"] == ["postgresql", "upgrade"]
    assert instance["MasterUserSecret"]["KmsKeyId"] == KEY
    assert [each["VpcSecurityGroupId"] for each in instance["VpcSecurityGroups"]] == ["sg-1"]
    with pytest.raises(AwsError, match="already exists"):
        session.call("rds", "create_db_instance", **given)
    with pytest.raises(AwsError, match="Cannot find version"):
        session.call("rds", "create_db_instance", **{**given, "DBInstanceIdentifier": "x", "EngineVersion": "9.6"})


def test_log_groups_that_are_missing_are_made_without_key_and_retention(session: Session) -> None:
    deploy(session, database())
    groups = session.call("logs", "describe_log_groups", logGroupNamePrefix="/aws/rds/instance/db/")["logGroups"]
    assert [group["logGroupName"].rpartition("/")[2] for group in groups] == ["postgresql", "upgrade"]
    assert not any("kmsKeyId" in group or "retentionInDays" in group for group in groups)


def test_deletion_protection_holds_against_stack_and_api(account: LocalAccount, session: Session) -> None:
    deploy(session, database(DeletionProtection="true"))
    assert delete(session) == "DELETE_FAILED"
    words = "Cannot delete protected DB Instance, please disable deletion protection and try again."
    assert words in reasons(session, "DELETE_FAILED")["Database"]
    with pytest.raises(AwsError, match="Cannot delete protected") as caught:
        session.call("rds", "delete_db_instance", DBInstanceIdentifier="db", SkipFinalSnapshot=True)
    assert caught.value.code == "InvalidParameterCombination"
    session.call("rds", "modify_db_instance", DBInstanceIdentifier="db", DeletionProtection=False)
    assert delete(session) == "DELETE_COMPLETE"
    assert set(account.inventory()) == {"logs.group"}


@pytest.mark.parametrize(
    ("arguments", "snapshots"), [({"SkipFinalSnapshot": True}, []), ({"FinalDBSnapshotIdentifier": "last"}, ["last"])]
)
def test_the_final_snapshot_is_taken_or_skipped(
    session: Session, arguments: dict[str, Any], snapshots: list[str]
) -> None:
    deploy(session, database())
    session.call("rds", "delete_db_instance", DBInstanceIdentifier="db", **arguments)
    left = session.call("rds", "describe_db_snapshots")["DBSnapshots"]
    assert [each["DBSnapshotIdentifier"] for each in left] == snapshots
    with pytest.raises(AwsError, match="not found"):
        described(session)


def test_deleting_without_saying_what_becomes_of_the_data_is_refused(session: Session) -> None:
    deploy(session, database())
    with pytest.raises(AwsError, match="FinalDBSnapshotIdentifier is required"):
        session.call("rds", "delete_db_instance", DBInstanceIdentifier="db")


@pytest.mark.parametrize(("delete_backups", "left"), [("false", ["retained"]), ("true", [])])
def test_automated_backups_are_kept_or_deleted_with_the_stack(
    session: Session, delete_backups: str, left: list[str]
) -> None:
    deploy(session, database(DeleteAutomatedBackups=delete_backups))
    active = session.call("rds", "describe_db_instance_automated_backups")["DBInstanceAutomatedBackups"]
    assert [each["Status"] for each in active] == ["active"]
    delete(session)
    kept = session.call("rds", "describe_db_instance_automated_backups", DBInstanceIdentifier="db")[
        "DBInstanceAutomatedBackups"
    ]
    assert [each["Status"] for each in kept] == left
    for backup in kept:
        session.call("rds", "delete_db_instance_automated_backup", DbiResourceId=backup["DbiResourceId"])
    assert session.call("rds", "describe_db_instance_automated_backups")["DBInstanceAutomatedBackups"] == []


def test_a_replaced_database_leaves_a_snapshot(session: Session) -> None:
    deploy(session, database())
    assert deploy(session, database(DBInstanceIdentifier="other"), update=True) == "UPDATE_COMPLETE"
    assert physical_ids(session)["Database"] == "other"
    [snapshot] = session.call("rds", "describe_db_snapshots")["DBSnapshots"]
    assert snapshot["DBInstanceIdentifier"] == "db"


def test_a_replacement_under_the_same_name_is_refused(session: Session) -> None:
    deploy(session, database())
    assert deploy(session, database(KmsKeyId=f"{KEY}2"), update=True) == "UPDATE_ROLLBACK_COMPLETE"
    assert (
        "cannot update a stack when a custom-named resource requires replacing"
        in (reasons(session, "UPDATE_FAILED")["Database"])
    )
    assert described(session)["KmsKeyId"] == KEY


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"EngineVersion": "17.99"}, "Cannot find version 17.99 for postgres"),
        ({"DBInstanceClass": "db.t2.nano"}, "RDS does not support creating a DB instance with the following"),
    ],
)
def test_what_rds_does_not_offer_fails(session: Session, changed: dict[str, Any], words: str) -> None:
    assert deploy(session, database(**changed)) == "ROLLBACK_COMPLETE"
    assert words in reasons(session, "CREATE_FAILED")["Database"]


@pytest.mark.parametrize(
    ("arguments", "member", "value"),
    [
        ({"PubliclyAccessible": True}, "PubliclyAccessible", True),
        ({"BackupRetentionPeriod": 0}, "BackupRetentionPeriod", 0),
        ({"EnableIAMDatabaseAuthentication": False}, "IAMDatabaseAuthenticationEnabled", False),
        ({"CopyTagsToSnapshot": False}, "CopyTagsToSnapshot", False),
        ({"MonitoringInterval": 0}, "MonitoringInterval", 0),
        ({"AutoMinorVersionUpgrade": False}, "AutoMinorVersionUpgrade", False),
        ({"CACertificateIdentifier": "rds-ca-rsa2048-g1"}, "CACertificateIdentifier", "rds-ca-rsa2048-g1"),
        ({"CloudwatchLogsExportConfiguration": {"DisableLogTypes": ["postgresql"]}},
         "EnabledCloudwatchLogsExports", ["upgrade"]),
        ({"VpcSecurityGroupIds": ["sg-1"]}, "VpcSecurityGroups",
         [{"VpcSecurityGroupId": "sg-1", "Status": "active"}]),
        ({"MultiAZ": False}, "MultiAZ", True),
        ({"MultiAZ": False}, "PendingModifiedValues", {"MultiAZ": False}),
        ({"MultiAZ": False, "ApplyImmediately": True}, "MultiAZ", False),
        ({"DBParameterGroupName": "x"}, "DBParameterGroups",
         [{"DBParameterGroupName": "x", "ParameterApplyStatus": "pending-reboot"}]),
    ],
)  # fmt: skip
def test_changes_through_the_api_are_seen(session: Session, arguments: dict[str, Any], member: str, value: Any) -> None:
    deploy(session, database())
    session.call("rds", "modify_db_instance", DBInstanceIdentifier="db", **arguments)
    assert described(session)[member] == value


def test_parameters_tell_who_set_them_and_how_they_apply(session: Session) -> None:
    deploy(session, database())
    set_here = parameters(session, Source="user")
    assert {name: (each["ParameterValue"], each["ApplyType"], each["ApplyMethod"])
            for name, each in set_here.items()} == {
        "rds.force_ssl": ("1", "dynamic", "immediate"),
        "shared_preload_libraries": ("pgaudit", "static", "pending-reboot"),
    }  # fmt: skip
    everything = parameters(session)
    assert everything["log_statement"]["Source"] == "engine-default"
    assert "ParameterValue" not in everything["log_statement"]
    assert everything["log_line_prefix"]["Source"] == "system"


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [("shared_preload_libraries", "pg_cron", "pending-reboot"), ("rds.force_ssl", "0", "in-sync"),
     ("shared_preload_libraries", "pgaudit", "in-sync")],
)  # fmt: skip
def test_a_static_change_waits_for_a_reboot(session: Session, name: str, value: str, status: str) -> None:
    deploy(session, database())
    changed = {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "pending-reboot"}
    session.call("rds", "modify_db_parameter_group", DBParameterGroupName="group", Parameters=[changed])
    assert described(session)["DBParameterGroups"][0]["ParameterApplyStatus"] == status
    session.call("rds", "reboot_db_instance", DBInstanceIdentifier="db")
    assert described(session)["DBParameterGroups"][0]["ParameterApplyStatus"] == "in-sync"
    assert parameters(session)[name]["ParameterValue"] == value


def test_a_stacks_static_change_waits_too_and_a_dropped_one_is_reset(session: Session) -> None:
    deploy(session, database())
    fewer = {**GROUP, "Properties": {**GROUP["Properties"], "Parameters": {"rds.force_ssl": "1"}}}  # type: ignore[dict-item]
    assert deploy(session, {**database(), "Group": fewer}, update=True) == "UPDATE_COMPLETE"
    assert described(session)["DBParameterGroups"][0]["ParameterApplyStatus"] == "pending-reboot"
    assert list(parameters(session, Source="user")) == ["rds.force_ssl"]


def test_unknown_parameters_are_refused_by_stack_and_api(session: Session) -> None:
    strange = {"Parameters": {"no_such_parameter": "1"}}
    group = {**GROUP, "Properties": {**GROUP["Properties"], **strange}}  # type: ignore[dict-item]
    assert deploy(session, {"Group": group}) == "ROLLBACK_COMPLETE"
    assert "Could not find parameter with name: no_such_parameter" in reasons(session, "CREATE_FAILED")["Group"]
    session.call(
        "rds", "create_db_parameter_group", DBParameterGroupName="group", DBParameterGroupFamily="postgres17",
        Description="d",
    )  # fmt: skip
    with pytest.raises(AwsError, match="no_such_parameter"):
        session.call(
            "rds", "modify_db_parameter_group", DBParameterGroupName="group",
            Parameters=[{"ParameterName": "no_such_parameter", "ParameterValue": "1", "ApplyMethod": "immediate"}],
        )  # fmt: skip
    with pytest.raises(AwsError, match="not found: absent"):
        session.call("rds", "describe_db_parameters", DBParameterGroupName="absent")


def test_who_may_restore_a_snapshot(session: Session) -> None:
    deploy(session, database())
    session.call("rds", "create_db_snapshot", DBInstanceIdentifier="db", DBSnapshotIdentifier="snap")

    def restorers() -> list[str]:
        answer = session.call("rds", "describe_db_snapshot_attributes", DBSnapshotIdentifier="snap")
        [attribute] = answer["DBSnapshotAttributesResult"]["DBSnapshotAttributes"]
        values: list[str] = attribute["AttributeValues"]
        return values

    assert restorers() == []
    share = {"DBSnapshotIdentifier": "snap", "AttributeName": "restore"}
    session.call("rds", "modify_db_snapshot_attribute", **share, ValuesToAdd=["444455556666"])
    assert restorers() == ["444455556666"]
    with pytest.raises(AwsError, match="encrypted snapshots"):
        session.call("rds", "modify_db_snapshot_attribute", **share, ValuesToAdd=["all"])
    session.call("rds", "modify_db_snapshot_attribute", **share, ValuesToRemove=["444455556666"])
    assert restorers() == []
    with pytest.raises(AwsError, match="not found"):
        session.call("rds", "describe_db_snapshot_attributes", DBSnapshotIdentifier="absent")


def test_certificate_authorities(session: Session) -> None:
    found = session.call("rds", "describe_certificates")["Certificates"]
    assert {each["CertificateIdentifier"] for each in found} >= {"rds-ca-rsa2048-g1", "rds-ca-ecc384-g1"}


@pytest.mark.parametrize("version", ENGINE_VERSIONS)
def test_every_version_the_template_allows_is_offered(session: Session, version: str) -> None:
    [found] = session.call("rds", "describe_db_engine_versions", Engine="postgres", EngineVersion=version)[
        "DBEngineVersions"
    ]
    assert found["DBParameterGroupFamily"] == f"postgres{version.partition('.')[0]}"
    assert {"postgresql", "upgrade"} <= set(found["ExportableLogTypes"])
    options = session.pages(
        "rds", "describe_orderable_db_instance_options", "OrderableDBInstanceOptions",
        Engine="postgres", EngineVersion=version, Vpc=True,
    )  # fmt: skip
    gp3 = {each["DBInstanceClass"]: each for each in options if each["StorageType"] == "gp3"}
    assert set(INSTANCE_CLASSES) <= set(gp3)
    assert all(each["MultiAZCapable"] and each["SupportsStorageEncryption"] for each in gp3.values())


def test_offers_are_empty_for_what_is_not_offered(session: Session) -> None:
    assert session.call("rds", "describe_db_engine_versions", Engine="mysql")["DBEngineVersions"] == []
    assert session.call("rds", "describe_db_engine_versions", Engine="postgres", EngineVersion="9.6")[
        "DBEngineVersions"
    ] == []  # fmt: skip
    majors = session.call("rds", "describe_db_engine_versions", Engine="postgres", EngineVersion="16")
    assert {each["MajorEngineVersion"] for each in majors["DBEngineVersions"]} == {"16"}
    assert session.call(
        "rds", "describe_orderable_db_instance_options", Engine="postgres", DBInstanceClass="db.x1.32xlarge"
    )["OrderableDBInstanceOptions"] == []  # fmt: skip
    with pytest.raises(AwsError, match="Cannot find version"):
        session.call("rds", "describe_orderable_db_instance_options", Engine="postgres", EngineVersion="17.99")


@pytest.mark.parametrize(
    ("name", "value", "found"), [("db-instance-id", "db", 1), ("engine", "mysql", 0), ("engine", "postgres", 1)]
)
def test_instances_are_filtered(session: Session, name: str, value: str, found: int) -> None:
    deploy(session, database())
    wanted = [{"Name": name, "Values": [value]}]
    assert len(session.call("rds", "describe_db_instances", Filters=wanted)["DBInstances"]) == found
    with pytest.raises(AwsError, match="Unrecognized filter"):
        session.call("rds", "describe_db_instances", Filters=[{"Name": "no-such", "Values": ["x"]}])


def test_the_defaults_of_a_family_by_name(session: Session) -> None:
    def defaults(**arguments: Any) -> dict[str, Any]:
        operation, key = "describe_engine_default_parameters", "EngineDefaults.Parameters"
        found = session.pages("rds", operation, key, DBParameterGroupFamily="postgres17", **arguments)
        return {each["ParameterName"]: each for each in found}

    names = ["log_connections", "rds.force_ssl", "no_such_parameter"]
    chosen = defaults(Filters=[{"Name": "parameter-name", "Values": names}])
    assert chosen.keys() == {"log_connections", "rds.force_ssl"}
    assert {name: chosen["rds.force_ssl"].get(name) for name in ("AllowedValues", "DataType", "IsModifiable")} == {
        "AllowedValues": "0,1", "DataType": "boolean", "IsModifiable": True,
    }  # fmt: skip
    assert defaults(MaxRecords=20).keys() == defaults().keys() > chosen.keys()
    with pytest.raises(AwsError, match="not a valid parameter group family"):
        session.call("rds", "describe_engine_default_parameters", DBParameterGroupFamily="mysql8.0")
