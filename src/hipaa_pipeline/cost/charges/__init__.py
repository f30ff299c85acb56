"""What each resource type is charged for: one rule a type. A type with no rule is unpriced, unless AWS gives it away.

https://aws.amazon.com/rds/postgresql/pricing/ · https://aws.amazon.com/kinesis/data-streams/pricing/ ·
https://aws.amazon.com/cloudwatch/pricing/ · https://aws.amazon.com/kms/pricing/ ·
https://aws.amazon.com/privatelink/pricing/ · https://aws.amazon.com/secrets-manager/pricing/
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from decimal import Decimal

from hipaa_pipeline.cost.assumptions import Assumptions
from hipaa_pipeline.cost.charges import backup, database, encryption, logging, monitoring, network, stream
from hipaa_pipeline.cost.charges.charge import Charge, Charges, Context, Unpriceable
from hipaa_pipeline.stack import Resource, Stack

__all__ = ["ALLOWANCES", "Allowance", "Charge", "Unpriceable", "charges_of"]

RULES: Mapping[str, Callable[[Resource, Context], Charges]] = {
    "AWS::Backup::BackupPlan": backup.plan,
    "AWS::CloudWatch::Alarm": monitoring.alarm,
    "AWS::EC2::VPCEndpoint": network.endpoint,
    "AWS::KMS::Key": encryption.key,
    "AWS::Kinesis::Stream": stream.stream,
    "AWS::Logs::LogGroup": logging.log_group,
    "AWS::Logs::MetricFilter": monitoring.metric_filter,
    "AWS::RDS::DBInstance": database.instance,
    "AWS::SNS::Subscription": monitoring.subscription,
    "AWS::SecretsManager::Secret": encryption.secret,
}

# Types that cost nothing by themselves; what they lead to is charged at the resource that stores or serves it.
FREE = frozenset(
    {
        "AWS::Backup::BackupSelection", "AWS::Backup::BackupVault", "AWS::EC2::FlowLog", "AWS::EC2::Route",
        "AWS::EC2::RouteTable", "AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress", "AWS::EC2::Subnet", "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::VPC", "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::Role", "AWS::KMS::Alias",
        "AWS::Logs::ResourcePolicy", "AWS::RDS::DBParameterGroup", "AWS::RDS::DBSubnetGroup", "AWS::SNS::Topic",
        "AWS::SNS::TopicPolicy",
    }
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Allowance:
    """What an account may use of a tariff each month before it pays, over all its Regions and stacks."""

    slug: str
    quantity: Decimal
    text: str


# https://aws.amazon.com/cloudwatch/pricing/, https://aws.amazon.com/kms/pricing/, https://aws.amazon.com/sns/pricing/
ALLOWANCES: tuple[Allowance, ...] = (
    Allowance("logs_ingest_gb", Decimal(5), "GB of log data ingested"),
    Allowance("logs_storage_gb_month", Decimal(5), "GB-month of log storage"),
    Allowance("alarm_month", Decimal(10), "alarm metrics of standard resolution"),
    Allowance("custom_metric_month", Decimal(10), "custom metrics"),
    Allowance("kms_request", Decimal(20_000), "KMS requests"),
    Allowance("sns_email", Decimal(1_000), "SNS e-mails"),
)


def charges_of(stack: Stack, resource: Resource, assumed: Assumptions) -> list[Charge]:
    """What a resource is charged for in a month. Raises Unpriceable when there is no telling."""
    if resource.type in FREE:
        return []
    rule = RULES.get(resource.type)
    if rule is None:
        raise Unpriceable(f"there is no price rule for {resource.type}")
    return list(rule(resource, Context(stack, assumed)))
