"""Alarms, the alarm topic, its policy and its subscriptions, read back from CloudWatch and SNS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hipaa_pipeline.aws.live.reader import (
    MissingError,
    Part,
    Physical,
    Reader,
    ResourceReader,
    document,
    only,
    renamed,
    same,
    tags,
    without_empty,
)
from hipaa_pipeline.stack import unknown

_ALARM = same(
    "AlarmName", "AlarmDescription", "ActionsEnabled", "AlarmActions", "OKActions", "InsufficientDataActions",
    "MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Dimensions", "Period", "Unit", "EvaluationPeriods",
    "DatapointsToAlarm", "Threshold", "ComparisonOperator", "TreatMissingData", "Metrics",
)  # fmt: skip
ALARM_NAMES_PER_CALL = 100


def alarm(reader: Reader, name: str) -> Mapping[str, Any]:
    """The description of one metric alarm, state included. Raises MissingError."""
    names = reader.ids("AWS::CloudWatch::Alarm")
    batch = names.index(name) // ALARM_NAMES_PER_CALL * ALARM_NAMES_PER_CALL
    found = reader.pages(
        "cloudwatch", "describe_alarms", "MetricAlarms", AlarmNames=names[batch : batch + ALARM_NAMES_PER_CALL]
    )
    return only(found, "AlarmName", name)


def _alarm(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    return without_empty(renamed(alarm(reader, physical.id), _ALARM))


def _alarm_tags(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    arn = alarm(reader, physical.id)["AlarmArn"]
    return {"Tags": tags(reader.call("cloudwatch", "list_tags_for_resource", ResourceARN=arn)["Tags"])}


def topic(reader: Reader, arn: str) -> Mapping[str, Any]:
    """A topic's attributes, which SNS gives as texts."""
    found: Mapping[str, Any] = reader.call("sns", "get_topic_attributes", TopicArn=arn)["Attributes"]
    return found


def _topic(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    found = topic(reader, physical.id)
    names = same("DisplayName", "KmsMasterKeyId", "SignatureVersion", "TracingConfig")
    return {"TopicName": physical.id.rpartition(":")[2], **renamed(found, names)}


def _topic_tags(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    return {"Tags": tags(reader.call("sns", "list_tags_for_resource", ResourceArn=physical.id)["Tags"])}


def _topic_policy(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    """SNS keeps policies by topic and has no identifier for one: the stack's topics must agree on it."""
    arns = reader.ids("AWS::SNS::Topic")
    policies = [document(topic(reader, arn).get("Policy")) for arn in arns]
    if not policies:
        raise MissingError(physical.id)
    agreed = all(policy == policies[0] for policy in policies)
    several = unknown("the stack's topics have different policies")
    return {"Topics": arns, "PolicyDocument": policies[0] if agreed else several}


def subscription(reader: Reader, arn: str) -> Mapping[str, Any]:
    """A subscription's attributes, which SNS gives as texts."""
    found: Mapping[str, Any] = reader.call("sns", "get_subscription_attributes", SubscriptionArn=arn)["Attributes"]
    return found


def _subscription(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    names = same("Protocol", "Endpoint", "TopicArn")
    return renamed(subscription(reader, physical.id), names)


READERS = {
    "AWS::CloudWatch::Alarm": ResourceReader(
        (Part(tuple(_ALARM), _alarm), Part(("Tags",), _alarm_tags)),
        lambda reader, physical: {"Arn": reader.arn("cloudwatch", f"alarm:{physical.id}")},
    ),
    "AWS::SNS::Topic": ResourceReader(
        (
            Part(("TopicName", "DisplayName", "KmsMasterKeyId", "SignatureVersion", "TracingConfig"), _topic),
            Part(("Tags",), _topic_tags),
        ),
        lambda _reader, physical: {"TopicArn": physical.id, "TopicName": physical.id.rpartition(":")[2]},
    ),
    "AWS::SNS::TopicPolicy": ResourceReader((Part(("Topics", "PolicyDocument"), _topic_policy),)),
    "AWS::SNS::Subscription": ResourceReader((Part(("Protocol", "Endpoint", "TopicArn"), _subscription),)),
}
