"""The network that the stack uses and did not create: judged by the same controls, and never passed unread."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from hipaa_pipeline.aws import live, stacks
from hipaa_pipeline.aws.live import handed_in
from hipaa_pipeline.aws.session import Session
from hipaa_pipeline.clock import SystemClock
from hipaa_pipeline.configuration import TEMPLATE_PATH, load_environment
from hipaa_pipeline.controls import judge
from hipaa_pipeline.errors import ExitCode
from hipaa_pipeline.findings import Finding, Status, exit_code
from hipaa_pipeline.local.server import LocalAccount, local_account
from hipaa_pipeline.resolve import resolve
from hipaa_pipeline.source import load_template
from hipaa_pipeline.stack import Stack, is_unknown
from hipaa_pipeline.verification import verify
from local_stacks import STACK, deploy, deploy_environment

ENVIRONMENT = "prod"


@dataclasses.dataclass
class House:
    """A stack in a VPC that was there before: subnet `a` has a route table of its own, `b` the main one."""

    account: LocalAccount
    expected: Stack
    ids: Mapping[str, str]

    @property
    def session(self) -> Session:
        return Session(self.account.connection)

    def verify(self) -> tuple[Finding, ...]:
        session = Session(self.account.connection, read_only=True, max_attempts=1)
        return verify.run(session, self.expected, clock=SystemClock()).findings

    def problems(self) -> set[tuple[str, str, str, str]]:
        return {
            (one.control, one.resource, one.property, str(one.actual))
            for one in self.verify()
            if one.status is Status.FAIL
        }


def make_network(session: Session) -> dict[str, str]:
    """A VPC with two private subnets, as its owner made it: the default group open, as AWS leaves it."""
    ids = {"vpc": session.call("ec2", "create_vpc", CidrBlock="10.40.0.0/16")["Vpc"]["VpcId"]}
    session.call("ec2", "modify_vpc_attribute", VpcId=ids["vpc"], EnableDnsHostnames={"Value": True})
    for number, zone in enumerate("ab"):
        made = session.call(
            "ec2", "create_subnet", VpcId=ids["vpc"], CidrBlock=f"10.40.{number}.0/24",
            AvailabilityZone=f"{session.region}{zone}",
        )  # fmt: skip
        ids[zone] = made["Subnet"]["SubnetId"]
    ids["own"] = session.call("ec2", "create_route_table", VpcId=ids["vpc"])["RouteTable"]["RouteTableId"]
    session.call("ec2", "associate_route_table", RouteTableId=ids["own"], SubnetId=ids["a"])
    filters = [{"Name": "vpc-id", "Values": [ids["vpc"]]}, {"Name": "association.main", "Values": ["true"]}]
    ids["main"] = session.call("ec2", "describe_route_tables", Filters=filters)["RouteTables"][0]["RouteTableId"]
    ids["gateway"] = session.call("ec2", "create_internet_gateway")["InternetGateway"]["InternetGatewayId"]
    session.call("ec2", "attach_internet_gateway", InternetGatewayId=ids["gateway"], VpcId=ids["vpc"])
    return ids


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    configuration = load_environment(ENVIRONMENT)
    with local_account() as account:
        session = Session(account.connection)
        ids = make_network(session)
        given = {"ExistingVpcId": ids["vpc"], "ExistingPrivateSubnetIds": f"{ids['a']},{ids['b']}"}
        assert deploy_environment(session, ENVIRONMENT, **given) == "CREATE_COMPLETE"
        stacks.set_protection(session, configuration.stack_name, protected=True)
        expected = resolve(
            load_template(TEMPLATE_PATH),
            {**configuration.parameters, **given},
            region=account.region,
            account_id=account.account_id,
            stack_name=configuration.stack_name,
        )
        yield House(account, expected, ids)


def told(found: tuple[Finding, ...], *controls: str) -> set[tuple[str, str, str, str]]:
    """Control, resource, property and status of the findings of these controls."""
    return {(one.control, one.resource, one.property, str(one.status)) for one in found if one.control in controls}


NETWORK_CONTROLS = (
    "rds_subnets_private", "rds_subnets_no_way_out", "rds_subnet_zones", "subnet_no_public_addresses", "vpc_flow_log",
    "vpc_default_group_closed", "vpc_endpoints_complete",
)  # fmt: skip


def test_a_suitable_network_passes_and_its_owners_duties_are_told(house: House) -> None:
    found = house.verify()
    assert [one for one in found if one.status in (Status.FAIL, Status.UNKNOWN)] == []
    vpc, a, b = (house.ids[name] for name in ("vpc", "a", "b"))
    assert told(found, *NETWORK_CONTROLS) == {
        ("rds_subnets_private", "DatabaseSubnetGroup", "SubnetIds", "pass"),
        ("rds_subnets_no_way_out", "DatabaseSubnetGroup", "", "not-applicable"),
        ("rds_subnet_zones", "DatabaseSubnetGroup", "SubnetIds", "pass"),
        ("subnet_no_public_addresses", a, "MapPublicIpOnLaunch", "pass"),
        ("subnet_no_public_addresses", b, "MapPublicIpOnLaunch", "pass"),
        ("vpc_flow_log", vpc, "", "pass"),
        ("vpc_default_group_closed", vpc, "DefaultSecurityGroup", "not-applicable"),
        ("vpc_endpoints_complete", vpc, "", "pass"),
    }
    assert ("vpc_endpoint_private_dns", vpc, "EnableDnsSupport", "pass") in told(found, "vpc_endpoint_private_dns")
    (group,) = (one for one in found if one.control == "vpc_default_group_closed")
    assert (group.actual, group.reason) == (
        "2 rules", "the VPC is handed in: whether its default group is closed is for its owner to say",
    )  # fmt: skip


def test_the_network_is_read_in_eight_calls_more(house: House) -> None:
    before = len(house.account.calls())
    house.verify()
    made = house.account.calls()[before:]
    network = ("Vpcs", "VpcAttribute", "Subnets", "RouteTables", "SecurityGroups", "SecurityGroupRules")
    counted = {name: made.count(f"ec2.Describe{name}") for name in network}
    # One of the security groups and two of the rules are about the stack's own.
    assert counted == {
        "Vpcs": 1, "VpcAttribute": 2, "Subnets": 1, "RouteTables": 1, "SecurityGroups": 2, "SecurityGroupRules": 3,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("service", "operation", "controls"),
    [
        ("ec2", "DescribeVpcAttribute", {"vpc_endpoint_private_dns"}),
        ("ec2", "DescribeSubnets", {"subnet_no_public_addresses", "rds_subnet_zones"}),
        ("ec2", "DescribeRouteTables", {"rds_subnets_private"}),
        ("ec2", "DescribeSecurityGroups", {"vpc_default_group_closed"}),
        ("ec2", "DescribeSecurityGroupRules", {"vpc_default_group_closed"}),
        ("ec2", "DescribeFlowLogs", {"vpc_flow_log"}),
        ("ec2", "DescribeVpcEndpoints", {"subnet_no_public_addresses", "vpc_flow_log", "vpc_default_group_closed"}),
        ("rds", "DescribeDBSubnetGroups", {*NETWORK_CONTROLS} - {"rds_subnets_no_way_out"}),
    ],
)
def test_a_denied_read_is_unknown(house: House, service: str, operation: str, controls: set[str]) -> None:
    number = house.account.add_fault(service=service, operation=operation, action="deny")
    found = house.verify()
    house.account.clear_faults(number)
    assert exit_code(found) is ExitCode.UNKNOWN
    doubtful = {one.control: one.reason for one in found if one.status is Status.UNKNOWN}
    assert controls <= set(doubtful)
    assert {control for control in controls if f"{service}:{operation}: " not in doubtful[control]} == set()


def _route(table: str, **destination: str) -> Callable[[Session, Mapping[str, str]], Any]:
    return lambda session, ids: session.call(
        "ec2", "create_route", RouteTableId=ids[table], GatewayId=ids["gateway"], **destination
    )


def _attribute(**value: bool) -> Callable[[Session, Mapping[str, str]], Any]:
    changed: dict[str, Any] = {name: {"Value": on} for name, on in value.items()}
    return lambda session, ids: session.call("ec2", "modify_vpc_attribute", VpcId=ids["vpc"], **changed)


def _public_addresses(session: Session, ids: Mapping[str, str]) -> None:
    session.call("ec2", "modify_subnet_attribute", SubnetId=ids["b"], MapPublicIpOnLaunch={"Value": True})


def _delete_flow_logs(session: Session, _ids: Mapping[str, str]) -> None:
    logs = [log["FlowLogId"] for log in session.call("ec2", "describe_flow_logs")["FlowLogs"]]
    session.call("ec2", "delete_flow_logs", FlowLogIds=logs)


@pytest.mark.parametrize(
    ("weaken", "problem"),
    [
        (
            _route("main", DestinationCidrBlock="0.0.0.0/0"),
            ("rds_subnets_private", "DatabaseSubnetGroup", "SubnetIds[{b#}]", "{main}/0.0.0.0/0 in {b}"),
        ),
        (
            _route("own", DestinationCidrBlock="203.0.113.0/24"),
            ("rds_subnets_private", "DatabaseSubnetGroup", "SubnetIds[{a#}]", "{own}/203.0.113.0/24 in {a}"),
        ),
        (_public_addresses, ("subnet_no_public_addresses", "{b}", "MapPublicIpOnLaunch", "True")),
        (
            _attribute(EnableDnsHostnames=False),
            ("vpc_endpoint_private_dns", "{vpc}", "EnableDnsHostnames", "False"),
        ),
        (_attribute(EnableDnsSupport=False), ("vpc_endpoint_private_dns", "{vpc}", "EnableDnsSupport", "False")),
        (_delete_flow_logs, ("vpc_flow_log", "{vpc}", "", "not set")),
    ],
    ids=["main-table", "own-table", "public-addresses", "host-names", "dns-support", "flow-log"],
)
def test_a_weakened_network_is_found(
    house: House, weaken: Callable[[Session, Mapping[str, str]], Any], problem: tuple[str, str, str, str]
) -> None:
    before = house.problems()
    weaken(house.session, house.ids)
    places = {f"{name}#": str(sorted(("a", "b"), key=house.ids.__getitem__).index(name)) for name in ("a", "b")}
    names = {**house.ids, **places}
    wanted = tuple(text.format(**names) for text in problem)
    fresh = house.problems() - before
    assert wanted in fresh
    assert not any(control == "live_resource_known" for control, *_ in fresh)


# Smaller stacks


GROUP = {"Type": "AWS::RDS::DBSubnetGroup", "Properties": {"DBSubnetGroupDescription": "d", "SubnetIds": []}}


def read(session: Session) -> live.LiveRead:
    return live.read_with(live.open_reader(session, STACK), STACK)


def group_of(*subnets: Any) -> dict[str, Any]:
    return {**GROUP, "Properties": {"DBSubnetGroupDescription": "d", "SubnetIds": list(subnets)}}


def test_names_are_asked_for_in_a_network_without_endpoints_of_the_stack(session: Session) -> None:
    ids = make_network(session)
    session.call("ec2", "modify_vpc_attribute", VpcId=ids["vpc"], EnableDnsHostnames={"Value": False})
    assert deploy(session, {"Group": group_of(ids["a"], ids["b"])}) == "CREATE_COMPLETE"
    found = tuple(judge(read(session).stack))
    assert told(found, "vpc_endpoint_private_dns") == {
        ("vpc_endpoint_private_dns", ids["vpc"], "EnableDnsSupport", "pass"),
        ("vpc_endpoint_private_dns", ids["vpc"], "EnableDnsHostnames", "fail"),
    }
    assert told(found, "vpc_endpoints_complete") == {("vpc_endpoints_complete", ids["vpc"], "", "not-applicable")}


def test_a_subnet_slipped_into_the_stacks_own_network_is_looked_at(session: Session) -> None:
    vpc = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
    subnet = {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/24"}}
    assert deploy(session, {"Vpc": vpc, "Own": subnet, "Group": group_of({"Ref": "Own"})}) == "CREATE_COMPLETE"
    reader = live.open_reader(session, STACK)
    slipped = session.call("ec2", "create_subnet", VpcId=reader.physical["Vpc"].id, CidrBlock="10.0.1.0/24")
    slipped_id = slipped["Subnet"]["SubnetId"]
    session.call("ec2", "modify_subnet_attribute", SubnetId=slipped_id, MapPublicIpOnLaunch={"Value": True})
    session.call(
        "rds", "modify_db_subnet_group", DBSubnetGroupName=reader.physical["Group"].id,
        SubnetIds=[reader.physical["Own"].id, slipped_id],
    )  # fmt: skip
    stack = read(session).stack
    assert {name for name, one in stack.resources.items() if one.handed_in} >= {slipped_id}
    assert stack.as_dict()["resources"][slipped_id]["HandedIn"] is True
    assert {one.type for one in stack.resources.values() if one.handed_in and one.type == "AWS::EC2::VPC"} == set()
    failing = {
        one.resource
        for one in judge(stack)
        if one.control == "subnet_no_public_addresses" and one.status is Status.FAIL
    }
    assert failing == {slipped_id}


def test_a_network_of_the_stacks_own_is_not_read_twice(session: Session) -> None:
    vpc = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
    subnet = {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/24"}}
    deploy(session, {"Vpc": vpc, "Own": subnet, "Group": group_of({"Ref": "Own"})})
    found = handed_in.network(live.open_reader(session, STACK))
    assert found.reader.physical == {}
    calls = session.calls
    assert handed_in.routes(found) == []
    assert session.calls == calls


def test_a_subnet_whose_route_table_is_not_shown_is_unknown(session: Session) -> None:
    ids = make_network(session)
    deploy(session, {"Group": group_of(ids["a"], ids["b"])})
    network = handed_in.network(live.open_reader(session, STACK))
    elsewhere = dataclasses.replace(network, vpc_of=dict.fromkeys(network.vpc_of, "vpc-0123456789abcdef0"))
    found = handed_in.routes(elsewhere)
    assert [(one.logical_id, one.type) for one in found] == [
        (f"{subnet}/unread", "AWS::EC2::Route") for subnet in sorted((ids["a"], ids["b"]))
    ]
    assert all(is_unknown(value) for one in found for value in one.properties.values())
