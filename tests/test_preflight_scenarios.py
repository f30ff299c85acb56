"""Every failure that can be foreseen, brought about in a local account: it is predicted, and nothing is created.

The account is the real one of the rehearsals, over real HTTP. What it cannot be brought to (an organisation's denial, a
class that RDS does not offer) is in `test_preflight_checks` and `test_preflight_permission`, with recorded answers.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest

from hipaa_pipeline import preflight
from hipaa_pipeline.aws.session import Session
from hipaa_pipeline.clock import SystemClock
from hipaa_pipeline.deployment.failure import Kind
from hipaa_pipeline.deployment.order import Result
from hipaa_pipeline.errors import ExitCode
from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.local.identity import ROLE
from hipaa_pipeline.local.server import LocalAccount
from hipaa_pipeline.preflight.subject import WARNING
from hipaa_pipeline.rehearsal import Stage
from hipaa_pipeline.stack import Stack

REGION = "ap-southeast-1"
STACK = "hipaa-pipeline-dev"

FAILING = "AWSTemplateFormatVersion: '2010-09-09'\nResources: {Topic: {Type: AWS::SNS::Topic}}\n"


@pytest.fixture(scope="module")
def one_stage(local_process: LocalAccount) -> Stage:
    """One stage for all tests here: making the clients of a dozen services takes longer than a preflight."""
    return Stage.of(local_process, SystemClock())


@pytest.fixture
def stage(one_stage: Stage, account: LocalAccount) -> Stage:
    return dataclasses.replace(one_stage, account=account)


@pytest.fixture
def session(stage: Stage) -> Session:
    return stage.writing


def predicted(stage: Stage, changes: dict[str, str] | None = None) -> list[Finding]:
    """What preflight says will fail, after checking that neither it nor a refused deployment creates anything."""
    before = stage.account.inventory()
    result = stage.preflight(changes)
    assert stage.account.inventory() == before
    if result.with_status(Status.FAIL):
        assert stage.deploy(changes, foresee=True).result is Result.REFUSED
        assert stage.account.inventory() == before
    return result.with_status(Status.FAIL)


def told(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(finding.control, finding.rule, finding.resource) for finding in findings]


def test_a_healthy_account_predicts_nothing(stage: Stage) -> None:
    assert predicted(stage) == []


@pytest.mark.parametrize(
    ("quotas", "fill", "rules"),
    [
        ({}, {"vpc/L-F678F1CE": 4}, []),
        ({}, {"vpc/L-F678F1CE": 5}, ["vpcs"]),
        ({"vpc/L-F678F1CE": 6}, {"vpc/L-F678F1CE": 5}, []),
        ({}, {"iam/L-FE177D64": 997}, []),
        ({}, {"iam/L-FE177D64": 998}, ["roles"]),
        ({"iam/L-FE177D64": 1001}, {"iam/L-FE177D64": 998}, []),
        ({"rds/L-7B6409FD": 0}, {}, ["db_instances"]),
        ({"rds/L-7ADDB58A": 19}, {}, ["db_storage"]),
        ({"kinesis/L-0918CF54": 0}, {}, ["shards"]),
        ({"sns/L-61103206": 0}, {}, ["topics"]),
        ({"logs/L-C7B9AAAB": 3}, {}, ["log_groups"]),
        ({"logs/L-C7B9AAAB": 4}, {}, []),
        ({"iam/L-0DA4ABF3": 2}, {}, ["role_policies"]),
        ({"vpc/L-407747CB": 1}, {}, ["subnets"]),
    ],
)
def test_a_quota(stage: Stage, quotas: dict[str, float], fill: dict[str, int], rules: list[str]) -> None:
    stage.account.set_quotas(quotas)
    stage.account.fill(fill)
    assert [finding.rule for finding in predicted(stage)] == rules


def test_a_missing_permission(stage: Stage, session: Session) -> None:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "ec2:CreateVpc", "Resource": "*"}]}
    session.call("sts", "get_caller_identity")
    session.call("iam", "put_role_policy", RoleName=ROLE, PolicyName="no-vpcs", PolicyDocument=json.dumps(document))
    (finding,) = predicted(stage)
    assert (finding.control, finding.resource) == ("permissions", "CreateNetwork")
    assert finding.actual == "refused: ec2:CreateVpc (explicitly)"


def take_stream(session: Session) -> None:
    session.call("kinesis", "create_stream", StreamName="healthcare-record-stream-dev", ShardCount=1)


def take_log_group(session: Session) -> None:
    session.call("logs", "create_log_group", logGroupName="healthcare-audit-log-dev")


def take_topic(session: Session) -> None:
    session.call("sns", "create_topic", Name="healthcare-alarm-topic-dev")


def take_alias(session: Session) -> None:
    key = session.call("kms", "create_key")["KeyMetadata"]["KeyId"]
    session.call("kms", "create_alias", AliasName="alias/healthcare-key-dev", TargetKeyId=key)


def take_parameter_group(session: Session) -> None:
    session.call(
        "rds",
        "create_db_parameter_group",
        DBParameterGroupName="healthcare-postgres15-dev",
        DBParameterGroupFamily="postgres15",
        Description="taken",
    )


@pytest.mark.parametrize(
    ("take", "logical_id"),
    [
        (take_stream, "RecordStream"),
        (take_log_group, "AuditLogGroup"),
        (take_topic, "AlarmTopic"),
        (take_alias, "KeyAlias"),
        (take_parameter_group, "DatabaseParameterGroup"),
    ],
)
def test_a_name_that_is_taken(stage: Stage, session: Session, take: Callable[[Session], None], logical_id: str) -> None:
    take(session)
    assert told(predicted(stage)) == [("names_free", "names_free", logical_id)]


def test_an_engine_version_that_is_not_offered(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The template admits known versions only, so the stack is changed as if AWS had retired one."""
    retired = with_properties(stage.stack(), "Database", EngineVersion="99.1")
    monkeypatch.setattr(stage, "stack", lambda _changes=None: retired)
    (finding,) = predicted(stage)
    assert (finding.control, finding.rule, finding.resource) == ("database_orderable", "offered", "Database")


def with_properties(stack: Stack, logical_id: str, **properties: Any) -> Stack:
    old = stack.resources[logical_id]
    new = dataclasses.replace(old, properties={**old.properties, **properties})
    return dataclasses.replace(stack, resources={**stack.resources, logical_id: new})


def test_a_key_that_waits_for_its_deletion(stage: Stage, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    key = session.call("kms", "create_key")["KeyMetadata"]["Arn"]
    session.call("kms", "schedule_key_deletion", KeyId=key, PendingWindowInDays=7)
    changed = with_properties(stage.stack(), "AlarmTopic", KmsMasterKeyId=key)
    monkeypatch.setattr(stage, "stack", lambda _changes=None: changed)
    (finding,) = predicted(stage)
    assert (finding.rule, finding.resource, finding.actual) == ("handed_in_key", key, "its state is PendingDeletion")


def test_an_address_range_in_use_is_a_warning_and_stops_nothing(stage: Stage, session: Session) -> None:
    vpc = session.call("ec2", "create_vpc", CidrBlock="10.20.0.0/20")["Vpc"]["VpcId"]
    assert predicted(stage) == []
    (overlap,) = (each for each in stage.preflight().findings if each.control == "cidr_overlap")
    assert (overlap.severity, overlap.actual) == (WARNING, f"{vpc} (10.20.0.0/20)")


def make_vpc(session: Session, *, hostnames: bool = True, zones: str = "ab") -> dict[str, str]:
    """A VPC with two subnets, as the parameters that hand it in."""
    vpc = session.call("ec2", "create_vpc", CidrBlock="10.40.0.0/16")["Vpc"]["VpcId"]
    session.call("ec2", "modify_vpc_attribute", VpcId=vpc, EnableDnsHostnames={"Value": hostnames})
    subnets = [
        session.call(
            "ec2", "create_subnet", VpcId=vpc, CidrBlock=f"10.40.{number}.0/24", AvailabilityZone=f"{REGION}{zone}"
        )["Subnet"]["SubnetId"]
        for number, zone in enumerate(zones)
    ]
    return {"ExistingVpcId": vpc, "ExistingPrivateSubnetIds": ",".join(subnets)}


def test_a_suitable_vpc(stage: Stage, session: Session) -> None:
    assert predicted(stage, make_vpc(session)) == []


def test_a_stack_in_an_existing_vpc_can_be_deployed_again(stage: Stage, session: Session) -> None:
    """Its own endpoints, and the addresses they have, are not in its way."""
    parameters = {**make_vpc(session), "CreateVpcEndpoints": "true"}
    assert stage.deploy(parameters, foresee=True).result is Result.CREATED
    assert predicted(stage, parameters) == []
    assert stage.deploy(parameters, foresee=True).result is Result.UNCHANGED


def test_a_vpc_without_dns_host_names(stage: Stage, session: Session) -> None:
    parameters = make_vpc(session, hostnames=False)
    assert told(predicted(stage, parameters)) == [("existing_vpc", "dns_hostnames", parameters["ExistingVpcId"])]


def test_a_vpc_with_subnets_in_one_zone_only(stage: Stage, session: Session) -> None:
    parameters = make_vpc(session, zones="aa")
    assert told(predicted(stage, parameters)) == [("existing_vpc", "zones", parameters["ExistingVpcId"])]


def test_a_vpc_with_a_way_to_the_internet(stage: Stage, session: Session) -> None:
    parameters = make_vpc(session)
    vpc = parameters["ExistingVpcId"]
    gateway = session.call("ec2", "create_internet_gateway")["InternetGateway"]["InternetGatewayId"]
    session.call("ec2", "attach_internet_gateway", InternetGatewayId=gateway, VpcId=vpc)
    tables = session.pages("ec2", "describe_route_tables", "RouteTables")
    main = next(table["RouteTableId"] for table in tables if table["VpcId"] == vpc)
    session.call("ec2", "create_route", RouteTableId=main, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    assert told(predicted(stage, parameters)) == [("existing_vpc", "private", vpc)]


def test_a_vpc_that_does_not_exist(stage: Stage) -> None:
    parameters = {
        "ExistingVpcId": "vpc-0123456789abcdef0",
        "ExistingPrivateSubnetIds": "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
    }
    assert told(predicted(stage, parameters)) == [("existing_vpc", "exists", "vpc-0123456789abcdef0")]


def test_a_role_that_does_not_exist(stage: Stage) -> None:
    arn = "arn:aws:iam::111122223333:role/nobody"
    assert told(predicted(stage, {"ExistingMonitoringRoleArn": arn})) == [("handed_in", "handed_in_role", arn)]


OURS = [{"Key": "hipaa-pipeline:environment", "Value": "local"}]


def test_a_stack_whose_creation_failed(stage: Stage, session: Session, account: LocalAccount) -> None:
    account.add_fault(resource_type="AWS::SNS::Topic", action="fail", message="no")
    session.call("cloudformation", "create_stack", StackName=STACK, TemplateBody=FAILING, Tags=OURS)
    account.clear_faults()
    before = account.inventory()
    (finding,) = stage.preflight().with_status(Status.FAIL)
    assert (finding.control, finding.resource) == ("stack_state", STACK)
    assert finding.actual.startswith("ROLLBACK_COMPLETE: ")
    assert finding.remedy == f"aws cloudformation delete-stack --stack-name {STACK} --region {REGION}"
    assert account.inventory() == before


def test_an_update_that_adds_nothing_is_never_blocked(stage: Stage, account: LocalAccount) -> None:
    assert stage.deploy(foresee=True).result is Result.CREATED
    account.fill({"vpc/L-F678F1CE": 5, "iam/L-FE177D64": 1000})
    account.set_quotas({"rds/L-7B6409FD": 1, "kinesis/L-0918CF54": 1, "sns/L-61103206": 1, "logs/L-C7B9AAAB": 4})
    assert predicted(stage) == []
    assert [finding.rule for finding in predicted(stage, {"StreamShards": "2"})] == ["shards"]
    account.set_quotas({"kinesis/L-0918CF54": 2})
    assert predicted(stage, {"StreamShards": "2"}) == []


def test_credentials_that_end_too_soon(stage: Stage) -> None:
    now = stage.clock.now()
    subject = dataclasses.replace(stage.judged(), now=now, expires_at=now + datetime.timedelta(minutes=9))
    result = preflight.run(stage.reading, subject)
    assert [finding.control for finding in result.with_status(Status.FAIL)] == ["credential_lifetime"]


def test_the_quota_warnings_of_a_change_set_stop_the_deployment_unless_accepted(stage: Stage) -> None:
    """CloudFormation warns and goes on; whoever reads its events learns what would fail."""
    stage.account.fill({"vpc/L-F678F1CE": 5})
    before = stage.account.inventory()
    refused = stage.deploy(foresee=False)  # as with --no-preflight: only CloudFormation's own validation is left
    assert (refused.result, refused.exit_code) == (Result.REFUSED, ExitCode.FAILED)
    assert refused.message.startswith("CloudFormation warns that this would fail, so nothing was done: Vpc: ")
    assert [(each.control, each.resource) for each in refused.findings] == [("change_set_quota", "Vpc")]
    assert stage.account.inventory() == before
    accepted = stage.deploy(foresee=False, accept_warnings=True)
    assert (accepted.result, accepted.cause and accepted.cause.kind) == (Result.FAILED, Kind.QUOTA)


@pytest.mark.parametrize(("accepted", "result"), [(False, Result.REFUSED), (True, Result.CREATED)])
def test_yes_does_not_accept_the_unknown(stage: Stage, accepted: bool, result: Result) -> None:
    stage.account.add_fault(service="sns", operation="ListTopics", action="deny")
    outcome = stage.deploy(foresee=True, accept_unknown=accepted)
    assert outcome.result is result
    assert outcome.exit_code is (ExitCode.GOOD if accepted else ExitCode.UNKNOWN)
