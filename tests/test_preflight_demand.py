"""Demand: what is new, what grows, what is replaced, what is there already."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from hipaa_pipeline.findings import Status
from hipaa_pipeline.preflight import operations as aws
from hipaa_pipeline.preflight.demand import Demand, demands, uncounted_types
from hipaa_pipeline.preflight.existing import Existing, existing_stack, replaced
from hipaa_pipeline.preflight.resource_types import RESOURCE_TYPES
from hipaa_pipeline.stack import Resource, Stack
from recorded import ACCOUNT, NAME, REGION, Recorded, denied, our_stack, resource, stack_of, subject_of

FIXED_RESULT = {"stacks", "stack_resources"}


def needed(stack: Stack, existing: Existing | None = None) -> dict[str, int | None]:
    """What the stack needs, per quota; nothing where it adds nothing. CloudFormation's own rows left out."""
    return {
        demand.quota: demand.amount
        for demand in demands(stack, existing or Existing())
        if demand.amount != 0 and demand.quota not in FIXED_RESULT
    }


def deployed(stack: Stack, status: str = "CREATE_COMPLETE") -> Existing:
    """The stack as it stands after it was deployed."""
    return Existing(status, {name: f"physical-{name}" for name in stack.resources}, stack)


def changed(stack: Stack, logical_id: str, **properties: Any) -> Stack:
    """The stack with some properties of one resource changed."""
    old = stack.resources[logical_id]
    new = dataclasses.replace(old, properties={**old.properties, **properties})
    return dataclasses.replace(stack, resources={**stack.resources, logical_id: new})


def template_types() -> set[str]:
    """Every resource type of the template, whatever its condition."""
    from hipaa_pipeline.source import load_template

    body = load_template("templates/hipaa-pipeline.yaml").body
    return {described["Type"] for described in body["Resources"].values()}


def test_every_type_of_the_template_has_a_row_with_a_quota_or_the_reason_why_none() -> None:
    assert template_types() <= RESOURCE_TYPES.keys()
    for name in template_types():
        row = RESOURCE_TYPES[name]
        uses = list(row.uses(Resource("X", name, {})))
        assert bool(uses) != bool(row.no_count_quota), name


@pytest.mark.parametrize("name", sorted(RESOURCE_TYPES))
def test_what_replaces_a_resource_is_what_its_schema_says(name: str) -> None:
    import cfnlint

    schemas = Path(cfnlint.__file__).parent / "data" / "schemas"
    provider = json.loads((schemas / "providers" / f"{REGION}.json").read_text())
    schema = json.loads((schemas / "resources" / f"{provider[name]}.json").read_text())
    paths = {path.removeprefix("/properties/").replace("/", ".") for path in schema.get("createOnlyProperties", [])}
    assert set(RESOURCE_TYPES[name].replaced_by) == paths


def test_the_demand_of_our_template_in_full() -> None:
    stack = our_stack(CreateVpcEndpoints="true", DatabaseMultiAz="true", DatabaseStorageGiB="100", StreamShards="2")
    assert needed(stack) == {
        "keys": 1,
        "key_aliases": 1,
        "vpcs": 1,
        "security_groups": 4,
        "route_tables": 2,
        "subnets": 2,
        "interface_endpoints": 6,
        "gateway_endpoints": 1,
        "network_interfaces": 14,
        "flow_logs": 1,
        "inbound_rules": 1,
        "outbound_rules": 2,
        "log_groups": 4,
        "policies": 5,
        "roles": 4,
        "role_policies": 4,
        "db_subnet_groups": 1,
        "db_parameter_groups": 1,
        "db_instances": 1,
        "db_storage": 100,
        "secrets": 1,
        "shards": 2,
        "topics": 1,
        "metric_filters": 1,
        "backup_vaults": 1,
        "backup_plans": 1,
    }


ROLES = {
    "ExistingMonitoringRoleArn": f"arn:aws:iam::{ACCOUNT}:role/monitoring",
    "ExistingFlowLogRoleArn": f"arn:aws:iam::{ACCOUNT}:role/flow-logs",
    "ExistingBackupRoleArn": f"arn:aws:iam::{ACCOUNT}:role/backup",
    "ExistingProcessorRoleArn": f"arn:aws:iam::{ACCOUNT}:role/processor",
}


def test_with_everything_handed_in_neither_vpc_nor_role_is_needed() -> None:
    vpc = {
        "ExistingVpcId": "vpc-0123456789abcdef0",
        "ExistingPrivateSubnetIds": "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
    }
    wanted = needed(our_stack(**ROLES, **vpc))
    assert {"vpcs", "subnets", "roles", "role_policies"}.isdisjoint(wanted)


@pytest.mark.parametrize("parameters", [{}, {"StreamMode": "ON_DEMAND"}, {"CreateVpcEndpoints": "false"}])
def test_an_update_that_changes_nothing_needs_nothing(parameters: dict[str, str]) -> None:
    stack = our_stack(**parameters)
    assert needed(stack, deployed(stack)) == {}


@pytest.mark.parametrize(
    ("logical_id", "change", "expected"),
    [
        ("RecordStream", {"ShardCount": 5}, {"shards": 3}),
        ("RecordStream", {"ShardCount": 1}, {}),
        ("Database", {"AllocatedStorage": 150}, {"db_storage": 50}),
        ("Database", {"MultiAZ": "false"}, {}),
        ("ProcessorRole", {"ManagedPolicyArns": ["a", "b", "c", "d", "e"]}, {"role_policies": 1}),
    ],
)
def test_what_grows_needs_the_difference(logical_id: str, change: dict[str, Any], expected: dict[str, int]) -> None:
    before = our_stack(StreamShards="2", DatabaseStorageGiB="100")
    assert needed(changed(before, logical_id, **change), deployed(before)) == expected


def test_a_replacement_needs_everything_once_more() -> None:
    """The new instance, its storage, its secret and its interfaces exist beside the old ones; a snapshot is taken."""
    before = our_stack(DatabaseMultiAz="false", DatabaseStorageGiB="100")
    assert needed(changed(before, "Database", DBName="other"), deployed(before)) == {
        "db_instances": 1,
        "db_storage": 100,
        "network_interfaces": 1,
        "secrets": 1,
        "db_snapshots": 1,
    }


def test_what_refers_to_a_replaced_resource_is_replaced_too() -> None:
    before = our_stack(CreateVpcEndpoints="true")
    after = changed(before, "Vpc", CidrBlock="10.30.0.0/16")
    again = replaced(after, deployed(before))
    assert {"Vpc", "PrivateSubnetA", "PrivateSubnetB", "PrivateRouteTable", "KmsEndpoint", "FlowLog"} <= again
    assert {"Database", "Key", "RecordStream", "ProcessorRole"}.isdisjoint(again)
    assert needed(after, deployed(before))["vpcs"] == 1


def test_a_change_of_type_is_a_replacement() -> None:
    before = stack_of(resource("X", "SNS::Topic"))
    after = stack_of(resource("X", "Kinesis::Stream", ShardCount=1))
    assert needed(after, deployed(before)) == {"shards": 1}


def test_what_is_removed_gives_nothing_back() -> None:
    """Deletions come last, so the VPC that goes makes no room for the one that comes."""
    before = stack_of(resource("Old", "EC2::VPC"))
    after = stack_of(resource("New", "EC2::VPC"))
    assert needed(after, deployed(before))["vpcs"] == 1


def test_a_new_resource_of_an_existing_stack_counts() -> None:
    before = stack_of(resource("Topic", "SNS::Topic"))
    after = stack_of(resource("Topic", "SNS::Topic"), resource("Other", "SNS::Topic"))
    assert needed(after, deployed(before)) == {"topics": 1}


def test_an_amount_that_is_not_known_makes_the_demand_unknown() -> None:
    stack = stack_of(resource("Stream", "Kinesis::Stream", ShardCount={"Unknown": "an SSM parameter"}))
    assert needed(stack) == {"shards": None}


def test_of_several_new_parents_only_the_fullest_has_a_row() -> None:
    full = [{"CidrIp": "10.0.0.0/8"}] * 3
    stack = stack_of(
        resource("A", "EC2::SecurityGroup", SecurityGroupIngress=full[:1]),
        resource("B", "EC2::SecurityGroup", SecurityGroupIngress=full),
        resource("Rule", "EC2::SecurityGroupIngress", GroupId={"Fn::GetAtt": ["B", "GroupId"]}),
    )
    rows = [demand for demand in demands(stack, Existing()) if demand.quota == "inbound_rules"]
    assert rows == [Demand("inbound_rules", 4, "", "B", ("B", "Rule"))]


def test_a_parent_that_exists_is_named_by_its_physical_id() -> None:
    before = stack_of(resource("Vpc", "EC2::VPC"))
    after = stack_of(
        resource("Vpc", "EC2::VPC"),
        resource("Own", "EC2::Subnet", VpcId={"Ref": "Vpc"}),
        resource("Other", "EC2::Subnet", VpcId="vpc-elsewhere"),
    )
    rows = [demand for demand in demands(after, deployed(before)) if demand.quota == "subnets"]
    assert rows == [
        Demand("subnets", 1, "physical-Vpc", "Vpc", ("Own",)),
        Demand("subnets", 1, "vpc-elsewhere", "vpc-elsewhere", ("Other",)),
    ]


def test_unknown_types_are_told() -> None:
    stack = stack_of(resource("A", "Lambda::Function"), resource("B", "SNS::Topic"))
    assert uncounted_types(stack) == ["AWS::Lambda::Function"]


TEMPLATE = """
Parameters: {Shards: {Type: Number}}
Resources:
  Stream: {Type: AWS::Kinesis::Stream, Properties: {Name: records, ShardCount: !Ref Shards}}
  Gone: {Type: AWS::SNS::Topic}
"""


def existing_account() -> Recorded:
    """An account in which the stack is deployed with two shards."""
    stack = {
        "StackStatus": "UPDATE_COMPLETE",
        "Parameters": [{"ParameterKey": "Shards", "ParameterValue": "2"}],
        "Tags": [{"Key": "hipaa-pipeline:environment", "Value": "test"}],
    }
    resources = [
        {"LogicalResourceId": "Stream", "PhysicalResourceId": "records", "ResourceStatus": "CREATE_COMPLETE"},
        {"LogicalResourceId": "Gone", "PhysicalResourceId": "arn", "ResourceStatus": "DELETE_COMPLETE"},
    ]
    return Recorded(
        {
            aws.DESCRIBE_STACKS: [stack],
            aws.LIST_STACK_RESOURCES: resources,
            aws.GET_TEMPLATE: {"TemplateBody": TEMPLATE},
        }
    )


def test_the_deployed_stack_is_read_with_its_own_parameters() -> None:
    wanted = stack_of(resource("Stream", "Kinesis::Stream", Name="records", ShardCount=6))
    existing = existing_account().ask(lambda facts: existing_stack(wanted, facts))
    assert existing.status == "UPDATE_COMPLETE"
    assert existing.physical_ids == {"Stream": "records"}
    assert needed(wanted, existing) == {"shards": 4}


def test_a_template_that_may_not_be_read_leaves_replacements_unknown_and_blocks_nothing() -> None:
    account = existing_account()
    account.answers[aws.GET_TEMPLATE] = denied(aws.GET_TEMPLATE)
    wanted = stack_of(resource("Stream", "Kinesis::Stream", Name="records", ShardCount=6))
    result = account.preflight(subject_of(wanted))
    unknown = [(finding.control, finding.rule, finding.reason) for finding in result.with_status(Status.UNKNOWN)]
    assert unknown == [
        (
            "stack_state",
            "replacements_known",
            "cloudformation:GetTemplate is denied: which resources this update replaces is not known",
        )
    ]
    assert result.with_status(Status.FAIL) == []


def test_a_deployed_template_that_cannot_be_read_leaves_replacements_unknown() -> None:
    account = existing_account()
    account.answers[aws.GET_TEMPLATE] = {"TemplateBody": "Resources: ["}
    existing = account.ask(lambda facts: existing_stack(stack_of(resource("Stream", "Kinesis::Stream")), facts))
    assert existing.before is None
    assert existing.before_unknown.startswith("the deployed template cannot be resolved (")


@pytest.mark.parametrize("status", ["DELETE_COMPLETE", None])
def test_no_stack_needs_everything(status: str | None) -> None:
    account = Recorded({aws.DESCRIBE_STACKS: [{"StackStatus": status}]} if status else {})
    assert account.ask(lambda facts: existing_stack(our_stack(), facts)) == Existing()


def test_a_stack_in_review_has_no_resources_but_counts_as_a_stack() -> None:
    account = Recorded({aws.DESCRIBE_STACKS: [{"StackStatus": "REVIEW_IN_PROGRESS"}]})
    existing = account.ask(lambda facts: existing_stack(our_stack(), facts))
    rows = {demand.quota: demand.amount for demand in demands(our_stack(), existing)}
    assert (rows["stacks"], rows["vpcs"]) == (0, 1)


def test_the_stack_is_asked_for_by_its_name() -> None:
    account = Recorded()
    account.ask(lambda facts: existing_stack(our_stack(), facts))
    assert [read.arguments for read in account.asked] == [{"StackName": NAME}]
