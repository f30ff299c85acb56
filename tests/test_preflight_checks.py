"""The predictors: every foreseeable failure is told from what AWS says, and nothing is created."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

import pytest

from hipaa_pipeline.aws.stacks import DeployedStack
from hipaa_pipeline.deployment.order import require_ours
from hipaa_pipeline.errors import UserError
from hipaa_pipeline.findings import Status
from hipaa_pipeline.preflight import operations as aws
from hipaa_pipeline.preflight import text
from hipaa_pipeline.preflight.checks import SLUGS
from hipaa_pipeline.preflight.facts import Operation, Problem
from hipaa_pipeline.preflight.handed_in import trusts
from hipaa_pipeline.preflight.subject import WARNING
from hipaa_pipeline.stack import Stack
from recorded import (
    ACCOUNT,
    DENIED,
    NAME,
    NOW,
    OURS,
    REGION,
    SUBNETS,
    VPC,
    Recorded,
    ask,
    denied,
    deployed,
    orderable,
    our_stack,
    resource,
    route_table,
    stack_of,
    subject_of,
    subnet,
    troubles,
    trust,
    vpc,
)

PASS, FAIL, UNKNOWN, NA = Status.PASS, Status.FAIL, Status.UNKNOWN, Status.NOT_APPLICABLE


# Caller -------------------------------------------------------------------------------------------------------------


def test_the_caller_is_named() -> None:
    assert [(each.status, each.actual) for each in ask("caller_identity", Recorded(), our_stack())] == [(PASS, ACCOUNT)]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Problem("credentials", "sts:GetCallerIdentity", "ExpiredToken", "The token has expired"), FAIL),
        (Problem("unreachable", "sts:GetCallerIdentity", "ConnectTimeoutError", ""), UNKNOWN),
        ({"Account": "999999999999", "Arn": "arn:aws:iam::999999999999:user/x"}, FAIL),
    ],
)
def test_credentials_that_would_not_do(answer: Any, status: Status) -> None:
    (finding,) = ask("caller_identity", Recorded({aws.GET_CALLER_IDENTITY: answer}), our_stack())
    assert finding.status is status
    assert finding.remedy


def test_the_root_user_is_a_warning() -> None:
    root = {"Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:root"}
    (finding,) = ask("caller_identity", Recorded({aws.GET_CALLER_IDENTITY: root}), our_stack())
    assert (finding.status, finding.severity) == (PASS, WARNING)


# The database takes 755 s after key, VPC and group, and 300 s are kept for verification.
@pytest.mark.parametrize(("minutes", "status"), [(-5, FAIL), (0, FAIL), (10, FAIL), (17, FAIL), (18, PASS), (60, PASS)])
def test_credentials_must_outlive_the_deployment(minutes: int, status: Status) -> None:
    ends = NOW + datetime.timedelta(minutes=minutes)
    (finding,) = ask("credential_lifetime", Recorded(), our_stack(), expires_at=ends)
    assert finding.status is status


def test_an_update_that_creates_nothing_needs_little_time() -> None:
    account = deployed(our_stack())
    ends = NOW + datetime.timedelta(minutes=6)
    (finding,) = ask("credential_lifetime", account, our_stack(), expires_at=ends)
    assert (finding.status, finding.expected) == (PASS, "at least 5 min")


def test_credentials_without_an_end_are_not_judged() -> None:
    assert [each.status for each in ask("credential_lifetime", Recorded(), our_stack())] == [NA]


# Stack --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "expected", "command"),
    [
        ("CREATE_COMPLETE", PASS, ""),
        ("UPDATE_ROLLBACK_COMPLETE", PASS, ""),
        ("REVIEW_IN_PROGRESS", PASS, ""),
        ("ROLLBACK_COMPLETE", FAIL, "delete-stack"),
        ("ROLLBACK_FAILED", FAIL, "delete-stack"),
        ("CREATE_FAILED", FAIL, "delete-stack"),
        ("DELETE_FAILED", FAIL, "delete-stack"),
        ("UPDATE_IN_PROGRESS", FAIL, "describe-stacks"),
        ("UPDATE_ROLLBACK_FAILED", FAIL, "continue-update-rollback"),
        ("UPDATE_FAILED", FAIL, "rollback-stack"),
    ],
)
def test_each_stack_status(status: str, expected: Status, command: str) -> None:
    finding = ask("stack_state", deployed(our_stack(), status), our_stack())[0]
    assert finding.status is expected
    assert command in finding.remedy
    assert (NAME in finding.remedy) == bool(command)


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "ROLLBACK_COMPLETE", "UPDATE_IN_PROGRESS", "DELETE_FAILED"])
def test_a_stack_of_somebody_else_is_left_alone_in_the_words_of_deploy(status: str) -> None:
    account = deployed(our_stack(), status)
    account.answers[aws.DESCRIBE_STACKS] = [{"StackStatus": status, "Tags": [{"Key": "Project", "Value": "x"}]}]
    findings = ask("stack_state", account, our_stack())
    theirs = DeployedStack("id", NAME, status, "", {}, {}, {}, False)
    with pytest.raises(UserError) as refused:
        require_ours(theirs)
    assert [(each.status, each.actual, each.remedy) for each in findings] == [
        (FAIL, refused.value.message, refused.value.next_command)
    ]


def test_a_stack_that_stacksets_names_needs_no_tag() -> None:
    account = deployed(our_stack())
    account.answers[aws.DESCRIBE_STACKS] = [{**account.answers[aws.DESCRIBE_STACKS][0], "Tags": []}]
    assert troubles(ask("stack_state", account, our_stack(), deployer="arn:aws:iam::1:role/execution")) == []


@pytest.mark.parametrize(
    ("answer", "skip", "heading"),
    [
        (None, (), "does not exist yet"),
        ([{"StackStatus": "UPDATE_COMPLETE", "Tags": OURS}], (), "UPDATE_COMPLETE"),
        ([{"StackStatus": "UPDATE_COMPLETE", "Tags": OURS}], ("quota_headroom",), "UPDATE_COMPLETE"),
        ([{"StackStatus": "UPDATE_COMPLETE", "Tags": OURS}], SLUGS, "UPDATE_COMPLETE"),
        ([{"StackStatus": "DELETE_COMPLETE"}], (), "does not exist yet"),
        (denied(aws.DESCRIBE_STACKS), (), "it is unknown whether it exists"),
        ([{}], SLUGS, "it is unknown whether it exists"),
    ],
)
def test_the_heading_tells_the_state_whatever_is_skipped(answer: Any, skip: tuple[str, ...], heading: str) -> None:
    account = Recorded({} if answer is None else {aws.DESCRIBE_STACKS: answer})
    result = account.preflight(subject_of(our_stack()), skip=skip)
    assert text.lines(result)[0] == f"Preflight of {NAME} ({heading}) in account {ACCOUNT}, {REGION}"


def test_no_stack_can_be_created() -> None:
    assert troubles(ask("stack_state", Recorded(), our_stack())) == []


def test_a_named_resource_cannot_be_replaced() -> None:
    """CloudFormation says so only in the middle of the update."""
    before = our_stack(DatabaseName="healthcare")
    findings = ask("stack_state", deployed(before), our_stack(DatabaseName="records"))
    assert [(each.rule, each.resource) for each in findings if each.status is FAIL] == [
        ("replaces_named_resource", "Database")
    ]


@pytest.mark.parametrize(("size", "status"), [(51_200, PASS), (51_201, FAIL)])
def test_the_template_must_fit_into_a_request(size: int, status: Status) -> None:
    findings = ask("template_size", Recorded(), our_stack(), template_bytes=size)
    assert {each.rule: each.status for each in findings}["template_bytes"] is status


# Names --------------------------------------------------------------------------------------------------------------

TAKEN: list[tuple[str, dict[Operation, Any]]] = [
    ("KeyAlias", {aws.LIST_ALIASES: [{"AliasName": "alias/healthcare-key-test", "TargetKeyId": "k"}]}),
    ("AuditLogGroup", {aws.DESCRIBE_LOG_GROUPS: [{"logGroupName": "/healthcare/audit-test"}]}),
    ("Database", {aws.DESCRIBE_DB_INSTANCES: [{"DBInstanceIdentifier": "healthcare-database-test"}]}),
    ("RecordStream", {aws.DESCRIBE_STREAM_SUMMARY: {"StreamDescriptionSummary": {}}}),
    ("BackupVault", {aws.LIST_BACKUP_VAULTS: [{"BackupVaultName": "healthcare-backup-vault-test"}]}),
    ("CpuAlarm", {aws.DESCRIBE_ALARMS: [{"AlarmName": "healthcare-cpu-alarm-test"}]}),
    ("AlarmTopic", {aws.GET_TOPIC_ATTRIBUTES: {"Attributes": {"TopicArn": "arn"}}}),
]


def named(logical_id: str) -> str:
    """The explicit name of a resource of our stack."""
    from hipaa_pipeline.preflight.names import explicit_name

    return explicit_name(our_stack().resources[logical_id])


@pytest.mark.parametrize(("logical_id", "answers"), TAKEN)
def test_a_name_that_is_taken(logical_id: str, answers: dict[Operation, Any]) -> None:
    name = named(logical_id)
    renamed = {operation: _renamed(answer, name) for operation, answer in answers.items()}
    findings = ask("names_free", Recorded(renamed), our_stack())
    assert [(each.resource, each.actual) for each in findings if each.status is FAIL] == [(logical_id, "taken")]
    assert name in next(each.remedy for each in findings if each.status is FAIL)


def _renamed(answer: Any, name: str) -> Any:
    """The answer with the name that the resource really has: this test is not about how names are made."""
    keys = {"AliasName", "logGroupName", "DBInstanceIdentifier", "BackupVaultName", "AlarmName"}
    if isinstance(answer, list):
        return [{key: name if key in keys else value for key, value in item.items()} for item in answer]
    return answer


def test_every_explicit_name_of_our_stack_is_looked_up() -> None:
    """A resource with a property that ends in Name, Identifier or the like must be among those asked for."""
    from hipaa_pipeline.preflight.names import NAMINGS, explicit_name

    stack = our_stack()
    properties = {"AliasName", "LogGroupName", "DBInstanceIdentifier", "Name", "BackupVaultName", "AlarmName"}
    properties |= {"TopicName", "RoleName", "ManagedPolicyName", "GroupName", "DBParameterGroupName"}
    properties |= {"DBSubnetGroupName", "SecretName", "FunctionName"}
    creates_its_name = {each.logical_id for each in stack.resources.values() if explicit_name(each)}
    has_one = {
        each.logical_id
        for each in stack.resources.values()
        for path in properties & each.properties.keys()
        if isinstance(each.get(path), str) and each.type in NAMINGS and NAMINGS[each.type].property == path
    }
    assert has_one == creates_its_name
    findings = ask("names_free", Recorded(), stack)
    assert {each.resource for each in findings} >= creates_its_name


def test_names_of_the_stack_itself_are_not_in_the_way() -> None:
    account = deployed(our_stack())
    account.answers[aws.DESCRIBE_DB_INSTANCES] = [{"DBInstanceIdentifier": "healthcare-database-test"}]
    assert troubles(ask("names_free", account, our_stack())) == []


def test_a_resource_whose_logical_id_changes_is_never_advised_to_be_deleted() -> None:
    """Its name is taken by what it was: following "a left-over of yours" would delete the data."""
    account = deployed(our_stack())
    account.answers[aws.DESCRIBE_DB_INSTANCES] = [{"DBInstanceIdentifier": "healthcare-database-test"}]
    stack = our_stack()
    moved = dataclasses.replace(stack.resources["Database"], logical_id="Postgres")
    resources = {name: one for name, one in stack.resources.items() if name != "Database"} | {"Postgres": moved}
    (finding,) = (
        each
        for each in ask("names_free", account, dataclasses.replace(stack, resources=resources))
        if each.status is FAIL
    )
    assert (finding.resource, finding.remedy) == (
        "Postgres",
        "Database of this very stack has the name: keep its logical ID, or choose another name",
    )


def test_a_denied_look_up_makes_one_name_unknown() -> None:
    account = Recorded({aws.LIST_ALIASES: denied(aws.LIST_ALIASES)})
    findings = ask("names_free", account, our_stack())
    assert [(each.resource, each.reason) for each in findings if each.status is UNKNOWN] == [
        ("KeyAlias", "kms:ListAliases is denied")
    ]


def test_an_export_name_of_another_stack() -> None:
    name = our_stack().outputs["KeyArn"]["Export"]["Name"]
    exports = [{"Name": name, "ExportingStackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/other/1"}]
    findings = ask("names_free", Recorded({aws.LIST_EXPORTS: exports}), our_stack())
    assert [(each.resource, each.rule) for each in findings if each.status is FAIL] == [("KeyArn", "export_name_free")]
    own = [{**exports[0], "ExportingStackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{NAME}/1"}]
    assert troubles(ask("names_free", Recorded({aws.LIST_EXPORTS: own}), our_stack())) == []


def test_a_security_group_name_is_taken_only_within_its_vpc() -> None:
    group = resource("Group", "EC2::SecurityGroup", GroupName="web", VpcId=VPC)
    there = {aws.DESCRIBE_SECURITY_GROUPS: [{"GroupName": "web", "VpcId": VPC}]}
    elsewhere = {aws.DESCRIBE_SECURITY_GROUPS: [{"GroupName": "web", "VpcId": "vpc-other"}]}
    assert troubles(ask("names_free", Recorded(there), stack_of(group))) == [("names_free", "fail")]
    assert troubles(ask("names_free", Recorded(elsewhere), stack_of(group))) == []


# Database -----------------------------------------------------------------------------------------------------------

MULTI_AZ = {"DatabaseMultiAz": "true", "DatabaseStorageGiB": "100"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([orderable()], []),
        ([orderable(StorageType="gp2"), orderable()], []),
        ([orderable(StorageType="gp2")], [("storage_type", "fail")]),
        ([orderable(MultiAZCapable=False)], [("MultiAZCapable", "fail")]),
        ([orderable(SupportsStorageEncryption=False)], [("SupportsStorageEncryption", "fail")]),
        ([orderable(SupportsIAMDatabaseAuthentication=False)], [("SupportsIAMDatabaseAuthentication", "fail")]),
        ([orderable(MinStorageSize=200)], [("storage_size", "fail")]),
        ([orderable(MaxStorageSize=99)], [("storage_size", "fail")]),
        ([orderable(MinStorageSize=100, MaxStorageSize=100)], []),
        ([{"StorageType": "gp3"}], [
            ("SupportsStorageEncryption", "unknown"), ("MultiAZCapable", "unknown"),
            ("SupportsIAMDatabaseAuthentication", "unknown"), ("storage_size", "unknown"),
        ]),
    ],
)  # fmt: skip
def test_what_rds_offers(options: list[dict[str, Any]], expected: list[tuple[str, str]]) -> None:
    account = Recorded({aws.DESCRIBE_ORDERABLE_OPTIONS: options})
    found = troubles(ask("database_orderable", account, our_stack(**MULTI_AZ)))
    assert [each for each in found if each[0] != "SupportsPerformanceInsights"] == expected


@pytest.mark.parametrize(
    ("versions", "remedy"),
    [
        (["17.9", "17.12"], "set DatabaseEngineVersion to one of 17.9, 17.12"),
        (["17.11"], "set DatabaseInstanceClass to another class"),
        (DENIED, "set DatabaseInstanceClass to another class"),
    ],
)
def test_what_rds_does_not_offer_is_told_with_what_to_set(versions: Any, remedy: str) -> None:
    known = versions if isinstance(versions, Problem) else [{"EngineVersion": version} for version in versions]
    unheard_of = Problem("invalid", "rds:…", "InvalidParameterCombination", "Cannot find version 17.11 for postgres")
    answers: list[Any] = [[], unheard_of]
    for options in answers:
        account = Recorded({aws.DESCRIBE_ORDERABLE_OPTIONS: options, aws.DESCRIBE_ENGINE_VERSIONS: known})
        (finding,) = ask("database_orderable", account, our_stack())
        assert (finding.rule, finding.status, finding.remedy) == ("offered", FAIL, remedy)


# Network ------------------------------------------------------------------------------------------------------------

IN_VPC = {"ExistingVpcId": VPC, "ExistingPrivateSubnetIds": ",".join(SUBNETS)}
GOOD_NETWORK: dict[Operation, Any] = {
    aws.DESCRIBE_VPCS: [vpc(VPC)],
    aws.DESCRIBE_SUBNETS: [subnet(SUBNETS[0], "a"), subnet(SUBNETS[1], "b")],
    aws.DESCRIBE_ROUTE_TABLES: [route_table()],
}


def attribute(name: str, *, value: bool) -> Any:
    """DescribeVpcAttribute with one attribute as given and the others on."""

    def answer(arguments: dict[str, Any]) -> dict[str, Any]:
        asked = arguments["Attribute"]
        return {asked[0].upper() + asked[1:]: {"Value": value if asked == name else True}}

    return answer


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({aws.DESCRIBE_VPCS: [vpc("vpc-other")]}, [("exists", "fail")]),
        ({aws.DESCRIBE_VPC_ATTRIBUTE: attribute("enableDnsSupport", value=False)}, [("dns_support", "fail")]),
        ({aws.DESCRIBE_VPC_ATTRIBUTE: attribute("enableDnsHostnames", value=False)}, [("dns_hostnames", "fail")]),
        (
            {aws.DESCRIBE_VPC_ATTRIBUTE: denied(aws.DESCRIBE_VPC_ATTRIBUTE)},
            [("dns_support", "unknown"), ("dns_hostnames", "unknown")],
        ),
        ({aws.DESCRIBE_SUBNETS: [subnet(SUBNETS[0], "a"), subnet(SUBNETS[1], "a")]}, [("zones", "fail")]),
        (
            {aws.DESCRIBE_SUBNETS: [subnet(SUBNETS[0], "a", free=9), subnet(SUBNETS[1], "b")]},
            [("addresses", "fail")],
        ),
        ({aws.DESCRIBE_SUBNETS: [subnet(SUBNETS[0], "a", free=10), subnet(SUBNETS[1], "b")]}, []),
        (
            {aws.DESCRIBE_SUBNETS: [subnet(SUBNETS[0], "a", MapPublicIpOnLaunch=True), subnet(SUBNETS[1], "b")]},
            [("private", "fail")],
        ),
        (
            {
                aws.DESCRIBE_SUBNETS: [
                    subnet(SUBNETS[0], "a"),
                    subnet(SUBNETS[1], "b", AssignIpv6AddressOnCreation=True),
                ]
            },
            [("private", "fail")],
        ),
        ({aws.DESCRIBE_ROUTE_TABLES: [route_table(gateway="igw-1")]}, [("private", "fail")]),
        (
            {
                aws.DESCRIBE_ROUTE_TABLES: [
                    {**route_table(), "Routes": [{"EgressOnlyInternetGatewayId": "eigw-1"}]},
                ]
            },
            [("private", "fail")],
        ),
        (
            {aws.DESCRIBE_ROUTE_TABLES: [{**route_table(), "Routes": [{"NatGatewayId": "nat-1"}]}]},
            [],
        ),
        (
            {aws.DESCRIBE_ROUTE_TABLES: [route_table(gateway="igw-1"), route_table(SubnetId=SUBNETS[0])]},
            [("private", "fail")],
        ),
        (
            {
                aws.DESCRIBE_ROUTE_TABLES: [
                    route_table(gateway="igw-1"),
                    route_table(SubnetId=SUBNETS[0]),
                    route_table(SubnetId=SUBNETS[1]),
                ]
            },
            [],
        ),
        ({aws.DESCRIBE_SUBNETS: [subnet(SUBNETS[0], "a")]}, [("subnets", "fail"), ("zones", "fail")]),
        (
            {aws.DESCRIBE_SUBNETS: [subnet(SUBNETS[0], "a"), subnet(SUBNETS[1], "b", vpc_id="vpc-other")]},
            [("subnets", "fail")],
        ),
        (
            {
                aws.DESCRIBE_VPC_ENDPOINTS: [
                    {
                        "VpcId": VPC,
                        "VpcEndpointType": "Interface",
                        "ServiceName": f"com.amazonaws.{REGION}.kms",
                        "PrivateDnsEnabled": True,
                    }
                ]
            },
            [("endpoints", "fail")],
        ),
        (
            {
                aws.DESCRIBE_VPC_ENDPOINTS: [
                    {
                        "VpcId": "vpc-other",
                        "VpcEndpointType": "Interface",
                        "ServiceName": f"com.amazonaws.{REGION}.kms",
                        "PrivateDnsEnabled": True,
                    }
                ]
            },
            [],
        ),
    ],
)
def test_the_vpc_handed_in(change: dict[Operation, Any], expected: list[tuple[str, str]]) -> None:
    account = Recorded({**GOOD_NETWORK, **change})
    assert troubles(ask("existing_vpc", account, our_stack(**IN_VPC))) == expected


KMS = {
    "VpcId": VPC,
    "VpcEndpointId": "x-KmsEndpoint",
    "ServiceName": f"com.amazonaws.{REGION}.kms",
    "PrivateDnsEnabled": True,
}
MOVED = (SUBNETS[0], "subnet-0123456789abcdef2")
FULL = [subnet(SUBNETS[0], "a", free=0), subnet(SUBNETS[1], "b", free=0)]


def in_vpc(*subnets: str, vpc_id: str = VPC) -> Stack:
    """Our stack in a VPC handed in, with its six endpoints."""
    return our_stack(ExistingVpcId=vpc_id, ExistingPrivateSubnetIds=",".join(subnets))


def without(stack: Stack, *names: str) -> Stack:
    """The stack before these resources were added to it."""
    return dataclasses.replace(
        stack, resources={name: stack.resources[name] for name in stack.resources.keys() - names}
    )


@pytest.mark.parametrize(
    ("before", "change", "expected"),
    [
        (in_vpc(*SUBNETS), {aws.DESCRIBE_VPC_ENDPOINTS: [KMS], aws.DESCRIBE_SUBNETS: FULL}, []),
        (
            in_vpc(*SUBNETS, vpc_id="vpc-0123456789abcdef1"),  # the update replaces every endpoint
            {aws.DESCRIBE_VPC_ENDPOINTS: [KMS], aws.DESCRIBE_SUBNETS: FULL},
            [("addresses", "fail"), ("endpoints", "fail")],
        ),
        (
            without(in_vpc(*SUBNETS), "KmsEndpoint"),  # the one there is somebody else's
            {aws.DESCRIBE_VPC_ENDPOINTS: [{**KMS, "VpcEndpointId": "vpce-other"}]},
            [("endpoints", "fail")],
        ),
        (without(in_vpc(*SUBNETS), "KmsEndpoint"), {aws.DESCRIBE_SUBNETS: FULL}, [("addresses", "fail")]),
        (without(in_vpc(*SUBNETS), "Database"), {aws.DESCRIBE_SUBNETS: FULL}, [("addresses", "fail")]),
        (
            in_vpc(*MOVED),  # six endpoints move to the second subnet, none to the first
            {aws.DESCRIBE_SUBNETS: [FULL[0], subnet(SUBNETS[1], "b", free=6)]},
            [],
        ),
        (
            in_vpc(*MOVED),
            {aws.DESCRIBE_SUBNETS: [FULL[0], subnet(SUBNETS[1], "b", free=5)]},
            [("addresses", "fail")],
        ),
        (
            in_vpc(*MOVED),  # with what is deployed unknown, which is told by another check
            {aws.GET_TEMPLATE: denied(aws.GET_TEMPLATE), aws.DESCRIBE_VPC_ENDPOINTS: [KMS], aws.DESCRIBE_SUBNETS: FULL},
            [],
        ),
    ],
)
def test_an_update_in_the_vpc_handed_in_needs_room_only_for_what_it_adds(
    before: Stack, change: dict[Operation, Any], expected: list[tuple[str, str]]
) -> None:
    account = Recorded({**deployed(before).answers, **GOOD_NETWORK, **change})
    assert troubles(ask("existing_vpc", account, in_vpc(*SUBNETS))) == expected


def test_whether_endpoints_are_the_stacks_own_is_unknown_when_the_stack_may_not_be_read() -> None:
    account = Recorded({**GOOD_NETWORK, aws.DESCRIBE_STACKS: denied(aws.DESCRIBE_STACKS)})
    result = account.preflight(subject_of(in_vpc(*SUBNETS)))
    (finding,) = (each for each in result.findings if each.control == "existing_vpc")
    assert (finding.status, finding.reason) == (UNKNOWN, "cloudformation:DescribeStacks is denied")


def test_every_failed_requirement_says_what_to_do() -> None:
    account = Recorded({**GOOD_NETWORK, aws.DESCRIBE_VPC_ATTRIBUTE: attribute("enableDnsSupport", value=False)})
    (finding,) = (each for each in ask("existing_vpc", account, our_stack(**IN_VPC)) if each.status is FAIL)
    assert finding.remedy == f"aws ec2 modify-vpc-attribute --vpc-id {VPC} --enable-dns-support"


def test_a_network_that_may_not_be_read_is_unknown() -> None:
    account = Recorded({**GOOD_NETWORK, aws.DESCRIBE_SUBNETS: denied(aws.DESCRIBE_SUBNETS)})
    result = account.preflight(subject_of(our_stack(**IN_VPC)))
    (finding,) = (each for each in result.findings if each.control == "existing_vpc")
    assert (finding.status, finding.reason) == (UNKNOWN, "ec2:DescribeSubnets is denied")


@pytest.mark.parametrize(
    ("vpcs", "peerings", "overlaps"),
    [
        (["10.99.0.0/16"], [], ""),
        (["10.20.0.0/16"], [], "vpc-0 (10.20.0.0/16)"),
        (["10.0.0.0/8"], [], "vpc-0 (10.0.0.0/8)"),
        (["10.20.3.0/24", "10.21.0.0/16"], [], "vpc-0 (10.20.3.0/24)"),
        (["10.99.0.0/16"], ["10.20.128.0/17"], "pcx-1 (10.20.128.0/17)"),
    ],
)
def test_an_overlap_is_a_warning(vpcs: list[str], peerings: list[str], overlaps: str) -> None:
    account = Recorded(
        {
            aws.DESCRIBE_VPCS: [vpc(f"vpc-{number}", cidr) for number, cidr in enumerate(vpcs)],
            aws.DESCRIBE_PEERINGS: [
                {"VpcPeeringConnectionId": "pcx-1", "AccepterVpcInfo": {"CidrBlockSet": [{"CidrBlock": each}]}}
                for each in peerings
            ],
        }
    )
    (finding,) = ask("cidr_overlap", account, our_stack())
    assert finding.status is PASS
    assert (finding.severity, finding.actual) == ((WARNING, overlaps) if overlaps else ("", "free"))
    assert finding.remedy == ("set VpcCidr to a free range" if overlaps else "")


def test_an_existing_vpc_does_not_overlap_with_itself() -> None:
    account = deployed(our_stack())
    account.answers[aws.DESCRIBE_VPCS] = [vpc("vpc-own", "10.20.0.0/16")]
    assert [each.status for each in ask("cidr_overlap", account, our_stack())] == [NA]


# Handed in ----------------------------------------------------------------------------------------------------------

MONITORING = f"arn:aws:iam::{ACCOUNT}:role/shared/monitoring"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms"


def role(*services: str) -> Any:
    """GetRole of any role, with this trust."""
    return lambda arguments: {"Role": {"RoleName": arguments["RoleName"], "AssumeRolePolicyDocument": trust(*services)}}


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (role("monitoring.rds.amazonaws.com"), PASS),
        (role("ec2.amazonaws.com", "monitoring.rds.amazonaws.com"), PASS),
        (role("ec2.amazonaws.com"), FAIL),
        (Problem("not-found", "iam:GetRole", "NoSuchEntity", "cannot be found"), FAIL),
        (denied(aws.GET_ROLE), UNKNOWN),
    ],
)
def test_a_role_handed_in(answer: Any, status: Status) -> None:
    stack = our_stack(ExistingMonitoringRoleArn=MONITORING)
    (finding,) = ask("handed_in", Recorded({aws.GET_ROLE: answer}), stack)
    assert (finding.rule, finding.status) == ("handed_in_role", status)
    assert (finding.resource, finding.property) == (MONITORING, "ExistingMonitoringRoleArn")


def test_the_role_is_asked_for_by_its_name_without_the_path() -> None:
    account = Recorded({aws.GET_ROLE: role("monitoring.rds.amazonaws.com")})
    ask("handed_in", account, our_stack(ExistingMonitoringRoleArn=MONITORING))
    assert [read.arguments for read in account.asked] == [{"RoleName": "monitoring"}]


@pytest.mark.parametrize(("service", "status"), [("lambda.amazonaws.com", PASS), ("ecs-tasks.amazonaws.com", FAIL)])
def test_the_processor_role_must_trust_the_chosen_service(service: str, status: Status) -> None:
    stack = our_stack(ExistingProcessorRoleArn=MONITORING, ProcessorService="lambda.amazonaws.com")
    assert [each.status for each in ask("handed_in", Recorded({aws.GET_ROLE: role(service)}), stack)] == [status]


KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"KeyMetadata": {"KeyState": "Enabled"}}, PASS),
        ({"KeyMetadata": {"KeyState": "PendingDeletion"}}, FAIL),
        ({"KeyMetadata": {"KeyState": "Disabled"}}, FAIL),
        ({"KeyMetadata": {"KeyState": "Enabled", "KeySpec": "RSA_2048"}}, FAIL),
        (Problem("not-found", "kms:DescribeKey", "NotFoundException", ""), FAIL),
        (denied(aws.DESCRIBE_KEY), UNKNOWN),
    ],
)
def test_a_key_handed_in(answer: Any, status: Status) -> None:
    stack = stack_of(resource("Topic", "SNS::Topic", KmsMasterKeyId=KEY_ARN))
    assert [each.status for each in ask("handed_in", Recorded({aws.DESCRIBE_KEY: answer}), stack)] == [status]


def test_a_topic_handed_in_is_asked_for_once() -> None:
    stack = our_stack(ExistingAlarmTopicArn=TOPIC)
    account = Recorded({aws.GET_TOPIC_ATTRIBUTES: {"Attributes": {"TopicArn": TOPIC}}})
    assert [(each.rule, each.status) for each in ask("handed_in", account, stack)] == [("handed_in_topic", PASS)]
    (missing,) = ask("handed_in", Recorded(), stack)
    assert (missing.status, missing.remedy) == (FAIL, "correct ExistingAlarmTopicArn, or leave it empty")


def test_a_group_a_boundary_and_a_prefix_list_handed_in() -> None:
    stack = our_stack(
        CreateVpcEndpoints="false",
        ExistingEndpointSecurityGroupId="sg-0123456789abcdef0",
        S3PrefixListId="pl-0123456789abcdef0",
        PermissionsBoundaryName="boundary",
    )
    there = {
        aws.DESCRIBE_SECURITY_GROUPS: [{"GroupId": "sg-0123456789abcdef0"}],
        aws.DESCRIBE_PREFIX_LISTS: [{"PrefixListId": "pl-0123456789abcdef0"}],
        aws.GET_POLICY: {"Policy": {}},
    }
    rules = {"handed_in_security_group", "handed_in_boundary", "handed_in_prefix_list"}
    assert {each.rule: each.status for each in ask("handed_in", Recorded(there), stack)} == dict.fromkeys(rules, PASS)
    assert {each.rule: each.status for each in ask("handed_in", Recorded(), stack)} == dict.fromkeys(rules, FAIL)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"AlarmEmail": "security@clinic.internal"}, [(PASS, "", "AlarmEmailSubscription")]),
        ({"AlarmEmail": "security@example.com"}, [(PASS, WARNING, "AlarmEmailSubscription")]),
        ({"DeletionProtection": "true"}, [(PASS, WARNING, "")]),
        ({"DeletionProtection": "false"}, [(NA, "", "")]),
        ({"DeletionProtection": "true", "ExistingAlarmTopicArn": TOPIC}, [(NA, "", "")]),
    ],
    ids=["somebody", "example", "nobody", "ephemeral", "topic-handed-in"],
)
def test_an_alarm_email_that_nobody_will_confirm_is_a_warning(
    changes: dict[str, str], expected: list[tuple[Status, str, str]]
) -> None:
    found = ask("alarm_email", Recorded(), our_stack(**changes))
    assert [(each.status, each.severity, each.resource) for each in found] == expected
    assert [each.remedy.partition(",")[0] for each in found if each.severity == WARNING] in (
        [], ["set AlarmEmail"], ["set AlarmEmail to an address that somebody reads"],
    )  # fmt: skip


def test_a_subscription_that_is_no_email_is_not_judged() -> None:
    stack = stack_of(resource("Queue", "SNS::Subscription", Protocol="sqs", Endpoint="arn:aws:sqs:x:1:q"))
    assert [each.status for each in ask("alarm_email", Recorded(), stack)] == [NA]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (trust("backup.amazonaws.com"), True),
        ({"Statement": {"Effect": "Allow", "Principal": {"Service": "backup.amazonaws.com"}, "Action": "sts:*"}}, True),
        ({"Statement": [{"Effect": "Deny", "Principal": {"Service": "backup.amazonaws.com"}, "Action": "*"}]}, False),
        ({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}, False),
        ({"Statement": [{"Effect": "Allow", "Principal": {"AWS": "1"}, "Action": "sts:AssumeRole"}]}, False),
        ({}, False),
    ],
)
def test_trust_policies(document: Any, expected: bool) -> None:
    assert trusts(document, "backup.amazonaws.com") is expected


def test_nothing_handed_in_is_not_judged() -> None:
    for slug in ("handed_in", "existing_vpc"):
        assert [each.status for each in ask(slug, Recorded(), our_stack())] == [NA]


# Service-linked role, switches --------------------------------------------------------------------------------------


def test_the_service_linked_roles_exist() -> None:
    findings = ask("service_linked_role", Recorded(), our_stack())
    assert [(each.resource, each.actual) for each in findings] == [
        ("AWSServiceRoleForRDS", "exists"),
        ("AWSServiceRoleForBackup", "exists"),
    ]


def test_a_service_linked_role_that_is_yet_to_be_created_is_a_warning() -> None:
    account = Recorded({aws.GET_ROLE: Problem("not-found", "iam:GetRole", "NoSuchEntity", "cannot be found")})
    (missing,) = ask("service_linked_role", account, our_stack(CreateBackupPlan="false"))
    assert (missing.status, missing.severity) == (PASS, WARNING)
    assert missing.remedy == "aws iam create-service-linked-role --aws-service-name rds.amazonaws.com"


def test_a_service_linked_role_that_may_not_be_read_is_unknown() -> None:
    findings = ask("service_linked_role", Recorded({aws.GET_ROLE: denied(aws.GET_ROLE)}), our_stack())
    assert {(each.status, each.reason) for each in findings} == {(UNKNOWN, "iam:GetRole is denied")}


@pytest.mark.parametrize("slug", SLUGS)
def test_every_check_can_be_switched_off(slug: str) -> None:
    result = Recorded().preflight(subject_of(our_stack()), (slug,))
    assert [(each.status, each.reason) for each in result.findings if each.control == slug] == [
        (Status.WAIVED, f"switched off by --skip {slug}")
    ]


EVERY_READ_DENIED = {value: Problem("denied", value.action, "AccessDenied", "no") for value in aws.ALL}


def test_with_every_read_denied_nothing_passes_that_was_asked_of_aws() -> None:
    result = Recorded(EVERY_READ_DENIED).preflight(subject_of(our_stack(**IN_VPC)))
    passed = {each.control for each in result.with_status(PASS)}
    assert passed == {"template_controls", "template_size"}
    unknown = result.with_status(UNKNOWN)
    assert {each.control for each in unknown} == set(SLUGS) - {
        "template_controls",
        "template_size",
        "credential_lifetime",
        "cidr_overlap",
        "handed_in",
        "alarm_email",
    }
    assert all("is denied" in each.reason for each in unknown)


@pytest.mark.parametrize("operation", [each for each in aws.ALL if each.key], ids=lambda each: each.action)
def test_an_answer_that_lacks_what_aws_documents_ends_no_preflight(operation: Operation) -> None:
    result = Recorded({operation: [{}]}).preflight(subject_of(our_stack(**IN_VPC)))
    assert {each.control for each in result.findings} == set(SLUGS)


def test_an_answer_that_lacks_what_aws_documents_is_unknown() -> None:
    result = Recorded({aws.DESCRIBE_ORDERABLE_OPTIONS: [{"AvailabilityZones": [{}]}]}).preflight(
        subject_of(our_stack())
    )
    (finding,) = (each for each in result.findings if each.control == "availability_zones")
    assert (finding.status, finding.reason) == (UNKNOWN, "an answer was not as AWS documents it (KeyError: 'Name')")


def test_findings_are_deterministic() -> None:
    one, other = (Recorded().preflight(subject_of(our_stack())) for _ in range(2))
    assert dataclasses.asdict(one) == dataclasses.asdict(other)


@pytest.mark.parametrize("slug", ["database_orderable", "availability_zones", "database_parameters"])
def test_where_it_is_not_known_what_an_update_changes_nothing_is_held_against_it(slug: str) -> None:
    """The deployed template may not be read, and AWS offers nothing any more: what is there need not be ordered."""
    stack = our_stack(CreateVpcEndpoints="true")
    account = deployed(stack)
    account.answers |= {
        aws.GET_TEMPLATE: denied(aws.GET_TEMPLATE),
        aws.DESCRIBE_ORDERABLE_OPTIONS: [],
        aws.DESCRIBE_ENDPOINT_SERVICES: [],
        aws.DESCRIBE_ENGINE_DEFAULTS: [],
    }
    found = ask(slug, account, stack)
    assert {each.status for each in found} == {UNKNOWN}
    assert all("what changes is not known" in each.reason for each in found)
