"""Names and tags: several environments share an account, and everything says which one it belongs to."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from hipaa_pipeline.controls.check import (
    Check,
    Severity,
    Verdict,
    failed,
    not_applicable,
    passed,
    undetermined,
    verdict,
)
from hipaa_pipeline.controls.policy import text_of
from hipaa_pipeline.stack import Resource, Stack, is_unknown

SUFFIX_PARAMETER = "EnvironmentSuffix"

# The property that gives a resource its explicit name; names that only users of the database see are not here.
NAMES: Mapping[str, str] = {
    "AWS::Backup::BackupPlan": "BackupPlan.BackupPlanName",
    "AWS::Backup::BackupSelection": "BackupSelection.SelectionName",
    "AWS::Backup::BackupVault": "BackupVaultName",
    "AWS::CloudTrail::Trail": "TrailName",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::EC2::SecurityGroup": "GroupName",
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::Kinesis::Stream": "Name",
    "AWS::KMS::Alias": "AliasName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::Logs::MetricFilter": "FilterName",
    "AWS::RDS::DBCluster": "DBClusterIdentifier",
    "AWS::RDS::DBInstance": "DBInstanceIdentifier",
    "AWS::RDS::DBParameterGroup": "DBParameterGroupName",
    "AWS::RDS::DBSubnetGroup": "DBSubnetGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SecretsManager::Secret": "Name",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
}

# Words that mean one environment. In a name they must come from a parameter.
ENVIRONMENTS = frozenset(
    {"acc", "demo", "dev", "development", "int", "live", "local", "nonprod", "preprod", "prod", "production", "qa",
     "sandbox", "staging", "stage", "stg", "test", "testing", "uat"}
)  # fmt: skip

# The property that holds a resource's tags.
TAGS: Mapping[str, str] = {
    "AWS::Backup::BackupPlan": "BackupPlanTags",
    "AWS::Backup::BackupVault": "BackupVaultTags",
    **dict.fromkeys(
        (
            "AWS::CloudTrail::Trail",
            "AWS::CloudWatch::Alarm",
            "AWS::DynamoDB::Table",
            "AWS::EC2::FlowLog",
            "AWS::EC2::RouteTable",
            "AWS::EC2::SecurityGroup",
            "AWS::EC2::Subnet",
            "AWS::EC2::VPC",
            "AWS::EC2::VPCEndpoint",
            "AWS::IAM::Role",
            "AWS::IAM::User",
            "AWS::Kinesis::Stream",
            "AWS::KMS::Key",
            "AWS::Lambda::Function",
            "AWS::Logs::LogGroup",
            "AWS::RDS::DBCluster",
            "AWS::RDS::DBInstance",
            "AWS::RDS::DBParameterGroup",
            "AWS::RDS::DBSubnetGroup",
            "AWS::S3::Bucket",
            "AWS::SecretsManager::Secret",
            "AWS::SNS::Topic",
            "AWS::SQS::Queue",
        ),
        "Tags",
    ),
}


def _explicit_name(resource: Resource) -> Any:
    return resource.get(NAMES[resource.type])


def _has_suffix(resource: Resource, stack: Stack) -> Iterator[Verdict]:
    path, name = NAMES[resource.type], _explicit_name(resource)
    suffix = text_of(stack.parameters.get(SUFFIX_PARAMETER))
    expected = f"a name with the suffix {suffix}"
    if not suffix:
        yield not_applicable(f"the template has no parameter {SUFFIX_PARAMETER}", path, name)
    elif is_unknown(name):
        yield undetermined(path, expected, name)
    elif name is None:
        yield passed(path, expected, "no explicit name: AWS makes one that is unique")
    else:
        yield verdict(_contains(text_of(name), suffix), path, expected, name)


def _contains(name: str, suffix: str) -> bool:
    """Whether a name holds the suffix as a part of its own: at its end, or before a path or a version."""
    return re.search(rf"(?<![a-zA-Z0-9]){re.escape(suffix)}(?![a-zA-Z0-9])", name) is not None


def _no_environment_in_it(resource: Resource, stack: Stack) -> Iterator[Verdict]:
    path, name = NAMES[resource.type], _explicit_name(resource)
    expected = "no environment but the one a parameter names"
    if is_unknown(name):
        yield undetermined(path, expected, name)
        return
    unexplained = _words(text_of(name)) & ENVIRONMENTS
    chosen = itertools.chain(stack.parameters.values(), (stack.name,))
    while unexplained and (value := next(chosen, None)) is not None:
        unexplained -= _words(text_of(value))
    yield failed(path, expected, name) if unexplained else passed(path, expected, name)


@functools.lru_cache(maxsize=1024)
def _words(text: str) -> frozenset[str]:
    return frozenset(re.split(r"[^a-z0-9]+", text.lower()))


def _tagged(resource: Resource, _stack: Stack) -> Iterator[Verdict]:
    path = TAGS[resource.type]
    tags = resource.properties.get(path)
    if resource.handed_in:
        yield not_applicable("it is handed in: its tags are its owner's", path)
    elif is_unknown(tags):
        yield undetermined(path, "one tag or more", tags)
    else:
        count = len(tags) if isinstance(tags, list | dict) else 0
        yield verdict(count > 0, path, "one tag or more", f"{count} tags" if count else None)


CHECKS = (
    Check(
        slug="name_has_suffix",
        service="CloudFormation",
        severity=Severity.LOW,
        title="Every explicit name carries the environment's suffix",
        remedy=f"End the name in ${{{SUFFIX_PARAMETER}}}: two environments in one account would clash.",
        types=tuple(NAMES),
        judge=_has_suffix,
    ),
    Check(
        slug="name_without_environment",
        service="CloudFormation",
        severity=Severity.LOW,
        title="No explicit name has an environment written into it",
        remedy="Take the environment's name from a parameter.",
        types=tuple(NAMES),
        judge=_no_environment_in_it,
    ),
    Check(
        slug="resource_tagged",
        service="CloudFormation",
        severity=Severity.LOW,
        title="Everything that can be tagged is",
        remedy="Set tags that say which environment a resource belongs to, and whether it holds ePHI.",
        types=tuple(TAGS),
        judge=_tagged,
    ),
)
