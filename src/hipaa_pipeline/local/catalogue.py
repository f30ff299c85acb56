"""The quotas this account enforces: codes and defaults, how each is counted, and AWS's words when it is reached.

Codes and defaults are those the Service Quotas console shows; the texts are those that AWS's users have reported
(CloudFormation wraps them: `patches.handler_message`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from hipaa_pipeline.local.quotas import Parameters, Quota
from hipaa_pipeline.local.wire import ApiError


def catalogue() -> tuple[Quota, ...]:
    """Every quota this account knows. Imports MiniStack, so call it in the account's own process only."""
    return (*_network(), *_identity(), *_database(), *_stream(), *_keys_and_logs(), *_backup(), *_stacks())


def _says(code: str, message: str, status: int = 400) -> Callable[[float], ApiError]:
    """The error of a full quota; `{limit}` in the message is its value."""
    return lambda limit: ApiError(code, message.format(limit=int(limit)), status)


def _all_of(store: Any) -> Callable[[Parameters], int]:
    return lambda _parameters: len(store)


def _of_same(store: Any, member: str) -> Callable[[Parameters], int]:
    """How many records agree with what is to be created in one member (its VPC, its key)."""
    return lambda parameters: sum(1 for record in store.values() if record.get(member) == parameters.get(member))


def _network() -> tuple[Quota, ...]:
    from ministack.services import ec2

    def kind(parameters: Parameters) -> str:
        return str(parameters.get("VpcEndpointType", "Gateway"))

    def endpoints(wanted: str, parameters: Parameters) -> int:
        return sum(
            1
            for record in ec2._vpc_endpoints.values()
            if record["VpcEndpointType"] == wanted
            and (wanted == "Gateway" or record["VpcId"] == parameters.get("VpcId"))
        )

    # The handlers of EC2's types report a full quota as a general failure.
    quota = functools.partial(Quota, service_code="vpc", handler_code="GeneralServiceException")
    endpoint = functools.partial(
        quota,
        resource_type="AWS::EC2::VPCEndpoint",
        operation="ec2.CreateVpcEndpoint",
        error=_says("VpcEndpointLimitExceeded", "The maximum number of VPC endpoints has been reached."),
    )
    return (
        quota(
            code="L-F678F1CE",
            name="VPCs per Region",
            default=5,
            resource_type="AWS::EC2::VPC",
            operation="ec2.CreateVpc",
            error=_says("VpcLimitExceeded", "The maximum number of VPCs has been reached."),
            usage=_all_of(ec2._vpcs),
        ),
        quota(
            code="L-407747CB",
            per_parent=True,
            name="Subnets per VPC",
            default=200,
            resource_type="AWS::EC2::Subnet",
            operation="ec2.CreateSubnet",
            error=_says("SubnetLimitExceeded", "The maximum number of subnets has been reached."),
            usage=_of_same(ec2._subnets, "VpcId"),
        ),
        quota(
            code="L-589F43AA",
            per_parent=True,
            name="Route tables per VPC",
            default=200,
            resource_type="AWS::EC2::RouteTable",
            operation="ec2.CreateRouteTable",
            error=_says("RouteTableLimitExceeded", "The maximum number of route tables has been reached."),
            usage=_of_same(ec2._route_tables, "VpcId"),
        ),
        quota(
            code="L-E79EC296",
            name="VPC security groups per Region",
            default=2500,
            resource_type="AWS::EC2::SecurityGroup",
            operation="ec2.CreateSecurityGroup",
            error=_says("SecurityGroupLimitExceeded", "The maximum number of security groups has been reached."),
            usage=_all_of(ec2._security_groups),
        ),
        quota(
            code="L-0EA8095F",
            per_parent=True,
            name="Inbound or outbound rules per security group",
            default=60,
            resource_type="AWS::EC2::SecurityGroupIngress",
            operation="ec2.AuthorizeSecurityGroupIngress",
            error=_says(
                "RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached."
            ),
            usage=lambda request: len(ec2._security_groups.get(request.get("GroupId"), {}).get("IpPermissions", ())),
        ),
        endpoint(
            code="L-29B6F2EB",
            per_parent=True,
            name="Interface VPC endpoints per VPC",
            default=50,
            usage=functools.partial(endpoints, "Interface"),
            demand=lambda parameters: int(kind(parameters) == "Interface"),
        ),
        endpoint(
            code="L-1B52E74A",
            name="Gateway VPC endpoints per Region",
            default=20,
            usage=functools.partial(endpoints, "Gateway"),
            demand=lambda parameters: int(kind(parameters) == "Gateway"),
        ),
        quota(
            code="L-DF5E4CA3",
            name="Network interfaces per Region",
            default=5000,
            resource_type="AWS::EC2::VPCEndpoint",
            operation="ec2.CreateVpcEndpoint",
            error=_says("NetworkInterfaceLimitExceeded", "The maximum number of network interfaces has been reached."),
            usage=_all_of(ec2._network_interfaces),
            demand=lambda parameters: len(parameters.get("SubnetIds") or ()) if kind(parameters) == "Interface" else 0,
        ),
    )


def _identity() -> tuple[Quota, ...]:
    from ministack.services import iam

    quota = functools.partial(Quota, service_code="iam")
    return (
        quota(
            code="L-FE177D64",
            name="Roles per account",
            default=1000,
            resource_type="AWS::IAM::Role",
            operation="iam.CreateRole",
            error=_says("LimitExceeded", "Cannot exceed quota for RolesPerAccount: {limit}", 409),
            usage=_all_of(iam._roles),
        ),
        quota(
            code="L-E95E4862",
            name="Customer managed policies per account",
            default=1500,
            resource_type="AWS::IAM::ManagedPolicy",
            operation="iam.CreatePolicy",
            error=_says("LimitExceeded", "Cannot exceed quota for PoliciesPerAccount: {limit}", 409),
            usage=_all_of(iam._policies),
        ),
        quota(
            code="L-0DA4ABF3",
            per_parent=True,
            name="Managed policies per role",
            default=10,
            resource_type="AWS::IAM::Role",
            operation="",
            error=_says("LimitExceeded", "Cannot exceed quota for PoliciesPerRole: {limit}", 409),
            usage=lambda _: 0,
            demand=lambda parameters: len(parameters.get("ManagedPolicyArns") or ()),
        ),
    )


def _database() -> tuple[Quota, ...]:
    from ministack.services import rds

    quota = functools.partial(Quota, service_code="rds")
    instance = functools.partial(quota, resource_type="AWS::RDS::DBInstance", operation="rds.CreateDBInstance")
    return (
        instance(
            code="L-7B6409FD",
            name="DB instances",
            default=40,
            error=_says("InstanceQuotaExceeded", "DB Instance quota exceeded"),
            usage=_all_of(rds._instances),
        ),
        instance(
            code="L-7ADDB58A",
            name="Total storage for all DB instances",
            default=100_000,
            error=_says("StorageQuotaExceeded", "Storage quota exceeded"),
            usage=lambda _: sum(int(record.get("AllocatedStorage") or 0) for record in rds._instances.values()),
            demand=lambda parameters: int(parameters.get("AllocatedStorage") or 0),
        ),
        quota(
            code="L-DE55804A",
            name="Parameter groups",
            default=50,
            resource_type="AWS::RDS::DBParameterGroup",
            operation="rds.CreateDBParameterGroup",
            error=_says("DBParameterGroupQuotaExceeded", "DB parameter group quota exceeded"),
            usage=_all_of(rds._param_groups),
        ),
        quota(
            code="L-48C6BF61",
            name="DB subnet groups",
            default=50,
            resource_type="AWS::RDS::DBSubnetGroup",
            operation="rds.CreateDBSubnetGroup",
            error=_says("DBSubnetGroupQuotaExceeded", "DB subnet group quota exceeded"),
            usage=_all_of(rds._subnet_groups),
        ),
        quota(
            code="L-272F1212",
            name="Manual DB instance snapshots",
            default=100,
            resource_type="",
            operation="rds.CreateDBSnapshot",
            error=_says("SnapshotQuotaExceeded", "Cannot create more than {limit} manual snapshots"),
            usage=_all_of(rds._snapshots),
        ),
    )


def _stream() -> tuple[Quota, ...]:
    from ministack.services import kinesis

    quota = functools.partial(
        Quota, service_code="kinesis", resource_type="AWS::Kinesis::Stream", operation="kinesis.CreateStream"
    )
    return (
        quota(
            code="L-0918CF54",
            name="Shards per Region",
            default=6000,
            error=_says(
                "LimitExceededException", "This request would exceed the shard limit for the account. Limit: {limit}."
            ),
            usage=lambda _: sum(len(each["shards"]) for each in kinesis._streams.values() if not is_on_demand(each)),
            demand=lambda parameters: 0 if is_on_demand(parameters) else int(parameters.get("ShardCount") or 1),
        ),
        quota(
            code=ON_DEMAND_STREAMS,
            name="On-demand streams per Region",
            default=50,
            error=_says("LimitExceededException", "On-demand stream limit exceeded. Limit: {limit}."),
            usage=lambda _: sum(1 for each in kinesis._streams.values() if is_on_demand(each)),
            demand=lambda parameters: int(is_on_demand(parameters)),
        ),
    )


# Service Quotas does not list it; Kinesis reports it through DescribeLimits.
ON_DEMAND_STREAMS = "on_demand_streams"


def is_on_demand(stream: Parameters) -> bool:
    """Whether a stream's record or properties say on-demand capacity."""
    return (stream.get("StreamModeDetails") or {}).get("StreamMode") == "ON_DEMAND"


def _keys_and_logs() -> tuple[Quota, ...]:
    from ministack.services import cloudwatch_logs, kms, secretsmanager, sns

    refused = _says("LimitExceededException", "The request was rejected because a limit was exceeded.")
    return (
        Quota(
            service_code="kms",
            code="L-C2F1777E",
            name="Customer managed keys",
            default=100_000,
            resource_type="AWS::KMS::Key",
            operation="kms.CreateKey",
            error=refused,
            usage=_all_of(kms._keys),
        ),
        Quota(
            service_code="kms",
            code="L-340F62FB",
            per_parent=True,
            name="Aliases per KMS key",
            default=50,
            resource_type="AWS::KMS::Alias",
            operation="kms.CreateAlias",
            error=refused,
            usage=lambda parameters: list(kms._aliases.values()).count(parameters.get("TargetKeyId")),
        ),
        Quota(
            service_code="logs",
            code="L-C7B9AAAB",
            name="Log groups",
            default=1_000_000,
            resource_type="AWS::Logs::LogGroup",
            operation="logs.CreateLogGroup",
            error=_says("LimitExceededException", "Resource limit exceeded."),
            usage=_all_of(cloudwatch_logs._log_groups),
        ),
        Quota(
            service_code="sns",
            code="L-61103206",
            name="Topics per account",
            default=100_000,
            resource_type="AWS::SNS::Topic",
            operation="sns.CreateTopic",
            error=_says("TopicLimitExceeded", "Topic limit exceeded", 403),
            usage=_all_of(sns._topics),
        ),
        Quota(
            service_code="secretsmanager",
            code="L-2F66C23C",
            name="Secrets per Region",
            default=500_000,
            resource_type="AWS::SecretsManager::Secret",
            operation="secretsmanager.CreateSecret",
            error=_says("LimitExceededException", "You have reached the limit of secrets."),
            usage=_all_of(secretsmanager._secrets),
        ),
    )


def _backup() -> tuple[Quota, ...]:
    from ministack.services import backup

    return (
        Quota(
            service_code="backup",
            code="L-7705D2CB",
            name="Backup vaults per Region",
            default=300,
            resource_type="AWS::Backup::BackupVault",
            operation="backup.CreateBackupVault",
            error=_says("LimitExceededException", "Backup vault limit exceeded: {limit}"),
            usage=_all_of(backup._vaults),
        ),
        Quota(
            service_code="backup",
            code="L-BD69F607",
            name="Backup plans per Region",
            default=300,
            resource_type="AWS::Backup::BackupPlan",
            operation="backup.CreateBackupPlan",
            error=_says("LimitExceededException", "Backup plan limit exceeded: {limit}"),
            usage=_all_of(backup._plans),
        ),
    )


def _stacks() -> tuple[Quota, ...]:
    from ministack.services import cloudformation

    return (
        Quota(
            service_code="cloudformation",
            code="L-0485CB21",
            name="Stack count",
            default=2000,
            resource_type="AWS::CloudFormation::Stack",
            operation="cloudformation.CreateStack",
            error=_says("LimitExceededException", "Limit for stack has been exceeded: {limit}"),
            usage=lambda _: sum(
                1 for stack in cloudformation._stacks.values() if stack.get("StackStatus") != "DELETE_COMPLETE"
            ),
        ),
    )
