"""Quotas in the local account: enforced at their edge, told the same by every API, raised on request."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from hipaa_pipeline.aws.session import AwsError, Session
from hipaa_pipeline.errors import UserError
from hipaa_pipeline.local.server import LocalAccount
from hipaa_pipeline.preflight.quotas import BY_SLUG
from local_stacks import change_set, deploy, reasons

TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "x.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
DOCUMENT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


VPC = {"Vpc": resource("AWS::EC2::VPC", CidrBlock="10.0.0.0/16")}
# Quota, resources that take units of it, the one refused, how much too small the quota is set, and AWS's words.
STACKS: list[tuple[str, dict[str, Any], str, float, str]] = [
    ("vpc/L-F678F1CE", VPC, "Vpc", 1,
     'handler returned message: "The maximum number of VPCs has been reached. (Service: Ec2, Status Code: 400'),
    ("vpc/L-407747CB",
     {**VPC, "Subnet": resource("AWS::EC2::Subnet", VpcId={"Ref": "Vpc"}, CidrBlock="10.0.0.0/24")}, "Subnet", 0,
     "The maximum number of subnets has been reached."),
    ("vpc/L-589F43AA", {**VPC, "Routes": resource("AWS::EC2::RouteTable", VpcId={"Ref": "Vpc"})}, "Routes", 1,
     "The maximum number of route tables has been reached."),
    ("vpc/L-E79EC296",
     {**VPC, "Group": resource("AWS::EC2::SecurityGroup", GroupDescription="d", VpcId={"Ref": "Vpc"})}, "Group", 2,
     "The maximum number of security groups has been reached."),
    ("vpc/L-29B6F2EB",
     {**VPC, "End": resource("AWS::EC2::VPCEndpoint", VpcId={"Ref": "Vpc"}, VpcEndpointType="Interface",
                             ServiceName="x")}, "End", 0,
     "The maximum number of VPC endpoints has been reached."),
    ("vpc/L-1B52E74A",
     {**VPC, "End": resource("AWS::EC2::VPCEndpoint", VpcId={"Ref": "Vpc"}, ServiceName="x")}, "End", 0,
     "The maximum number of VPC endpoints has been reached."),
    ("iam/L-FE177D64", {"Role": resource("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST)}, "Role", 1,
     "Cannot exceed quota for RolesPerAccount: 1 (Service: Iam, Status Code: 409"),
    ("iam/L-E95E4862", {"Policy": resource("AWS::IAM::ManagedPolicy", PolicyDocument=DOCUMENT)}, "Policy", 0,
     "Cannot exceed quota for PoliciesPerAccount: 0"),
    ("iam/L-0DA4ABF3",
     {"Role": resource("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST,
                       ManagedPolicyArns=["arn:aws:iam::aws:policy/ReadOnlyAccess"])}, "Role", 0,
     "Cannot exceed quota for PoliciesPerRole: 0"),
    ("rds/L-DE55804A", {"Group": resource("AWS::RDS::DBParameterGroup", Family="postgres17", Description="d")},
     "Group", 0, "DB parameter group quota exceeded"),
    ("kinesis/L-0918CF54", {"Stream": resource("AWS::Kinesis::Stream", ShardCount="3")}, "Stream", 2,
     "This request would exceed the shard limit for the account. Limit: 2."),
    ("kinesis/on_demand_streams",
     {"Stream": resource("AWS::Kinesis::Stream", StreamModeDetails={"StreamMode": "ON_DEMAND"})}, "Stream", 0,
     "On-demand stream limit exceeded. Limit: 0."),
    ("kms/L-C2F1777E", {"Key": resource("AWS::KMS::Key", KeyPolicy={})}, "Key", 0, "a limit was exceeded"),
    ("logs/L-C7B9AAAB", {"Group": resource("AWS::Logs::LogGroup")}, "Group", 0, "Resource limit exceeded."),
    ("sns/L-61103206", {"Topic": resource("AWS::SNS::Topic")}, "Topic", 0, "Topic limit exceeded"),
    ("backup/L-7705D2CB", {"Vault": resource("AWS::Backup::BackupVault", BackupVaultName="v")}, "Vault", 0,
     "Backup vault limit exceeded"),
]  # fmt: skip


@pytest.mark.parametrize(("quota", "resources", "refused", "limit", "words"), STACKS, ids=[row[0] for row in STACKS])
def test_a_full_quota_fails_the_stack_and_one_more_lets_it_pass(
    account: LocalAccount, session: Session, quota: str, resources: dict[str, Any], refused: str, limit: float,
    words: str,
) -> None:  # fmt: skip
    account.set_quotas({quota: limit})
    assert deploy(session, resources) == "ROLLBACK_COMPLETE"
    assert words in reasons(session, "CREATE_FAILED")[refused]
    assert not {kind for kind in account.inventory() if kind.startswith(("ec2", "iam", "rds", "kinesis", "sns"))}
    account.set_quotas({quota: limit + 1})
    assert deploy(session, resources, stack="roomier") == "CREATE_COMPLETE"


CALLS: list[tuple[str, float, str, str, dict[str, Any], str]] = [
    ("vpc/L-F678F1CE", 1, "ec2", "create_vpc", {"CidrBlock": "10.0.0.0/16"}, "VpcLimitExceeded"),
    ("iam/L-FE177D64", 1, "iam", "create_role", {"RoleName": "r", "AssumeRolePolicyDocument": "{}"}, "LimitExceeded"),
    ("sns/L-61103206", 0, "sns", "create_topic", {"Name": "t"}, "TopicLimitExceeded"),
    ("logs/L-C7B9AAAB", 0, "logs", "create_log_group", {"logGroupName": "g"}, "LimitExceededException"),
    ("kms/L-C2F1777E", 0, "kms", "create_key", {}, "LimitExceededException"),
    ("kinesis/L-0918CF54", 1, "kinesis", "create_stream", {"StreamName": "s", "ShardCount": 2},
     "LimitExceededException"),
    ("backup/L-7705D2CB", 0, "backup", "create_backup_vault", {"BackupVaultName": "v"}, "LimitExceededException"),
    ("secretsmanager/L-2F66C23C", 0, "secretsmanager", "create_secret", {"Name": "s", "SecretString": "x"},
     "LimitExceededException"),
    ("rds/L-48C6BF61", 0, "rds", "create_db_subnet_group",
     {"DBSubnetGroupName": "g", "DBSubnetGroupDescription": "d", "SubnetIds": []}, "DBSubnetGroupQuotaExceeded"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("quota", "limit", "service", "operation", "arguments", "code"), CALLS, ids=[row[0] for row in CALLS]
)
def test_a_full_quota_refuses_the_call(
    account: LocalAccount, quota: str, limit: float, service: str, operation: str, arguments: dict[str, Any],
    code: str,
) -> None:  # fmt: skip
    account.set_quotas({quota: limit})
    # botocore takes LimitExceededException for throttling and would try again with growing pauses.
    client = boto3.client(
        service, region_name=account.region, endpoint_url=account.endpoint_url, aws_access_key_id="local",
        aws_secret_access_key="local", config=Config(retries={"total_max_attempts": 1}),
    )  # fmt: skip
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**arguments)
    assert caught.value.response["Error"]["Code"] == code
    assert account.inventory() == {}


def test_unknown_quotas_are_refused(account: LocalAccount) -> None:
    with pytest.raises(UserError, match="no quota vpc/L-NONE"):
        account.set_quotas({"vpc/L-NONE": 1})


# Service Quotas


def applied(session: Session, service: str, code: str, region: str | None = None) -> float:
    answer = session.call("service-quotas", "get_service_quota", in_region=region, ServiceCode=service, QuotaCode=code)
    return float(answer["Quota"]["Value"])


LISTED = sorted(slug for slug, quota in BY_SLUG.items() if quota.code and quota.default is not None)


@pytest.mark.parametrize("slug", LISTED)
def test_the_defaults_are_those_the_preflight_knows(session: Session, slug: str) -> None:
    quota = BY_SLUG[slug]
    assert applied(session, quota.service, quota.code, quota.region(session.region, "aws")) == quota.default


def test_iam_is_served_from_one_region_only(session: Session) -> None:
    with pytest.raises(AwsError) as caught:
        applied(session, "iam", "L-FE177D64")
    assert caught.value.code == "NoSuchResourceException"
    with pytest.raises(AwsError, match="specified quota does not exist"):
        applied(session, "vpc", "L-NONE")


def test_quotas_are_listed_in_pages(account: LocalAccount, session: Session) -> None:
    account.set_quotas({"vpc/L-F678F1CE": 7})
    pages = session.client("service-quotas", session.region).get_paginator("list_service_quotas")
    found = [
        quota
        for page in pages.paginate(ServiceCode="vpc", PaginationConfig={"PageSize": 3})
        for quota in page["Quotas"]
    ]
    assert len(found) == len({quota["QuotaCode"] for quota in found}) == 8
    assert {quota["QuotaCode"]: quota["Value"] for quota in found}["L-F678F1CE"] == 7
    defaults = session.pages("service-quotas", "list_aws_default_service_quotas", "Quotas", ServiceCode="vpc")
    assert {quota["QuotaCode"]: quota["Value"] for quota in defaults}["L-F678F1CE"] == 5
    services = session.pages("service-quotas", "list_services", "Services")
    assert "iam" not in {each["ServiceCode"] for each in services}
    with pytest.raises(AwsError, match="specified service does not exist"):
        session.call("service-quotas", "list_service_quotas", ServiceCode="nothing")


VPCS = {"ServiceCode": "vpc", "QuotaCode": "L-F678F1CE"}


def test_an_increase_is_pending_until_it_is_approved(account: LocalAccount, session: Session) -> None:
    asked = session.call("service-quotas", "request_service_quota_increase", **VPCS, DesiredValue=9)["RequestedQuota"]
    assert asked["Status"] == "PENDING"
    assert applied(session, "vpc", "L-F678F1CE") == 5
    with pytest.raises(AwsError) as caught:
        session.call("service-quotas", "request_service_quota_increase", **VPCS, DesiredValue=10)
    assert caught.value.code == "ResourceAlreadyExistsException"
    history = session.pages(
        "service-quotas", "list_requested_service_quota_change_history_by_quota", "RequestedQuotas", **VPCS
    )
    assert [each["Id"] for each in history] == [asked["Id"]]
    assert account.approve_increases() == ["vpc/L-F678F1CE"]
    assert applied(session, "vpc", "L-F678F1CE") == 9
    told = session.call("service-quotas", "get_requested_service_quota_change", RequestId=asked["Id"])
    assert told["RequestedQuota"]["Status"] == "APPROVED"
    pending = session.pages(
        "service-quotas", "list_requested_service_quota_change_history", "RequestedQuotas", Status="PENDING"
    )
    assert pending == []
    with pytest.raises(AwsError, match="must be greater"):
        session.call("service-quotas", "request_service_quota_increase", **VPCS, DesiredValue=9)
    with pytest.raises(AwsError, match="specified request does not exist"):
        session.call("service-quotas", "get_requested_service_quota_change", RequestId="0" * 32)


def test_the_services_own_reports_tell_the_same(account: LocalAccount, session: Session) -> None:
    account.set_quotas({
        "iam/L-FE177D64": 77, "iam/L-E95E4862": 78, "rds/L-7B6409FD": 79, "kinesis/L-0918CF54": 80,
        "kinesis/on_demand_streams": 81, "cloudformation/L-0485CB21": 82,
    })  # fmt: skip
    session.call("kinesis", "create_stream", StreamName="s", ShardCount=3)
    session.call("iam", "create_policy", PolicyName="p", PolicyDocument=str(DOCUMENT).replace("'", '"'))
    summary = session.call("iam", "get_account_summary")["SummaryMap"]
    roles = len(session.pages("iam", "list_roles", "Roles"))
    assert (summary["Roles"], summary["RolesQuota"]) == (roles, 77)
    assert (summary["Policies"], summary["PoliciesQuota"]) == (1, 78)
    databases = session.call("rds", "describe_account_attributes")["AccountQuotas"]
    assert {"AccountQuotaName": "DBInstances", "Used": 0, "Max": 79} in databases
    assert session.call("kinesis", "describe_limits") == {
        "ShardLimit": 80, "OpenShardCount": 3, "OnDemandStreamCount": 0, "OnDemandStreamCountLimit": 81,
    }  # fmt: skip
    stacks = session.call("cloudformation", "describe_account_limits")["AccountLimits"]
    assert {"Name": "StackLimit", "Value": 82} in stacks


def test_an_account_is_filled_with_what_could_be_handed_in(account: LocalAccount, session: Session) -> None:
    account.fill({"vpc/L-F678F1CE": 5, "iam/L-FE177D64": 1000})
    vpcs = session.call("ec2", "describe_vpcs")["Vpcs"]
    shared = next(vpc["VpcId"] for vpc in vpcs if not vpc["IsDefault"])
    assert len(vpcs) == 5
    subnets = session.call("ec2", "describe_subnets", Filters=[{"Name": "vpc-id", "Values": [shared]}])["Subnets"]
    assert len({subnet["AvailabilityZone"] for subnet in subnets}) == 2
    assert session.call("ec2", "describe_vpc_attribute", VpcId=shared, Attribute="enableDnsHostnames")[
        "EnableDnsHostnames"
    ] == {"Value": True}
    roles = {role["RoleName"]: role for role in session.pages("iam", "list_roles", "Roles")}
    assert len(roles) == 1000
    trust = roles["shared-rds-monitoring"]["AssumeRolePolicyDocument"]
    assert trust["Statement"][0]["Principal"] == {"Service": "monitoring.rds.amazonaws.com"}
    with pytest.raises(UserError, match="no way to use up"):
        account.fill({"sns/L-61103206": 1})


# What CloudFormation warns of


@pytest.mark.parametrize(("limit", "warned"), [(1, ["A", "B"]), (2, ["B"]), (3, [])])
def test_a_change_set_warns_of_what_all_its_resources_together_exceed(
    account: LocalAccount, session: Session, limit: int, warned: list[str]
) -> None:
    account.set_quotas({"vpc/L-F678F1CE": limit})
    made = change_set(session, {"Resources": dict.fromkeys("AB", VPC["Vpc"])})
    assert made["Status"] == "CREATE_COMPLETE"
    events = session.pages("cloudformation", "describe_events", "OperationEvents", ChangeSetName=made["ChangeSetId"])
    assert [event["LogicalResourceId"] for event in events] == warned[:1]
    for event in events:
        assert (event["EventType"], event["ValidationFailureMode"], event["ValidationStatus"]) == (
            "VALIDATION_ERROR", "WARN", "FAILED",
        )  # fmt: skip
        assert event["ValidationPath"] == f"/Resources/{warned[0]}"
        assert "VPCs per Region" in event["ValidationStatusReason"]
