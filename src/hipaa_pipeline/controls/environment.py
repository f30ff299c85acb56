"""Protected environments keep their data, ephemeral ones leave nothing behind and cost little."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hipaa_pipeline.controls.check import (
    STACK,
    Check,
    Severity,
    Verdict,
    failed,
    in_ephemeral,
    passed,
    problems_or_pass,
    undetermined,
)
from hipaa_pipeline.stack import Resource, Stack, as_bool, as_number, is_unknown

# What holds ePHI, its copies, its records or its key: replacing one must not delete the old one.
STATEFUL = (
    "AWS::KMS::Key",
    "AWS::RDS::DBInstance",
    "AWS::RDS::DBCluster",
    "AWS::Kinesis::Stream",
    "AWS::Logs::LogGroup",
    "AWS::Backup::BackupVault",
    "AWS::S3::Bucket",
)
_KEEPING = ("Retain", "RetainExceptOnCreate", "Snapshot")
# Without a DeletionPolicy, CloudFormation takes a snapshot of these.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html
_SNAPSHOT_BY_DEFAULT = ("AWS::RDS::DBInstance", "AWS::RDS::DBCluster")
# Properties that refuse deletion when true.
_REFUSING = ("DeletionProtection", "DeletionProtectionEnabled", "DisableApiTermination", "LockConfiguration")


def _kept_on_replacement(resource: Resource, _stack: Stack) -> Iterator[Verdict]:
    """`UpdateReplacePolicy` keeps the old resource or a snapshot of it."""
    policy = resource.attributes.get("UpdateReplacePolicy")
    expected = "Retain or Snapshot"
    if is_unknown(policy):
        yield undetermined("UpdateReplacePolicy", expected, policy)
    elif policy in _KEEPING:
        yield passed("UpdateReplacePolicy", expected, policy)
    else:
        yield failed("UpdateReplacePolicy", expected, policy)


def _leaves_nothing(_itself: Resource, stack: Stack) -> Iterator[Verdict]:
    """Deleting the stack deletes every resource, and none refuses."""
    problems = (problem for resource in stack.resources.values() for problem in _leftovers(resource))
    yield from problems_or_pass(problems, "Resources", "DeletionPolicy Delete, no protection", "all so")


def _leftovers(resource: Resource) -> Iterator[Verdict]:
    default = "Snapshot" if resource.type in _SNAPSHOT_BY_DEFAULT else "Delete"
    policy = resource.attributes.get("DeletionPolicy", default)
    if is_unknown(policy):
        yield undetermined("DeletionPolicy", "Delete", policy, resource.logical_id)
    elif policy != "Delete":
        yield failed("DeletionPolicy", "Delete", policy, resource.logical_id)
    for name in _REFUSING:
        value = resource.properties.get(name)
        if as_bool(value) or (name == "LockConfiguration" and value):
            yield failed(name, "not in an ephemeral environment", value, resource.logical_id)


# What counts as expensive outside a protected environment: more than a developer needs to try something out.
# Burstable instances up to large cost at most about a tenth of a dollar per hour and zone; each line names its limit.
_SMALL_CLASSES = tuple(
    f"db.{family}.{size}" for family in ("t3", "t4g") for size in ("micro", "small", "medium", "large")
)
LIMITS: Mapping[str, tuple[tuple[str, str, Callable[[Any], bool]], ...]] = {
    "AWS::RDS::DBInstance": (
        ("DBInstanceClass", " or ".join(_SMALL_CLASSES), lambda value: value in _SMALL_CLASSES),
        ("MultiAZ", "false", lambda value: not as_bool(value)),
        ("AllocatedStorage", "at most 100 GiB", lambda value: (as_number(value) or 0) <= 100),
        ("Iops", "at most 3000, which gp3 includes", lambda value: (as_number(value) or 0) <= 3000),
        ("StorageThroughput", "at most 125, which gp3 includes", lambda value: (as_number(value) or 0) <= 125),
        ("PerformanceInsightsRetentionPeriod", "at most 7 days", lambda value: (as_number(value) or 0) <= 7),
    ),
    "AWS::Kinesis::Stream": (
        ("ShardCount", "at most 2", lambda value: (as_number(value) or 0) <= 2),
        ("RetentionPeriodHours", "at most 168", lambda value: (as_number(value) or 0) <= 168),
    ),
}


def _cheap(resource: Resource, _stack: Stack) -> Iterator[Verdict]:
    """Every property of the table is within its limit; an absent one is."""
    limits = LIMITS.get(resource.type, ())
    yield from problems_or_pass(_excesses(resource), "", "; ".join(f"{p} {text}" for p, text, _ in limits), "within")


def _excesses(resource: Resource) -> Iterator[Verdict]:
    for path, expected, holds in LIMITS.get(resource.type, ()):
        value = resource.get(path)
        if is_unknown(value):
            yield undetermined(path, expected, value)
        elif value is not None and not holds(value):
            yield failed(path, expected, value)


CHECKS = (
    Check(
        slug="data_kept_on_replacement",
        service="CloudFormation",
        severity=Severity.MEDIUM,
        title="An update that replaces a resource with data keeps the old one",
        remedy="Set UpdateReplacePolicy to Retain (Snapshot for a database).",
        citations=("164.308(a)(7)(ii)(A)", "164.312(c)(1)"),
        types=STATEFUL,
        judge=_kept_on_replacement,
    ),
    Check(
        slug="ephemeral_leaves_nothing",
        service="CloudFormation",
        severity=Severity.LOW,
        title="An ephemeral environment can be deleted without a trace",
        remedy="Set DeletionPolicy to Delete and deletion protection to false, or DeletionProtection to true.",
        types=(STACK,),
        judge=in_ephemeral(_leaves_nothing),
    ),
    Check(
        slug="ephemeral_is_cheap",
        service="CloudFormation",
        severity=Severity.LOW,
        title="An ephemeral environment has no expensive configuration",
        remedy="Choose the smaller value, or make the environment a protected one (DeletionProtection true).",
        types=tuple(LIMITS),
        judge=in_ephemeral(_cheap),
        waivable=True,
    ),
)
