"""The read-back of a stack: complete for the template, honest about what it could not read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from hipaa_pipeline.aws import live
from hipaa_pipeline.aws.live import routing
from hipaa_pipeline.aws.live.reader import MissingError, document, only, renamed, tags
from hipaa_pipeline.aws.session import AwsError, ErrorKind, Session
from hipaa_pipeline.configuration import TEMPLATE_PATH, environments, load_environment
from hipaa_pipeline.local.server import LocalAccount
from hipaa_pipeline.resolve import resolve
from hipaa_pipeline.source import load_template
from hipaa_pipeline.stack import NOT_REPORTED, UNKNOWN, Resource, Stack, is_unknown
from local_stacks import STACK, deploy, deploy_environment


def expected(environment: str, account_id: str = "111122223333") -> Stack:
    configuration = load_environment(environment)
    return resolve(
        load_template(TEMPLATE_PATH),
        configuration.parameters,
        region="ap-southeast-1",
        account_id=account_id,
        stack_name=configuration.stack_name,
    )


def properties() -> list[tuple[str, str]]:
    """Every type and property that some environment's template sets."""
    stacks = [expected(environment) for environment in environments()]
    resources = [resource for stack in stacks for resource in stack.resources.values()]
    return sorted({(resource.type, name) for resource in resources for name in resource.properties})


@pytest.mark.parametrize(("type_", "name"), properties())
def test_each_property_that_the_template_sets_has_a_reader(type_: str, name: str) -> None:
    reader = live.READERS[type_]
    assert name in {known for part in reader.parts for known in part.names} | set(reader.unreported)


@pytest.fixture
def session(account: LocalAccount) -> Session:
    return Session(account.connection)


def read(session: Session, resources: Mapping[str, Any]) -> live.LiveRead:
    assert deploy(session, resources) == "CREATE_COMPLETE"
    return read_back(session)


def read_back(session: Session, stack: str = STACK) -> live.LiveRead:
    return live.read_with(live.open_reader(session, stack), stack)


KEY = {"Type": "AWS::KMS::Key", "DeletionPolicy": "Retain", "Properties": {"KeyPolicy": {}, "EnableKeyRotation": True}}
LOGS = {
    "Type": "AWS::Logs::LogGroup",
    "Properties": {"LogGroupName": "one", "RetentionInDays": 90, "KmsKeyId": {"Fn::GetAtt": ["Key", "Arn"]}},
}
TOPIC = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "alarms", "KmsMasterKeyId": {"Ref": "Key"}}}


def test_identifiers_of_the_stack_are_references_again(session: Session) -> None:
    found = read(session, {"Key": KEY, "Logs": LOGS, "Topic": TOPIC}).stack
    assert found.resources["Logs"].properties["KmsKeyId"] == {"Fn::GetAtt": ["Key", "Arn"]}
    assert found.resources["Topic"].properties["KmsMasterKeyId"] == {"Ref": "Key"}


def test_deletion_policies_come_from_the_deployed_template(session: Session) -> None:
    assert read(session, {"Key": KEY}).stack.resources["Key"].attributes == {"DeletionPolicy": "Retain"}


def test_what_no_api_reports_is_unknown(session: Session) -> None:
    key = read(session, {"Key": KEY}).stack.resources["Key"]
    assert key.properties["PendingWindowInDays"] == {UNKNOWN: NOT_REPORTED}


def test_a_resource_that_is_gone_is_missing(session: Session) -> None:
    read(session, {"Key": KEY, "Logs": LOGS})
    session.call("logs", "delete_log_group", logGroupName="one")
    found = read_back(session)
    assert [physical.logical_id for physical in found.missing] == ["Logs"]
    assert set(found.stack.resources) == {"Key"}
    assert found.failures == ()


def test_a_type_without_a_reader_is_told(session: Session) -> None:
    found = read(session, {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q"}}})
    assert [physical.type for physical in found.unreadable] == ["AWS::SQS::Queue"]
    assert found.stack.resources["Queue"] == Resource("Queue", "AWS::SQS::Queue", {}, {})


def test_a_denied_call_makes_exactly_its_properties_unknown(account: LocalAccount, session: Session) -> None:
    read(session, {"Key": KEY})
    account.add_fault(service="kms", operation="GetKeyRotationStatus", action="deny")
    found = read_back(session)
    properties = found.stack.resources["Key"].properties
    assert {name for name, value in properties.items() if is_unknown(value)} == {
        "EnableKeyRotation", "RotationPeriodInDays", "PendingWindowInDays", "BypassPolicyLockoutSafetyCheck",
    }  # fmt: skip
    (failure,) = found.failures
    assert (failure.logical_id, failure.properties) == ("Key", ("EnableKeyRotation", "RotationPeriodInDays"))
    assert failure.reason.startswith("kms:GetKeyRotationStatus: AccessDenied")


def test_a_template_that_cannot_be_read_leaves_its_attributes_unknown(account: LocalAccount, session: Session) -> None:
    read(session, {"Key": KEY})
    account.add_fault(service="cloudformation", operation="GetTemplate", action="deny")
    attributes = read_back(session).stack.resources["Key"].attributes
    assert {name: is_unknown(value) for name, value in attributes.items()} == {
        "DeletionPolicy": True, "UpdateReplacePolicy": True, "DependsOn": True,
    }  # fmt: skip


def test_a_stack_that_is_not_there(session: Session) -> None:
    with pytest.raises(AwsError) as caught:
        read_back(session, "nobody")
    assert caught.value.kind is ErrorKind.INVALID


def test_equal_calls_are_made_once(account: LocalAccount) -> None:
    writing = Session(account.connection)
    assert deploy_environment(writing, "local") == "CREATE_COMPLETE"
    reading = Session(account.connection, read_only=True)
    read_back(reading, load_environment("local").stack_name)
    first = reading.calls
    reader = live.open_reader(reading, load_environment("local").stack_name)
    live.read_with(reader, load_environment("local").stack_name)
    live.read_with(reader, load_environment("local").stack_name)
    assert reading.calls == 2 * first


def test_routes_and_gateways_beside_the_stack_are_read_as_resources(session: Session) -> None:
    vpc = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
    table = {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": {"Ref": "Vpc"}}}
    found = read(session, {"Vpc": vpc, "Table": table})
    ids = {name: identity.physical_id for name, identity in found.identifiers.identities.items()}
    gateway = session.call("ec2", "create_internet_gateway")["InternetGateway"]["InternetGatewayId"]
    session.call("ec2", "attach_internet_gateway", InternetGatewayId=gateway, VpcId=ids["Vpc"])
    session.call("ec2", "create_route", RouteTableId=ids["Table"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    resources = read_back(session).stack.resources
    assert resources["Table/0.0.0.0/0"] == Resource(
        "Table/0.0.0.0/0",
        "AWS::EC2::Route",
        {"RouteTableId": {"Ref": "Table"}, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway},
    )
    assert resources[f"Vpc/{gateway}"].properties == {"VpcId": {"Ref": "Vpc"}, "InternetGatewayId": gateway}


def test_the_routes_of_a_table_as_ec2_describes_it() -> None:
    described = [
        {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local"},
        {"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-1"},
        {"DestinationIpv6CidrBlock": "::/0", "EgressOnlyInternetGatewayId": "eigw-1", "State": "active"},
        {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1"},
    ]
    table = {"Ref": "Table"}
    assert list(routing.routes_of({"RouteTableId": "rtb-1", "Routes": described}, "Table")) == [
        Resource("Table/::/0", "AWS::EC2::Route", {
            "RouteTableId": table, "DestinationIpv6CidrBlock": "::/0", "EgressOnlyInternetGatewayId": "eigw-1",
        }),
        Resource("Table/0.0.0.0/0", "AWS::EC2::Route", {
            "RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1",
        }),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "logical_id", "generated"),
    [
        ("RoleName", "hipaa-pipeline-dev-ProcessorRole-EDBD7CB07D07D", "ProcessorRole", True),
        ("FilterName", "FailedLoginMetric-EzF0Ng1EvQcU", "FailedLoginMetric", True),
        ("DBSubnetGroupName", "hipaa-pipeline-dev-databasesubnetgroup-abcdefghijkl", "DatabaseSubnetGroup", True),
        ("RoleName", "healthcare-processor-dev", "ProcessorRole", False),
        ("AlarmName", "healthcare-cpu-alarm-production1", "CpuAlarm", False),
        ("Description", "ProcessorRole-EDBD7CB07D07D", "ProcessorRole", False),
        ("RoleName", {"Ref": "X"}, "ProcessorRole", False),
    ],
)
def test_names_that_cloudformation_made(name: str, value: Any, logical_id: str, generated: bool) -> None:
    assert live.is_generated_name(name, value, logical_id) is generated


def test_the_small_pieces() -> None:
    assert only([{"Id": "a"}, {"Id": "b"}], "Id", "b") == {"Id": "b"}
    with pytest.raises(MissingError):
        only([{"Id": "a"}], "Id", "c")
    assert renamed({"theirs": 1, "empty": "", "none": None}, {"Ours": "theirs", "B": "empty", "C": "none"}) == {
        "Ours": 1
    }
    assert document(json.dumps({"a": 1})) == document({"a": 1}) == {"a": 1}
    assert document("") is document(None) is None
    assert tags({"b": "2", "a": "1", "aws:stack": "x"}) == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
