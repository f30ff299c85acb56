from __future__ import annotations

from decimal import Decimal

import pytest

from hipaa_pipeline.aws import stacks
from hipaa_pipeline.aws.session import Session
from hipaa_pipeline.commands.costing import CostOfChange, cost_of_change
from hipaa_pipeline.local.server import LocalAccount
from hipaa_pipeline.resolve import resolve
from hipaa_pipeline.source import parse_template
from hipaa_pipeline.stack import Stack

NAME = "hipaa-pipeline-cost"
TEMPLATE = """
Parameters:
  Shards: {Type: Number}
Resources:
  RecordStream:
    Type: AWS::Kinesis::Stream
    Properties: {ShardCount: !Ref Shards}
"""


def expected(shards: int, region: str = "ap-southeast-1") -> Stack:
    return resolve(parse_template(TEMPLATE), {"Shards": str(shards)}, region=region, stack_name=NAME)


def test_a_change_against_what_is_deployed(account: LocalAccount) -> None:
    session = Session(account.connection)
    parameters = [{"ParameterKey": "Shards", "ParameterValue": "1"}]
    session.call("cloudformation", "create_stack", StackName=NAME, TemplateBody=TEMPLATE, Parameters=parameters)

    change = cost_of_change(session, stacks.read(session, NAME), expected(3)).difference

    assert change
    # 730 shard-hours at 0.0184 are 13.43, three times as many 40.30.
    assert [(each.item, each.change) for each in change.changes] == [("shards", Decimal("26.87"))]


def test_a_new_stack_costs_all_of_it(account: LocalAccount) -> None:
    change = cost_of_change(Session(account.connection), None, expected(1)).difference

    assert change
    assert (change.before, change.after) == (Decimal(0), Decimal("13.49"))


def test_a_region_without_prices_has_no_difference(account: LocalAccount) -> None:
    change = cost_of_change(Session(account.connection), None, expected(1, "eu-north-1"))

    assert change == CostOfChange(unknown="There are no prices for eu-north-1.")
    assert change.lines() == ["  Monthly cost: not known. There are no prices for eu-north-1."]


TWICE = TEMPLATE.replace("Resources:", "Resources: {Topic: {Type: AWS::SNS::Topic}}\nResources:")
DENY = {"operation": "GetTemplate", "action": "deny"}
REFUSED = (
    "AWS refused cloudformation:GetTemplate: User: arn:aws:sts::111122223333:assumed-role/local-administrator/local"
    " is not authorized to perform: cloudformation:GetTemplate."
)


@pytest.mark.parametrize(
    ("body", "fault", "reason"),
    [
        (TEMPLATE, DENY, REFUSED),
        (TWICE, {}, "The deployed template:5: duplicate key 'Resources' (first on line 4)."),
    ],
)
def test_a_deployed_template_that_cannot_be_told_is_a_reason_and_stops_nothing(
    account: LocalAccount, body: str, fault: dict[str, str], reason: str
) -> None:
    session = Session(account.connection)
    parameters = [{"ParameterKey": "Shards", "ParameterValue": "1"}]
    session.call("cloudformation", "create_stack", StackName=NAME, TemplateBody=body, Parameters=parameters)
    if fault:
        account.add_fault(service="cloudformation", **fault)

    change = cost_of_change(session, stacks.read(session, NAME), expected(3))

    assert change == CostOfChange(unknown=reason)
    assert change.as_dict() == {"cost": None, "cost_unknown": reason}
