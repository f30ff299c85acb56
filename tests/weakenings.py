"""Safeguards weakened behind the stack's back, each through the service API that an insider would use.

Each names the control that must find it, and the resource. None undoes another, so that all may be done to one stack.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any

from hipaa_pipeline.aws.session import Session

OTHER_ACCOUNT = "999999999999"
Ids = Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Weakening:
    """What is done, and who must notice: `control` about `resource`."""

    name: str
    control: str
    resource: str
    weaken: Callable[[Session, Ids], Any]


def _policy(*principals: Any, action: str = "kms:*", resource: str = "*") -> str:
    statements = [
        {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource} for principal in principals
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _key_policy(session: Session, ids: Ids, *more: Mapping[str, Any]) -> None:
    answer = session.call("kms", "get_key_policy", KeyId=ids["Key"], PolicyName="default")
    policy = json.loads(answer["Policy"])
    policy["Statement"].extend(more)
    session.call("kms", "put_key_policy", KeyId=ids["Key"], PolicyName="default", Policy=json.dumps(policy))


def _decrypt(principal: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "kms:Decrypt", "Resource": "*"}


def _database(**changes: Any) -> Callable[[Session, Ids], Any]:
    return lambda session, ids: session.call(
        "rds", "modify_db_instance", DBInstanceIdentifier=ids["Database"], ApplyImmediately=True, **changes
    )


def _parameter(name: str, value: str) -> Callable[[Session, Ids], Any]:
    return lambda session, ids: session.call(
        "rds",
        "modify_db_parameter_group",
        DBParameterGroupName=ids["DatabaseParameterGroup"],
        Parameters=[{"ParameterName": name, "ParameterValue": value, "ApplyMethod": "pending-reboot"}],
    )


def _reset_parameter(session: Session, ids: Ids) -> None:
    session.call(
        "rds",
        "reset_db_parameter_group",
        DBParameterGroupName=ids["DatabaseParameterGroup"],
        Parameters=[{"ParameterName": "shared_preload_libraries", "ApplyMethod": "pending-reboot"}],
    )


def _share_snapshot(session: Session, ids: Ids) -> None:
    session.call("rds", "create_db_snapshot", DBSnapshotIdentifier="copy", DBInstanceIdentifier=ids["Database"])
    session.call(
        "rds",
        "modify_db_snapshot_attribute",
        DBSnapshotIdentifier="copy",
        AttributeName="restore",
        ValuesToAdd=[OTHER_ACCOUNT],
    )


def _share_secret(session: Session, ids: Ids) -> None:
    described = session.call("rds", "describe_db_instances", DBInstanceIdentifier=ids["Database"])
    secret = described["DBInstances"][0]["MasterUserSecret"]["SecretArn"]
    policy = _policy({"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:root"}, action="secretsmanager:GetSecretValue")
    session.call("secretsmanager", "put_resource_policy", SecretId=secret, ResourcePolicy=policy)


def _open(group: str, **source: Any) -> Callable[[Session, Ids], Any]:
    permission = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, **source}
    return lambda session, ids: session.call(
        "ec2", "authorize_security_group_ingress", GroupId=ids[group], IpPermissions=[permission]
    )


def _open_egress(session: Session, ids: Ids) -> None:
    permission = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    session.call(
        "ec2",
        "authorize_security_group_egress",
        GroupId=ids["DatabaseSecurityGroup"],
        IpPermissions=[permission],
    )


def _open_default_group(session: Session, ids: Ids) -> None:
    filters = [{"Name": "vpc-id", "Values": [ids["Vpc"]]}, {"Name": "group-name", "Values": ["default"]}]
    group = session.call("ec2", "describe_security_groups", Filters=filters)["SecurityGroups"][0]["GroupId"]
    permission = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}
    session.call("ec2", "authorize_security_group_ingress", GroupId=group, IpPermissions=[permission])


def _revoke_rule(session: Session, ids: Ids) -> None:
    session.call(
        "ec2",
        "revoke_security_group_ingress",
        GroupId=ids["EndpointSecurityGroup"],
        SecurityGroupRuleIds=[ids["EndpointIngress"]],
    )


def _way_out(session: Session, ids: Ids) -> None:
    gateway = session.call("ec2", "create_internet_gateway")["InternetGateway"]["InternetGatewayId"]
    session.call("ec2", "attach_internet_gateway", InternetGatewayId=gateway, VpcId=ids["Vpc"])
    session.call(
        "ec2",
        "create_route",
        RouteTableId=ids["PrivateRouteTable"],
        DestinationCidrBlock="0.0.0.0/0",
        GatewayId=gateway,
    )


def _endpoint(name: str, **changes: Any) -> Callable[[Session, Ids], Any]:
    return lambda session, ids: session.call("ec2", "modify_vpc_endpoint", VpcEndpointId=ids[name], **changes)


def _other_security_group(session: Session, ids: Ids) -> None:
    group = session.call("ec2", "create_security_group", GroupName="other", Description="other", VpcId=ids["Vpc"])[
        "GroupId"
    ]
    _database(VpcSecurityGroupIds=[group])(session, ids)


def _subscribe(session: Session, ids: Ids) -> None:
    session.call(
        "sns", "subscribe", TopicArn=ids["AlarmTopic"], Protocol="http", Endpoint="http://collector.example/alarms"
    )


def _topic(name: str, value: str) -> Callable[[Session, Ids], Any]:
    return lambda session, ids: session.call(
        "sns", "set_topic_attributes", TopicArn=ids["AlarmTopic"], AttributeName=name, AttributeValue=value
    )


def _alarm(name: str, **changes: Any) -> Callable[[Session, Ids], Any]:
    """Put an alarm again as it is, but for the changes; `None` leaves a setting out."""
    kept = (
        "AlarmName", "AlarmDescription", "ActionsEnabled", "OKActions", "AlarmActions", "InsufficientDataActions",
        "MetricName", "Namespace", "Statistic", "Dimensions", "Period", "EvaluationPeriods", "Threshold",
        "ComparisonOperator", "TreatMissingData",
    )  # fmt: skip

    def put(session: Session, ids: Ids) -> None:
        found = session.call("cloudwatch", "describe_alarms", AlarmNames=[ids[name]])["MetricAlarms"][0]
        settings = {key: found[key] for key in kept if key in found} | changes
        session.call("cloudwatch", "put_metric_alarm", **{k: v for k, v in settings.items() if v is not None})

    return put


def _policy_version(name: str, statement: Mapping[str, Any]) -> Callable[[Session, Ids], Any]:
    text = json.dumps({"Version": "2012-10-17", "Statement": [dict(statement)]})
    return lambda session, ids: session.call(
        "iam", "create_policy_version", PolicyArn=ids[name], PolicyDocument=text, SetAsDefault=True
    )


def _trust(role: str, principal: Any) -> Callable[[Session, Ids], Any]:
    return lambda session, ids: session.call(
        "iam",
        "update_assume_role_policy",
        RoleName=ids[role],
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}],
            }
        ),
    )


def _inline(session: Session, ids: Ids) -> None:
    statement = {"Effect": "Allow", "Action": "kinesis:PutRecord", "Resource": "*"}
    session.call(
        "iam",
        "put_role_policy",
        RoleName=ids["MonitoringRole"],
        PolicyName="more",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )


def _attach(role: str, policy: str) -> Callable[[Session, Ids], Any]:
    return lambda session, ids: session.call(
        "iam", "attach_role_policy", RoleName=ids[role], PolicyArn=f"arn:aws:iam::aws:policy/{policy}"
    )


def _plan(session: Session, ids: Ids) -> None:
    found = session.call("backup", "get_backup_plan", BackupPlanId=ids["BackupPlan"])["BackupPlan"]
    rule = {
        "RuleName": "daily",
        "TargetBackupVaultName": found["Rules"][0]["TargetBackupVaultName"],
        "ScheduleExpression": "cron(0 20 ? * SUN *)",
        "Lifecycle": {"DeleteAfterDays": 7},
    }
    session.call(
        "backup",
        "update_backup_plan",
        BackupPlanId=ids["BackupPlan"],
        BackupPlan={"BackupPlanName": found["BackupPlanName"], "Rules": [rule]},
    )


def _selection(session: Session, ids: Ids) -> None:
    plan = ids["BackupPlan"]
    for item in session.call("backup", "list_backup_selections", BackupPlanId=plan)["BackupSelectionsList"]:
        session.call("backup", "delete_backup_selection", BackupPlanId=plan, SelectionId=item["SelectionId"])


def _metric_filter(session: Session, ids: Ids) -> None:
    group = ids["PostgresqlLogGroup"]
    for item in session.call("logs", "describe_metric_filters", logGroupName=group)["metricFilters"]:
        session.call("logs", "delete_metric_filter", logGroupName=group, filterName=item["filterName"])


def _stream_arn(session: Session, ids: Ids) -> str:
    answer = session.call("kinesis", "describe_stream_summary", StreamName=ids["RecordStream"])
    return str(answer["StreamDescriptionSummary"]["StreamARN"])


def _share_stream(session: Session, ids: Ids) -> None:
    arn = _stream_arn(session, ids)
    policy = _policy({"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:root"}, action="kinesis:GetRecords", resource=arn)
    session.call("kinesis", "put_resource_policy", ResourceARN=arn, Policy=policy)


WEAKENINGS = (
    Weakening(
        "termination protection lifted", "cloudformation_termination_protected", "Stack",
        lambda s, i: s.call("cloudformation", "update_termination_protection", StackName="hipaa-pipeline-prod",
                            EnableTerminationProtection=False),
    ),
    # KMS
    Weakening(
        "rotation stopped", "kms_key_rotation", "Key",
        lambda s, i: s.call("kms", "disable_key_rotation", KeyId=i["Key"]),
    ),
    Weakening(
        "key shared with another account", "resource_policy_own_account", "Key",
        lambda s, i: _key_policy(s, i, _decrypt(f"arn:aws:iam::{OTHER_ACCOUNT}:root")),
    ),
    Weakening(
        "key opened to everybody", "resource_policy_not_public", "Key",
        lambda s, i: _key_policy(s, i, _decrypt("*")),
    ),
    Weakening(
        "key granted to another account", "kms_grants_in_account", "Key",
        lambda s, i: s.call(
            "kms", "create_grant", KeyId=i["Key"], GranteePrincipal=f"arn:aws:iam::{OTHER_ACCOUNT}:role/reader",
            Operations=["Decrypt"],
        ),
    ),
    Weakening(
        "alias turned to another key", "live_property_matches", "KeyAlias",
        lambda s, i: s.call(
            "kms", "update_alias", AliasName=i["KeyAlias"],
            TargetKeyId=s.call("kms", "create_key")["KeyMetadata"]["KeyId"],
        ),
    ),
    # RDS
    Weakening("failed log-ins not counted", "rds_failed_login_alarm", "Database", _metric_filter),
    Weakening("database made public", "rds_not_public", "Database", _database(PubliclyAccessible=True)),
    Weakening(
        "deletion protection lifted", "rds_deletion_protection", "Database", _database(DeletionProtection=False)
    ),
    Weakening("backups shortened", "rds_backup_retention", "Database", _database(BackupRetentionPeriod=1)),
    Weakening("standby removed", "rds_multi_az", "Database", _database(MultiAZ=False)),
    Weakening(
        "minor upgrades refused", "rds_minor_upgrades", "Database", _database(AutoMinorVersionUpgrade=False)
    ),
    Weakening(
        "IAM log-in refused", "rds_iam_authentication", "Database", _database(EnableIAMDatabaseAuthentication=False)
    ),
    Weakening("monitoring stopped", "rds_enhanced_monitoring", "Database", _database(MonitoringInterval=0)),
    Weakening("snapshot tags dropped", "rds_snapshot_tags", "Database", _database(CopyTagsToSnapshot=False)),
    Weakening(
        "log exports stopped", "rds_log_exports", "Database",
        _database(CloudwatchLogsExportConfiguration={"DisableLogTypes": ["postgresql", "upgrade"]}),
    ),
    Weakening("snapshot shared with another account", "rds_snapshots_private", "Database", _share_snapshot),
    Weakening(
        "master password shared with another account", "secretsmanager_secret_private", "Database", _share_secret
    ),
    # PostgreSQL
    Weakening("plaintext allowed", "postgresql_tls_forced", "DatabaseParameterGroup",
              _parameter("rds.force_ssl", "0")),
    Weakening("old TLS allowed", "postgresql_tls_version", "DatabaseParameterGroup",
              _parameter("ssl_min_protocol_version", "TLSv1")),
    Weakening("MD5 passwords", "postgresql_password_encryption", "DatabaseParameterGroup",
              _parameter("password_encryption", "md5")),
    Weakening("MD5 log-in", "postgresql_password_authentication", "DatabaseParameterGroup",
              _parameter("rds.accepted_password_auth_method", "md5+scram")),
    Weakening("log-ins not recorded", "postgresql_connections_logged", "DatabaseParameterGroup",
              _parameter("log_connections", "0")),
    Weakening("log-offs not recorded", "postgresql_disconnections_logged", "DatabaseParameterGroup",
              _parameter("log_disconnections", "0")),
    Weakening("audit emptied", "postgresql_audit_classes", "DatabaseParameterGroup",
              _parameter("pgaudit.log", "none")),
    Weakening("audit records bind values", "postgresql_audit_parameters_hidden", "DatabaseParameterGroup",
              _parameter("pgaudit.log_parameter", "1")),
    Weakening("failing statements logged", "postgresql_error_statements_hidden", "DatabaseParameterGroup",
              _parameter("log_min_error_statement", "error")),
    Weakening("error details logged", "postgresql_error_details_hidden", "DatabaseParameterGroup",
              _parameter("log_error_verbosity", "default")),
    Weakening("all statements logged", "postgresql_statements_hidden", "DatabaseParameterGroup",
              _parameter("log_statement", "all")),
    Weakening("slow statements logged", "postgresql_slow_statements_hidden", "DatabaseParameterGroup",
              _parameter("log_min_duration_statement", "1000")),
    Weakening("bind values logged", "postgresql_bind_values_hidden", "DatabaseParameterGroup",
              _parameter("log_parameter_max_length", "-1")),
    Weakening("sampled statements logged", "postgresql_no_leaking_settings", "DatabaseParameterGroup",
              _parameter("log_min_duration_sample", "0")),
    Weakening("idle sessions stay", "postgresql_idle_session_ends", "DatabaseParameterGroup",
              _parameter("idle_session_timeout", "0")),
    Weakening("audit library put back to the default", "postgresql_audit_library", "DatabaseParameterGroup",
              _reset_parameter),
    # Kinesis
    Weakening(
        "encryption of the stream stopped", "kinesis_encrypted", "RecordStream",
        lambda s, i: s.call("kinesis", "stop_stream_encryption", StreamName=i["RecordStream"], EncryptionType="KMS",
                            KeyId=i["Key"]),
    ),
    Weakening(
        "retention of the stream shortened", "live_property_matches", "RecordStream",
        lambda s, i: s.call("kinesis", "decrease_stream_retention_period", StreamName=i["RecordStream"],
                            RetentionPeriodHours=24),
    ),
    Weakening("stream shared with another account", "kinesis_stream_not_shared", "RecordStream", _share_stream),
    # Network
    Weakening(
        "database opened to a network", "rds_ingress", "DatabaseSecurityGroup",
        _open("DatabaseSecurityGroup", IpRanges=[{"CidrIp": "10.99.0.0/16"}]),
    ),
    Weakening(
        "database opened to the world", "security_group_not_open", "DatabaseSecurityGroup",
        _open("DatabaseSecurityGroup", IpRanges=[{"CidrIp": "0.0.0.0/0"}]),
    ),
    Weakening(
        "workloads opened over IPv6", "security_group_not_open", "WorkloadSecurityGroup",
        _open("WorkloadSecurityGroup", Ipv6Ranges=[{"CidrIpv6": "::/0"}]),
    ),
    Weakening("a way out for the database", "security_group_egress_not_open", "DatabaseSecurityGroup", _open_egress),
    Weakening("default security group opened", "vpc_default_group_closed", "Vpc", _open_default_group),
    Weakening("rule of the endpoints revoked", "live_resource_exists", "EndpointIngress", _revoke_rule),
    Weakening(
        "public addresses", "subnet_no_public_addresses", "PrivateSubnetA",
        lambda s, i: s.call("ec2", "modify_subnet_attribute", SubnetId=i["PrivateSubnetA"],
                            MapPublicIpOnLaunch={"Value": True}),
    ),
    Weakening("a route to the internet", "rds_subnets_private", "DatabaseSubnetGroup", _way_out),
    Weakening(
        "host names off", "live_property_matches", "Vpc",
        lambda s, i: s.call("ec2", "modify_vpc_attribute", VpcId=i["Vpc"], EnableDnsHostnames={"Value": False}),
    ),
    Weakening("endpoint open to all accounts", "vpc_endpoint_policy", "KinesisEndpoint",
              _endpoint("KinesisEndpoint", PolicyDocument=_policy("*", action="kinesis:*"))),
    Weakening("private name off", "vpc_endpoint_private_dns", "KmsEndpoint",
              _endpoint("KmsEndpoint", PrivateDnsEnabled=False)),
    Weakening(
        "endpoint deleted", "live_resource_exists", "StsEndpoint",
        lambda s, i: s.call("ec2", "delete_vpc_endpoints", VpcEndpointIds=[i["StsEndpoint"]]),
    ),
    Weakening(
        "flow log deleted", "vpc_flow_log", "Vpc",
        lambda s, i: s.call("ec2", "delete_flow_logs", FlowLogIds=[i["FlowLog"]]),
    ),
    # Logs
    Weakening(
        "retention removed", "log_group_retention_set", "AuditLogGroup",
        lambda s, i: s.call("logs", "delete_retention_policy", logGroupName=i["AuditLogGroup"]),
    ),
    Weakening(
        "retention shortened", "log_group_retention", "FlowLogGroup",
        lambda s, i: s.call("logs", "put_retention_policy", logGroupName=i["FlowLogGroup"], retentionInDays=7),
    ),
    Weakening(
        "logs no longer encrypted", "log_group_encrypted", "UpgradeLogGroup",
        lambda s, i: s.call("logs", "disassociate_kms_key", logGroupName=i["UpgradeLogGroup"]),
    ),
    Weakening(
        "logs sent to another account", "logs_stay_in_account", "AuditLogGroup",
        lambda s, i: s.call(
            "logs", "put_subscription_filter", logGroupName=i["AuditLogGroup"], filterName="copy", filterPattern="",
            destinationArn=f"arn:aws:logs:{s.region}:{OTHER_ACCOUNT}:destination:collector",
        ),
    ),
    Weakening(
        "a log group that RDS made", "logs_service_groups_encrypted",
        "/aws/rds/instance/healthcare-database-prod/iam-db-auth-error",
        lambda s, i: s.call(
            "logs", "create_log_group", logGroupName=f"/aws/rds/instance/{i['Database']}/iam-db-auth-error"
        ),
    ),
    # Alarms
    Weakening(
        "alarm silenced", "alarm_actions_enabled", "CpuAlarm",
        lambda s, i: s.call("cloudwatch", "disable_alarm_actions", AlarmNames=[i["CpuAlarm"]]),
    ),
    Weakening("alarm that tells nobody", "alarm_actions", "FreeStorageAlarm",
              _alarm("FreeStorageAlarm", AlarmActions=[])),
    Weakening("alarm deaf to silence", "alarm_insufficient_data_actions", "ConnectionsAlarm",
              _alarm("ConnectionsAlarm", InsufficientDataActions=[])),
    Weakening("alarm that never rings", "live_property_matches", "IteratorAgeAlarm",
              _alarm("IteratorAgeAlarm", Threshold=1e12)),
    Weakening(
        "alarm deleted", "rds_alarms", "Database",
        lambda s, i: s.call("cloudwatch", "delete_alarms", AlarmNames=[i["FreeableMemoryAlarm"]]),
    ),
    Weakening("topic no longer encrypted", "sns_topic_encrypted", "AlarmTopic", _topic("KmsMasterKeyId", "")),
    Weakening("topic opened to everybody", "resource_policy_not_public", "AlarmTopicPolicy",
              _topic("Policy", _policy("*", action="sns:Publish"))),
    Weakening(
        "nobody subscribed to the alarms", "sns_alarms_reach_somebody", "AlarmTopic",
        lambda s, i: s.call("sns", "unsubscribe", SubscriptionArn=i["AlarmEmailSubscription"]),
    ),
    Weakening("subscription in the clear", "sns_subscriptions_encrypted", "AlarmTopic", _subscribe),
    # IAM
    Weakening(
        "policy that allows everything", "iam_no_admin", "ProducerPolicy",
        _policy_version("ProducerPolicy", {"Effect": "Allow", "Action": "*", "Resource": "*"}),
    ),
    Weakening(
        "policy for all streams", "iam_resources_named", "AuditLogWriterPolicy",
        _policy_version("AuditLogWriterPolicy",
                        {"Effect": "Allow", "Action": ["kinesis:GetRecords"], "Resource": "*"}),
    ),
    Weakening(
        "policy that opens any key", "iam_keys_named", "ConsumerPolicy",
        _policy_version("ConsumerPolicy", {"Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": "*"}),
    ),
    Weakening(
        "log-in as any database user", "iam_database_login", "DatabaseLoginPolicy",
        _policy_version("DatabaseLoginPolicy",
                        {"Effect": "Allow", "Action": ["rds-db:connect"], "Resource": "*"}),
    ),
    Weakening("administrator attached", "iam_no_full_access_policies", "ProcessorRole",
              _attach("ProcessorRole", "AdministratorAccess")),
    Weakening("inline policy", "iam_no_inline_policies", "MonitoringRole", _inline),
    Weakening("role for everybody", "iam_trust_not_public", "ProcessorRole", _trust("ProcessorRole", {"AWS": "*"})),
    Weakening("role for another account", "iam_trust_own_account", "FlowLogRole",
              _trust("FlowLogRole", {"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:root"})),
    Weakening("role for any caller of the service", "iam_trust_source", "BackupRole",
              _trust("BackupRole", {"Service": "backup.amazonaws.com"})),
    # Backup
    Weakening("recovery points rarer and shorter", "backup_retention", "BackupPlan", _plan),
    Weakening(
        "recovery points can be destroyed", "backup_vault_protected", "BackupVault",
        lambda s, i: s.call("backup", "delete_backup_vault_access_policy", BackupVaultName=i["BackupVault"]),
    ),
    Weakening("database no longer backed up", "rds_in_backup_plan", "Database", _selection),
    # What hides others, or cannot be undone, goes last.
    Weakening("another security group", "live_property_matches", "Database", _other_security_group),
    Weakening(
        "key disabled", "kms_key_enabled", "Key", lambda s, i: s.call("kms", "disable_key", KeyId=i["Key"])
    ),
    Weakening(
        "key to be deleted", "kms_key_usable", "Key",
        lambda s, i: s.call("kms", "schedule_key_deletion", KeyId=i["Key"], PendingWindowInDays=7),
    ),
)  # fmt: skip
