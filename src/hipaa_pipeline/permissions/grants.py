"""Every IAM action that preflight, plan, deploy, verify, evidence and destroy need, and on which resources.

CloudFormation works with the caller's permissions, so deploying takes what its resource handlers call; those lists come
from CloudFormation's resource schemas (`handlers`, a test compares them), without what the template makes no use of
(`LEFT_OUT`), and what these actions depend on in turn (`make audit` compares them with the Service Authorization
Reference). Nothing here was tried against a live account.

Resources are ARN patterns: `{stack}` is the stack's name, `{suffix}` the suffix of explicit names, `{environment}` the
environment's name, in policies for all environments at once. Where IAM knows no resource for an action (Service
Authorization Reference), it is `*`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from hipaa_pipeline.aws.stacks import OWNER_TAG

READ = ("preflight", "plan", "deploy", "verify", "evidence", "destroy")
WRITE = ("deploy", "destroy")

Conditions = Mapping[str, Mapping[str, Any]]


@dataclasses.dataclass(frozen=True)
class Grant:
    """Actions on resources, why, for which commands; `types`: only where the stack has such a resource."""

    sid: str
    why: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ("*",)
    commands: tuple[str, ...] = WRITE
    conditions: Conditions = dataclasses.field(default_factory=dict)
    types: tuple[str, ...] = ()


def _of(service: str, names: str) -> tuple[str, ...]:
    return tuple(f"{service}:{name}" for name in names.split())


def _arn(service: str, resource: str, *, region: bool = True) -> str:
    place = "{region}" if region else ""
    return f"arn:{{partition}}:{service}:{place}:{{account}}:{resource}"


# Keys and network resources have no names, so they are told by the tag that every stack of ours hands down.
_OURS: Conditions = {"StringLike": {f"aws:ResourceTag/{OWNER_TAG}": ["{environment}"]}}
_HERE: Conditions = {"StringEquals": {"aws:RequestedRegion": ["{region}"]}}

GRANTS = (
    Grant(
        "Stacks",
        "change sets, execution, progress, rollback, deletion, drift of the pipeline's stacks",
        _of(
            "cloudformation",
            "CancelUpdateStack ContinueUpdateRollback CreateChangeSet DeleteChangeSet DeleteStack DescribeChangeSet"
            " DescribeEvents DescribeStackEvents DescribeStackResourceDrifts DescribeStacks DetectStackDrift"
            " DetectStackResourceDrift ExecuteChangeSet GetStackPolicy GetTemplate ListChangeSets ListStackResources"
            " RollbackStack SetStackPolicy TagResource UntagResource UpdateTerminationProtection",
        ),
        (_arn("cloudformation", "stack/{stack}/*"),),
        READ,
    ),
    Grant(
        "NamesAndLimits",
        "which stacks and export names exist, CloudFormation's limits, how a drift detection stands",
        _of("cloudformation", "DescribeAccountLimits DescribeStackDriftDetectionStatus ListExports ListStacks"),
        commands=READ,
    ),
    Grant(
        "Quotas",
        "applied quotas, and increases when `--request-increase` asks for them",
        _of(
            "servicequotas",
            "GetRequestedServiceQuotaChange ListAWSDefaultServiceQuotas"
            " ListRequestedServiceQuotaChangeHistoryByQuota ListServiceQuotas RequestServiceQuotaIncrease",
        ),
        commands=("preflight",),
    ),
    Grant("FindByTag", "whether anything is left with the stack's tag", ("tag:GetResources",), commands=("destroy",)),
    Grant("Caller", "who is calling", ("sts:GetCallerIdentity",), commands=READ),
    Grant(
        "Simulate",
        "whether the caller may do all this",
        ("iam:SimulatePrincipalPolicy",),
        (_arn("iam", "role/*", region=False), _arn("iam", "user/*", region=False)),
        ("preflight",),
    ),
    Grant(
        "ReadIdentity",
        "roles and policies: quota, names, those handed in and those that could be",
        _of(
            "iam",
            "GetAccountSummary GetPolicy GetPolicyVersion GetRole GetRolePolicy ListAttachedRolePolicies"
            " ListEntitiesForPolicy ListPolicyVersions ListRolePolicies ListRoles",
        ),
        commands=READ,
    ),
    Grant(
        "ReadNetwork",
        "networks: quotas, those handed in, what the stack made",
        _of(
            "ec2",
            "DescribeAccountAttributes DescribeAvailabilityZones DescribeFlowLogs DescribeInstances"
            " DescribeInternetGateways DescribeManagedPrefixLists DescribeNetworkAcls DescribeNetworkInterfaces"
            " DescribeRouteTables DescribeSecurityGroupRules DescribeSecurityGroups DescribeSubnets DescribeTags"
            " DescribeVpcAttribute DescribeVpcEncryptionControls DescribeVpcEndpointServices DescribeVpcEndpoints"
            " DescribeVpcPeeringConnections DescribeVpcs",
        ),
        commands=READ,
    ),
    Grant(
        "ReadData",
        "keys, databases, streams, logs, topics, secrets, backups: quotas, names, what the stack made",
        (
            *_of("kms", "ListAliases ListKeys"),
            *_of(
                "rds",
                "DescribeAccountAttributes DescribeDBClusterSnapshots DescribeDBClusters DescribeDBEngineVersions"
                " DescribeDBInstanceAutomatedBackups DescribeDBInstances DescribeDBParameterGroups"
                " DescribeDBParameters DescribeDBSnapshotAttributes DescribeDBSnapshots DescribeDBSubnetGroups"
                " DescribeEngineDefaultParameters DescribeEvents DescribeOrderableDBInstanceOptions"
                " ListTagsForResource",
            ),
            *_of("kinesis", "DescribeLimits DescribeStreamSummary ListTagsForResource ListTagsForStream"),
            *_of("kinesis", "GetResourcePolicy"),
            *_of(
                "logs",
                "DescribeIndexPolicies DescribeLogGroups DescribeMetricFilters DescribeResourcePolicies"
                " DescribeSubscriptionFilters GetDataProtectionPolicy ListTagsForResource",
            ),
            *_of("cloudwatch", "DescribeAlarmHistory DescribeAlarms ListTagsForResource"),
            *_of(
                "sns",
                "GetDataProtectionPolicy GetSubscriptionAttributes GetTopicAttributes ListSubscriptionsByTopic"
                " ListTagsForResource ListTopics",
            ),
            *_of("secretsmanager", "GetResourcePolicy ListSecrets"),
            *_of(
                "backup",
                "DescribeBackupVault GetBackupPlan GetBackupSelection GetBackupVaultAccessPolicy"
                " GetBackupVaultNotifications ListBackupPlans ListBackupSelections ListBackupVaults"
                " ListRecoveryPointsByBackupVault ListTags",
            ),
        ),
        commands=READ,
    ),
    Grant(
        "ReadKeys",
        "keys: state, policy, rotation, grants",
        _of("kms", "DescribeKey GetKeyPolicy GetKeyRotationStatus ListGrants ListResourceTags"),
        (_arn("kms", "key/*"),),
        READ,
    ),
    Grant(
        "CreateKeys",
        "a key has no ARN before it exists",
        _of("kms", "CreateKey TagResource"),
        conditions=_HERE,
        types=("AWS::KMS::Key",),
    ),
    Grant(
        "ManageKeys",
        "the stack's own keys, by their tag",
        _of(
            "kms",
            "CancelKeyDeletion CreateAlias DeleteAlias DisableKey DisableKeyRotation EnableKey EnableKeyRotation"
            " PutKeyPolicy ScheduleKeyDeletion UntagResource UpdateAlias UpdateKeyDescription",
        ),
        (_arn("kms", "key/*"),),
        conditions=_OURS,
        types=("AWS::KMS::Key", "AWS::KMS::Alias"),
    ),
    Grant(
        "ManageAliases",
        "the alias side of the same actions",
        _of("kms", "CreateAlias DeleteAlias UpdateAlias"),
        (_arn("kms", "alias/healthcare-*-{suffix}"),),
        types=("AWS::KMS::Alias",),
    ),
    Grant(
        "UseKeys",
        "RDS, Backup and Kinesis start to use the key on the caller's behalf",
        _of("kms", "CreateGrant Decrypt GenerateDataKey RetireGrant"),
        (_arn("kms", "key/*"),),
        conditions={
            "StringLike": {
                "kms:ViaService": [
                    "rds.{region}.amazonaws.com",
                    "backup.{region}.amazonaws.com",
                    "kinesis.{region}.amazonaws.com",
                    "secretsmanager.{region}.amazonaws.com",
                ]
            }
        },
        types=("AWS::RDS::DBInstance", "AWS::Backup::BackupVault"),
    ),
    Grant(
        "CreateNetwork",
        "VPC, subnets, routes, endpoints, groups and the flow log: none has an ARN before it exists",
        _of(
            "ec2",
            "AssociateRouteTable AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress CreateFlowLogs"
            " CreateRouteTable CreateSecurityGroup CreateSubnet CreateTags CreateVpc CreateVpcEndpoint"
            " ModifySubnetAttribute ModifyVpcAttribute",
        ),
        conditions=_HERE,
        types=("AWS::EC2::VPC", "AWS::EC2::SecurityGroup", "AWS::EC2::FlowLog", "AWS::EC2::VPCEndpoint"),
    ),
    Grant(
        "ChangeNetwork",
        "associations, tags and rules, those of the VPC's default security group too, which carries no tag",
        _of(
            "ec2",
            "DeleteTags DisassociateRouteTable ReplaceRouteTableAssociation RevokeSecurityGroupEgress"
            " RevokeSecurityGroupIngress UpdateSecurityGroupRuleDescriptionsEgress"
            " UpdateSecurityGroupRuleDescriptionsIngress",
        ),
        conditions=_HERE,
        types=("AWS::EC2::VPC", "AWS::EC2::SecurityGroup", "AWS::EC2::FlowLog", "AWS::EC2::VPCEndpoint"),
    ),
    Grant(
        "DeleteNetwork",
        "the stack's own network, by its tag",
        _of(
            "ec2",
            "DeleteFlowLogs DeleteRouteTable DeleteSecurityGroup DeleteSubnet DeleteVpc DeleteVpcEndpoints"
            " ModifyVpcEndpoint",
        ),
        conditions=_OURS,
        types=("AWS::EC2::VPC", "AWS::EC2::SecurityGroup", "AWS::EC2::FlowLog", "AWS::EC2::VPCEndpoint"),
    ),
    Grant(
        "NameEndpoints",
        "EC2 asks for it when an endpoint takes over its service's host name in the VPC",
        ("route53:AssociateVPCWithHostedZone",),
        types=("AWS::EC2::VPCEndpoint",),
    ),
    Grant(
        "DeliverFlowLogs",
        "EC2 asks for these when a flow log begins and ends",
        _of("logs", "CreateLogDelivery DeleteLogDelivery"),
        types=("AWS::EC2::FlowLog",),
    ),
    Grant(
        "ManageRoles",
        "roles, which CloudFormation names after the stack",
        _of(
            "iam",
            "AttachRolePolicy CreateRole DeleteRole DeleteRolePermissionsBoundary DetachRolePolicy"
            " PutRolePermissionsBoundary TagRole UntagRole UpdateAssumeRolePolicy UpdateRole UpdateRoleDescription",
        ),
        (_arn("iam", "role/{stack}-*", region=False),),
        types=("AWS::IAM::Role",),
    ),
    Grant(
        "ManagePolicies",
        "managed policies, which CloudFormation names after the stack",
        _of("iam", "CreatePolicy CreatePolicyVersion DeletePolicy DeletePolicyVersion"),
        (_arn("iam", "policy/{stack}-*", region=False),),
        types=("AWS::IAM::ManagedPolicy",),
    ),
    Grant(
        "PassRoles",
        "hand the stack's roles to the services that use them; add the ARNs of roles handed in",
        ("iam:PassRole",),
        (_arn("iam", "role/{stack}-*", region=False),),
        conditions={
            "StringEquals": {
                "iam:PassedToService": [
                    "vpc-flow-logs.amazonaws.com",
                    "monitoring.rds.amazonaws.com",
                    "backup.amazonaws.com",
                ]
            }
        },
        types=("AWS::IAM::Role",),
    ),
    Grant(
        "ServiceLinkedRoles",
        "the first database and the first backup of an account create their service's role",
        ("iam:CreateServiceLinkedRole",),
        (_arn("iam", "role/aws-service-role/*", region=False),),
        conditions={"StringEquals": {"iam:AWSServiceName": ["rds.amazonaws.com", "backup.amazonaws.com"]}},
        types=("AWS::RDS::DBInstance", "AWS::Backup::BackupSelection"),
    ),
    Grant(
        "ManageDatabase",
        "the database, its snapshots and its groups",
        _of(
            "rds",
            "AddTagsToResource CreateDBInstance CreateDBParameterGroup CreateDBSnapshot CreateDBSubnetGroup"
            " DeleteDBInstance DeleteDBParameterGroup DeleteDBSubnetGroup ModifyDBInstance ModifyDBParameterGroup"
            " ModifyDBSubnetGroup RebootDBInstance RemoveTagsFromResource ResetDBParameterGroup",
        ),
        (
            _arn("rds", "db:healthcare-*-{suffix}"),
            _arn("rds", "snapshot:healthcare-*-{suffix}-*"),
            _arn("rds", "snapshot:{stack}-*"),
            _arn("rds", "pg:healthcare-*-{suffix}"),
            _arn("rds", "subgrp:{stack}-*"),
            _arn("rds", "og:default*"),
        ),
        types=("AWS::RDS::DBInstance", "AWS::RDS::DBParameterGroup", "AWS::RDS::DBSubnetGroup"),
    ),
    Grant(
        "ManageMasterSecret",
        "RDS keeps the master password in a secret of this name",
        _of("secretsmanager", "CreateSecret TagResource"),
        (_arn("secretsmanager", "secret:rds!db-*"),),
        types=("AWS::RDS::DBInstance",),
    ),
    Grant(
        "ManageStream",
        "the stream",
        _of(
            "kinesis",
            "AddTagsToStream CreateStream DecreaseStreamRetentionPeriod DeleteStream IncreaseStreamRetentionPeriod"
            " RemoveTagsFromStream TagResource UntagResource",
        ),
        (_arn("kinesis", "stream/healthcare-*-{suffix}"),),
        types=("AWS::Kinesis::Stream",),
    ),
    Grant(
        "EncryptStream",
        "actions on the stream and on its key at once",
        _of("kinesis", "StartStreamEncryption StopStreamEncryption"),
        (_arn("kinesis", "stream/healthcare-*-{suffix}"), _arn("kms", "key/*")),
        types=("AWS::Kinesis::Stream",),
    ),
    Grant(
        "ScaleStream",
        "actions without a resource of their own",
        _of("kinesis", "UpdateMaxRecordSize UpdateShardCount UpdateStreamMode UpdateStreamWarmThroughput"),
        conditions=_HERE,
        types=("AWS::Kinesis::Stream",),
    ),
    Grant(
        "ManageLogs",
        "log groups and the metric filter",
        _of(
            "logs",
            "AssociateKmsKey CreateLogGroup DeleteLogGroup DeleteMetricFilter DeleteRetentionPolicy"
            " DisassociateKmsKey PutLogGroupDeletionProtection PutMetricFilter PutRetentionPolicy TagResource"
            " UntagResource",
        ),
        (
            _arn("logs", "log-group:healthcare-*-{suffix}*"),
            _arn("logs", "log-group:/aws/rds/instance/healthcare-*-{suffix}/*"),
        ),
        types=("AWS::Logs::LogGroup", "AWS::Logs::MetricFilter"),
    ),
    Grant(
        "ManageAlarms",
        "alarms; `verify --drill` and `evidence --drill` ring them",
        _of("cloudwatch", "DeleteAlarms PutMetricAlarm SetAlarmState TagResource UntagResource"),
        (_arn("cloudwatch", "alarm:healthcare-*-{suffix}"),),
        types=("AWS::CloudWatch::Alarm",),
    ),
    Grant(
        "ManageTopic",
        "the alarm topic",
        _of("sns", "CreateTopic DeleteTopic SetTopicAttributes Subscribe TagResource UntagResource"),
        (_arn("sns", "healthcare-*-{suffix}"),),
        types=("AWS::SNS::Topic",),
    ),
    Grant(
        "ManageSubscription",
        "actions without a resource of their own",
        _of("sns", "SetSubscriptionAttributes Unsubscribe"),
        conditions=_HERE,
        types=("AWS::SNS::Subscription",),
    ),
    Grant(
        "ManageBackup",
        "the vault and the plan",
        _of(
            "backup",
            "CreateBackupPlan CreateBackupSelection CreateBackupVault DeleteBackupPlan DeleteBackupSelection"
            " DeleteBackupVault DeleteBackupVaultAccessPolicy PutBackupVaultAccessPolicy TagResource UntagResource"
            " UpdateBackupPlan",
        ),
        (_arn("backup", "backup-vault:healthcare-*-{suffix}"), _arn("backup", "backup-plan:*")),
        types=("AWS::Backup::BackupVault", "AWS::Backup::BackupPlan"),
    ),
    Grant(
        "MountVault",
        "a new vault is given its storage",
        ("backup-storage:MountCapsule",),
        types=("AWS::Backup::BackupVault",),
    ),
)

# What CloudFormation's handlers may also call, but not for this template.
LEFT_OUT: Mapping[str, tuple[str, ...]] = {
    "flow logs go to CloudWatch Logs only": (
        "autoscaling:DescribeTags", "s3:GetBucketPolicy", "s3:PutBucketPolicy",
    ),
    "no field index, data protection, resource policy or bearer token on log groups": (
        "firehose:TagDeliveryStream", "s3:REST.PUT.OBJECT", "logs:DeleteDataProtectionPolicy",
        "logs:DeleteIndexPolicy", "logs:DeleteResourcePolicy", "logs:PutBearerTokenAuthentication",
        "logs:PutDataProtectionPolicy", "logs:PutIndexPolicy", "logs:PutResourcePolicy",
    ),
    "no data protection policy on the topic": ("sns:PutDataProtectionPolicy",),
    "no lock and no notifications on the vault": (
        "backup:DeleteBackupVaultLockConfiguration", "backup:DeleteBackupVaultNotifications",
        "backup:PutBackupVaultLockConfiguration", "backup:PutBackupVaultNotifications",
    ),
    "no IPv6, no dedicated tenancy, no VPC encryption control": (
        "ec2:AssociateSubnetCidrBlock", "ec2:CreateVpcEncryptionControl", "ec2:DisassociateSubnetCidrBlock",
        "ec2:ModifyVpcTenancy",
    ),
    "endpoints of this Region's services only": (
        "vpc-lattice:CreateServiceNetworkVpcEndpointAssociation",
        "vpc-lattice:DescribeServiceNetworkVpcEndpointAssociation", "vpce:AllowMultiRegion",
    ),
    "policies are managed ones, attached to roles": (
        "iam:AttachGroupPolicy", "iam:AttachUserPolicy", "iam:DeleteRolePolicy", "iam:DetachGroupPolicy",
        "iam:DetachUserPolicy", "iam:PutRolePolicy",
    ),
    "a database of its own: no replica, no restore, no associated roles, no backups in other Regions": (
        "rds:AddRoleToDBInstance", "rds:CreateDBInstanceReadReplica", "rds:PromoteReadReplica",
        "rds:RemoveRoleFromDBInstance", "rds:RestoreDBInstanceFromDBSnapshot", "rds:RestoreDBInstanceToPointInTime",
        "rds:StartDBInstanceAutomatedBackupsReplication", "rds:StopDBInstanceAutomatedBackupsReplication",
    ),
    "no enhanced stream monitoring, no record distribution strategy": (
        "kinesis:DisableEnhancedMonitoring", "kinesis:EnableEnhancedMonitoring",
        "kinesis:UpdateStreamRecordDistributionStrategy",
    ),
    "no such action exists in the Service Authorization Reference": ("backup-storage:Mount",),
}  # fmt: skip


def left_out() -> frozenset[str]:
    """The actions of `LEFT_OUT`, without the reasons."""
    return frozenset(action for actions in LEFT_OUT.values() for action in actions)


def needed_by(types: Iterable[str]) -> tuple[Grant, ...]:
    """The grants that a stack of these resource types needs."""
    present = set(types)
    return tuple(grant for grant in GRANTS if not grant.types or not present.isdisjoint(grant.types))


def filled(text: str, values: Mapping[str, str]) -> str:
    """A pattern with its placeholders filled in."""
    return text.format_map(values)
