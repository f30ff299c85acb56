"""Pseudo parameters: what CloudFormation itself knows of a stack.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html
"""

from __future__ import annotations

from typing import Any

from hipaa_pipeline.stack import unknown

PSEUDO_PARAMETERS = frozenset(
    {
        "AWS::AccountId", "AWS::NotificationARNs", "AWS::Partition", "AWS::Region", "AWS::StackId", "AWS::StackName",
        "AWS::URLSuffix",
    }
)  # fmt: skip
STACK_UUID = "00000000-0000-0000-0000-000000000000"  # stands for the random part of a stack's ARN
_PARTITIONS = {
    "cn-": "aws-cn", "us-gov-": "aws-us-gov", "us-iso-": "aws-iso", "us-isob-": "aws-iso-b", "eu-isoe-": "aws-iso-e",
    "us-isof-": "aws-iso-f", "eusc-": "aws-eusc",
}  # fmt: skip
_URL_SUFFIXES = {
    "aws-cn": "amazonaws.com.cn", "aws-iso": "c2s.ic.gov", "aws-iso-b": "sc2s.sgov.gov",
    "aws-iso-e": "cloud.adc-e.uk", "aws-iso-f": "csp.hci.ic.gov", "aws-eusc": "amazonaws.eu",
}  # fmt: skip


def partition_of(region: str) -> str:
    """The partition of a Region."""
    return next((partition for prefix, partition in _PARTITIONS.items() if region.startswith(prefix)), "aws")


def pseudo_parameters(region: str, account_id: str, partition: str, stack_name: str) -> dict[str, Any]:
    """Their values by name. A stack without a name has no known name or ARN."""
    unnamed = unknown("the stack was given no name")
    arn = f"arn:{partition}:cloudformation:{region}:{account_id}:stack/{stack_name}/{STACK_UUID}"
    return {
        "AWS::AccountId": account_id,
        "AWS::NotificationARNs": [],
        "AWS::Partition": partition,
        "AWS::Region": region,
        "AWS::StackId": arn if stack_name else unnamed,
        "AWS::StackName": stack_name or unnamed,
        "AWS::URLSuffix": _URL_SUFFIXES.get(partition, "amazonaws.com"),
    }
