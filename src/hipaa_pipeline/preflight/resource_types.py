"""What each resource type of the template costs in quotas, and which change of it makes CloudFormation replace it.

Every type of the template has a row here: the quotas it counts against, or the reason why it counts against none. The
properties that replace a resource are its `createOnlyProperties` in CloudFormation's resource schema (a test compares
them); the Template Reference says "Update requires: Replacement" for the same ones.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from hipaa_pipeline.stack import Resource, is_unknown

SELF = "self"  # as a parent: the resource itself


@dataclasses.dataclass(frozen=True)
class Use:
    """`amount` of a quota that one resource takes; None when it could not be determined.

    `parent` is the property value that names what the quota is per (the VPC of a subnet), SELF, or None for a quota of
    the account.
    """

    quota: str
    amount: int | None = 1
    parent: Any = None


@dataclasses.dataclass(frozen=True)
class ResourceType:
    """One row: what a resource of the type takes, which properties replace it, or why it takes no counted quota."""

    uses: Callable[[Resource], Iterable[Use]]
    replaced_by: tuple[str, ...] = ()
    no_count_quota: str = ""


def amount_of(value: Any) -> int | None:
    """A count written as a number or a text; None for one that is not known."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def length_of(value: Any) -> int | None:
    """How many items a list property has; None when it is not known."""
    if value is None:
        return 0
    return len(value) if isinstance(value, list | tuple) else None


def is_true(value: Any) -> bool:
    """Whether a boolean property, which CloudFormation also takes as a text, is true."""
    return str(value).lower() == "true"


def _vpc(_: Resource) -> Iterable[Use]:
    # AWS makes a main route table and a default security group with every VPC; both count.
    return Use("vpcs"), Use("security_groups"), Use("route_tables", parent=SELF)


def _subnet(resource: Resource) -> Iterable[Use]:
    return (Use("subnets", parent=resource.get("VpcId")),)


def _route_table(resource: Resource) -> Iterable[Use]:
    return (Use("route_tables", parent=resource.get("VpcId")),)


def _security_group(resource: Resource) -> Iterable[Use]:
    outbound = length_of(resource.get("SecurityGroupEgress"))
    return (
        Use("security_groups"),
        Use("inbound_rules", length_of(resource.get("SecurityGroupIngress")), parent=SELF),
        # Without an outbound rule of its own a new group gets one that allows everything.
        Use("outbound_rules", outbound if outbound is None else max(outbound, 1), parent=SELF),
    )


def _inbound_rule(resource: Resource) -> Iterable[Use]:
    return (Use("inbound_rules", parent=resource.get("GroupId")),)


def _outbound_rule(resource: Resource) -> Iterable[Use]:
    return (Use("outbound_rules", parent=resource.get("GroupId")),)


def _vpc_endpoint(resource: Resource) -> Iterable[Use]:
    if resource.get("VpcEndpointType", "Gateway") == "Gateway":
        return (Use("gateway_endpoints"),)
    interfaces = length_of(resource.get("SubnetIds"))
    return Use("interface_endpoints", parent=resource.get("VpcId")), Use("network_interfaces", interfaces)


def _flow_log(resource: Resource) -> Iterable[Use]:
    return (Use("flow_logs", parent=resource.get("ResourceId")),)


def _role(resource: Resource) -> Iterable[Use]:
    return Use("roles"), Use("role_policies", length_of(resource.get("ManagedPolicyArns")), parent=SELF)


def _managed_policy(resource: Resource) -> Iterable[Use]:
    roles = resource.get("Roles", [])
    attached = [Use("role_policies", parent=role) for role in roles] if isinstance(roles, list | tuple) else []
    return Use("policies"), *attached


def _db_instance(resource: Resource) -> Iterable[Use]:
    interfaces = 2 if is_true(resource.get("MultiAZ")) else 1
    secrets = 1 if is_true(resource.get("ManageMasterUserPassword")) else 0
    return (
        Use("db_instances"),
        Use("db_storage", amount_of(resource.get("AllocatedStorage"))),
        Use("network_interfaces", interfaces),
        Use("secrets", secrets),
    )


def _stream(resource: Resource) -> Iterable[Use]:
    mode = resource.get("StreamModeDetails.StreamMode", "PROVISIONED")
    if is_unknown(mode):
        return Use("shards", None), Use("on_demand_streams", None)
    if mode == "ON_DEMAND":
        return (Use("on_demand_streams"),)
    return (Use("shards", amount_of(resource.get("ShardCount", 1))),)


def _alias(resource: Resource) -> Iterable[Use]:
    return (Use("key_aliases", parent=resource.get("TargetKeyId")),)


def _metric_filter(resource: Resource) -> Iterable[Use]:
    return (Use("metric_filters", parent=resource.get("LogGroupName")),)


def _counts(*uses: Use) -> Callable[[Resource], Iterable[Use]]:
    return lambda _: uses


def _uncounted(reason: str, *replaced_by: str) -> ResourceType:
    return ResourceType(_counts(), replaced_by, reason)


_INGRESS = (
    "CidrIp", "CidrIpv6", "FromPort", "GroupId", "GroupName", "IpProtocol", "SourcePrefixListId",
    "SourceSecurityGroupId", "SourceSecurityGroupName", "SourceSecurityGroupOwnerId", "ToPort",
)  # fmt: skip
_EGRESS = (
    "CidrIp", "CidrIpv6", "DestinationPrefixListId", "DestinationSecurityGroupId", "FromPort", "GroupId",
    "IpProtocol", "ToPort",
)  # fmt: skip
_FLOW_LOG = (
    "DeliverCrossAccountRole", "DeliverLogsPermissionArn", "DestinationOptions", "LogDestination",
    "LogDestinationType", "LogFormat", "LogGroupName", "MaxAggregationInterval", "ResourceId", "ResourceType",
    "TagFieldSpecifications", "TrafficType",
)  # fmt: skip
_SUBNET = (
    "AvailabilityZone", "AvailabilityZoneId", "CidrBlock", "Ipv4IpamPoolId", "Ipv4NetmaskLength", "Ipv6IpamPoolId",
    "Ipv6Native", "Ipv6NetmaskLength", "OutpostArn", "VpcId",
)  # fmt: skip
_VPC_ENDPOINT = (
    "DnsOptions.PrivateDnsPreference", "DnsOptions.PrivateDnsSpecifiedDomains", "ResourceConfigurationArn",
    "ServiceName", "ServiceNetworkArn", "ServiceRegion", "VpcEndpointType", "VpcId",
)  # fmt: skip
_DB_INSTANCE = (
    "BackupTarget", "CharacterSetName", "CustomIAMInstanceProfile", "DBClusterIdentifier", "DBInstanceIdentifier",
    "DBName", "DBSubnetGroupName", "DBSystemId", "KmsKeyId", "MasterUsername", "NcharCharacterSetName", "SourceRegion",
    "StorageEncrypted", "Timezone",
)  # fmt: skip

RESOURCE_TYPES = {
    "AWS::Backup::BackupPlan": ResourceType(_counts(Use("backup_plans"))),
    "AWS::Backup::BackupSelection": _uncounted(
        "belongs to the stack's own backup plan", "BackupPlanId", "BackupSelection"
    ),
    "AWS::Backup::BackupVault": ResourceType(_counts(Use("backup_vaults")), ("BackupVaultName", "EncryptionKeyArn")),
    "AWS::CloudWatch::Alarm": _uncounted("CloudWatch limits no number of alarms", "AlarmName"),
    "AWS::EC2::FlowLog": ResourceType(_flow_log, _FLOW_LOG),
    "AWS::EC2::RouteTable": ResourceType(_route_table, ("VpcId",)),
    "AWS::EC2::SecurityGroup": ResourceType(_security_group, ("GroupDescription", "GroupName", "VpcId")),
    "AWS::EC2::SecurityGroupEgress": ResourceType(_outbound_rule, _EGRESS),
    "AWS::EC2::SecurityGroupIngress": ResourceType(_inbound_rule, _INGRESS),
    "AWS::EC2::Subnet": ResourceType(_subnet, _SUBNET),
    "AWS::EC2::SubnetRouteTableAssociation": _uncounted("a subnet has exactly one", "RouteTableId", "SubnetId"),
    "AWS::EC2::VPC": ResourceType(_vpc, ("CidrBlock", "Ipv4IpamPoolId", "Ipv4NetmaskLength", "VpcEncryptionControl")),
    "AWS::EC2::VPCEndpoint": ResourceType(_vpc_endpoint, _VPC_ENDPOINT),
    "AWS::IAM::ManagedPolicy": ResourceType(_managed_policy, ("Description", "ManagedPolicyName", "Path")),
    "AWS::IAM::Role": ResourceType(_role, ("Path", "RoleName")),
    "AWS::KMS::Alias": ResourceType(_alias, ("AliasName",)),
    "AWS::KMS::Key": ResourceType(_counts(Use("keys"))),
    "AWS::Kinesis::Stream": ResourceType(_stream, ("Name",)),
    "AWS::Logs::LogGroup": ResourceType(_counts(Use("log_groups")), ("LogGroupName",)),
    "AWS::Logs::MetricFilter": ResourceType(_metric_filter, ("FilterName", "LogGroupName")),
    "AWS::RDS::DBInstance": ResourceType(_db_instance, _DB_INSTANCE),
    "AWS::RDS::DBParameterGroup": ResourceType(
        _counts(Use("db_parameter_groups")), ("DBParameterGroupName", "Description", "Family")
    ),
    "AWS::RDS::DBSubnetGroup": ResourceType(_counts(Use("db_subnet_groups")), ("DBSubnetGroupName",)),
    "AWS::SNS::Subscription": _uncounted("12,500,000 per topic", "Endpoint", "Protocol", "TopicArn"),
    "AWS::SNS::Topic": ResourceType(_counts(Use("topics")), ("FifoTopic", "TopicName")),
    "AWS::SNS::TopicPolicy": _uncounted("a topic has exactly one policy"),
}
