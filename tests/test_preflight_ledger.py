"""The ledger: its arithmetic at every edge, its demand, and what is unknown when AWS does not answer."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_pipeline.errors import ExitCode
from hipaa_pipeline.findings import Status
from hipaa_pipeline.preflight import operations as aws
from hipaa_pipeline.preflight.existing import Existing
from hipaa_pipeline.preflight.facts import Operation, Problem
from hipaa_pipeline.preflight.ledger import Row, findings, ledger
from hipaa_pipeline.preflight.quotas import BY_SLUG, DEFAULTS_AS_OF
from hipaa_pipeline.preflight.usage import USED, Number
from hipaa_pipeline.stack import Stack
from recorded import ACCOUNT, HEALTHY, NAME, SUBNETS, VPC, Recorded, denied, our_stack, resource, stack_of, subject_of

PASS, FAIL, UNKNOWN = Status.PASS, Status.FAIL, Status.UNKNOWN
ONE_OF_EACH = stack_of(
    resource("Vpc", "EC2::VPC", CidrBlock="10.0.0.0/16"),
    resource("Role", "IAM::Role"),
)


def rows(stack: Stack, account: Recorded, existing: Existing | None = None) -> dict[str, Row]:
    """The ledger's rows by quota."""
    told = account.ask(lambda facts: ledger(stack, existing or Existing(), facts))
    return {row.quota.slug: row for row in told}


def summary(**changes: int) -> dict[str, Any]:
    """GetAccountSummary with some numbers changed."""
    return {"SummaryMap": {**HEALTHY[aws.GET_ACCOUNT_SUMMARY]["SummaryMap"], **changes}}


@pytest.mark.parametrize(
    ("vpcs", "limit", "status", "headroom"),
    [
        (0, 5, PASS, 4),
        (4, 5, PASS, 0),
        (5, 5, FAIL, -1),
        (6, 5, FAIL, -2),
        (5, 6, PASS, 0),
    ],
)
def test_vpcs_at_the_edge(vpcs: int, limit: int, status: Status, headroom: int) -> None:
    account = Recorded(
        {
            aws.DESCRIBE_VPCS: [{"VpcId": f"vpc-{number}"} for number in range(vpcs)],
            aws.LIST_SERVICE_QUOTAS: [{"QuotaCode": "L-F678F1CE", "Value": float(limit)}],
        }
    )
    row = rows(ONE_OF_EACH, account)["vpcs"]
    assert (row.status, row.headroom, row.needed, row.used.value, row.limit.value) == (status, headroom, 1, vpcs, limit)
    assert (row.used.source, row.limit.source) == ("ec2:DescribeVpcs", "Service Quotas")


@pytest.mark.parametrize(
    ("roles", "status", "headroom"),
    [(998, PASS, 1), (999, PASS, 0), (1000, FAIL, -1), (1001, FAIL, -2)],
)
def test_roles_at_the_edge(roles: int, status: Status, headroom: int) -> None:
    account = Recorded({aws.GET_ACCOUNT_SUMMARY: summary(Roles=roles)})
    row = rows(ONE_OF_EACH, account)["roles"]
    assert (row.status, row.headroom) == (status, headroom)
    assert row.limit.source == "iam:GetAccountSummary"


# Every quota of the table: a stack that needs it, and the answers that make a given number of it used.
HANDED_IN = {
    "ExistingVpcId": VPC,
    "ExistingPrivateSubnetIds": ",".join(SUBNETS),
}


def many(operation: Operation, **item: Any) -> Any:
    return lambda number: {operation: [{"Number": each, **item} for each in range(number)]}


def rds(name: str) -> Any:
    return lambda number: {aws.DESCRIBE_RDS_ACCOUNT: [{"AccountQuotaName": name, "Used": number, "Max": 1000}]}


def kinesis(used: str, limit: str) -> Any:
    return lambda number: {aws.DESCRIBE_KINESIS_LIMITS: {used: number, limit: 1000}}


EDGES: dict[str, tuple[Any, Any, int]] = {
    "vpcs": (resource("X", "EC2::VPC"), many(aws.DESCRIBE_VPCS), 1),
    "subnets": (resource("X", "EC2::Subnet", VpcId=VPC), many(aws.DESCRIBE_SUBNETS, VpcId=VPC), 1),
    "route_tables": (resource("X", "EC2::RouteTable", VpcId=VPC), many(aws.DESCRIBE_ROUTE_TABLES, VpcId=VPC), 1),
    "security_groups": (resource("X", "EC2::SecurityGroup", VpcId=VPC), many(aws.DESCRIBE_SECURITY_GROUPS), 1),
    "inbound_rules": (
        resource("X", "EC2::SecurityGroupIngress", GroupId="sg-1"),
        many(aws.DESCRIBE_SECURITY_GROUP_RULES, IsEgress=False),
        1,
    ),
    "outbound_rules": (
        resource("X", "EC2::SecurityGroupEgress", GroupId="sg-1"),
        many(aws.DESCRIBE_SECURITY_GROUP_RULES, IsEgress=True),
        1,
    ),
    "interface_endpoints": (
        resource("X", "EC2::VPCEndpoint", VpcEndpointType="Interface", VpcId=VPC, SubnetIds=list(SUBNETS)),
        many(aws.DESCRIBE_VPC_ENDPOINTS, VpcId=VPC, VpcEndpointType="Interface"),
        1,
    ),
    "network_interfaces": (
        resource("X", "EC2::VPCEndpoint", VpcEndpointType="Interface", VpcId=VPC, SubnetIds=list(SUBNETS)),
        many(aws.DESCRIBE_NETWORK_INTERFACES),
        2,
    ),
    "gateway_endpoints": (
        resource("X", "EC2::VPCEndpoint", VpcEndpointType="Gateway", VpcId=VPC),
        many(aws.DESCRIBE_VPC_ENDPOINTS, VpcId=VPC, VpcEndpointType="Gateway"),
        1,
    ),
    "flow_logs": (resource("X", "EC2::FlowLog", ResourceId=VPC), many(aws.DESCRIBE_FLOW_LOGS, ResourceId=VPC), 1),
    "roles": (
        resource("X", "IAM::Role"),
        lambda number: {aws.GET_ACCOUNT_SUMMARY: {"SummaryMap": {"Roles": number, "RolesQuota": 1000}}},
        1,
    ),
    "policies": (
        resource("X", "IAM::ManagedPolicy"),
        lambda number: {aws.GET_ACCOUNT_SUMMARY: {"SummaryMap": {"Policies": number, "PoliciesQuota": 1000}}},
        1,
    ),
    "role_policies": (
        resource("X", "IAM::ManagedPolicy", Roles=["existing"]),
        lambda number: {
            **many(aws.LIST_ATTACHED_ROLE_POLICIES)(number),
            aws.GET_ACCOUNT_SUMMARY: {"SummaryMap": {"AttachedPoliciesPerRoleQuota": 1000}},
        },
        1,
    ),
    "db_instances": (resource("X", "RDS::DBInstance", AllocatedStorage=20), rds("DBInstances"), 1),
    "db_storage": (resource("X", "RDS::DBInstance", AllocatedStorage="20"), rds("AllocatedStorage"), 20),
    "db_parameter_groups": (resource("X", "RDS::DBParameterGroup"), rds("DBParameterGroups"), 1),
    "db_subnet_groups": (resource("X", "RDS::DBSubnetGroup"), rds("DBSubnetGroups"), 1),
    "shards": (resource("X", "Kinesis::Stream", ShardCount=3), kinesis("OpenShardCount", "ShardLimit"), 3),
    "on_demand_streams": (
        resource("X", "Kinesis::Stream", StreamModeDetails={"StreamMode": "ON_DEMAND"}),
        kinesis("OnDemandStreamCount", "OnDemandStreamCountLimit"),
        1,
    ),
    "keys": (resource("X", "KMS::Key"), many(aws.LIST_KEYS), 1),
    "key_aliases": (
        resource("X", "KMS::Alias", TargetKeyId="key-1"),
        many(aws.LIST_ALIASES, TargetKeyId="key-1", AliasName="alias/x"),
        1,
    ),
    "log_groups": (resource("X", "Logs::LogGroup"), many(aws.DESCRIBE_LOG_GROUPS), 1),
    "metric_filters": (
        resource("X", "Logs::MetricFilter", LogGroupName="/a/b"),
        many(aws.DESCRIBE_METRIC_FILTERS),
        1,
    ),
    "topics": (resource("X", "SNS::Topic"), many(aws.LIST_TOPICS), 1),
    "secrets": (
        resource("X", "RDS::DBInstance", AllocatedStorage=20, ManageMasterUserPassword=True),
        many(aws.LIST_SECRETS),
        1,
    ),
    "backup_vaults": (resource("X", "Backup::BackupVault"), many(aws.LIST_BACKUP_VAULTS), 1),
    "backup_plans": (resource("X", "Backup::BackupPlan"), many(aws.LIST_BACKUP_PLANS), 1),
    "stacks": (
        resource("X", "SNS::Topic"),
        lambda number: {
            **many(aws.LIST_STACKS)(number),
            aws.DESCRIBE_ACCOUNT_LIMITS: [{"Name": "StackLimit", "Value": 1000}],
        },
        1,
    ),
}


def test_every_quota_has_an_edge_case_or_a_test_of_its_own() -> None:
    assert set(EDGES) | {"db_snapshots", "stack_resources"} == set(BY_SLUG) == set(USED)


@pytest.mark.parametrize("slug", EDGES)
@pytest.mark.parametrize(("beyond", "status"), [(-1, PASS), (0, PASS), (1, FAIL)])
def test_each_row_at_its_edge(slug: str, beyond: int, status: Status) -> None:
    wanting, answers, needed = EDGES[slug]
    quota = BY_SLUG[slug]
    limit = quota.default if quota.fixed and quota.default else 1000
    account = Recorded(
        {
            aws.LIST_SERVICE_QUOTAS: [{"QuotaCode": quota.code, "Value": 1000.0}],
            aws.LIST_DEFAULT_QUOTAS: [],
            **answers(limit - needed + beyond),
        }
    )
    row = rows(stack_of(wanting), account)[slug]
    assert (row.status, row.headroom, row.needed, row.limit.certain) == (status, -beyond, needed, True)


numbers = st.integers(min_value=0, max_value=10**7)


@given(used=numbers, needed=numbers, limit=numbers)
def test_the_arithmetic_holds_for_all_numbers(used: int, needed: int, limit: int) -> None:
    """Blocked exactly when something is needed and it does not fit; headroom is what is left, below zero too."""
    row = Row(BY_SLUG["vpcs"], needed, Number(used, "a"), Number(limit, "b"))
    assert row.headroom == limit - used - needed
    assert (row.status is FAIL) == (needed > 0 and used + needed > limit)
    assert row.status is not UNKNOWN


@given(used=st.none() | numbers, limit=st.none() | numbers, certain=st.booleans())
def test_what_adds_nothing_is_never_blocked_nor_unknown(used: int | None, limit: int | None, certain: bool) -> None:
    assert Row(BY_SLUG["vpcs"], 0, Number(used, "a"), Number(limit, "b", certain=certain)).status is PASS


@given(used=st.none() | numbers, limit=st.none() | numbers, needed=st.integers(min_value=1), certain=st.booleans())
def test_a_missing_or_uncertain_number_is_never_a_verdict(
    used: int | None, limit: int | None, needed: int, certain: bool
) -> None:
    row = Row(BY_SLUG["vpcs"], needed, Number(used, "a", "why"), Number(limit, "b", "why", certain=certain))
    assert (row.status is UNKNOWN) == (used is None or limit is None or not certain)
    assert (row.reason != "") == (row.status is UNKNOWN)


SERVICE_QUOTAS_DOWN = [
    (denied(aws.LIST_SERVICE_QUOTAS), "servicequotas:ListServiceQuotas is denied"),
    (
        Problem("throttled", "servicequotas:ListServiceQuotas", "TooManyRequestsException", "Rate exceeded"),
        "servicequotas:ListServiceQuotas: throttled (Rate exceeded)",
    ),
    (
        Problem("unreachable", "servicequotas:ListServiceQuotas", "ConnectTimeoutError", "timed out"),
        "servicequotas:ListServiceQuotas: unreachable (timed out)",
    ),
]


@pytest.mark.parametrize(("problem", "reason"), SERVICE_QUOTAS_DOWN)
def test_without_service_quotas_what_depends_on_it_is_unknown(problem: Problem, reason: str) -> None:
    account = Recorded({aws.LIST_SERVICE_QUOTAS: problem})
    told = rows(ONE_OF_EACH, account)
    assert told["vpcs"].status is UNKNOWN
    assert told["vpcs"].reason == f"{reason}; falling back to the default of {DEFAULTS_AS_OF}, 5"
    assert told["vpcs"].headroom == 3  # one VPC exists, one is needed, five by default
    assert told["roles"].status is PASS  # IAM tells its quota itself


@pytest.mark.parametrize(("problem", "reason"), SERVICE_QUOTAS_DOWN)
def test_unknown_exits_with_3_unless_accepted(problem: Problem, reason: str) -> None:
    result = Recorded({aws.LIST_SERVICE_QUOTAS: problem}).preflight(subject_of(our_stack()))
    assert result.exit_code() is ExitCode.UNKNOWN
    assert result.exit_code(accept_unknown=True) is ExitCode.GOOD
    vpcs = next(finding for finding in result.findings if finding.rule == "vpcs")
    assert (vpcs.status, vpcs.expected) == (UNKNOWN, f"at most 5 (default of {DEFAULTS_AS_OF})")
    assert vpcs.reason.startswith(reason)


def test_a_blocked_quota_is_not_accepted_with_the_unknown_ones() -> None:
    account = Recorded({aws.LIST_TOPICS: denied(aws.LIST_TOPICS), aws.GET_ACCOUNT_SUMMARY: summary(Roles=1000)})
    result = account.preflight(subject_of(our_stack()))
    assert result.with_status(UNKNOWN)
    assert result.exit_code() is result.exit_code(accept_unknown=True) is ExitCode.FAILED


def test_service_quotas_leaves_unchanged_quotas_out_and_the_default_is_then_aws_own() -> None:
    account = Recorded(
        {aws.LIST_SERVICE_QUOTAS: [], aws.LIST_DEFAULT_QUOTAS: [{"QuotaCode": "L-F678F1CE", "Value": 7.0}]}
    )
    row = rows(ONE_OF_EACH, account)["vpcs"]
    assert (row.limit.value, row.limit.source, row.status) == (7, "Service Quotas (default)", PASS)


def test_iam_quotas_are_asked_in_the_region_that_serves_them() -> None:
    account = Recorded(
        {
            aws.GET_ACCOUNT_SUMMARY: {"SummaryMap": {"Roles": 3}},
            aws.LIST_SERVICE_QUOTAS: lambda arguments: (
                [{"QuotaCode": "L-FE177D64", "Value": 1200.0}] if arguments["ServiceCode"] == "iam" else []
            ),
        }
    )
    assert rows(ONE_OF_EACH, account)["roles"].limit == Number(1200, "Service Quotas")
    regions = {read.in_region for read in account.asked if read.arguments.get("ServiceCode") == "iam"}
    assert regions == {"us-east-1"}


@pytest.mark.parametrize("slug", sorted(set(EDGES) - {"flow_logs", "metric_filters"}))
def test_a_denied_count_is_unknown_and_names_the_action(slug: str) -> None:
    wanting, answers, _ = EDGES[slug]
    operations = [operation for operation in answers(1) if operation is not aws.DESCRIBE_ACCOUNT_LIMITS]
    account = Recorded({operation: denied(operation) for operation in operations})
    row = rows(stack_of(wanting), account)[slug]
    assert row.status is UNKNOWN
    assert f"{operations[0].action} is denied" in row.reason


def test_aws_own_keys_do_not_count() -> None:
    account = Recorded(
        {
            aws.LIST_KEYS: [{"KeyId": "a"}, {"KeyId": "b"}, {"KeyId": "c"}],
            aws.LIST_ALIASES: [
                {"AliasName": "alias/aws/rds", "TargetKeyId": "a"},
                {"AliasName": "alias/aws/sns"},
                {"AliasName": "alias/mine", "TargetKeyId": "b"},
            ],
        }
    )
    assert rows(stack_of(resource("Key", "KMS::Key")), account)["keys"].used == Number(2, "kms:ListKeys")


def test_the_kinesis_default_depends_on_the_region() -> None:
    stream = stack_of(resource("X", "Kinesis::Stream", ShardCount=1))
    row = rows(stream, Recorded({aws.DESCRIBE_KINESIS_LIMITS: denied(aws.DESCRIBE_KINESIS_LIMITS)}))["shards"]
    assert (row.limit.value, row.limit.certain) == (6000, False)


def test_a_type_without_a_row_is_unknown() -> None:
    stack = stack_of(resource("X", "Lambda::Function"))
    told = findings(Recorded().ask(lambda facts: ledger(stack, Existing(), facts)), stack)
    assert [(each.rule, each.status, each.resource) for each in told if each.status is UNKNOWN] == [
        ("uncounted_type", UNKNOWN, "AWS::Lambda::Function")
    ]


def test_the_healthy_account_takes_our_stack() -> None:
    result = Recorded().preflight(subject_of(our_stack()))
    assert {str(row.status) for row in result.rows} == {"pass"}
    assert (result.account_id, result.stack_name, result.stack_status) == (ACCOUNT, NAME, None)
