"""EC2: flow logs, security group rules as resources, and default security groups as AWS makes them.

MiniStack 1.5.33 has no `AWS::EC2::FlowLog` and no `AWS::EC2::SecurityGroupIngress`/`Egress`; its flow logs lose the
role, the log group's name, the format and the interval; a new VPC's default group lacks the rule that lets its members
talk to each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hipaa_pipeline.local import ec2_tags
from hipaa_pipeline.local.additions import (
    Additions,
    Created,
    Properties,
    ResourceType,
    matches_filters,
    new_id,
)
from hipaa_pipeline.local.wire import ApiError

DEFAULT_LOG_FORMAT = (
    "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} "
    "${bytes} ${start} ${end} ${action} ${log-status}"
)


def additions() -> Additions:
    """What this module adds to the account."""
    return Additions(
        operations={
            "ec2.CreateFlowLogs": create_flow_logs,
            "ec2.DescribeFlowLogs": describe_flow_logs,
            "ec2.DescribeSecurityGroupRules": describe_security_group_rules,
        },
        resource_types=(
            ResourceType("AWS::EC2::FlowLog", _flow_log, _delete_flow_log, _retag, _FLOW_LOG_PROPERTIES, has_tags=True),
            _rule_type("AWS::EC2::SecurityGroupIngress", "IpPermissions"),
            _rule_type("AWS::EC2::SecurityGroupEgress", "IpPermissionsEgress"),
        ),
        completions={
            "AWS::EC2::VPC": _complete_vpc,
            "AWS::EC2::SecurityGroup": _complete_security_group,
        },
        follow_ups={"ec2.CreateVpc": complete_default_groups},
    )


def _ec2() -> Any:
    from ministack.services import ec2

    return ec2


# Flow logs

_FLOW_LOG_PROPERTIES = (
    "DeliverCrossAccountRole", "DeliverLogsPermissionArn", "DestinationOptions", "LogDestination", "LogDestinationType",
    "LogFormat", "LogGroupName", "MaxAggregationInterval", "ResourceId", "ResourceType", "TrafficType",
)  # fmt: skip


def _flow_log(properties: Properties) -> Created:
    """A flow log's record, kept as DescribeFlowLogs shows it. Raises ApiError when what it watches does not exist."""
    from ministack.core.responses import now_iso

    ec2 = _ec2()
    kind = properties.get("ResourceType", "VPC")
    watched = {"VPC": ec2._vpcs, "Subnet": ec2._subnets, "NetworkInterface": ec2._network_interfaces}
    if properties["ResourceId"] not in watched[kind]:
        raise ApiError("InvalidVpcId.NotFound", f"The {kind} ID '{properties['ResourceId']}' does not exist")
    flow_log_id = new_id("fl")
    ec2._flow_logs[flow_log_id] = {
        "FlowLogId": flow_log_id,
        "FlowLogStatus": "ACTIVE",
        "DeliverLogsStatus": "SUCCESS",
        "CreationTime": now_iso(),
        "ResourceId": properties["ResourceId"],
        "TrafficType": properties.get("TrafficType"),
        "LogDestinationType": properties.get("LogDestinationType", "cloud-watch-logs"),
        "LogDestination": properties.get("LogDestination"),
        "LogGroupName": properties.get("LogGroupName"),
        "DeliverLogsPermissionArn": properties.get("DeliverLogsPermissionArn"),
        "LogFormat": properties.get("LogFormat") or DEFAULT_LOG_FORMAT,
        "MaxAggregationInterval": int(properties.get("MaxAggregationInterval") or 600),
        "DestinationOptions": properties.get("DestinationOptions"),
    }
    ec2_tags.set_tags(flow_log_id, properties)
    return flow_log_id, {"Id": flow_log_id}


def _delete_flow_log(flow_log_id: str, _properties: Properties) -> None:
    _ec2()._flow_logs.pop(flow_log_id, None)
    _ec2()._tags.pop(flow_log_id, None)


def create_flow_logs(request: dict[str, Any]) -> dict[str, Any]:
    """CreateFlowLogs: one flow log for each resource named."""
    tags = ec2_tags.requested(request, "vpc-flow-log")
    made = [_flow_log({**request, "ResourceId": each, "Tags": tags})[0] for each in request["ResourceIds"]]
    return {"FlowLogIds": made, "Unsuccessful": []}


def describe_flow_logs(request: dict[str, Any]) -> dict[str, Any]:
    """DescribeFlowLogs, by IDs and filters."""
    wanted = request.get("FlowLogIds")
    logs = [{**record, "Tags": ec2_tags.tags(record["FlowLogId"])} for record in _ec2()._flow_logs.values()]
    return {
        "FlowLogs": [
            log
            for log in logs
            if (not wanted or log["FlowLogId"] in wanted)
            and matches_filters(request.get("Filter"), _flow_log_filters(log) | ec2_tags.filters(log["Tags"]))
        ]
    }


def _flow_log_filters(log: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "deliver-log-status": log["DeliverLogsStatus"],
        "log-destination-type": log["LogDestinationType"],
        "flow-log-id": log["FlowLogId"],
        "log-group-name": log["LogGroupName"],
        "resource-id": log["ResourceId"],
        "traffic-type": log["TrafficType"],
    }


def _retag(resource_id: str, _old: Properties, new: Properties) -> Created:
    ec2_tags.set_tags(resource_id, new)
    return resource_id, {"Id": resource_id}


# Security group rules

_RULE_PROPERTIES = (
    "CidrIp", "CidrIpv6", "DestinationPrefixListId", "DestinationSecurityGroupId", "FromPort", "GroupId", "GroupName",
    "IpProtocol", "SourcePrefixListId", "SourceSecurityGroupId", "SourceSecurityGroupName",
    "SourceSecurityGroupOwnerId", "ToPort",
)  # fmt: skip


def _rule_type(name: str, direction: str) -> ResourceType:
    """A rule of a group, kept among the group's own rules, so that every read of the group shows it."""
    egress = direction == "IpPermissionsEgress"

    def create(properties: Properties) -> Created:
        rules = _group(properties["GroupId"])[direction]
        rule = _permission(properties)
        if any(_ec2()._rules_match(rule, present) for present in rules):
            raise ApiError("InvalidPermission.Duplicate", "the specified rule already exists")
        rule["SecurityGroupRuleId"] = _ec2()._sg_rule_id(properties["GroupId"], egress, rule)
        rules.append(rule)
        return rule["SecurityGroupRuleId"], {"Id": rule["SecurityGroupRuleId"]}

    def update(rule_id: str, _old: Properties, new: Properties) -> Created:
        rules = _group(new["GroupId"])[direction]
        rules[:] = [rule for rule in rules if rule.get("SecurityGroupRuleId") != rule_id]
        rules.append({**_permission(new), "SecurityGroupRuleId": rule_id})
        return rule_id, {"Id": rule_id}

    def delete(rule_id: str, properties: Properties) -> None:
        group = _ec2()._security_groups.get(properties["GroupId"])
        if group:
            group[direction] = [rule for rule in group[direction] if rule.get("SecurityGroupRuleId") != rule_id]

    return ResourceType(name, create, delete, update, _RULE_PROPERTIES)


def _group(group_id: str) -> dict[str, Any]:
    group: dict[str, Any] | None = _ec2()._security_groups.get(group_id)
    if group is None:
        raise ApiError("InvalidGroup.NotFound", f"The security group '{group_id}' does not exist")
    return group


def _permission(properties: Properties) -> dict[str, Any]:
    from ministack.services.cloudformation import provisioners

    permission: dict[str, Any] = provisioners._ec2_sg_permissions([properties])[0]
    _complete_permission(permission)
    return permission


def _complete_permission(permission: dict[str, Any]) -> None:
    """AWS names the owner of a group referred to; MiniStack leaves it out."""
    from ministack.core.responses import get_account_id

    for pair in permission.get("UserIdGroupPairs", ()):
        pair.setdefault("UserId", get_account_id())


def _complete_security_group(group_id: str, _properties: Properties, _attributes: dict[str, Any]) -> None:
    group = _ec2()._security_groups[group_id]
    for permission in [*group["IpPermissions"], *group["IpPermissionsEgress"]]:
        _complete_permission(permission)


def describe_security_group_rules(request: dict[str, Any]) -> dict[str, Any]:
    """DescribeSecurityGroupRules, by IDs and filters: one item per source or destination, as AWS counts rules."""
    wanted = request.get("SecurityGroupRuleIds")
    rules = [
        rule
        for group in _ec2()._security_groups.values()
        for direction in ("IpPermissions", "IpPermissionsEgress")
        for permission in group.get(direction, ())
        for rule in _rules_of(group, permission, egress=direction == "IpPermissionsEgress")
    ]
    return {
        "SecurityGroupRules": [
            rule
            for rule in rules
            if (not wanted or rule["SecurityGroupRuleId"] in wanted)
            and matches_filters(
                request.get("Filters"),
                {"group-id": rule["GroupId"], "security-group-rule-id": rule["SecurityGroupRuleId"]}
                | ec2_tags.filters(rule["Tags"]),
            )
        ]
    }


_PEERS = (
    ("IpRanges", "CidrIp", "CidrIpv4"),
    ("Ipv6Ranges", "CidrIpv6", "CidrIpv6"),
    ("PrefixListIds", "PrefixListId", "PrefixListId"),
    ("UserIdGroupPairs", "GroupId", "ReferencedGroupInfo"),
)


def _rules_of(group: Mapping[str, Any], permission: Mapping[str, Any], *, egress: bool) -> list[dict[str, Any]]:
    rule_id = _ec2()._sg_rule_id(group["GroupId"], egress, permission)
    common = {
        "SecurityGroupRuleId": rule_id,
        "GroupId": group["GroupId"],
        "GroupOwnerId": group["OwnerId"],
        "IsEgress": egress,
        "IpProtocol": permission.get("IpProtocol", "-1"),
        "FromPort": permission.get("FromPort", -1),
        "ToPort": permission.get("ToPort", -1),
        "Tags": ec2_tags.tags(rule_id),
    }
    rules = []
    for kind, key, member in _PEERS:
        for peer in permission.get(kind, ()):
            value = {"GroupId": peer[key], "UserId": peer.get("UserId")} if kind == "UserIdGroupPairs" else peer[key]
            rules.append({**common, member: value, "Description": peer.get("Description")})
    return rules


# VPCs and their default groups


def _complete_vpc(vpc_id: str, _properties: Properties, attributes: dict[str, Any]) -> None:
    """MiniStack's `Fn::GetAtt` knows three attributes of a VPC."""
    vpc = _ec2()._vpcs[vpc_id]
    attributes |= {"CidrBlock": vpc["CidrBlock"], "CidrBlockAssociations": [], "Ipv6CidrBlocks": []}
    complete_default_groups()


def complete_default_groups() -> None:
    """Give each new default group the rule AWS gives it: all traffic from its own members.

    https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html
    """
    for group in _ec2()._security_groups.values():
        if group["GroupName"] == "default" and not group.get("_completed"):
            group["_completed"] = True
            if not group["IpPermissions"]:
                pair = {"GroupId": group["GroupId"], "UserId": group["OwnerId"]}
                empty: dict[str, Any] = {"IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": []}
                group["IpPermissions"].append({"IpProtocol": "-1", **empty, "UserIdGroupPairs": [pair]})
