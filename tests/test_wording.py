"""Deployments in words: exact lines for plans, outcomes and farewells."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from hipaa_pipeline.aws.changes import ChangeSet
from hipaa_pipeline.aws.leftovers import Leftover, Presence
from hipaa_pipeline.aws.stacks import DeployedStack, StackResource
from hipaa_pipeline.cost.difference import Change, Difference
from hipaa_pipeline.deployment.changes import ParameterChange, Summary, summarise
from hipaa_pipeline.deployment.destroy import Farewell
from hipaa_pipeline.deployment.events import Warned
from hipaa_pipeline.deployment.failure import cause_of
from hipaa_pipeline.deployment.order import Outcome, Result
from hipaa_pipeline.deployment.proposal import Proposal
from hipaa_pipeline.deployment.wording import (
    cost_lines,
    farewell_lines,
    findings_title,
    outcome_findings,
    outcome_lines,
    plan_lines,
    totals,
)
from hipaa_pipeline.errors import ExitCode
from hipaa_pipeline.findings import Status

CHANGE_SET = ChangeSet("arn:cs", "arn:stack", "hipaa-pipeline-1")


def change(action: str, name: str, kind: str = "AWS::RDS::DBInstance", **rest: Any) -> dict[str, Any]:
    return {"Action": action, "LogicalResourceId": name, "ResourceType": kind, **rest}


def detail(path: str, before: str | None, after: str | None, recreation: str, cause: str = "") -> dict[str, Any]:
    target = {"Attribute": "Properties", "Path": f"/Properties/{path}", "RequiresRecreation": recreation}
    values = {"BeforeValue": before, "AfterValue": after}
    return {"Target": {**target, **{key: value for key, value in values.items() if value}}, "CausingEntity": cause}


def test_a_plan_of_an_update() -> None:
    replaced = change(
        "Modify", "Database", PhysicalResourceId="db-1", Replacement="True", PolicyAction="ReplaceAndSnapshot",
        Details=[detail("Engine", "a", "b", "Always"), detail("Storage", "20", "40", "Never", "DatabaseStorageGiB")],
    )  # fmt: skip
    maybe = change(
        "Modify", "Stream", "AWS::Kinesis::Stream", Replacement="Conditional",
        Details=[detail("Key", None, None, "Conditionally")],
    )  # fmt: skip
    added = [change("Add", name, "AWS::CloudWatch::Alarm") for name in "AB"] + [change("Add", "T", "AWS::SNS::Topic")]
    gone = change("Remove", "Role", "AWS::IAM::Role", PolicyAction="Delete")
    modified = change(
        "Modify", "Vpc", "AWS::EC2::VPC", Replacement="False", Details=[{"Target": {"Attribute": "Tags"}}]
    )
    summary = summarise([replaced, maybe, *added, gone, modified], [], [ParameterChange("Engine", "a", "b")])
    warned = Warned("SERVICE_QUOTA_VALIDATION", False, "Vpc", "/Resources/Vpc", "5 of 5 VPCs are used")
    assert [*plan_lines("s", Proposal(CHANGE_SET, "UPDATE", False, summary, [warned]))] == [
        "update the stack s: 1 to replace, 1 to delete, 1 that may be replaced, 1 to modify, 3 to add",
        "  parameter Engine: a -> b",
        "  ! replace Database AWS::RDS::DBInstance db-1, which may lose data (the old one: ReplaceAndSnapshot)",
        "      Engine: a -> b (replaces)",
        "      Storage: 20 -> 40 (because of DatabaseStorageGiB)",
        "  - delete Role AWS::IAM::Role (the old one: Delete)",
        "  ? may replace Stream AWS::Kinesis::Stream, which may lose data",
        "      Key (may replace)",
        "  ~ modify Vpc AWS::EC2::VPC",
        "      Tags",
        "  + add 3: 2 CloudWatch::Alarm, SNS::Topic",
        "  CloudFormation's warning: Vpc /Resources/Vpc: 5 of 5 VPCs are used (SERVICE_QUOTA_VALIDATION)",
    ]


def test_a_plan_of_what_cannot_be_done() -> None:
    replaced = change(
        "Modify", "Database", PhysicalResourceId="db-1", Replacement="True",
        Details=[detail("DBName", "a", "b", "Always", "DatabaseName")],
    )  # fmt: skip
    summary = summarise([replaced], [], naming={"Database": "DBInstanceIdentifier"})
    assert [*plan_lines("s", Proposal(CHANGE_SET, "UPDATE", False, summary))] == [
        "update the stack s: 1 to replace",
        "  ! replace Database AWS::RDS::DBInstance db-1, which cannot be done while it keeps its name",
        "      DBName: a -> b (replaces, because of DatabaseName)",
    ]


def test_a_plan_that_could_not_be_checked() -> None:
    proposal = Proposal(CHANGE_SET, "CREATE", True, Summary(()), (), "cloudformation:DescribeEvents: denied")
    assert [*plan_lines("s", proposal)] == [
        "create the stack s: nothing",
        "  CloudFormation's own warnings could not be read (cloudformation:DescribeEvents: denied).",
    ]


def test_long_values_and_lists_are_folded() -> None:
    long = change("Modify", "Key", "AWS::KMS::Key", Details=[detail("KeyPolicy", "x" * 99, "y\n  z", "Never")])
    many = [change("Add", f"R{number}", f"AWS::Service{number}::LongTypeName") for number in range(9)]
    lines = [*plan_lines("s", Proposal(CHANGE_SET, "UPDATE", False, summarise([long, *many], [])))]
    assert lines[2] == f"      KeyPolicy: {'x' * 59}… -> y z"
    assert all(len(line) <= 110 for line in lines[3:])
    assert lines[4].startswith("      ")


def test_totals_of_nothing() -> None:
    assert totals(Summary(())) == "nothing"


def test_the_cost_of_a_creation_names_what_has_no_price() -> None:
    """The sums stand for the items of a creation; what has no price is in no sum, so it is named."""
    priced = Change("RecordStream", "shards", Decimal(0), Decimal("26.86"))
    created = Difference(Decimal(0), Decimal("26.86"), (priced,), ("Database: instance (730 hour)",))
    assert [*cost_lines(created)] == [
        "  Monthly cost: 0.00 -> 26.86 USD (+26.86), without what is unpriced",
        "      unpriced  Database: instance (730 hour)",
    ]


def test_the_cost_of_an_update_cuts_only_what_changes_least() -> None:
    items = tuple(Change(f"R{number}", "item", Decimal(number), Decimal(9)) for number in range(1, 8))
    updated = Difference(Decimal(28), Decimal(63), items, ("A: x", "B: y"))
    assert [*cost_lines(updated)] == [
        "  Monthly cost: 28.00 -> 63.00 USD (+35.00), without what is unpriced",
        *(f"         +{9 - number}.00  R{number}  item" for number in range(1, 6)),
        "         +5.00  2 smaller items",
        "      unpriced  A: x",
        "      unpriced  B: y",
    ]


def test_the_outcome_of_a_success() -> None:
    outcome = Outcome(result=Result.CREATED, stack_name="s", outputs={"B": "2", "LongName": "1"}, seconds=100)
    assert [*outcome_lines(outcome)] == ["s was created in 1:40.", "  B         2", "  LongName  1"]


def test_the_outcome_of_a_failure() -> None:
    key = Leftover("Key", "AWS::KMS::Key", "k-1", Presence.ENDING, "KMS deletes it on 2026-12-23", "aws kms cancel")
    vpc = Leftover("Vpc", "AWS::EC2::VPC", "vpc-1", Presence.UNKNOWN, "ec2:DescribeVpcs: denied")
    outcome = Outcome(
        result=Result.FAILED,
        stack_name="s",
        message="s is ROLLBACK_COMPLETE. What failed first: Vpc (AWS::EC2::VPC): limit exceeded",
        cause=cause_of("Vpc", "AWS::EC2::VPC", "limit exceeded"),
        created=("Key", "Role"),
        cost="about 0.10 USD an hour while it was there",
        left=(key, vpc),
    )
    lines = [*outcome_lines(outcome)]
    assert lines[0] == outcome.message
    assert lines[1] == "  cause:  quota"
    assert lines[2].startswith("  remedy: ")
    assert lines[3:] == [
        "  created on the way (about 0.10 USD an hour while it was there): Key, Role",
        "  left in the account:",
        "    Key KMS::Key k-1: KMS deletes it on 2026-12-23",
        "      aws kms cancel",
        "    Vpc EC2::VPC vpc-1: could not be asked: ec2:DescribeVpcs: denied",
    ]


def test_a_failure_without_remains_says_so() -> None:
    cause = cause_of("Vpc", "AWS::EC2::VPC", "limit exceeded")
    outcome = Outcome(result=Result.FAILED, stack_name="s", message="m", cause=cause)
    assert [*outcome_lines(outcome)][-1] == "  left in the account: nothing"


def test_a_farewell_tells_what_stays() -> None:
    stack = DeployedStack("arn", "s", "CREATE_COMPLETE", "", {}, {}, {}, True)
    database = StackResource("Database", "AWS::RDS::DBInstance", "db-1", "CREATE_COMPLETE")
    key = StackResource("Key", "AWS::KMS::Key", "k-1", "CREATE_COMPLETE")
    vault = StackResource("BackupVault", "AWS::Backup::BackupVault", "vault", "CREATE_COMPLETE")
    stream = StackResource("RecordStream", "AWS::Kinesis::Stream", "stream", "CREATE_COMPLETE")
    logs = StackResource("AuditLogGroup", "AWS::Logs::LogGroup", "audit", "CREATE_COMPLETE")
    assert [*farewell_lines(Farewell(stack, [database, key, vault, stream, logs], True, [vault]))] == [
        "delete the protected stack s (CREATE_COMPLETE):",
        "  - delete 3: KMS::Key, Kinesis::Stream, RDS::DBInstance",
        "  ! lost: the records in RecordStream that nobody has read yet; Kinesis has no snapshots",
        "  = stays: a final snapshot of Database, and its automated backups until they expire",
        "  = stays: AuditLogGroup audit, until its records expire",
        "  = stays: BackupVault vault, because it holds recovery points",
        "  = stays: Key k-1, because what stays cannot be read without it",
        "  = stays: log groups that services write themselves (RDSOSMetrics), and manual snapshots",
    ]
    assert [*farewell_lines(Farewell(stack, [key, stream, logs], False, []))] == [
        "delete the ephemeral stack s (CREATE_COMPLETE):",
        "  - delete 3: KMS::Key, Kinesis::Stream, Logs::LogGroup",
        "  = stays: Key k-1, until KMS deletes it after its waiting time",
    ]


@pytest.mark.parametrize(
    ("result", "title"),
    [
        (Result.REFUSED, "s, what stands in the way"),
        (Result.FAILED, "s, after the failure"),
        (Result.CREATED, "s, read back"),
        (Result.UNCHANGED, "s, read back"),
        (Result.DESTROYED, "s, read back"),
    ],
)
def test_what_the_findings_of_an_outcome_are_about(result: Result, title: str) -> None:
    assert findings_title(Outcome(result=result, stack_name="s")) == title


def test_outcomes_as_findings() -> None:
    """JUnit knows nothing but findings: a failed operation is a failed one, an unfinished one unknown."""
    expected = {
        Result.CREATED: Status.PASS,
        Result.UNCHANGED: Status.PASS,
        Result.DESTROYED: Status.PASS,
        Result.FAILED: Status.FAIL,
        Result.REFUSED: Status.FAIL,
        Result.RUNNING: Status.UNKNOWN,
    }
    for result, status in expected.items():
        outcome = Outcome(result=result, stack_name="s", message="m")
        assert [finding.status for finding in outcome_findings(outcome)] == [status]
        assert (outcome.exit_code is ExitCode.GOOD) == (status is Status.PASS)
