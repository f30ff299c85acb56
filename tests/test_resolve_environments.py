"""The resolved `prod` and `dev` stacks, property by property: what each environment is promised to be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from hipaa_pipeline.configuration import TEMPLATE_PATH, load_environment
from hipaa_pipeline.resolve import compile_template
from hipaa_pipeline.source import load_template
from hipaa_pipeline.stack import Resource, Stack, references

REGION = "ap-southeast-1"
ACCOUNT = "111122223333"
KEY_ARN = {"Fn::GetAtt": ["Key", "Arn"]}
SUBNETS = [{"Ref": "PrivateSubnetA"}, {"Ref": "PrivateSubnetB"}]
TOPIC = [{"Ref": "AlarmTopic"}]
ALL = ("prod", "dev")


@cache
def stack(environment: str) -> Stack:
    chosen = load_environment(environment)
    resolver = compile_template(load_template(TEMPLATE_PATH))
    return resolver.resolve(chosen.parameters, region=REGION, account_id=ACCOUNT, stack_name=chosen.stack_name)


def group(logical_id: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [logical_id, "GroupId"]}


# What both environments have; `${env}` stands for the environment.
COMMON: list[tuple[str, str, Any]] = [
    ("Key", "EnableKeyRotation", True),
    ("KeyAlias", "AliasName", "alias/healthcare-key-${env}"),
    ("KeyAlias", "TargetKeyId", {"Ref": "Key"}),
    ("Vpc", "CidrBlock", "10.20.0.0/16"),
    ("Vpc", "EnableDnsHostnames", True),
    ("Vpc", "EnableDnsSupport", True),
    ("PrivateSubnetA", "CidrBlock", "10.20.0.0/24"),
    ("PrivateSubnetA", "AvailabilityZone", "ap-southeast-1a"),
    ("PrivateSubnetA", "MapPublicIpOnLaunch", False),
    ("PrivateSubnetB", "CidrBlock", "10.20.1.0/24"),
    ("PrivateSubnetB", "AvailabilityZone", "ap-southeast-1b"),
    ("PrivateSubnetB", "MapPublicIpOnLaunch", False),
    ("FlowLog", "ResourceId", {"Ref": "Vpc"}),
    ("FlowLog", "TrafficType", "ALL"),
    ("FlowLog", "LogGroupName", {"Ref": "FlowLogGroup"}),
    ("FlowLog", "DeliverLogsPermissionArn", {"Fn::GetAtt": ["FlowLogRole", "Arn"]}),
    ("DatabaseIngress", "GroupId", group("DatabaseSecurityGroup")),
    ("DatabaseIngress", "SourceSecurityGroupId", group("WorkloadSecurityGroup")),
    ("DatabaseIngress", "IpProtocol", "tcp"),
    ("DatabaseIngress", "FromPort", 5432),
    ("DatabaseIngress", "ToPort", 5432),
    ("DatabaseSubnetGroup", "SubnetIds", SUBNETS),
    ("Database", "DBInstanceIdentifier", "healthcare-database-${env}"),
    ("Database", "Engine", "postgres"),
    ("Database", "StorageType", "gp3"),
    ("Database", "StorageEncrypted", True),
    ("Database", "KmsKeyId", KEY_ARN),
    ("Database", "PubliclyAccessible", False),
    ("Database", "DBSubnetGroupName", {"Ref": "DatabaseSubnetGroup"}),
    ("Database", "VPCSecurityGroups", [group("DatabaseSecurityGroup")]),
    ("Database", "DBParameterGroupName", {"Ref": "DatabaseParameterGroup"}),
    ("Database", "CACertificateIdentifier", "rds-ca-rsa2048-g1"),
    ("Database", "ManageMasterUserPassword", True),
    ("Database", "MasterUserSecret.KmsKeyId", KEY_ARN),
    ("Database", "MasterUserPassword", None),
    ("Database", "EnableIAMDatabaseAuthentication", True),
    ("Database", "EnableCloudwatchLogsExports", ["postgresql", "upgrade"]),
    ("Database", "MonitoringInterval", 60),
    ("Database", "MonitoringRoleArn", {"Fn::GetAtt": ["MonitoringRole", "Arn"]}),
    ("Database", "EnablePerformanceInsights", True),
    ("Database", "PerformanceInsightsKMSKeyId", KEY_ARN),
    ("Database", "CopyTagsToSnapshot", True),
    ("Database", "AutoMinorVersionUpgrade", True),
    ("Database", "EngineLifecycleSupport", "open-source-rds-extended-support-disabled"),
    ("PostgresqlLogGroup", "LogGroupName", "/aws/rds/instance/healthcare-database-${env}/postgresql"),
    ("UpgradeLogGroup", "LogGroupName", "/aws/rds/instance/healthcare-database-${env}/upgrade"),
    ("RecordStream", "Name", "healthcare-record-stream-${env}"),
    ("RecordStream", "RetentionPeriodHours", 168),
    ("RecordStream", "StreamModeDetails.StreamMode", "PROVISIONED"),
    ("RecordStream", "StreamEncryption.EncryptionType", "KMS"),
    ("RecordStream", "StreamEncryption.KeyId", KEY_ARN),
    ("FailedLoginMetric", "LogGroupName", {"Ref": "PostgresqlLogGroup"}),
    ("AlarmTopic", "KmsMasterKeyId", {"Ref": "Key"}),
    ("AlarmTopicPolicy", "Topics", [{"Ref": "AlarmTopic"}]),
    ("IteratorAgeAlarm", "Threshold", 60000),
    ("IteratorAgeAlarm", "MetricName", "GetRecords.IteratorAgeMilliseconds"),
    ("CpuAlarm", "Threshold", 80),
    ("CpuAlarm", "MetricName", "CPUUtilization"),
    ("FreeStorageAlarm", "MetricName", "FreeStorageSpace"),
    ("ConnectionsAlarm", "MetricName", "DatabaseConnections"),
    ("FreeableMemoryAlarm", "MetricName", "FreeableMemory"),
    ("ReadThrottledAlarm", "MetricName", "ReadProvisionedThroughputExceeded"),
    ("WriteThrottledAlarm", "MetricName", "WriteProvisionedThroughputExceeded"),
    ("FailedLoginAlarm", "MetricName", "FailedLogins"),
]

# What they differ in: prod, dev. The figures of dev are those of the first attempt.
DIFFERENT: list[tuple[str, str, Any, Any]] = [
    ("Key", "PendingWindowInDays", 30, 10),
    ("Database", "EngineVersion", "17.11", "15.19"),
    ("Database", "DBInstanceClass", "db.m7g.large", "db.t3.small"),
    ("Database", "AllocatedStorage", 100, 20),
    ("Database", "MultiAZ", "true", "false"),
    ("Database", "BackupRetentionPeriod", 35, 7),
    ("Database", "DeletionProtection", "true", "false"),
    ("Database", "DeleteAutomatedBackups", False, True),
    ("DatabaseParameterGroup", "Family", "postgres17", "postgres15"),
    ("RecordStream", "ShardCount", 2, 1),
    ("AuditLogGroup", "RetentionInDays", "2192", "90"),
    ("FlowLogGroup", "RetentionInDays", "2192", "90"),
    ("PostgresqlLogGroup", "RetentionInDays", "2192", "90"),
    ("UpgradeLogGroup", "RetentionInDays", "2192", "90"),
    ("FreeStorageAlarm", "Threshold", 20 * 1024**3, 5 * 1024**3),
    ("ConnectionsAlarm", "Threshold", 400, 100),
    ("FreeableMemoryAlarm", "Threshold", 512 * 1024**2, 256 * 1024**2),
]

# The parameter group: TLS only, who connected, no PHI in the logs.
SETTINGS = {
    "rds.force_ssl": "1",
    "ssl_min_protocol_version": "TLSv1.2",
    "password_encryption": "scram-sha-256",
    "rds.accepted_password_auth_method": "scram",
    "idle_session_timeout": 900000,
    "idle_in_transaction_session_timeout": 900000,
    "log_connections": "1",
    "log_disconnections": "1",
    "shared_preload_libraries": "pgaudit,pg_stat_statements",
    "pgaudit.log": "ddl,role",
    "pgaudit.log_parameter": "0",
    "pgaudit.log_statement": "0",
    "log_error_verbosity": "terse",
    "log_min_duration_statement": "-1",
    "log_min_error_statement": "panic",
    "log_min_messages": "log",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_statement": "none",
}

ENDPOINTS = {
    "KinesisEndpoint": "kinesis-streams",
    "KmsEndpoint": "kms",
    "LogsEndpoint": "logs",
    "MonitoringEndpoint": "monitoring",
    "SecretsManagerEndpoint": "secretsmanager",
    "StsEndpoint": "sts",
}
BACKUP = {"BackupVault", "BackupPlan", "BackupRole", "BackupSelection"}


@pytest.mark.parametrize("environment", ALL)
@pytest.mark.parametrize(("logical_id", "path", "value"), COMMON)
def test_what_both_have(environment: str, logical_id: str, path: str, value: Any) -> None:
    expected = value.replace("${env}", environment) if isinstance(value, str) else value
    assert stack(environment).resources[logical_id].get(path) == expected


@pytest.mark.parametrize(("logical_id", "path", "prod", "dev"), DIFFERENT)
def test_what_they_differ_in(logical_id: str, path: str, prod: Any, dev: Any) -> None:
    assert [stack(environment).resources[logical_id].get(path) for environment in ALL] == [prod, dev]


@pytest.mark.parametrize("environment", ALL)
def test_parameter_group(environment: str) -> None:
    assert stack(environment).resources["DatabaseParameterGroup"].get("Parameters") == SETTINGS


@pytest.mark.parametrize("environment", ALL)
def test_data_survives_replacement_and_goes_only_with_its_stack(environment: str) -> None:
    kept = {
        each.logical_id: (each.attributes.get("DeletionPolicy"), each.attributes.get("UpdateReplacePolicy"))
        for each in stack(environment).of_type(
            "AWS::KMS::Key", "AWS::RDS::DBInstance", "AWS::Kinesis::Stream", "AWS::Logs::LogGroup"
        )
    }
    assert kept == {
        "Key": ("Delete", "Retain"),
        "FlowLogGroup": ("Delete", "Retain"),
        "PostgresqlLogGroup": ("Delete", "Retain"),
        "UpgradeLogGroup": ("Delete", "Retain"),
        "Database": ("Delete", "Snapshot"),
        "RecordStream": ("Delete", "Retain"),
        "AuditLogGroup": ("Delete", "Retain"),
    }


@pytest.mark.parametrize("environment", ALL)
def test_rds_finds_its_log_groups_already_made(environment: str) -> None:
    """Otherwise RDS would make them itself, without key and retention."""
    depended = stack(environment).resources["Database"].attributes["DependsOn"]
    assert {"PostgresqlLogGroup", "UpgradeLogGroup"} <= set(depended)


@pytest.mark.parametrize("environment", ALL)
def test_every_log_group_is_encrypted_with_the_key(environment: str) -> None:
    groups = stack(environment).of_type("AWS::Logs::LogGroup")
    assert [each.get("KmsKeyId") for each in groups] == [KEY_ARN] * 4


@pytest.mark.parametrize("environment", ALL)
def test_key_policy_admits_only_what_it_names(environment: str) -> None:
    statements = {each["Sid"]: each for each in stack(environment).resources["Key"].get("KeyPolicy.Statement")}
    logs = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group"
    assert {sid: (each["Effect"], each["Principal"]) for sid, each in statements.items()} == {
        "AccountAdministersKey": ("Allow", {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}),
        "LogsEncryptOwnGroups": ("Allow", {"Service": f"logs.{REGION}.amazonaws.com"}),
        "AlarmsReachEncryptedTopic": ("Allow", {"Service": "cloudwatch.amazonaws.com"}),
        "GrantsOnlyForAwsServices": ("Deny", {"AWS": "*"}),
    }
    assert statements["LogsEncryptOwnGroups"]["Condition"] == {
        "ArnLike": {
            "kms:EncryptionContext:aws:logs:arn": [
                f"{logs}:healthcare-*-{environment}",
                f"{logs}:/aws/rds/instance/healthcare-database-{environment}/*",
            ]
        }
    }
    assert statements["AlarmsReachEncryptedTopic"]["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:healthcare-*-{environment}"},
    }
    assert statements["GrantsOnlyForAwsServices"]["Action"] == ["kms:CreateGrant"]
    assert statements["GrantsOnlyForAwsServices"]["Condition"] == {
        "BoolIfExists": {"kms:GrantIsForAWSResource": False, "aws:PrincipalIsAWSService": False}
    }


@pytest.mark.parametrize("environment", ALL)
def test_network_has_no_way_to_the_internet(environment: str) -> None:
    resolved = stack(environment)
    assert resolved.of_type("AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::Route") == ()
    associated = resolved.of_type("AWS::EC2::SubnetRouteTableAssociation")
    assert [(each.get("SubnetId"), each.get("RouteTableId")) for each in associated] == [
        (subnet, {"Ref": "PrivateRouteTable"}) for subnet in SUBNETS
    ]


@pytest.mark.parametrize("environment", ALL)
def test_every_security_group_rule_is_explicit_and_described(environment: str) -> None:
    resolved = stack(environment)
    for each in resolved.of_type("AWS::EC2::SecurityGroup"):
        assert each.get("SecurityGroupIngress") is None
        assert each.get("SecurityGroupEgress")
    rules = list(_rules(resolved))
    assert [rule for rule in rules if not rule.get("Description")] == []
    assert [rule for rule in rules if rule.get("CidrIp") == "0.0.0.0/0" or rule["IpProtocol"] == "-1"] == []


def _rules(resolved: Stack) -> Iterator[dict[str, Any]]:
    yield from (dict(each.properties) for each in resolved.of_type("AWS::EC2::SecurityGroupIngress"))
    for each in resolved.of_type("AWS::EC2::SecurityGroup"):
        yield from each.get("SecurityGroupEgress")


def test_prod_has_private_endpoints_limited_to_the_account() -> None:
    resources = stack("prod").resources
    for logical_id, service in ENDPOINTS.items():
        endpoint = resources[logical_id]
        assert endpoint.get("VpcEndpointType") == "Interface"
        assert endpoint.get("ServiceName") == f"com.amazonaws.{REGION}.{service}"
        assert endpoint.get("SubnetIds") == SUBNETS
        assert endpoint.get("SecurityGroupIds") == [group("EndpointSecurityGroup")]
        assert endpoint.get("PrivateDnsEnabled") is True
    assert resources["S3Endpoint"].get("VpcEndpointType") == "Gateway"
    assert resources["S3Endpoint"].get("RouteTableIds") == [{"Ref": "PrivateRouteTable"}]
    for endpoint in stack("prod").of_type("AWS::EC2::VPCEndpoint"):
        for statement in endpoint.get("PolicyDocument.Statement"):
            assert statement["Condition"]["StringEquals"]["aws:PrincipalAccount"] == ACCOUNT
    assert resources["EndpointIngress"].get("SourceSecurityGroupId") == group("WorkloadSecurityGroup")
    assert (resources["EndpointIngress"].get("FromPort"), resources["EndpointIngress"].get("ToPort")) == (443, 443)


def test_dev_pays_for_no_endpoint_and_no_backup_plan() -> None:
    assert stack("dev").of_type("AWS::EC2::VPCEndpoint") == ()
    assert stack("prod").resources.keys() - stack("dev").resources.keys() == {
        *ENDPOINTS,
        *BACKUP,
        "S3Endpoint",
        "EndpointSecurityGroup",
        "EndpointIngress",
        "AlarmEmailSubscription",
    }


def test_prod_tells_an_address_of_its_alarms() -> None:
    subscription = stack("prod").resources["AlarmEmailSubscription"]
    assert subscription.get("TopicArn") == {"Ref": "AlarmTopic"}
    assert (subscription.get("Protocol"), subscription.get("Endpoint")) == ("email", "security@example.com")


def test_prod_is_backed_up_apart_from_the_database() -> None:
    resources = stack("prod").resources
    (rule,) = resources["BackupPlan"].get("BackupPlan.BackupPlanRule")
    assert rule["TargetBackupVault"] == {"Ref": "BackupVault"}
    assert rule["Lifecycle"] == {"DeleteAfterDays": 365}
    assert resources["BackupVault"].get("EncryptionKeyArn") == KEY_ARN
    assert resources["BackupSelection"].get("BackupPlanId") == {"Ref": "BackupPlan"}
    assert resources["BackupSelection"].get("BackupSelection.Resources") == [
        {"Fn::GetAtt": ["Database", "DBInstanceArn"]}
    ]


@pytest.mark.parametrize("environment", ALL)
def test_every_alarm_looks_at_the_stack_and_tells_every_state(environment: str) -> None:
    alarms = stack(environment).of_type("AWS::CloudWatch::Alarm")
    assert {each.logical_id: _looks_at(each) for each in alarms} == {
        "IteratorAgeAlarm": ["RecordStream"],
        "ReadThrottledAlarm": ["RecordStream"],
        "WriteThrottledAlarm": ["RecordStream"],
        "CpuAlarm": ["Database"],
        "FreeStorageAlarm": ["Database"],
        "ConnectionsAlarm": ["Database"],
        "FreeableMemoryAlarm": ["Database"],
        "FailedLoginAlarm": [],
    }
    for alarm in alarms:
        never_lacks_data = alarm.get("TreatMissingData") == "notBreaching"
        for actions in ("AlarmActions", "OKActions", *([] if never_lacks_data else ["InsufficientDataActions"])):
            assert alarm.get(actions) == TOPIC


def _looks_at(alarm: Resource) -> list[str]:
    return list(references(alarm.get("Dimensions")))


@pytest.mark.parametrize("environment", ALL)
def test_failed_logins_are_counted_where_the_alarm_looks(environment: str) -> None:
    resources = stack(environment).resources
    (counted,) = resources["FailedLoginMetric"].get("MetricTransformations")
    alarm = resources["FailedLoginAlarm"]
    assert (counted["MetricNamespace"], counted["MetricName"]) == (alarm.get("Namespace"), alarm.get("MetricName"))


@pytest.mark.parametrize("environment", ALL)
def test_topic_admits_only_alarms_of_this_account_over_tls(environment: str) -> None:
    allowed, denied = stack(environment).resources["AlarmTopicPolicy"].get("PolicyDocument.Statement")
    assert (allowed["Effect"], allowed["Principal"]) == ("Allow", {"Service": "cloudwatch.amazonaws.com"})
    assert allowed["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
    assert (denied["Effect"], denied["Principal"]) == ("Deny", {"AWS": "*"})
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": False}}


@pytest.mark.parametrize("environment", ALL)
def test_each_policy_grants_on_the_arn_that_supports_it(environment: str) -> None:
    policies = {each.logical_id: each for each in stack(environment).of_type("AWS::IAM::ManagedPolicy")}
    stream = {"Fn::GetAtt": ["RecordStream", "Arn"]}
    assert _granted(policies["ProducerPolicy"]) == {"PutRecords": [stream], "EncryptRecords": [KEY_ARN]}
    assert _granted(policies["ConsumerPolicy"]) == {
        "GetRecords": [stream],
        "EnhancedFanOut": [{"Fn::Sub": "${RecordStream.Arn}/consumer/*"}],
        "DecryptRecords": [KEY_ARN],
    }
    assert _granted(policies["AuditLogWriterPolicy"]) == {"WriteAuditLog": [{"Fn::GetAtt": ["AuditLogGroup", "Arn"]}]}
    user = f"arn:aws:rds-db:{REGION}:{ACCOUNT}:dbuser:${{Database.DbiResourceId}}/pipeline_app"
    assert _granted(policies["DatabaseLoginPolicy"]) == {"LogInByToken": [{"Fn::Sub": user}]}


def _granted(policy: Resource) -> dict[str, Any]:
    return {each["Sid"]: each["Resource"] for each in policy.get("PolicyDocument.Statement")}


@pytest.mark.parametrize("environment", ALL)
def test_service_roles_trust_their_service_for_this_account_only(environment: str) -> None:
    trusts = {
        each.logical_id: each.get("AssumeRolePolicyDocument.Statement")[0]
        for each in stack(environment).of_type("AWS::IAM::Role")
    }
    services = {
        "FlowLogRole": "vpc-flow-logs.amazonaws.com",
        "MonitoringRole": "monitoring.rds.amazonaws.com",
        "ProcessorRole": "lambda.amazonaws.com",
        **({"BackupRole": "backup.amazonaws.com"} if environment == "prod" else {}),
    }
    assert {role: each["Principal"] for role, each in trusts.items()} == {
        role: {"Service": service} for role, service in services.items()
    }
    for role in services.keys() - {"ProcessorRole"}:  # Lambda and EC2 send no account to compare
        assert trusts[role]["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}


@pytest.mark.parametrize("environment", ALL)
def test_outputs_are_exported_with_the_suffix(environment: str) -> None:
    outputs = stack(environment).outputs
    for name, each in outputs.items():
        slug = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()
        assert each["Export"] == {"Name": f"healthcare-{slug}-{environment}"}
    assert outputs["KeyArn"]["Value"] == KEY_ARN
    assert outputs["StreamArn"]["Value"] == {"Fn::GetAtt": ["RecordStream", "Arn"]}
    assert outputs["DatabaseEndpoint"]["Value"] == {"Fn::GetAtt": ["Database", "Endpoint.Address"]}
    assert outputs["DatabaseMasterSecretArn"]["Value"] == {"Fn::GetAtt": ["Database", "MasterUserSecret.SecretArn"]}


@pytest.mark.parametrize("environment", ALL)
def test_nothing_is_left_open(environment: str) -> None:
    resolved = stack(environment)
    assert resolved.unresolved == {}
    assert set(references([resolved.outputs, resolved.as_dict()["resources"]])) <= resolved.resources.keys()
    assert resolved.conditions["IsProtected"] is (environment == "prod")
