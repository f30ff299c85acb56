"""docs/reliability.md: what may go wrong while a stack is deployed or destroyed, what the user sees, what is left.

This table is not written from memory: `tests/test_reliability_*.py` run each row by its slug, at each of its points,
and fail when a row says something else than what happens.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

RESOURCE_TYPES = (
    "AWS::Backup::BackupPlan",
    "AWS::Backup::BackupSelection",
    "AWS::Backup::BackupVault",
    "AWS::CloudWatch::Alarm",
    "AWS::EC2::FlowLog",
    "AWS::EC2::RouteTable",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::EC2::Subnet",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPC",
    "AWS::EC2::VPCEndpoint",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Role",
    "AWS::KMS::Alias",
    "AWS::KMS::Key",
    "AWS::Kinesis::Stream",
    "AWS::Logs::LogGroup",
    "AWS::Logs::MetricFilter",
    "AWS::RDS::DBInstance",
    "AWS::RDS::DBParameterGroup",
    "AWS::RDS::DBSubnetGroup",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
)
"""Every resource type that the template can create."""

UPDATED_TYPES = ("AWS::Kinesis::Stream", "AWS::Logs::LogGroup", "AWS::RDS::DBInstance")
"""Resource types whose properties an update changes in place."""

DELETED_TYPES = (
    "AWS::EC2::VPC",
    "AWS::KMS::Key",
    "AWS::Kinesis::Stream",
    "AWS::Logs::LogGroup",
    "AWS::RDS::DBInstance",
)
"""Resource types of the different services, whose deletion is made to fail."""

CALLS = (
    "cloudformation:CreateChangeSet",
    "cloudformation:DeleteChangeSet",
    "cloudformation:DeleteStack",
    "cloudformation:DescribeChangeSet",
    "cloudformation:DescribeEvents",
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStacks",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:GetStackPolicy",
    "cloudformation:ListStackResources",
    "cloudformation:SetStackPolicy",
    "cloudformation:UpdateTerminationProtection",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "ec2:RevokeSecurityGroupEgress",
    "ec2:RevokeSecurityGroupIngress",
    "iam:GetRole",
    "kinesis:DescribeStreamSummary",
    "kms:CancelKeyDeletion",
    "kms:DescribeKey",
    "kms:EnableKey",
    "logs:DescribeLogGroups",
    "rds:CreateDBSnapshot",
    "rds:DescribeDBInstanceAutomatedBackups",
    "rds:DescribeDBInstances",
    "rds:DescribeDBSnapshots",
    "rds:DescribeDBSubnetGroups",
    "rds:ModifyDBInstance",
)
"""Every call that deploying, updating with a replacement, and destroying a protected stack cannot do without."""

KILLS = (
    "deploy before call 3",
    "deploy before call 7",
    "deploy before call 10",
    "deploy before call 15",
    "deploy before call 16",
    "deploy before call 17",
    "deploy before call 18",
    "destroy before call 4",
    "destroy before call 8",
    "destroy before call 14",
)
"""Random points of a deployment and of a destruction."""


@dataclasses.dataclass(frozen=True)
class Fault:
    """One row: what happens, what the user sees, what is left of it, and where it was tried."""

    slug: str
    happens: str
    sees: str
    left: str
    points: tuple[str, ...]


FAULTS = (
    Fault(
        "creation_fails",
        "A resource cannot be created",
        "exit 1; the first failing resource with AWS's message, the kind of cause and its remedy",
        "nothing but the key, pending deletion, with its date",
        RESOURCE_TYPES,
    ),
    Fault(
        "update_fails",
        "A resource cannot be updated",
        "exit 1; the cause as above; the stack runs on as it was",
        "what there was before",
        UPDATED_TYPES,
    ),
    Fault(
        "rollback_of_creation_fails",
        "A creation fails, and so does deleting something on the way back",
        "exit 1; the cause of the failure, not of what followed; what could not be deleted, by name",
        "nothing, or what is named",
        DELETED_TYPES,
    ),
    Fault(
        "rollback_of_update_fails",
        "An update fails, and so does its rollback",
        "exit 1; the next deployment asks whether to continue the rollback, and then makes the update",
        "what there was before",
        UPDATED_TYPES,
    ),
    Fault(
        "throttled",
        "AWS throttles a call, three times",
        "nothing: the call is made again",
        "what there should be",
        CALLS,
    ),
    Fault(
        "connection_broken",
        "The connection breaks before a call arrives, twice",
        "nothing: the call is made again",
        "what there should be",
        CALLS,
    ),
    Fault(
        "answer_lost",
        "A call is carried out and its answer is lost",
        "nothing: the call's echo is recognised",
        "what there should be",
        CALLS,
    ),
    Fault(
        "server_error",
        "AWS answers a call with an internal error, twice",
        "nothing: the call is made again",
        "what there should be",
        CALLS,
    ),
    Fault(
        "denied",
        "A call is denied",
        "a non-zero exit code and the IAM action to allow; run again once it is allowed, it goes on where it stood",
        "what there should be, after the next run",
        tuple(call for call in CALLS if call != "cloudformation:DescribeEvents"),
    ),
    Fault(
        "deletion_fails",
        "A resource cannot be deleted when the stack is destroyed",
        "exit 1; the resource with AWS's message, and that the same command goes on; run again, it does",
        "nothing but the key, pending deletion, after the next run",
        DELETED_TYPES,
    ),
    Fault(
        "killed",
        "The process is killed (kill -9)",
        "nothing; the same command, typed again, finds where AWS stands and brings it to its end",
        "what there should be, after the next run",
        KILLS,
    ),
)
"""The table, in the order of a deployment."""


def fault(slug: str) -> Fault:
    """The row of a slug."""
    return next(row for row in FAULTS if row.slug == slug)


def reliability_document() -> str:
    """The document."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "# Reliability"
    yield ""
