"""EC2 in the local account: flow logs, rules as resources, default groups, VPC endpoints and interfaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from hipaa_pipeline.aws.session import AwsError, Session
from hipaa_pipeline.local.server import LocalAccount
from local_stacks import delete, deploy, physical_ids, reasons

VPC = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.20.0.0/16"}}
GROUP = {
    "Type": "AWS::EC2::SecurityGroup",
    "Properties": {
        "GroupDescription": "test",
        "VpcId": {"Ref": "Vpc"},
        "SecurityGroupEgress": [
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": {"Fn::GetAtt": ["Vpc", "CidrBlock"]},
             "Description": "HTTPS inside"},
        ],
    },
}  # fmt: skip
RULE = {
    "Type": "AWS::EC2::SecurityGroupIngress",
    "Properties": {
        "GroupId": {"Ref": "Group"}, "IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432,
        "SourceSecurityGroupId": {"Ref": "Group"}, "Description": "PostgreSQL",
    },
}  # fmt: skip
FLOW_LOG = {
    "Type": "AWS::EC2::FlowLog",
    "Properties": {
        "ResourceId": {"Ref": "Vpc"}, "ResourceType": "VPC", "TrafficType": "ALL", "LogGroupName": "flow",
        "DeliverLogsPermissionArn": "arn:aws:iam::111122223333:role/flow", "MaxAggregationInterval": 60,
        "Tags": [{"Key": "Purpose", "Value": "audit"}],
    },
}  # fmt: skip


def without(resource: Mapping[str, Any], **changed: Any) -> dict[str, Any]:
    return {"Type": resource["Type"], "Properties": {**resource["Properties"], **changed}}


def test_a_flow_log_is_described_as_it_was_declared(session: Session) -> None:
    assert deploy(session, {"Vpc": VPC, "FlowLog": FLOW_LOG}) == "CREATE_COMPLETE"
    ids = physical_ids(session)
    [log] = session.call("ec2", "describe_flow_logs", FlowLogIds=[ids["FlowLog"]])["FlowLogs"]
    assert log["ResourceId"] == ids["Vpc"]
    assert {name: log[name] for name in ("FlowLogStatus", "DeliverLogsStatus", "TrafficType", "LogGroupName")} == {
        "FlowLogStatus": "ACTIVE", "DeliverLogsStatus": "SUCCESS", "TrafficType": "ALL", "LogGroupName": "flow",
    }  # fmt: skip
    assert log["DeliverLogsPermissionArn"] == "arn:aws:iam::111122223333:role/flow"
    assert (log["LogDestinationType"], log["MaxAggregationInterval"]) == ("cloud-watch-logs", 60)
    assert {"Key": "Purpose", "Value": "audit"} in log["Tags"]


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("resource-id", "{Vpc}", 1),
        ("resource-id", "vpc-0", 0),
        ("flow-log-id", "{FlowLog}", 1),
        ("log-group-name", "flow", 1),
        ("traffic-type", "REJECT", 0),
        ("tag:Purpose", "audit", 1),
        ("tag:aws:cloudformation:logical-id", "FlowLog", 1),
        ("no-such-filter", "flow", 0),
    ],
)
def test_flow_logs_are_filtered(session: Session, name: str, value: str, found: int) -> None:
    deploy(session, {"Vpc": VPC, "FlowLog": FLOW_LOG})
    wanted = [{"Name": name, "Values": [value.format(**physical_ids(session))]}]
    assert len(session.call("ec2", "describe_flow_logs", Filters=wanted)["FlowLogs"]) == found


def test_a_changed_flow_log_is_replaced_and_a_retagged_one_is_not(session: Session) -> None:
    deploy(session, {"Vpc": VPC, "FlowLog": FLOW_LOG})
    before = physical_ids(session)["FlowLog"]
    retagged = without(FLOW_LOG, Tags=[{"Key": "Purpose", "Value": "other"}])
    assert deploy(session, {"Vpc": VPC, "FlowLog": retagged}, update=True) == "UPDATE_COMPLETE"
    assert physical_ids(session)["FlowLog"] == before
    rejected = without(FLOW_LOG, TrafficType="REJECT")
    assert deploy(session, {"Vpc": VPC, "FlowLog": rejected}, update=True) == "UPDATE_COMPLETE"
    [log] = session.call("ec2", "describe_flow_logs")["FlowLogs"]
    assert log["TrafficType"] == "REJECT"
    assert log["FlowLogId"] != before


def test_a_flow_log_of_nothing_fails(session: Session) -> None:
    assert deploy(session, {"FlowLog": without(FLOW_LOG, ResourceId="vpc-0")}) == "ROLLBACK_COMPLETE"
    assert "The VPC ID 'vpc-0' does not exist" in reasons(session, "CREATE_FAILED")["FlowLog"]


def test_flow_logs_made_through_the_api(session: Session) -> None:
    vpc = session.call("ec2", "create_vpc", CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    made = session.call(
        "ec2", "create_flow_logs", ResourceIds=[vpc], ResourceType="VPC", TrafficType="ALL", LogGroupName="g",
        DeliverLogsPermissionArn="arn:aws:iam::111122223333:role/r",
        TagSpecifications=[{"ResourceType": "vpc-flow-log", "Tags": [{"Key": "a", "Value": "b"}]}],
    )["FlowLogIds"]  # fmt: skip
    [log] = session.call("ec2", "describe_flow_logs")["FlowLogs"]
    assert ([log["FlowLogId"]], log["Tags"]) == (made, [{"Key": "a", "Value": "b"}])
    session.call("ec2", "delete_flow_logs", FlowLogIds=made)
    assert session.call("ec2", "describe_flow_logs")["FlowLogs"] == []


def test_a_rule_is_read_by_its_own_id_and_goes_with_its_stack(account: LocalAccount, session: Session) -> None:
    assert deploy(session, {"Vpc": VPC, "Group": GROUP, "Rule": RULE}) == "CREATE_COMPLETE"
    ids = physical_ids(session)
    [rule] = session.call("ec2", "describe_security_group_rules", SecurityGroupRuleIds=[ids["Rule"]])[
        "SecurityGroupRules"
    ]
    assert rule["ReferencedGroupInfo"] == {"GroupId": ids["Group"], "UserId": account.account_id}
    assert (rule["IsEgress"], rule["FromPort"], rule["Description"]) == (False, 5432, "PostgreSQL")
    wanted = [{"Name": "group-id", "Values": [ids["Group"]]}]
    rules = session.call("ec2", "describe_security_group_rules", Filters=wanted)["SecurityGroupRules"]
    assert {(each["IsEgress"], each.get("CidrIpv4")) for each in rules} == {(False, None), (True, "10.20.0.0/16")}
    assert deploy(session, {"Vpc": VPC, "Group": GROUP}, update=True) == "UPDATE_COMPLETE"
    rules = session.call("ec2", "describe_security_group_rules", Filters=wanted)["SecurityGroupRules"]
    assert [each["IsEgress"] for each in rules] == [True]


def test_a_rules_description_changes_in_place(session: Session) -> None:
    deploy(session, {"Vpc": VPC, "Group": GROUP, "Rule": RULE})
    before = physical_ids(session)["Rule"]
    deploy(session, {"Vpc": VPC, "Group": GROUP, "Rule": without(RULE, Description="Changed")}, update=True)
    [rule] = session.call("ec2", "describe_security_group_rules", SecurityGroupRuleIds=[before])["SecurityGroupRules"]
    assert rule["Description"] == "Changed"


def test_a_rule_that_is_there_already_is_refused(session: Session) -> None:
    assert deploy(session, {"Vpc": VPC, "Group": GROUP, "Rule": RULE, "Twin": {**RULE, "DependsOn": "Rule"}}) == (
        "ROLLBACK_COMPLETE"
    )
    assert "the specified rule already exists" in reasons(session, "CREATE_FAILED")["Twin"]


@pytest.mark.parametrize("by_stack", [True, False])
def test_a_new_vpcs_default_group_lets_its_members_talk(session: Session, by_stack: bool) -> None:
    if by_stack:
        deploy(session, {"Vpc": VPC})
        vpc = physical_ids(session)["Vpc"]
    else:
        vpc = session.call("ec2", "create_vpc", CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    wanted = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    [group] = session.call("ec2", "describe_security_groups", Filters=wanted)["SecurityGroups"]
    assert [pair["GroupId"] for rule in group["IpPermissions"] for pair in rule["UserIdGroupPairs"]] == [
        group["GroupId"]
    ]
    session.call("ec2", "revoke_security_group_ingress", GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])
    session.call(
        "ec2", "revoke_security_group_egress", GroupId=group["GroupId"], IpPermissions=group["IpPermissionsEgress"]
    )
    session.call("ec2", "create_vpc", CidrBlock="10.2.0.0/16")
    [closed] = session.call("ec2", "describe_security_groups", Filters=wanted)["SecurityGroups"]
    assert (closed["IpPermissions"], closed["IpPermissionsEgress"]) == ([], [])


SUBNET = {
    "Type": "AWS::EC2::Subnet",
    "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.20.0.0/24", "AvailabilityZone": "ap-southeast-1a"},
}
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt"}]}
ENDPOINT = {
    "Type": "AWS::EC2::VPCEndpoint",
    "Properties": {
        "VpcId": {"Ref": "Vpc"}, "ServiceName": "com.amazonaws.ap-southeast-1.kms", "VpcEndpointType": "Interface",
        "PrivateDnsEnabled": True, "SubnetIds": [{"Ref": "Subnet"}], "SecurityGroupIds": [{"Ref": "Group"}],
        "PolicyDocument": POLICY,
    },
}  # fmt: skip
NETWORK = {"Vpc": VPC, "Group": GROUP, "Subnet": SUBNET}


def test_an_endpoint_is_described_whole_and_has_an_interface(account: LocalAccount, session: Session) -> None:
    assert deploy(session, {**NETWORK, "Endpoint": ENDPOINT}) == "CREATE_COMPLETE"
    ids = physical_ids(session)
    [endpoint] = session.call("ec2", "describe_vpc_endpoints", VpcEndpointIds=[ids["Endpoint"]])["VpcEndpoints"]
    assert [group["GroupId"] for group in endpoint["Groups"]] == [ids["Group"]]
    assert (endpoint["PrivateDnsEnabled"], endpoint["State"], endpoint["SubnetIds"]) == (
        True, "available", [ids["Subnet"]],
    )  # fmt: skip
    assert '"kms:Decrypt"' in endpoint["PolicyDocument"]
    wanted = [{"Name": "vpc-id", "Values": [ids["Vpc"]]}]
    [interface] = session.call("ec2", "describe_network_interfaces", Filters=wanted)["NetworkInterfaces"]
    assert [interface["NetworkInterfaceId"]] == endpoint["NetworkInterfaceIds"]
    assert (interface["InterfaceType"], interface["SubnetId"]) == ("vpc_endpoint", ids["Subnet"])
    assert interface["PrivateIpAddress"].startswith("10.20.0.")
    assert delete(session) == "DELETE_COMPLETE"
    assert account.inventory() == {}


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("vpc-id", "{Vpc}", 1),
        ("vpc-id", "vpc-0", 0),
        ("service-name", "com.amazonaws.ap-southeast-1.kms", 1),
        ("vpc-endpoint-type", "Gateway", 0),
        ("vpc-endpoint-state", "available", 1),
    ],
)
def test_endpoints_are_filtered(session: Session, name: str, value: str, found: int) -> None:
    deploy(session, {**NETWORK, "Endpoint": ENDPOINT})
    wanted = [{"Name": name, "Values": [value.format(**physical_ids(session))]}]
    assert len(session.call("ec2", "describe_vpc_endpoints", Filters=wanted)["VpcEndpoints"]) == found


def test_an_endpoint_is_modified_and_deleted_through_the_api(session: Session) -> None:
    deploy(session, NETWORK)
    ids = physical_ids(session)
    endpoint = session.call(
        "ec2", "create_vpc_endpoint", VpcId=ids["Vpc"], ServiceName="com.amazonaws.ap-southeast-1.logs",
        VpcEndpointType="Interface", SubnetIds=[ids["Subnet"]], SecurityGroupIds=[ids["Group"]], PrivateDnsEnabled=True,
    )["VpcEndpoint"]["VpcEndpointId"]  # fmt: skip
    session.call(
        "ec2", "modify_vpc_endpoint", VpcEndpointId=endpoint, RemoveSecurityGroupIds=[ids["Group"]],
        PrivateDnsEnabled=False, PolicyDocument="{}",
    )  # fmt: skip
    [modified] = session.call("ec2", "describe_vpc_endpoints")["VpcEndpoints"]
    assert (modified["Groups"], modified["PrivateDnsEnabled"], modified["PolicyDocument"]) == ([], False, "{}")
    unsuccessful = session.call("ec2", "delete_vpc_endpoints", VpcEndpointIds=[endpoint, "vpce-0"])["Unsuccessful"]
    assert [each["ResourceId"] for each in unsuccessful] == ["vpce-0"]
    assert session.call("ec2", "describe_network_interfaces")["NetworkInterfaces"] == []
    with pytest.raises(AwsError, match="does not exist") as caught:
        session.call("ec2", "describe_vpc_endpoints", VpcEndpointIds=[endpoint])
    assert caught.value.code == "InvalidVpcEndpointId.NotFound"


REGION = "ap-southeast-1"


def test_the_services_of_endpoints_and_their_zones(session: Session) -> None:
    names = [f"com.amazonaws.{REGION}.{each}" for each in ("kinesis-streams", "s3", "kinesis")]
    found = session.pages(
        "ec2", "describe_vpc_endpoint_services", "ServiceDetails", Filters=[{"Name": "service-name", "Values": names}]
    )
    assert [(each["ServiceName"], each["ServiceType"], each["AvailabilityZones"]) for each in found] == [
        (names[0], [{"ServiceType": "Interface"}], [f"{REGION}a", f"{REGION}b", f"{REGION}c"]),
        (names[1], [{"ServiceType": "Gateway"}], [f"{REGION}a", f"{REGION}b", f"{REGION}c"]),
    ]
