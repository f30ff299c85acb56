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
    "backup:ListBackupVaults",
    "backup:ListRecoveryPointsByBackupVault",
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
    "logs:PutLogGroupDeletionProtection",
    "rds:CreateDBSnapshot",
    "rds:DescribeDBInstanceAutomatedBackups",
    "rds:DescribeDBInstances",
    "rds:DescribeDBSnapshots",
    "rds:DescribeDBSubnetGroups",
    "rds:ModifyDBInstance",
    "resourcegroupstaggingapi:GetResources",
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
        "deletion_fails",
        "A resource cannot be deleted when the stack is destroyed",
        "exit 1; the resource with AWS's message; the same command, typed again, goes on",
        "nothing but the key, pending deletion, after the next run",
        DELETED_TYPES,
    ),
    Fault(
        "passing_cause",
        "A creation fails twice for a passing cause, with `--attempts 3`",
        "that it is tried again in 30 and 60 seconds; then success",
        "what there should be",
        ("Rate exceeded", "Internal Failure", "Service Unavailable"),
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
        "a non-zero exit code and the IAM action to allow; typed again once it is allowed, the command goes on",
        "what there should be, after the next run",
        tuple(call for call in CALLS if call != "cloudformation:DescribeEvents"),
    ),
    Fault(
        "killed",
        "The process is killed (`kill -9`)",
        "nothing; the same command, typed again, finds where AWS stands and brings it to its end",
        "what there should be, after the next run",
        KILLS,
    ),
    Fault(
        "interrupted",
        "Ctrl-C while an operation runs",
        "a question: stop watching, go on watching, or stop the operation; and the command that resumes",
        "what there should be; nothing after stopping a creation; what there was after stopping an update",
        ("detach", "Ctrl-C again", "watch on", "stop a creation", "stop an update", "no terminal"),
    ),
    Fault(
        "timed_out",
        "An operation takes longer than `--timeout`",
        "exit 3; what is still running, for how long it usually runs, and the command that resumes",
        "what there should be, after the next run",
        ("a creation",),
    ),
    Fault(
        "credentials_expire",
        "The credentials expire while an operation runs",
        "exit 3; that it goes on in AWS, and the command that resumes",
        "what there should be, after the next run",
        ("a creation",),
    ),
    Fault(
        "at_the_same_time",
        "Several deployments of one environment are started at once",
        "one creates; the others follow it, and find nothing more to do",
        "one stack",
        ("2 creations", "3 creations", "2 updates"),
    ),
    Fault(
        "stuck",
        "The stack is found in a state in which nothing can be deployed",
        "a question that offers the way out, or the command that is one; what this tool did not make is left alone",
        "what there should be, once somebody said yes",
        (
            "ROLLBACK_COMPLETE",
            "ROLLBACK_COMPLETE of somebody else",
            "REVIEW_IN_PROGRESS",
            "REVIEW_IN_PROGRESS of somebody else",
            "REVIEW_IN_PROGRESS and then declined",
            "UPDATE_FAILED",
            "DELETE_FAILED",
            "an operation in progress",
            "an operation in progress and `--if-busy refuse`",
        ),
    ),
    Fault(
        "hostile_account",
        "The account calls a stack complete that is not, or answers with pages of HTML",
        "a non-zero exit code and what could not be seen; never success, never a traceback",
        "whatever the account did",
        ("a type that is skipped", "the whole template", "a type that does not exist"),
    ),
)
"""The table, in the order of a deployment."""

_INTRODUCTION = """\
# Reliability

*Generated by `make template`; do not edit.* What may go wrong while a stack is deployed or destroyed, what the user
sees and what is left in the account. Every row is a test (`tests/test_reliability_*.py`) that is run at each of the
places named under "Tried at", over real HTTP against the embedded account, and compares what is in the account
afterwards with what should be. The embedded account is no AWS: what is shown is the deployer's own behaviour.

A deployment holds no state of its own: all of it is in AWS. So the answer to every interruption is the same command
again.

| What happens | What the user sees | What is left | Tried |
|---|---|---|---:|"""

_NOT_SHOWN = """\
## Not shown

Only AWS itself could show these, and no AWS account was used: a network that breaks for longer than the 15 minutes for
which each call is repeated; a region that fails; real waiting times; whether CloudFormation evaluates a stack policy
during a rollback; the wording of every error message, of which unknown ones are called `unknown` and never guessed at.
"""


def fault(slug: str) -> Fault:
    """The row of a slug."""
    return next(row for row in FAULTS if row.slug == slug)


def reliability_document() -> str:
    """The document."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield _INTRODUCTION
    for row in FAULTS:
        yield f"| {row.happens} | {row.sees} | {row.left} | {len(row.points)} |"
    yield f"| | | **together** | **{sum(len(row.points) for row in FAULTS)}** |"
    yield ""
    yield "## Tried at"
    yield ""
    for row in FAULTS:
        yield f"* **{row.happens}:** {', '.join(f'`{point}`' if ':' in point else point for point in row.points)}."
    yield ""
    yield _NOT_SHOWN
