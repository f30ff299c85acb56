"""Ways out: which are offered for what is blocked, ready to paste, and nothing is ever touched."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from hipaa_pipeline.findings import Status
from hipaa_pipeline.preflight import operations as aws
from hipaa_pipeline.preflight.exits import Exit
from hipaa_pipeline.preflight.facts import Operation
from hipaa_pipeline.preflight.result import Result
from recorded import (
    ACCOUNT,
    HEALTHY,
    NOW,
    REGION,
    SUBNETS,
    VPC,
    Recorded,
    denied,
    our_stack,
    route_table,
    subject_of,
    subnet,
    trust,
    vpc,
)

FULL_OF_VPCS: dict[Operation, Any] = {
    aws.DESCRIBE_VPCS: [vpc(VPC), *(vpc(f"vpc-{number}") for number in range(4))],
    aws.DESCRIBE_SUBNETS: [subnet(SUBNETS[0], "a"), subnet(SUBNETS[1], "b")],
    aws.DESCRIBE_ROUTE_TABLES: [route_table()],
}
FULL_OF_ROLES: dict[Operation, Any] = {
    aws.GET_ACCOUNT_SUMMARY: {"SummaryMap": {**HEALTHY[aws.GET_ACCOUNT_SUMMARY]["SummaryMap"], "Roles": 1000}}
}
ASK = "aws service-quotas request-service-quota-increase"
HISTORY = "servicequotas:ListRequestedServiceQuotaChangeHistoryByQuota"
OLD = NOW - datetime.timedelta(days=500)


def role(name: str, *services: str, path: str = "/", created: datetime.datetime = OLD) -> dict[str, Any]:
    """A role as ListRoles shows it: without its last use."""
    return {
        "RoleName": name,
        "Path": path,
        "Arn": f"arn:aws:iam::{ACCOUNT}:role{path}{name}",
        "AssumeRolePolicyDocument": trust(*(services or ("ec2.amazonaws.com",))),
        "CreateDate": created,
    }


def blocked(changes: dict[Operation, Any], **parameters: str) -> Result:
    return Recorded(changes).preflight(subject_of(our_stack(**parameters)))


def ways(result: Result, slug: str) -> list[Exit]:
    return [way for way in result.exits if way.slug == slug]


def test_nothing_blocked_offers_nothing_and_asks_for_nothing_more() -> None:
    account = Recorded()
    assert account.preflight(subject_of(our_stack())).exits == ()
    asked = {read.operation for read in account.asked}
    assert asked.isdisjoint({aws.LIST_QUOTA_REQUESTS, aws.LIST_ROLES, aws.DESCRIBE_ROUTE_TABLES})


def test_the_increase_to_ask_for_is_ready_to_paste() -> None:
    (way,) = ways(blocked(FULL_OF_VPCS), "request_increase")
    assert way == Exit(
        "request_increase",
        "VPCs per Region: ask for 6",
        ("vpc/L-F678F1CE",),
        (f"{ASK} --service-code vpc --quota-code L-F678F1CE --desired-value 6 --region {REGION}",),
    )


def test_iam_increases_are_asked_for_where_they_are_served() -> None:
    (way,) = ways(blocked(FULL_OF_ROLES), "request_increase")
    assert way.commands[0].endswith("--quota-code L-FE177D64 --desired-value 1004 --region us-east-1")


@pytest.mark.parametrize(
    ("desired", "status", "slug", "notes"),
    [
        (6.0, "PENDING", "wait_for_increase", ()),
        (6.0, "CASE_OPENED", "wait_for_increase", ()),
        (5.0, "PENDING", "wait_for_increase", ("that is too little: 6 are needed",)),
        (6.0, "DENIED", "request_increase", ()),
        (6.0, "APPROVED", "request_increase", ()),
    ],
)
def test_a_pending_request_is_waited_for_and_not_repeated(
    desired: float, status: str, slug: str, notes: tuple[str, ...]
) -> None:
    request = {"Id": "r-1", "DesiredValue": desired, "Status": status}
    result = blocked({**FULL_OF_VPCS, aws.LIST_QUOTA_REQUESTS: [request]})
    ways_for_vpcs = [way for way in result.exits if way.slug in {"request_increase", "wait_for_increase"}]
    assert [(way.slug, way.notes) for way in ways_for_vpcs] == [(slug, notes)]


def test_a_history_that_may_not_be_read_is_told() -> None:
    (way,) = ways(
        blocked({**FULL_OF_VPCS, aws.LIST_QUOTA_REQUESTS: denied(aws.LIST_QUOTA_REQUESTS)}), "request_increase"
    )
    assert way.notes == (f"whether a request is pending is not known: {HISTORY} is denied",)


def test_a_fixed_quota_has_no_increase() -> None:
    parameters = {"ExistingVpcId": VPC, "ExistingPrivateSubnetIds": ",".join(SUBNETS)}
    result = blocked({aws.DESCRIBE_FLOW_LOGS: [{"ResourceId": VPC}] * 2}, **parameters)
    assert [way.title for way in result.exits] == ["Flow logs per VPC: AWS grants no increase"]


def test_a_quota_that_service_quotas_does_not_list_is_raised_by_support() -> None:
    full = {"ShardLimit": 1, "OpenShardCount": 1, "OnDemandStreamCount": 50, "OnDemandStreamCountLimit": 50}
    result = blocked({aws.DESCRIBE_KINESIS_LIMITS: full}, StreamMode="ON_DEMAND")
    assert [way.title for way in result.exits] == ["Kinesis on-demand streams: ask AWS Support for 51"]


def test_a_vpc_that_could_be_handed_in_with_what_to_set() -> None:
    (way,) = ways(blocked(FULL_OF_VPCS), "existing_vpc")
    assert (way.title, way.parameters) == (
        f"Use {VPC}",
        {"ExistingVpcId": VPC, "ExistingPrivateSubnetIds": ",".join(SUBNETS)},
    )


def test_vpcs_are_scored_best_first_and_say_what_they_lack() -> None:
    def attribute(arguments: dict[str, Any]) -> dict[str, Any]:
        name = arguments["Attribute"][0].upper() + arguments["Attribute"][1:]
        return {name: {"Value": arguments["VpcId"] == "vpc-1" or name == "EnableDnsSupport"}}

    account = {
        **FULL_OF_VPCS,
        aws.DESCRIBE_SUBNETS: [
            subnet("subnet-a", "a"), subnet("subnet-b", "b"),
            subnet("subnet-c", "a", vpc_id="vpc-1", free=30), subnet("subnet-d", "a", vpc_id="vpc-1", free=90),
            subnet("subnet-e", "c", vpc_id="vpc-1"),
            subnet("subnet-f", "a", vpc_id="vpc-2"), subnet("subnet-g", "a", vpc_id="vpc-2"),
            subnet("subnet-h", "a", vpc_id="vpc-3", MapPublicIpOnLaunch=True), subnet("subnet-i", "b", vpc_id="vpc-3"),
        ],
        aws.DESCRIBE_VPC_ATTRIBUTE: attribute,
    }  # fmt: skip
    offered = ways(blocked(account), "existing_vpc")
    assert [(way.title, way.parameters["ExistingPrivateSubnetIds"]) for way in offered] == [
        ("Use vpc-1", "subnet-d,subnet-e"),
        (
            f"Use {VPC}, after: aws ec2 modify-vpc-attribute --vpc-id {VPC} --enable-dns-hostnames",
            "subnet-a,subnet-b",
        ),
    ]


def test_no_vpc_will_do() -> None:
    (way,) = ways(blocked({**FULL_OF_VPCS, aws.DESCRIBE_SUBNETS: []}), "existing_vpc")
    assert (way.title, way.parameters) == ("No VPC here has private subnets in two zones", {})


def test_networks_that_may_not_be_read_are_told() -> None:
    (way,) = ways(blocked({**FULL_OF_VPCS, aws.DESCRIBE_SUBNETS: denied(aws.DESCRIBE_SUBNETS)}), "existing_vpc")
    assert way.notes == ("ec2:DescribeSubnets is denied",)


def test_vpcs_without_interfaces_are_named_as_candidates_only() -> None:
    interfaces = [{"VpcId": VPC}, {"VpcId": "vpc-0"}, {"VpcId": "vpc-1"}]
    (way,) = ways(blocked({**FULL_OF_VPCS, aws.DESCRIBE_NETWORK_INTERFACES: interfaces}), "idle_vpcs")
    assert way.title == "Candidates to remove, yours to judge: 2 VPCs have no network interface"
    assert way.commands == tuple(
        f"aws ec2 describe-vpcs --vpc-ids {vpc_id} --region {REGION}" for vpc_id in ("vpc-2", "vpc-3")
    )


def test_what_is_not_told_of_candidates_is_said() -> None:
    account = {
        **FULL_OF_VPCS,
        **FULL_OF_ROLES,
        aws.DESCRIBE_NETWORK_INTERFACES: denied(aws.DESCRIBE_NETWORK_INTERFACES),
        aws.LIST_ROLES: [role("old")],
        aws.GET_ROLE: denied(aws.GET_ROLE),
    }
    result = blocked(account)
    assert [way.notes for way in ways(result, "idle_vpcs")] == [("ec2:DescribeNetworkInterfaces is denied",)]
    assert [way.notes for way in ways(result, "unused_roles")] == [("iam:GetRole is denied",)]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"StreamMode": "PROVISIONED"}, [{"StreamMode": "ON_DEMAND"}]),
        ({"StreamMode": "ON_DEMAND"}, []),
    ],
)
def test_a_parameter_that_does_without_the_quota(parameters: dict[str, str], expected: list[dict[str, str]]) -> None:
    full = {"ShardLimit": 1, "OpenShardCount": 1, "OnDemandStreamCount": 50, "OnDemandStreamCountLimit": 50}
    result = blocked({aws.DESCRIBE_KINESIS_LIMITS: full}, **parameters)
    assert result.with_status(Status.FAIL)
    assert [way.parameters for way in ways(result, "switch")] == expected


def test_no_command_offered_deletes_anything() -> None:
    roles = [role(f"old-{number}") for number in range(5)]
    result = blocked({**FULL_OF_VPCS, **FULL_OF_ROLES, aws.LIST_ROLES: roles, aws.GET_ROLE: {"Role": {"Arn": "x"}}})
    commands = [command for way in result.exits for command in way.commands]
    assert commands
    assert [command for command in commands if " delete" in command or " detach" in command] == []


def test_roles_that_could_be_handed_in() -> None:
    roles = [
        role("monitor", "monitoring.rds.amazonaws.com", path="/shared/"),
        role("monitor-too", "monitoring.rds.amazonaws.com", "ec2.amazonaws.com"),
        role("AWSServiceRoleForBackup", "backup.amazonaws.com", path="/aws-service-role/backup.amazonaws.com/"),
        role("functions", "lambda.amazonaws.com"),
    ]
    (way,) = ways(blocked({**FULL_OF_ROLES, aws.LIST_ROLES: roles}), "existing_roles")
    assert way.title == "Hand in 2 existing roles; check their permissions first"
    assert way.parameters == {
        "ExistingMonitoringRoleArn": f"arn:aws:iam::{ACCOUNT}:role/monitor-too",
        "ExistingProcessorRoleArn": f"arn:aws:iam::{ACCOUNT}:role/functions",
    }
    assert way.notes == (
        f"ExistingMonitoringRoleArn: also arn:aws:iam::{ACCOUNT}:role/shared/monitor",
        "ExistingFlowLogRoleArn: no role here trusts vpc-flow-logs.amazonaws.com",
        "ExistingBackupRoleArn: no role here trusts backup.amazonaws.com",
    )


def test_roles_handed_in_already_are_not_offered_again() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/mine"
    parameters = {"ExistingMonitoringRoleArn": arn, "ExistingFlowLogRoleArn": arn, "ExistingBackupRoleArn": arn}
    roles = [role("functions", "lambda.amazonaws.com"), role("backup", "backup.amazonaws.com")]
    result = blocked({**FULL_OF_ROLES, aws.LIST_ROLES: roles}, **parameters)
    (way,) = ways(result, "existing_roles")
    assert list(way.parameters) == ["ExistingProcessorRoleArn"]


def test_roles_without_use_are_looked_up_one_by_one_and_said_carefully() -> None:
    """Only GetRole tells the last use; a role younger than 400 days may simply not have been used yet."""
    roles = [
        role("never", created=OLD),
        role("used", created=OLD - datetime.timedelta(days=1)),
        role("young", created=NOW - datetime.timedelta(days=399)),
        role("linked", path="/aws-service-role/x/", created=OLD),
    ]
    account = Recorded(
        {
            **FULL_OF_ROLES,
            aws.LIST_ROLES: roles,
            aws.GET_ROLE: lambda arguments: {
                "Role": {"Arn": "x", "RoleLastUsed": {"LastUsedDate": NOW} if arguments["RoleName"] == "used" else {}}
            },
        }
    )
    (way,) = ways(account.preflight(subject_of(our_stack())), "unused_roles")
    assert way.title == ("Candidates to remove, yours to judge: no use seen in 400 days of 1 of the 2 oldest roles")
    assert way.commands == ("aws iam get-role --role-name never",)
    asked = {read.arguments["RoleName"] for read in account.asked if read.operation is aws.GET_ROLE}
    assert {"young", "linked"}.isdisjoint(asked)


def test_a_thousand_roles_cost_ten_more_calls_at_most() -> None:
    account = Recorded(
        {
            **FULL_OF_ROLES,
            aws.LIST_ROLES: [role(f"role-{number}") for number in range(1000)],
            aws.GET_ROLE: {"Role": {"Arn": "x"}},
        }
    )
    account.preflight(subject_of(our_stack()))
    names = {read.arguments["RoleName"] for read in account.asked if read.operation is aws.GET_ROLE}
    assert len([name for name in names if name.startswith("role-")]) == 10


def test_the_finding_of_a_blocked_quota_carries_its_ways_out() -> None:
    result = blocked(FULL_OF_VPCS)
    (finding,) = (each for each in result.findings if each.status is Status.FAIL)
    assert finding.rule == "vpcs"
    assert "--desired-value 6" in finding.remedy
    assert f"Use {VPC}: ExistingVpcId={VPC}, ExistingPrivateSubnetIds={','.join(SUBNETS)}" in finding.remedy


def test_the_detail_as_json_holds_ledger_and_ways_out() -> None:
    document = blocked(FULL_OF_VPCS).as_dict()
    assert document["counts"]["fail"] == 1
    row = next(each for each in document["ledger"] if each["quota"] == "vpc/L-F678F1CE")
    assert (row["used"], row["used_source"], row["limit"], row["limit_source"], row["headroom"], row["status"]) == (
        5,
        "ec2:DescribeVpcs",
        5,
        "Service Quotas",
        -1,
        "fail",
    )
    assert [way["slug"] for way in document["exits"]] == ["request_increase", "existing_vpc", "idle_vpcs"]
    assert list(document["exits"][0]) == ["slug", "title", "solves", "commands", "parameters", "notes"]
