"""Mutations of who may do what: the network, identities, policies, topics, alarms, secrets and names."""

from __future__ import annotations

from typing import Any

from controls_stacks import FOREIGN_ACCOUNT
from mutation import Change, add, attribute, drop, output, parameter, put, remove, weaken

FOREIGN_ROOT = f"arn:aws:iam::{FOREIGN_ACCOUNT}:root"
TRUST = "AssumeRolePolicyDocument/Statement/0"
STATEMENT = "PolicyDocument/Statement"

NETWORK = (
    weaken("vpc_flow_log", "no flow log", remove("FlowLog")),
    weaken("vpc_flow_log", "flow log of a subnet", put("FlowLog", "ResourceId", {"Ref": "PrivateSubnetA"})),
    weaken("flow_log_all_traffic", "accepted traffic only", put("FlowLog", "TrafficType", "ACCEPT")),
    weaken("flow_log_encrypted", "log without key", drop("FlowLogGroup", "KmsKeyId"), also=("log_group_encrypted",)),
    weaken("flow_log_role", "a role that may not write",
           put("FlowLogPolicy", f"{STATEMENT}/0/Action", ["logs:DescribeLogStreams"])),
    weaken("flow_log_role", "a role of another log",
           put("FlowLogPolicy", f"{STATEMENT}/0/Resource", [{"Fn::GetAtt": ["AuditLogGroup", "Arn"]}])),
    weaken("flow_log_role", "a role for another service",
           put("FlowLogRole", f"{TRUST}/Principal/Service", "ec2.amazonaws.com")),
    weaken("vpc_default_group_closed", "the default group is open",
           attribute("Vpc", "DefaultSecurityGroup", {"SecurityGroupIngress": [{"IpProtocol": "-1"}],
                                                      "SecurityGroupEgress": []})),
    weaken("subnet_no_public_addresses", "public addresses", put("PrivateSubnetA", "MapPublicIpOnLaunch", True)),
    weaken("subnet_no_public_addresses", "public IPv6 addresses",
           put("PrivateSubnetA", "AssignIpv6AddressOnCreation", True)),
    weaken("vpc_endpoints_complete", "no endpoint for Kinesis", remove("KinesisEndpoint")),
    weaken("vpc_endpoints_complete", "no endpoint for the password", remove("SecretsManagerEndpoint")),
    weaken("vpc_endpoint_private_dns", "public names", put("KmsEndpoint", "PrivateDnsEnabled", False)),
    weaken("vpc_endpoint_private_dns", "no names in the VPC", drop("Vpc", "EnableDnsHostnames")),
    weaken("vpc_endpoint_private_dns", "no resolver in the VPC", put("Vpc", "EnableDnsSupport", False)),
    weaken("vpc_endpoint_policy", "no policy", drop("LogsEndpoint", "PolicyDocument")),
    weaken("vpc_endpoint_policy", "any account", drop("S3Endpoint", f"{STATEMENT}/0/Condition")),
    weaken("vpc_endpoint_policy", "any account that has none", put("StsEndpoint", f"{STATEMENT}/0/Condition",
           {"StringEqualsIfExists": {"aws:PrincipalAccount": "111122223333"}})),
    weaken("vpc_endpoint_security_group", "the default group by silence", drop("StsEndpoint", "SecurityGroupIds")),
    weaken("vpc_endpoint_security_group", "the default group by name",
           put("StsEndpoint", "SecurityGroupIds", [{"Fn::GetAtt": ["Vpc", "DefaultSecurityGroup"]}])),
    weaken("vpc_endpoint_zones", "one zone", drop("KinesisEndpoint", "SubnetIds/1")),
    weaken("security_group_not_open", "PostgreSQL to the world", put("DatabaseIngress", "CidrIp", "0.0.0.0/0")),
    weaken("security_group_not_open", "HTTPS to the IPv6 world", put("EndpointIngress", "CidrIpv6", "::/0")),
    weaken("security_group_not_open", "half the internet", put("WorkloadSecurityGroup", "SecurityGroupIngress",
           [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "128.0.0.0/1"}])),
    weaken("security_group_ports", "every port", put("EndpointIngress", "IpProtocol", "-1")),
    weaken("security_group_ports", "every TCP port", put("EndpointIngress", "FromPort", 0),
           put("EndpointIngress", "ToPort", "65535")),
    weaken("security_group_egress_named", "everything out", drop("DatabaseSecurityGroup", "SecurityGroupEgress")),
    weaken("security_group_egress_not_open", "the world", put("WorkloadSecurityGroup", "SecurityGroupEgress/+",
           {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "0.0.0.0/0"})),
)  # fmt: skip


def _grant(**statement: Any) -> Change:
    """One more statement in the consumer's policy; Effect last, because order must not matter."""
    return put("ConsumerPolicy", f"{STATEMENT}/+", {**statement, "Effect": "Allow"})


STREAM_ARN = {"Fn::GetAtt": ["RecordStream", "Arn"]}
KEY_ARN = {"Fn::GetAtt": ["Key", "Arn"]}

IDENTITIES = (
    weaken("iam_no_admin", "everything on everything", _grant(Action="*", Resource="*"),
           also=("iam_no_full_service", "iam_resources_named", "iam_keys_named", "iam_no_escalation")),
    weaken("iam_no_full_service", "all of Kinesis", _grant(Action=["KINESIS:*"], Resource=STREAM_ARN)),
    weaken("iam_no_full_service", "services by a wildcard", _grant(Action="kin*:PutRecord", Resource=STREAM_ARN)),
    weaken("iam_actions_named", "decryption by a wildcard", _grant(Action="kms:De*", Resource=KEY_ARN)),
    weaken("iam_actions_named", "one letter open", _grant(Action="kinesis:PutRecord?", Resource=STREAM_ARN)),
    weaken("iam_resources_named", "records of any stream", _grant(Action="kinesis:PutRecord", Resource="*")),
    weaken("iam_resources_named", "any resource of an ARN", _grant(Action=["s3:GetObject"], Resource="arn:aws:s3:::*")),
    weaken("iam_grants_take_effect", "streams listed on an ARN",
           put("ProducerPolicy", f"{STATEMENT}/0/Action/+", "kinesis:ListStreams")),
    weaken("iam_actions_exist", "a service that does not exist", put("MonitoringEndpoint", f"{STATEMENT}/0/Action",
           ["monitoring:PutMetricData"])),
    weaken("iam_no_inversion", "everything but one action", _grant(NotAction="iam:DeleteUser", Resource=STREAM_ARN),
           also=("iam_no_escalation",)),
    weaken("iam_no_inversion", "every resource but one", _grant(Action="kinesis:PutRecord", NotResource=STREAM_ARN)),
    weaken("iam_no_not_principal", "anybody but one", put("AlarmTopicPolicy", f"{STATEMENT}/+",
           {"Effect": "Allow", "NotPrincipal": {"AWS": FOREIGN_ROOT}, "Action": "sns:Publish", "Resource": "*"})),
    weaken("iam_keys_named", "decryption with any key", _grant(Action="kms:Decrypt", Resource="*"),
           also=("iam_resources_named",)),
    weaken("iam_keys_named", "decryption with any key of the account",
           _grant(Action="kms:Decrypt", Resource="arn:aws:kms:ap-southeast-1:111122223333:key/*")),
    weaken("iam_no_escalation", "a policy may be changed", _grant(Action="iam:CreatePolicyVersion",
           Resource={"Ref": "ConsumerPolicy"})),
    weaken("iam_no_escalation", "any role may be passed", _grant(Action="iam:PassRole", Resource="*"),
           also=("iam_resources_named",)),
    weaken("iam_no_escalation", "the key's policy may be changed", _grant(Action="kms:PutKeyPolicy", Resource=KEY_ARN)),
    weaken("iam_database_login", "any database user", put("DatabaseLoginPolicy", f"{STATEMENT}/0/Resource",
           [{"Fn::Sub": "arn:aws:rds-db:ap-southeast-1:111122223333:dbuser:${Database.DbiResourceId}/*"}])),
    weaken("iam_database_login", "the instance's name", put("DatabaseLoginPolicy", f"{STATEMENT}/0/Resource",
           ["arn:aws:rds-db:ap-southeast-1:111122223333:dbuser:healthcare-database-prod/pipeline_app"])),
    weaken("iam_no_inline_policies", "an inline policy", put("ProcessorRole", "Policies",
           [{"PolicyName": "more", "PolicyDocument": {"Statement": [
               {"Effect": "Allow", "Action": "kinesis:PutRecord", "Resource": STREAM_ARN}]}}])),
    weaken("iam_no_inline_policies", "an inline policy of its own", add("Inline", "AWS::IAM::Policy",
           PolicyName="healthcare-more-prod", Roles=[{"Ref": "ProcessorRole"}], PolicyDocument={"Statement": [
               {"Effect": "Allow", "Action": "kinesis:PutRecord", "Resource": STREAM_ARN}]})),
    weaken("iam_no_full_access_policies", "an administrator",
           put("ProcessorRole", "ManagedPolicyArns/+", "arn:aws:iam::aws:policy/AdministratorAccess")),
    weaken("iam_no_full_access_policies", "full access to Kinesis",
           put("ProcessorRole", "ManagedPolicyArns/+", "arn:aws:iam::aws:policy/AmazonKinesisFullAccess")),
    weaken("iam_no_permanent_credentials", "an access key",
           add("Keys", "AWS::IAM::AccessKey", UserName={"Ref": "User"})),
    weaken("iam_no_permanent_credentials", "a console password",
           put("User", "LoginProfile", {"PasswordResetRequired": True})),
)  # fmt: skip

PRINCIPALS = (
    weaken("resource_policy_not_public", "anybody publishes", put("AlarmTopicPolicy", f"{STATEMENT}/+",
           {"Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": {"Ref": "AlarmTopic"}})),
    weaken("resource_policy_not_public", "anybody decrypts", put("Key", "KeyPolicy/Statement/+",
           {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:Decrypt", "Resource": "*",
            "Condition": {"StringEquals": {"kms:ViaService": "kinesis.ap-southeast-1.amazonaws.com"}}})),
    weaken("resource_policy_own_account", "another account decrypts", put("Key", "KeyPolicy/Statement/+",
           {"Effect": "Allow", "Principal": {"AWS": [FOREIGN_ROOT]}, "Action": "kms:Decrypt", "Resource": "*"})),
    weaken("resource_policy_own_account", "another account reads the bucket", put("BucketPolicy", f"{STATEMENT}/+",
           {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*",
            "Condition": {"StringEquals": {"aws:PrincipalAccount": FOREIGN_ACCOUNT}}})),
    weaken("iam_trust_not_public", "anybody assumes the role",
           put("ProcessorRole", f"{TRUST}/Principal", {"AWS": "*"})),
    weaken("iam_trust_own_account", "another account assumes the role",
           put("ProcessorRole", f"{TRUST}/Principal", {"AWS": FOREIGN_ROOT})),
    weaken("iam_trust_federation", "any repository", drop("PipelineRole", f"{TRUST}/Condition")),
    weaken("iam_trust_federation", "any repository that asks for AWS", put("PipelineRole", f"{TRUST}/Condition",
           {"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}})),
    weaken("iam_trust_federation", "any repository by a wildcard", put("PipelineRole", f"{TRUST}/Condition",
           {"StringLike": {"token.actions.githubusercontent.com:sub": "repo:*"}})),
    weaken("iam_trust_source", "flow logs of any account by a wildcard", put("FlowLogRole", f"{TRUST}/Condition",
           {"ArnLike": {"aws:SourceArn": "arn:aws:ec2:*:*:vpc-flow-log/*"}})),
    weaken("iam_trust_source", "flow logs of any account", drop("FlowLogRole", f"{TRUST}/Condition")),
    weaken("iam_trust_source", "backups of any account", drop("BackupRole", f"{TRUST}/Condition")),
)  # fmt: skip

ALARMS = (
    weaken("alarm_actions", "tells nobody", drop("CpuAlarm", "AlarmActions")),
    weaken("alarm_insufficient_data_actions", "silent when blind", put("CpuAlarm", "InsufficientDataActions", [])),
    weaken("alarm_actions_enabled", "actions off", put("FailedLoginAlarm", "ActionsEnabled", False)),
    weaken("alarm_metric_exists", "a metric nobody publishes", put("IteratorAgeAlarm", "MetricName", "IteratorAge"),
           also=("kinesis_alarms",)),
    weaken("alarm_metric_exists", "a metric no filter makes", put("FailedLoginAlarm", "MetricName", "FailedLogin"),
           also=("rds_failed_login_alarm",)),
    weaken("alarm_dimensions", "another database", put("CpuAlarm", "Dimensions/0/Value", "healthcare-database-dev"),
           also=("rds_alarms",)),
    weaken("alarm_dimensions", "no database at all", drop("FreeStorageAlarm", "Dimensions"), also=("rds_alarms",)),
    weaken("alarm_topic_policy", "alarms may not publish", drop("AlarmTopicPolicy", f"{STATEMENT}/0")),
    weaken("alarm_topic_policy", "alarms of other names", put("CpuAlarm", "AlarmName", "cpu-prod"),
           also=("alarm_topic_key",)),
    weaken("alarm_topic_key", "the key refuses alarms", drop("Key", "KeyPolicy/Statement/2")),
    weaken("alarm_topic_key", "alarms may only decrypt", put("Key", "KeyPolicy/Statement/2/Action", ["kms:Decrypt"])),
    weaken("alarm_topic_key", "AWS's own key", put("AlarmTopic", "KmsMasterKeyId", "alias/aws/sns"),
           also=("sns_topic_encrypted",)),
    weaken("rds_alarms", "no alarm of connections", remove("ConnectionsAlarm")),
    weaken("rds_failed_login_alarm", "no alarm of failed log-ins", remove("FailedLoginAlarm")),
    weaken("rds_failed_login_alarm", "a filter of another log",
           put("FailedLoginMetric", "LogGroupName", {"Ref": "AuditLogGroup"})),
    weaken("rds_failed_login_alarm", "a filter of something else",
           put("FailedLoginMetric", "FilterPattern", "checkpoint")),
    weaken("kinesis_alarms", "no alarm of lag", remove("IteratorAgeAlarm")),
)  # fmt: skip

TOPICS = (
    weaken("sns_topic_encrypted", "not encrypted", drop("AlarmTopic", "KmsMasterKeyId")),
    weaken("sns_topic_tls", "plain text accepted", drop("AlarmTopicPolicy", f"{STATEMENT}/1")),
    weaken("sns_topic_tls", "TLS only for another account", put("AlarmTopicPolicy", f"{STATEMENT}/1/Principal",
           {"AWS": "arn:aws:iam::111122223333:role/other"})),
    weaken("sns_subscription_tls", "plain HTTP", put("Subscription", "Protocol", "http")),
)  # fmt: skip

OTHER_SERVICES = (
    weaken("s3_customer_key", "AWS's own encryption",
           put("Bucket", "BucketEncryption/ServerSideEncryptionConfiguration/0/ServerSideEncryptionByDefault",
               {"SSEAlgorithm": "AES256"})),
    weaken("s3_not_public", "public policies",
           put("Bucket", "PublicAccessBlockConfiguration/BlockPublicPolicy", False)),
    weaken("s3_versioned", "versions suspended", put("Bucket", "VersioningConfiguration/Status", "Suspended")),
    weaken("s3_tls", "plain text accepted", drop("BucketPolicy", f"{STATEMENT}/0")),
    weaken("s3_access_logged", "not recorded", drop("Bucket", "LoggingConfiguration")),
    weaken("lambda_in_vpc", "outside the VPC", drop("Function", "VpcConfig")),
    weaken("lambda_failures_kept", "failures are lost", drop("Function", "DeadLetterConfig")),
    weaken("lambda_concurrency_bounded", "unbounded", drop("Function", "ReservedConcurrentExecutions")),
    weaken("lambda_not_public", "everybody", put("Permission", "Principal", "*"), drop("Permission", "SourceArn"),
           drop("Permission", "SourceAccount")),
    weaken("lambda_not_public", "any bucket", drop("Permission", "SourceArn"), drop("Permission", "SourceAccount")),
    weaken("cloudtrail_customer_key", "AWS's own key", drop("Trail", "KMSKeyId")),
    weaken("cloudtrail_validated", "no validation", put("Trail", "EnableLogFileValidation", False)),
    weaken("cloudtrail_to_logs", "not watched", drop("Trail", "CloudWatchLogsLogGroupArn")),
    weaken("cloudtrail_all_regions", "one Region", put("Trail", "IsMultiRegionTrail", False)),
    weaken("cloudtrail_logging", "off", put("Trail", "IsLogging", False)),
    weaken("secret_customer_key", "AWS's own key", drop("Secret", "KmsKeyId")),
    weaken("secret_rotated", "never", remove("SecretRotation")),
)  # fmt: skip

ACCESS_KEY = "AKIA" + "IOSFODNN7EXAMPLE"  # AWS's own example, in two parts for scanners of this file

SECRETS = (
    weaken("no_secret_in_property", "a variable with a password",
           put("Function", "Environment/Variables/DB_PASSWORD", "x1")),
    weaken("no_secret_in_property", "an access key", put("Function", "Environment/Variables/OTHER", ACCESS_KEY)),
    weaken("no_secret_in_property", "a URL with a password",
           put("Function", "Environment/Variables/URL", "postgres://app:s3cr3t@db.example.com/healthcare")),
    weaken("no_secret_in_property", "a secret's text", put("Secret", "SecretString", "hunter2")),
    weaken("no_secret_in_parameter", "a password", parameter("DatabasePassword", "Sunny-day-17")),
    weaken("no_secret_in_output", "a password looked up",
           output("Password", "{{resolve:secretsmanager:healthcare:SecretString:password}}")),
    weaken("no_secret_in_output", "an access key", output("Key", ACCESS_KEY)),
)  # fmt: skip

NAMES = (
    weaken("name_has_suffix", "a name without suffix", put("AlarmTopic", "TopicName", "healthcare-alarm-topic")),
    weaken("name_has_suffix", "a suffix that is part of a word",
           put("AlarmTopic", "TopicName", "healthcare-reproduction"),),
    weaken("name_without_environment", "a name of another environment",
           put("ProcessorRole", "RoleName", "healthcare-staging-role-prod")),
    weaken("resource_tagged", "no tags", drop("RecordStream", "Tags")),
    weaken("resource_tagged", "no tags on the vault", drop("BackupVault", "BackupVaultTags")),
)  # fmt: skip

MUTATIONS = (
    *NETWORK,
    *IDENTITIES,
    *PRINCIPALS,
    *ALARMS,
    *TOPICS,
    *OTHER_SERVICES,
    *SECRETS,
    *NAMES,
)
