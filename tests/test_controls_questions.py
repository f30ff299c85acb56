"""Single checks at their edges: what passes, what fails, what cannot be told and what is not asked."""

from __future__ import annotations

from typing import Any

import pytest

from controls_stacks import ACCOUNT, FAIL, KEY_REFERENCE, NOT_ASKED, PASS, UNKNOWN, about, ask, stack_of
from hipaa_pipeline.controls import judge, judge_defaults
from hipaa_pipeline.controls.backup import is_daily
from hipaa_pipeline.controls.literals import find_secrets
from hipaa_pipeline.controls.rds import POSTGRESQL_VERSIONS, VERSIONS_AS_OF, is_supported
from hipaa_pipeline.stack import unknown

INSTANCE = "AWS::RDS::DBInstance"
CLUSTER = "AWS::RDS::DBCluster"
GROUP = "AWS::RDS::DBParameterGroup"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (KEY_REFERENCE, PASS),
        ({"Fn::GetAtt": ["Key", "Arn"]}, PASS),
        ({"Ref": "KeyAlias"}, PASS),
        ("alias/own", PASS),
        ("arn:aws:kms:eu-west-1:111122223333:key/0a1b", PASS),
        ("arn:aws:kms:eu-west-1:111122223333:alias/aws/kinesis", FAIL),
        ("alias/aws/kinesis", FAIL),
        ("", FAIL),
        (None, FAIL),
        ({"Ref": "It"}, FAIL),
        (unknown("an export"), UNKNOWN),
    ],
)
def test_customer_keys(key: Any, expected: str) -> None:
    assert (
        ask("kinesis_customer_key", about("AWS::Kinesis::Stream", StreamEncryption={"KeyId": key})).status == expected
    )


@pytest.mark.parametrize(
    ("slug", "type_", "properties", "expected"),
    [
        ("rds_storage_encrypted", INSTANCE, {"StorageEncrypted": "True"}, PASS),
        ("rds_storage_encrypted", INSTANCE, {"Engine": "aurora-postgresql"}, NOT_ASKED),
        ("rds_storage_encrypted", INSTANCE, {"DBClusterIdentifier": "c"}, NOT_ASKED),
        ("rds_storage_encrypted", INSTANCE, {"SourceDBInstanceIdentifier": "a"}, NOT_ASKED),
        ("rds_storage_encrypted", INSTANCE, {"SourceDBInstanceIdentifier": "a", "StorageEncrypted": False}, FAIL),
        ("rds_storage_encrypted", INSTANCE, {"DBSnapshotIdentifier": "s"}, UNKNOWN),
        ("rds_storage_encrypted", INSTANCE, {"DBSnapshotIdentifier": "s", "StorageEncrypted": True}, PASS),
        ("rds_storage_encrypted", CLUSTER, {"Engine": "aurora-postgresql"}, FAIL),
        ("rds_storage_encrypted", CLUSTER, {"Engine": "aurora-postgresql", "StorageEncrypted": True}, PASS),
        ("rds_backup_retention", INSTANCE, {"BackupRetentionPeriod": "7"}, PASS),
        ("rds_backup_retention", INSTANCE, {"BackupRetentionPeriod": "seven"}, FAIL),
        ("rds_backup_retention", INSTANCE, {"BackupRetentionPeriod": unknown("denied")}, UNKNOWN),
        ("rds_multi_az", INSTANCE, {"DBClusterIdentifier": "c"}, NOT_ASKED),
        ("rds_log_exports", INSTANCE, {"Engine": "mysql", "EnableCloudwatchLogsExports": ["audit", "error"]}, PASS),
        ("rds_log_exports", INSTANCE, {"Engine": "mysql", "EnableCloudwatchLogsExports": ["error"]}, FAIL),
        ("rds_log_exports", INSTANCE, {"Engine": "sqlserver-ex", "EnableCloudwatchLogsExports": ["error"]}, PASS),
        ("rds_log_exports", INSTANCE, {"Engine": "db2-se"}, NOT_ASKED),
        ("rds_log_exports", CLUSTER, {"Engine": "aurora-postgresql"}, FAIL),
        ("rds_managed_password", INSTANCE, {"MasterUserPassword": "{{resolve:secretsmanager:a}}"}, FAIL),
        ("rds_managed_password", INSTANCE, {"SourceDBInstanceIdentifier": "a"}, NOT_ASKED),
        ("rds_insights_key", INSTANCE, {}, PASS),
        ("rds_insights_key", INSTANCE, {"EnablePerformanceInsights": "true"}, FAIL),
        ("rds_insights_key", INSTANCE, {"EnablePerformanceInsights": unknown("denied")}, UNKNOWN),
        ("rds_extended_support_off", INSTANCE, {"Engine": "oracle-ee"}, NOT_ASKED),
        ("rds_version_supported", INSTANCE, {"Engine": "mysql", "EngineVersion": "5.7"}, NOT_ASKED),
        ("rds_version_supported", INSTANCE, {"Engine": "Postgres", "EngineVersion": 16.1}, FAIL),
        ("rds_version_supported", INSTANCE, {"Engine": "postgres", "EngineVersion": "17"}, UNKNOWN),
        ("rds_version_supported", INSTANCE, {"Engine": "postgres", "EngineVersion": 17}, UNKNOWN),
        ("rds_version_supported", INSTANCE, {"Engine": "postgres", "EngineVersion": "13"}, FAIL),
        ("rds_version_supported", INSTANCE, {"Engine": "postgres"}, UNKNOWN),
        ("rds_parameter_group", INSTANCE, {"Engine": "postgres", "DBParameterGroupName": "shared"}, NOT_ASKED),
        ("rds_parameter_group", INSTANCE, {"Engine": "mysql"}, NOT_ASKED),
        ("rds_parameter_group", INSTANCE, {"Engine": "postgres", "DBParameterGroupName": {"Ref": "Key"}}, FAIL),
        ("rds_subnet_group", INSTANCE, {"DBSubnetGroupName": "default"}, FAIL),
        ("rds_subnet_group", INSTANCE, {"DBSubnetGroupName": "shared"}, PASS),
        ("rds_monitoring_role", INSTANCE, {"MonitoringRoleArn": "arn:aws:iam::1:role/a"}, NOT_ASKED),
        ("rds_monitoring_role", INSTANCE, {}, NOT_ASKED),
        ("rds_security_group", INSTANCE, {"VPCSecurityGroups": ["sg-0123"]}, NOT_ASKED),
        ("rds_security_group", INSTANCE, {"VPCSecurityGroups": []}, FAIL),
        ("rds_security_group", INSTANCE, {"VPCSecurityGroups": [unknown("an export")]}, UNKNOWN),
        ("rds_security_group", INSTANCE, {"VPCSecurityGroups": unknown("an export")}, UNKNOWN),
        ("rds_ingress", INSTANCE, {"VPCSecurityGroups": ["sg-0123"]}, NOT_ASKED),
        ("rds_ingress", INSTANCE, {"VPCSecurityGroups": [unknown("an export")]}, UNKNOWN),
        ("subnet_no_public_addresses", "AWS::EC2::Subnet", {}, PASS),
        ("subnet_no_public_addresses", "AWS::EC2::Subnet", {"AssignIpv6AddressOnCreation": "true"}, FAIL),
        ("subnet_no_public_addresses", "AWS::EC2::Subnet", {"AssignIpv6AddressOnCreation": unknown("x")}, UNKNOWN),
        ("rds_subnet_zones", "AWS::RDS::DBSubnetGroup", {"SubnetIds": ["subnet-1", "subnet-2"]}, NOT_ASKED),
        ("rds_subnets_private", "AWS::RDS::DBSubnetGroup", {"SubnetIds": ["subnet-1", "subnet-2"]}, NOT_ASKED),
        ("kms_key_deletion_window", "AWS::KMS::Key", {}, PASS),
        ("kms_key_deletion_window", "AWS::KMS::Key", {"PendingWindowInDays": unknown("denied")}, UNKNOWN),
        ("kinesis_retention", "AWS::Kinesis::Stream", {"RetentionPeriodHours": "8760"}, PASS),
        ("kms_key_account_control", "AWS::KMS::Key", {}, PASS),
        ("kms_key_account_control", "AWS::KMS::Key", {"KeyPolicy": {"Statement": []}}, FAIL),
        ("kms_key_account_control", "AWS::KMS::Key", {"KeyPolicy": unknown("denied")}, UNKNOWN),
        ("kms_key_service_condition", "AWS::KMS::Key", {}, NOT_ASKED),
        ("flow_log_encrypted", "AWS::EC2::FlowLog", {"LogDestinationType": "s3"}, NOT_ASKED),
        ("flow_log_role", "AWS::EC2::FlowLog", {"LogDestinationType": "s3"}, NOT_ASKED),
        ("flow_log_role", "AWS::EC2::FlowLog", {"DeliverLogsPermissionArn": "arn:aws:iam::1:role/a"}, NOT_ASKED),
        ("flow_log_encrypted", "AWS::EC2::FlowLog", {"LogGroupName": "shared"}, NOT_ASKED),
        ("vpc_endpoints_complete", "AWS::EC2::VPC", {}, NOT_ASKED),
        ("vpc_endpoint_private_dns", "AWS::EC2::VPCEndpoint", {}, NOT_ASKED),
        ("alarm_topic_key", "AWS::CloudWatch::Alarm", {"AlarmActions": ["arn:aws:sns:eu-west-1:1:t"]}, NOT_ASKED),
        ("alarm_topic_policy", "AWS::CloudWatch::Alarm", {}, NOT_ASKED),
        ("alarm_metric_exists", "AWS::CloudWatch::Alarm", {"Namespace": "AWS/Lambda", "MetricName": "X"}, NOT_ASKED),
        ("alarm_dimensions", "AWS::CloudWatch::Alarm", {"Dimensions": [{"Name": "QueueName", "Value": "s"}]},
         NOT_ASKED),
        ("alarm_dimensions", "AWS::CloudWatch::Alarm", {"Dimensions": [{"Name": "Other", "Value": "s"}]}, PASS),
        ("alarm_dimensions", "AWS::CloudWatch::Alarm", {"Namespace": "AWS/RDS"}, FAIL),
        ("log_group_key_policy", "AWS::Logs::LogGroup", {"KmsKeyId": "arn:aws:kms:eu-west-1:1:key/a"}, NOT_ASKED),
        ("log_group_key_policy", "AWS::Logs::LogGroup", {}, NOT_ASKED),
        ("log_group_retention", "AWS::Logs::LogGroup", {}, NOT_ASKED),
        ("log_group_retention", "AWS::Logs::LogGroup", {"RetentionInDays": 365}, PASS),
        ("backup_role", "AWS::Backup::BackupSelection", {"BackupSelection": {"IamRoleArn": "arn:aws:iam::1:role/a"}},
         NOT_ASKED),
        ("backup_vault_protected", "AWS::Backup::BackupVault", {"LockConfiguration": {"MinRetentionDays": "35"}}, PASS),
        ("backup_vault_protected", "AWS::Backup::BackupVault", {"LockConfiguration": {"MinRetentionDays": 34}}, FAIL),
        ("backup_vault_protected", "AWS::Backup::BackupVault", {"LockConfiguration": unknown("denied")}, UNKNOWN),
        ("backup_vault_protected", "AWS::Backup::BackupVault", {"AccessPolicy": {"Statement": [
            {"Effect": "Deny", "Principal": "*", "Action": "backup:*", "Resource": "*"}]}}, PASS),
        ("backup_vault_protected", "AWS::Backup::BackupVault", {"AccessPolicy": {"Statement": [
            {"Effect": "Deny", "Principal": "*", "Action": "backup:*", "Resource": "*",
             "Condition": unknown("an export")}]}}, UNKNOWN),
        ("backup_retention", "AWS::Backup::BackupPlan", {"BackupPlan": {"BackupPlanRule": [{}]}}, PASS),
        ("sns_subscription_tls", "AWS::SNS::Topic", {"Subscription": [{"Protocol": "http"}]}, FAIL),
        ("sns_subscription_tls", "AWS::SNS::Topic", {}, PASS),
        ("security_group_egress_named", "AWS::EC2::SecurityGroup", {"SecurityGroupEgress": []}, FAIL),
        ("security_group_not_open", "AWS::EC2::SecurityGroup", {}, PASS),
        ("security_group_ports", "AWS::EC2::SecurityGroup", {"SecurityGroupIngress": [
            {"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1}]}, PASS),
        ("iam_no_full_access_policies", "AWS::IAM::Role", {"ManagedPolicyArns": [
            "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup"]}, PASS),
        ("iam_no_full_access_policies", "AWS::IAM::Group", {"ManagedPolicyArns": [
            "arn:aws:iam::aws:policy/job-function/SystemAdministrator"]}, FAIL),
        ("iam_no_full_access_policies", "AWS::IAM::Role", {"ManagedPolicyArns": [unknown("a parameter")]}, UNKNOWN),
        ("secret_customer_key", "AWS::SecretsManager::Secret", {"Type": "SalesforceClientSecret"}, NOT_ASKED),
        ("lambda_not_public", "AWS::Lambda::Permission", {"Principal": ACCOUNT}, PASS),
        ("lambda_not_public", "AWS::Lambda::Permission", {"Principal": "*", "PrincipalOrgID": "o-1"}, PASS),
        ("s3_customer_key", "AWS::S3::Bucket", {"BucketEncryption": {"ServerSideEncryptionConfiguration": [
            {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]}}, FAIL),
        ("name_has_suffix", "AWS::SNS::Topic", {"TopicName": "alarms"}, NOT_ASKED),
    ],
)  # fmt: skip
def test_edges(slug: str, type_: str, properties: dict[str, Any], expected: str) -> None:
    assert ask(slug, about(type_, **properties)).status == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("203.0.113.7/32", PASS), ("10.0.0.0/8", PASS), ("172.16.0.0/12", PASS), ("pl-0123", PASS), ("fd00::/8", PASS),
        ("0.0.0.0/0", FAIL), ("0.0.0.0/1", FAIL), ("64.0.0.0/4", FAIL), ("::/0", FAIL), ("2000::/3", FAIL),
        (unknown("a parameter"), UNKNOWN),
    ],
)  # fmt: skip
def test_address_ranges_of_the_whole_internet(address: Any, expected: str) -> None:
    inline = about("AWS::EC2::SecurityGroup", SecurityGroupIngress=[{"CidrIp": address}])
    standing_alone = about("AWS::EC2::SecurityGroupIngress", CidrIpv6=address)
    assert ask("security_group_not_open", inline).status == expected
    assert ask("security_group_not_open", standing_alone).status == expected


def setting(slug: str, name: str, value: Any, family: str = "postgres17") -> str:
    parameters = {} if value is None else {name: value}
    return ask(slug, about(GROUP, Family=family, Parameters=parameters)).status


@pytest.mark.parametrize(
    ("slug", "name", "value", "expected"),
    [
        ("postgresql_tls_forced", "rds.force_ssl", 1, PASS),
        ("postgresql_tls_forced", "rds.force_ssl", True, PASS),
        ("postgresql_tls_forced", "rds.force_ssl", "On", PASS),
        ("postgresql_tls_version", "ssl_min_protocol_version", "TLSv1.3", PASS),
        ("postgresql_tls_version", "ssl_min_protocol_version", unknown("denied"), UNKNOWN),
        ("postgresql_connections_logged", "log_connections", "all", PASS),
        ("postgresql_connections_logged", "log_connections", "receipt,authentication,authorization", PASS),
        ("postgresql_connections_logged", "log_connections", "receipt, authentication", FAIL),
        ("postgresql_records_written", "log_min_messages", "LOG", PASS),
        ("postgresql_records_written", "log_min_messages", "warning", PASS),
        ("postgresql_records_written", "log_min_messages", None, PASS),
        ("postgresql_records_written", "log_min_messages", "FATAL", FAIL),
        ("postgresql_records_written", "log_min_messages", "loud", FAIL),
        ("postgresql_records_written", "log_min_messages", unknown("denied"), UNKNOWN),
        ("postgresql_error_messages_hidden", "log_min_messages", "fatal", PASS),
        ("postgresql_audit_library", "shared_preload_libraries", "pg_stat_statements, pgaudit", PASS),
        ("postgresql_audit_library", "shared_preload_libraries", "pgaudited", FAIL),
        ("postgresql_audit_classes", "pgaudit.log", "ALL", PASS),
        ("postgresql_audit_classes", "pgaudit.log", "all,-misc", PASS),
        ("postgresql_audit_classes", "pgaudit.log", "all,-role", FAIL),
        ("postgresql_audit_classes", "pgaudit.log", "read,write", FAIL),
        ("postgresql_audit_parameters_hidden", "pgaudit.log_parameter", None, PASS),
        ("postgresql_statements_hidden", "log_statement", None, PASS),
        ("postgresql_statements_hidden", "log_statement", "mod", FAIL),
        ("postgresql_slow_statements_hidden", "log_min_duration_statement", "0", FAIL),
        ("postgresql_error_statements_hidden", "log_min_error_statement", "FATAL", PASS),
        ("postgresql_error_details_hidden", "log_error_verbosity", None, FAIL),
        ("postgresql_bind_values_hidden", "log_parameter_max_length", None, FAIL),
        ("postgresql_error_bind_values_hidden", "log_parameter_max_length_on_error", None, PASS),
        ("postgresql_no_leaking_settings", "debug_print_plan", "off", PASS),
        ("postgresql_no_leaking_settings", "log_transaction_sample_rate", "1.0", FAIL),
        ("postgresql_no_leaking_settings", "auto_explain.log_min_duration", "-1", PASS),
        ("postgresql_idle_session_ends", "idle_session_timeout", 3600000, PASS),
        ("postgresql_idle_session_ends", "idle_session_timeout", 3600001, FAIL),
        ("postgresql_idle_session_ends", "idle_session_timeout", "15min", PASS),
        ("postgresql_idle_session_ends", "idle_session_timeout", "-1", FAIL),
        ("postgresql_idle_session_ends", "idle_session_timeout", "soon", FAIL),
    ],
)
def test_settings_of_postgresql(slug: str, name: str, value: Any, expected: str) -> None:
    assert setting(slug, name, value) == expected


@pytest.mark.parametrize(
    ("client", "level", "expected"),
    [
        (None, None, PASS),
        (None, "debug5", PASS),
        ("off", "debug5", PASS),
        ("1", None, PASS),
        ("1", "LOG", PASS),
        ("1", "warning", FAIL),
        (unknown("denied"), "warning", UNKNOWN),
        ("1", unknown("denied"), UNKNOWN),
    ],
)
def test_the_level_of_audit_records_counts_while_clients_see_them(client: Any, level: Any, expected: str) -> None:
    parameters = {"pgaudit.log_client": client, "pgaudit.log_level": level}
    assert ask("postgresql_audit_level", about(GROUP, Family="postgres17", Parameters=parameters)).status == expected


@pytest.mark.parametrize(
    ("family", "type_", "expected"),
    [
        ("postgres15", GROUP, FAIL),
        ("mysql8.0", GROUP, NOT_ASKED),
        ("aurora-postgresql16", GROUP, NOT_ASKED),
        ("aurora-postgresql16", "AWS::RDS::DBClusterParameterGroup", FAIL),
        ("aurora-mysql8.0", "AWS::RDS::DBClusterParameterGroup", NOT_ASKED),
    ],
)
def test_settings_are_asked_of_postgresql_only(family: str, type_: str, expected: str) -> None:
    assert ask("postgresql_tls_forced", about(type_, Family=family)).status == expected


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("17.11", True), ("17.5", True), ("17.4", False), ("17", False), ("14.18", True), ("14.17", False),
        ("13.23", False), ("13", False), ("18.6", True), ("9.6.24", False), ("17.5-rds.1", True), ("", False),
        ("seventeen", False), ("17.x", False), ("19.1", False),
    ],
)  # fmt: skip
def test_supported_versions(version: str, expected: bool) -> None:
    assert is_supported(version) is expected


def test_every_version_of_the_table_was_in_standard_support_on_its_date() -> None:
    assert [major for major, (_, end) in POSTGRESQL_VERSIONS.items() if end <= VERSIONS_AS_OF] == []
    assert list(POSTGRESQL_VERSIONS) == sorted(POSTGRESQL_VERSIONS)


def test_an_answer_about_a_version_says_until_when_it_holds() -> None:
    found = ask("rds_version_supported", about(INSTANCE, Engine="postgres", EngineVersion="17.11"))
    assert "17.5 or newer (until 2030-02-28)" in found.expected


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (None, True), ("cron(0 20 * * ? *)", True), ("cron(0 0/12 * * ? *)", True), ("cron(0 5 ? * * *)", True),
        ("cron(0 5 1/1 * ? *)", True), ("cron(0 5 ? * MON *)", False), ("cron(0 5 1 * ? *)", False),
        ("cron(0 5 * 1 ? *)", False), ("cron(0 5 * * ? 2027)", False), ("rate(1 day)", True),
        ("rate(24 hours)", True), ("rate(25 hours)", False), ("rate(2 days)", False), ("rate(60 minutes)", True),
        ("daily", False), (7, False),
    ],
)  # fmt: skip
def test_daily_schedules(schedule: Any, expected: bool) -> None:
    assert is_daily(schedule) is expected


RANDOM = "q7Xp2LsV9dRkT4mWzB8n" + "Yc3JfHg6AeUo1iQw5tNv"
PEM = "-----BEGIN RSA " + "PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"A": ["AKIA" + "ABCDEFGHIJKLMNOP"]}, [("A[0]", "a key, token or password")]),
        ({"A": "NOTAKIA" + "ABCDEFGHIJKLMNOP"}, []),
        ({"A": {"B": PEM}}, [("A.B", "a key, token or password")]),
        ({"A": "ghp_" + "a" * 36}, [("A", "a key, token or password")]),
        ({"A": "https://user:pass@example.com"}, [("A", "a key, token or password")]),
        ({"A": "https://example.com:8443/user@x"}, []),
        ({"A": "postgres://${User}:${Password}@host"}, []),
        ({"DbPassword": "x"}, [("DbPassword", "a value of DbPassword")]),
        ({"DB_PASSWORD": "****"}, []),
        ({"Password": ""}, []),
        ({"Password": "{{resolve:ssm-secure:name}}"}, []),
        ({"ClientSecret": "${Secret.Arn}"}, []),
        ({"ApiKey": "arn:aws:secretsmanager:eu-west-1:1:secret:a"}, []),
        ({"PasswordLength": "32"}, []),
        ({"password_encryption": "scram-sha-256"}, []),
        ({"ManageMasterUserPassword": "true"}, []),
        ({"Value": RANDOM}, [("Value", "a random text")]),
        ({"CodeSha256": RANDOM}, []),
        ({"A": "AmazonRDSEnhancedMonitoringRole2024Version3"}, []),
        ({"A": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"}, []),
        ({"A": "0123456789abcdef0123456789abcdef01234567"}, []),
        ({"A": {"Ref": "Secret"}, "B": 5, "C": None}, []),
    ],
)
def test_secrets(value: Any, expected: list[tuple[str, str]]) -> None:
    assert find_secrets(value) == expected


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        (
            {"DbPassword": {"Type": "String", "NoEcho": True, "Default": "changeme"}},
            ["the default of a NoEcho parameter"],
        ),
        ({"Any": {"Type": "String", "NoEcho": "true", "Default": "changeme"}}, ["the default of a NoEcho parameter"]),
        ({"DbPassword": {"Type": "String", "NoEcho": True}}, []),
        ({"DbPassword": {"Type": "String", "NoEcho": True, "Default": ""}}, []),
        ({"DbPassword": {"Type": "String", "Default": "changeme"}}, ["a value of DbPassword"]),
        ({"Size": {"Type": "Number", "Default": 20}, "Odd": None}, []),
    ],
)
def test_secrets_in_the_defaults_of_parameters(parameter: Any, expected: list[str]) -> None:
    findings = judge_defaults({"Parameters": parameter})
    assert [finding.actual for finding in findings] == expected
    assert {finding.property for finding in findings} <= {f"Parameters.{name}.Default" for name in parameter}
    assert "changeme" not in str(findings)


def test_a_finding_never_shows_the_secret() -> None:
    finding = ask("no_secret_in_property", about("AWS::Lambda::Function", Environment={"Password": "hunter2"}))
    assert finding.status == FAIL
    assert "hunter2" not in str(finding.as_dict())


@pytest.mark.parametrize(
    ("name", "suffix", "expected"),
    [
        ("healthcare-topic-prod", "prod", PASS),
        ("/aws/rds/instance/healthcare-database-prod/postgresql", "prod", PASS),
        ("healthcare-prod-postgres17", "prod", PASS),
        ("healthcare-reproduction", "prod", FAIL),
        ("healthcare-prod2", "prod", FAIL),
        ("healthcare-topic", "a.c", FAIL),
        (None, "prod", PASS),
        (unknown("an export"), "prod", UNKNOWN),
    ],
)
def test_suffixes_of_names(name: Any, suffix: str, expected: str) -> None:
    resources = about("AWS::SNS::Topic", **({} if name is None else {"TopicName": name}))
    assert ask("name_has_suffix", resources, EnvironmentSuffix=suffix).status == expected


@pytest.mark.parametrize(
    ("name", "parameters", "expected"),
    [
        ("app-prod", {}, FAIL),
        ("app-prod", {"Stage": "prod"}, PASS),
        ("app-prod", {"Stage": "my-prod-2"}, PASS),
        ("app-dev-prod", {"Stage": "prod"}, FAIL),
        ("app-products", {}, PASS),
        ("app", {"Stage": "prod"}, PASS),
    ],
)
def test_environments_in_names(name: str, parameters: dict[str, str], expected: str) -> None:
    assert ask("name_without_environment", about("AWS::SNS::Topic", TopicName=name), **parameters).status == expected


ROUTE_TABLE = {
    "Subnet": {"Type": "AWS::EC2::Subnet"},
    "Table": {"Type": "AWS::EC2::RouteTable"},
    "Association": {
        "Type": "AWS::EC2::SubnetRouteTableAssociation",
        "Properties": {"SubnetId": {"Ref": "Subnet"}, "RouteTableId": {"Ref": "Table"}},
    },
    "It": {"Type": "AWS::RDS::DBSubnetGroup", "Properties": {"SubnetIds": [{"Ref": "Subnet"}]}},
}


@pytest.mark.parametrize(
    ("route", "private", "no_way_out"),
    [
        ({"GatewayId": "igw-0123"}, FAIL, PASS),
        ({"GatewayId": "vgw-0123"}, PASS, PASS),
        ({"NatGatewayId": {"Ref": "Nat"}}, PASS, FAIL),
        ({"TransitGatewayId": "tgw-1"}, PASS, PASS),
        ({"GatewayId": unknown("denied")}, UNKNOWN, UNKNOWN),
    ],
)
def test_routes_out_of_a_subnet_group(route: dict[str, Any], private: str, no_way_out: str) -> None:
    properties = {"RouteTableId": {"Ref": "Table"}, "DestinationCidrBlock": "0.0.0.0/0", **route}
    resources = {**ROUTE_TABLE, "Route": {"Type": "AWS::EC2::Route", "Properties": properties}}
    assert ask("rds_subnets_private", resources).status == private
    assert ask("rds_subnets_no_way_out", resources).status == no_way_out


@pytest.mark.parametrize(
    ("resource", "properties", "expected"),
    [
        ("It", {"SubnetIds": unknown("rds:DescribeDBSubnetGroups: denied")}, UNKNOWN),
        ("It", {"SubnetIds": [{"Ref": "Subnet"}, unknown("an export")]}, UNKNOWN),
        ("It", {"SubnetIds": ["subnet-1"]}, NOT_ASKED),
        ("It", {"SubnetIds": []}, PASS),
        ("Association", {"SubnetId": unknown("denied"), "RouteTableId": {"Ref": "Table"}}, UNKNOWN),
        ("Association", {"SubnetId": {"Ref": "Subnet"}, "RouteTableId": unknown("denied")}, UNKNOWN),
        ("Route", {"RouteTableId": unknown("denied"), "GatewayId": unknown("denied")}, UNKNOWN),
    ],
)
def test_what_hides_the_routes_of_a_subnet_group(resource: str, properties: dict[str, Any], expected: str) -> None:
    types = {"It": "AWS::RDS::DBSubnetGroup", "Association": "AWS::EC2::SubnetRouteTableAssociation"}
    changed = {"Type": types.get(resource, "AWS::EC2::Route"), "Properties": properties}
    assert ask("rds_subnets_private", {**ROUTE_TABLE, resource: changed}).status == expected
    assert ask("rds_subnets_no_way_out", {**ROUTE_TABLE, resource: changed}).status == expected


def test_subnets_of_which_some_are_handed_in_are_judged_as_far_as_they_are_known() -> None:
    group = {"Type": "AWS::RDS::DBSubnetGroup", "Properties": {"SubnetIds": ["subnet-1", {"Ref": "Subnet"}]}}
    found = judge(stack_of({**ROUTE_TABLE, "It": group}))
    assert [(one.status, one.actual) for one in found if one.control == "rds_subnets_private"] == [
        (NOT_ASKED, ["subnet-1"]),
        (PASS, ["Subnet"]),
    ]


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"EnableDnsHostnames": True}, {PASS}),
        ({"EnableDnsHostnames": "true", "EnableDnsSupport": "true"}, {PASS}),
        ({}, {PASS, FAIL}),
        ({"EnableDnsHostnames": True, "EnableDnsSupport": False}, {PASS, FAIL}),
        ({"EnableDnsHostnames": unknown("denied")}, {PASS, UNKNOWN}),
    ],
)
def test_names_in_a_vpc_with_endpoints(properties: dict[str, Any], expected: set[str]) -> None:
    vpc = {"Type": "AWS::EC2::VPC", "Properties": properties}
    endpoint = {"Type": "AWS::EC2::VPCEndpoint", "Properties": {"VpcId": {"Ref": "It"}}}
    found = [one for one in judge(stack_of({"It": vpc, "Endpoint": endpoint})) if one.resource == "It"]
    assert {one.status for one in found if one.control == "vpc_endpoint_private_dns"} == expected
    alone = [one for one in judge(stack_of({"It": vpc})) if one.control == "vpc_endpoint_private_dns"]
    assert {one.status for one in alone} == {NOT_ASKED}


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({"Resources": [{"Fn::GetAtt": ["It", "DBInstanceArn"]}]}, PASS),
        ({"Resources": ["*"]}, PASS),
        ({"Resources": ["arn:aws:rds:*:*:db:*"]}, PASS),
        ({"Resources": ["arn:aws:rds:*:*:db:other"]}, FAIL),
        ({"Resources": [unknown("an export")]}, UNKNOWN),
        (unknown("denied"), UNKNOWN),
        ({"Resources": unknown("an export")}, UNKNOWN),
        (
            {"ListOfTags": [{"ConditionType": "STRINGEQUALS", "ConditionKey": "backup", "ConditionValue": "daily"}]},
            PASS,
        ),
        ({"ListOfTags": [{"ConditionType": "STRINGEQUALS", "ConditionKey": "backup", "ConditionValue": "no"}]}, FAIL),
        ({"Resources": ["*"], "NotResources": ["arn:aws:rds:*:*:db:mine"]}, FAIL),
    ],
)
def test_selections_for_backup(selection: Any, expected: str) -> None:
    resources = {
        "It": {
            "Type": INSTANCE,
            "Properties": {"DBInstanceIdentifier": "mine", "Tags": [{"Key": "backup", "Value": "daily"}]},
        },
        "Selection": {"Type": "AWS::Backup::BackupSelection", "Properties": {"BackupSelection": selection}},
    }
    assert ask("rds_in_backup_plan", resources).status == expected


@pytest.mark.parametrize("slug", ["vpc_endpoint_private_dns", "vpc_endpoint_security_group", "vpc_endpoint_zones"])
@pytest.mark.parametrize(("kind", "expected"), [("Gateway", NOT_ASKED), ("", NOT_ASKED), (unknown("denied"), UNKNOWN)])
def test_what_is_asked_of_interface_endpoints_only(slug: str, kind: Any, expected: str) -> None:
    """Without a kind an endpoint is a gateway; of an unknown kind nothing passes and nothing is excused."""
    resources = about("AWS::EC2::VPCEndpoint", ServiceName="com.amazonaws.ap-southeast-1.s3", VpcEndpointType=kind)
    assert ask(slug, resources).status == expected
