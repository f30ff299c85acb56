"""Security groups and their rules, read back from EC2.

A rule that is a resource of the stack is read as that resource; every other rule of a group is read as one of the
group's own, so that a rule added behind the stack's back stands where a control looks for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hipaa_pipeline.aws.live.network import described
from hipaa_pipeline.aws.live.reader import Part, Physical, Reader, ResourceReader, all_unknown, only, renamed, tags
from hipaa_pipeline.aws.session import AwsError

_GROUP = {"GroupName": "GroupName", "GroupDescription": "Description", "VpcId": "VpcId"}
_RULE_TYPES = ("AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress")
_RULE_NAMES = ("IpProtocol", "FromPort", "ToPort", "CidrIp", "CidrIpv6", "Description", "GroupId")
_SOURCES = ("SourceSecurityGroupId", "SourceSecurityGroupOwnerId", "SourcePrefixListId")
_DESTINATIONS = ("DestinationSecurityGroupId", "DestinationPrefixListId")


def _group(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    groups = described(reader, physical.type, "describe_security_groups", "SecurityGroups", "group-id")
    found = only(groups, "GroupId", physical.id)
    return {**renamed(found, _GROUP), "Tags": tags(found.get("Tags", ()))}


def _group_rules(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    filters = [{"Name": "group-id", "Values": reader.ids(physical.type)}]
    rules = reader.pages("ec2", "describe_security_group_rules", "SecurityGroupRules", Filters=filters)
    return _rules_of(reader, physical.id, rules)


def _rules_of(reader: Reader, group_id: str, rules: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    standalone = set(reader.ids(*_RULE_TYPES))
    own = [
        rule
        for rule in sorted(rules, key=lambda rule: str(rule["SecurityGroupRuleId"]))
        if rule["GroupId"] == group_id and rule["SecurityGroupRuleId"] not in standalone
    ]
    return {
        "SecurityGroupIngress": [rule_properties(reader, rule) for rule in own if not rule["IsEgress"]],
        "SecurityGroupEgress": [rule_properties(reader, rule) for rule in own if rule["IsEgress"]],
    }


def rule_properties(reader: Reader, rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule as CloudFormation writes it; ports are left out where the protocol has none (-1)."""
    egress = rule["IsEgress"]
    properties = renamed(
        rule,
        {
            "IpProtocol": "IpProtocol",
            "CidrIp": "CidrIpv4",
            "CidrIpv6": "CidrIpv6",
            "Description": "Description",
            "DestinationPrefixListId" if egress else "SourcePrefixListId": "PrefixListId",
        },
    )
    if rule.get("FromPort", -1) != -1 or rule.get("IpProtocol") in ("icmp", "icmpv6"):
        properties |= renamed(rule, {"FromPort": "FromPort", "ToPort": "ToPort"})
    return properties | _referenced(reader, rule.get("ReferencedGroupInfo") or {}, egress=egress)


def _referenced(reader: Reader, group: Mapping[str, Any], *, egress: bool) -> dict[str, Any]:
    if not group.get("GroupId"):
        return {}
    if egress:
        return {"DestinationSecurityGroupId": group["GroupId"]}
    owner = group.get("UserId") or reader.account_id
    foreign = {"SourceSecurityGroupOwnerId": owner} if owner != reader.account_id else {}
    return {"SourceSecurityGroupId": group["GroupId"], **foreign}


def default_groups(reader: Reader) -> dict[str, dict[str, Any]]:
    """The rules of the default security group of each of the stack's VPCs, as an attribute of the VPC.

    CloudFormation has no resource for that group, and it is open between its members until somebody closes it.
    """
    networks = {reader.physical[name].id: name for name in reader.physical if _is_vpc(reader.physical[name])}
    if not networks:
        return {}
    filters = [{"Name": "vpc-id", "Values": sorted(networks)}, {"Name": "group-name", "Values": ["default"]}]
    try:
        groups = reader.pages("ec2", "describe_security_groups", "SecurityGroups", Filters=filters)
        ids = sorted(group["GroupId"] for group in groups)
        rules = reader.pages(
            "ec2", "describe_security_group_rules", "SecurityGroupRules", Filters=[{"Name": "group-id", "Values": ids}]
        )
    except AwsError as error:
        unread = all_unknown(("SecurityGroupIngress", "SecurityGroupEgress"), f"{error.action}: {error.code}")
        return {name: {"DefaultSecurityGroup": unread} for name in networks.values()}
    return {
        networks[group["VpcId"]]: {"DefaultSecurityGroup": _rules_of(reader, group["GroupId"], rules)}
        for group in groups
        if group.get("GroupName") == "default" and group.get("VpcId") in networks
    }


def _is_vpc(physical: Physical) -> bool:
    return physical.type == "AWS::EC2::VPC"


def _rule(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    filters = [{"Name": "security-group-rule-id", "Values": reader.ids(*_RULE_TYPES)}]
    rules = reader.pages("ec2", "describe_security_group_rules", "SecurityGroupRules", Filters=filters)
    found = only(rules, "SecurityGroupRuleId", physical.id)
    return {"GroupId": found["GroupId"], **rule_properties(reader, found)}


READERS = {
    "AWS::EC2::SecurityGroup": ResourceReader(
        (
            Part((*_GROUP, "Tags"), _group),
            Part(("SecurityGroupIngress", "SecurityGroupEgress"), _group_rules),
        ),
        lambda _reader, physical: {"GroupId": physical.id, "Id": physical.id},
    ),
    "AWS::EC2::SecurityGroupIngress": ResourceReader((Part((*_RULE_NAMES, *_SOURCES), _rule),)),
    "AWS::EC2::SecurityGroupEgress": ResourceReader((Part((*_RULE_NAMES, *_DESTINATIONS), _rule),)),
}
