"""EC2: flow logs, security group rules as resources, VPC endpoints in full, default security groups as AWS makes them.

MiniStack 1.5.33 has no `AWS::EC2::FlowLog` and no `AWS::EC2::SecurityGroupIngress`/`Egress`; its flow logs lose the
role, the log group's name, the format and the interval; its VPC endpoints lose security groups, private DNS and policy,
and answer every filter with everything; a new VPC's default group lacks the rule that lets its members talk to each
other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from hipaa_pipeline.local import interfaces
from hipaa_pipeline.local.additions import (
    Additions,
    Created,
    Properties,
    ResourceType,
    boolean,
    matches_filters,
    new_id,
    tag_list,
)
from hipaa_pipeline.local.wire import ApiError

DEFAULT_LOG_FORMAT = (
    "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} "
    "${bytes} ${start} ${end} ${action} ${log-status}"
)
FULL_ACCESS = {"Statement": [{"Action": "*", "Effect": "Allow", "Principal": "*", "Resource": "*"}]}


def additions() -> Additions:
    """What this module adds to the account."""
    return Additions(
        operations={
            "ec2.CreateFlowLogs": create_flow_logs,
            "ec2.DescribeFlowLogs": describe_flow_logs,
            "ec2.CreateVpcEndpoint": create_vpc_endpoint,
            "ec2.ModifyVpcEndpoint": modify_vpc_endpoint,
            "ec2.DeleteVpcEndpoints": delete_vpc_endpoints,
            "ec2.DescribeVpcEndpoints": describe_vpc_endpoints,
            "ec2.DescribeNetworkInterfaces": interfaces.describe_network_interfaces,
            "ec2.DescribeSecurityGroupRules": describe_security_group_rules,
        },
        resource_types=(
            ResourceType("AWS::EC2::FlowLog", _flow_log, _delete_flow_log, _retag, _FLOW_LOG_PROPERTIES, has_tags=True),
            _rule_type("AWS::EC2::SecurityGroupIngress", "IpPermissions"),
            _rule_type("AWS::EC2::SecurityGroupEgress", "IpPermissionsEgress"),
        ),
        completions={
            "AWS::EC2::VPC": _complete_vpc,
            "AWS::EC2::VPCEndpoint": _complete_endpoint,
            "AWS::EC2::SecurityGroup": _complete_security_group,
        },
        deletions={"AWS::EC2::VPCEndpoint": _delete_endpoint},
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
_RESOURCE_STORES = {"VPC": "_vpcs", "Subnet": "_subnets", "NetworkInterface": "_network_interfaces"}


def _flow_log(properties: Properties) -> Created:
    """A flow log's record, kept as DescribeFlowLogs shows it. Raises ApiError when what it watches does not exist."""
    from ministack.core.responses import now_iso

    ec2 = _ec2()
    kind = properties.get("ResourceType", "VPC")
    if properties["ResourceId"] not in getattr(ec2, _RESOURCE_STORES[kind]):
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
    _set_tags(flow_log_id, properties)
    return flow_log_id, {"Id": flow_log_id}


def _delete_flow_log(flow_log_id: str, _properties: Properties) -> None:
    _ec2()._flow_logs.pop(flow_log_id, None)
    _ec2()._tags.pop(flow_log_id, None)


def create_flow_logs(request: dict[str, Any]) -> dict[str, Any]:
    """CreateFlowLogs: one flow log for each resource named."""
    tags = _tags_of(request, "vpc-flow-log")
    made = [_flow_log({**request, "ResourceId": each, "Tags": tags})[0] for each in request["ResourceIds"]]
    return {"FlowLogIds": made, "Unsuccessful": []}


def describe_flow_logs(request: dict[str, Any]) -> dict[str, Any]:
    """DescribeFlowLogs, by IDs and filters."""
    wanted = request.get("FlowLogIds")
    logs = [{**record, "Tags": _tags(record["FlowLogId"])} for record in _ec2()._flow_logs.values()]
    return {
        "FlowLogs": [
            log
            for log in logs
            if (not wanted or log["FlowLogId"] in wanted)
            and matches_filters(request.get("Filter"), _flow_log_filters(log) | _tag_filters(log["Tags"]))
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


# Tags


def _set_tags(resource_id: str, properties: Properties) -> None:
    _ec2()._tags[resource_id] = tag_list(properties.get("Tags"))


def _retag(resource_id: str, _old: Properties, new: Properties) -> Created:
    _set_tags(resource_id, new)
    return resource_id, {"Id": resource_id}


def _tags(resource_id: str) -> list[dict[str, str]]:
    return list(_ec2()._tags.get(resource_id) or [])


def _tags_of(request: Mapping[str, Any], resource_type: str) -> list[dict[str, str]]:
    specifications = request.get("TagSpecifications") or ()
    return [tag for each in specifications if each["ResourceType"] == resource_type for tag in each["Tags"]]


def _tag_filters(tags: list[dict[str, str]]) -> dict[str, Any]:
    return {f"tag:{tag['Key']}": tag["Value"] for tag in tags} | {"tag-key": [tag["Key"] for tag in tags]}


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
                | _tag_filters(rule["Tags"]),
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
        "Tags": _tags(rule_id),
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


# VPC endpoints


def create_vpc_endpoint(request: dict[str, Any]) -> dict[str, Any]:
    """CreateVpcEndpoint, with everything the request says kept."""
    from ministack.services.cloudformation import provisioners

    properties = {**request, "Tags": _tags_of(request, "vpc-endpoint")}
    endpoint_id, attributes = provisioners._ec2_vpc_endpoint_create("", properties, "")
    _complete_endpoint(endpoint_id, properties, attributes)
    return {"VpcEndpoint": _endpoint(_ec2()._vpc_endpoints[endpoint_id])}


def _complete_endpoint(endpoint_id: str, properties: Properties, attributes: dict[str, Any]) -> None:
    """The policy as text, and the default that AWS puts where none is given."""
    endpoint = _ec2()._vpc_endpoints[endpoint_id]
    policy = properties.get("PolicyDocument") or FULL_ACCESS
    endpoint["PolicyDocument"] = policy if isinstance(policy, str) else json.dumps(policy)
    endpoint["PrivateDnsEnabled"] = boolean(properties.get("PrivateDnsEnabled", False))
    if endpoint["VpcEndpointType"] == "Interface":
        _place_interfaces(endpoint)
        attributes["NetworkInterfaceIds"] = endpoint["NetworkInterfaceIds"]


def _place_interfaces(endpoint: dict[str, Any]) -> None:
    endpoint_id = endpoint["VpcEndpointId"]
    endpoint["NetworkInterfaceIds"] = interfaces.place(
        endpoint_id,
        endpoint["SubnetIds"],
        endpoint["SecurityGroupIds"],
        "vpc_endpoint",
        f"VPC Endpoint Interface {endpoint_id}",
    )
    endpoint["DnsEntries"] = [{"DnsName": f"{endpoint_id}.{endpoint['ServiceName']}", "HostedZoneId": "Z0LOCAL"}]


def _delete_endpoint(endpoint_id: str, _properties: Properties, delete: Callable[[], None]) -> None:
    interfaces.remove(endpoint_id)
    delete()


def delete_vpc_endpoints(request: dict[str, Any]) -> dict[str, Any]:
    """DeleteVpcEndpoints; one that does not exist is reported, not an error."""
    missing = [each for each in request["VpcEndpointIds"] if each not in _ec2()._vpc_endpoints]
    for endpoint_id in request["VpcEndpointIds"]:
        interfaces.remove(endpoint_id)
        _ec2()._vpc_endpoints.pop(endpoint_id, None)
        _ec2()._tags.pop(endpoint_id, None)
    reason = {"Code": "InvalidVpcEndpoint.NotFound", "Message": "The Vpc Endpoint Id does not exist"}
    return {"Unsuccessful": [{"ResourceId": each, "Error": reason} for each in missing]}


def modify_vpc_endpoint(request: dict[str, Any]) -> dict[str, Any]:
    """ModifyVpcEndpoint: sets are added to and removed from, policy and private DNS replaced."""
    endpoint = _ec2()._vpc_endpoints.get(request["VpcEndpointId"])
    if endpoint is None:
        raise ApiError(
            "InvalidVpcEndpointId.NotFound", f"The Vpc Endpoint Id '{request['VpcEndpointId']}' does not exist"
        )
    for member in ("RouteTableIds", "SubnetIds", "SecurityGroupIds"):
        kept = [each for each in endpoint[member] if each not in (request.get(f"Remove{member}") or ())]
        endpoint[member] = kept + [each for each in request.get(f"Add{member}") or () if each not in kept]
    if request.get("ResetPolicy"):
        endpoint["PolicyDocument"] = json.dumps(FULL_ACCESS)
    for member in ("PolicyDocument", "PrivateDnsEnabled"):
        if member in request:
            endpoint[member] = request[member]
    if endpoint["VpcEndpointType"] == "Interface":
        _place_interfaces(endpoint)
    return {"Return": True}


def describe_vpc_endpoints(request: dict[str, Any]) -> dict[str, Any]:
    """DescribeVpcEndpoints, by IDs and filters. Raises ApiError for an ID that does not exist."""
    store = _ec2()._vpc_endpoints
    for endpoint_id in request.get("VpcEndpointIds") or ():
        if endpoint_id not in store:
            raise ApiError("InvalidVpcEndpointId.NotFound", f"The Vpc Endpoint Id '{endpoint_id}' does not exist")
    wanted = request.get("VpcEndpointIds")
    endpoints = [_endpoint(record) for record in store.values()]
    return {
        "VpcEndpoints": [
            endpoint
            for endpoint in endpoints
            if (not wanted or endpoint["VpcEndpointId"] in wanted)
            and matches_filters(request.get("Filters"), _endpoint_filters(endpoint))
        ]
    }


def _endpoint(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as the API shows it: groups with their names."""
    groups = _ec2()._security_groups
    named = [
        {"GroupId": group_id, "GroupName": groups.get(group_id, {}).get("GroupName", "")}
        for group_id in record.get("SecurityGroupIds", ())
    ]
    return {**record, "Groups": named, "IpAddressType": "ipv4", "Tags": _tags(record["VpcEndpointId"])}


def _endpoint_filters(endpoint: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "service-name": endpoint["ServiceName"],
        "vpc-id": endpoint["VpcId"],
        "vpc-endpoint-id": endpoint["VpcEndpointId"],
        "vpc-endpoint-state": endpoint["State"],
        "vpc-endpoint-type": endpoint["VpcEndpointType"],
    } | _tag_filters(endpoint["Tags"])
