"""Alarms that reach a person: 164.308(a)(1)(ii)(D) activity review, 164.308(a)(6)(ii) response."""

from __future__ import annotations

import dataclasses
from typing import Any

import awacs.sns as sns_actions
from awacs.aws import Allow, ArnLike, Bool, Condition, Deny, Principal, Statement, StringEquals
from troposphere import AccountId, If, Ref, Sub, Template, cloudwatch, kinesis, logs, rds, sns

from hipaa_pipeline.template.encryption import Encryption
from hipaa_pipeline.template.names import SUFFIX, arn, kebab, name, name_text, tags
from hipaa_pipeline.template.policies import policy

PERIOD_SECONDS = 300
METRIC_NAMESPACE = f"Healthcare/${{{SUFFIX}}}"
FAILED_LOGINS = "FailedLogins"
FAILED_LOGIN_PATTERN = '?"password authentication failed" ?"PAM authentication failed" ?"no pg_hba.conf entry"'


@dataclasses.dataclass(frozen=True)
class Metric:
    """What an alarm watches: a metric, of a resource or of the account, and when it is too much or too little."""

    namespace: Any
    name: str
    statistic: str
    comparison: str
    threshold: Any
    dimensions: dict[str, Any]
    missing: str | None = None  # CloudWatch: an alarm without data reports INSUFFICIENT_DATA


def add_monitoring(
    template: Template,
    stream: kinesis.Stream,
    instance: rds.DBInstance,
    engine_log: logs.LogGroup,
    encryption: Encryption,
) -> None:
    """Add the topic, the metric of failed log-ins and every alarm."""
    topic = _add_topic(template, encryption)
    _add_failed_login_metric(template, engine_log)
    for logical_id, (description, metric) in _alarms(stream, instance).items():
        _add_alarm(template, logical_id, description, metric, topic)


def _alarms(stream: kinesis.Stream, instance: rds.DBInstance) -> dict[str, tuple[str, Metric]]:
    def of_stream(metric: str, statistic: str, threshold: Any, missing: str | None = None) -> Metric:
        dimensions = {"StreamName": Ref(stream)}
        return Metric("AWS/Kinesis", metric, statistic, "GreaterThanThreshold", threshold, dimensions, missing)

    def of_database(metric: str, comparison: str, threshold: str) -> Metric:
        dimensions = {"DBInstanceIdentifier": Ref(instance)}
        return Metric("AWS/RDS", metric, "Average", comparison, Ref(threshold), dimensions)

    above, below = "GreaterThanThreshold", "LessThanThreshold"
    return {
        "IteratorAgeAlarm": (
            "Consumers of the stream fall behind",
            of_stream("GetRecords.IteratorAgeMilliseconds", "Maximum", Ref("IteratorAgeThresholdMs")),
        ),
        "ReadThrottledAlarm": (
            "Reads from the stream are throttled",
            of_stream("ReadProvisionedThroughputExceeded", "Sum", 0, "notBreaching"),
        ),
        "WriteThrottledAlarm": (
            "Writes to the stream are throttled",
            of_stream("WriteProvisionedThroughputExceeded", "Sum", 0, "notBreaching"),
        ),
        "CpuAlarm": ("The database is short of CPU", of_database("CPUUtilization", above, "CpuThresholdPercent")),
        "FreeStorageAlarm": (
            "The database is short of storage",
            of_database("FreeStorageSpace", below, "FreeStorageThresholdBytes"),
        ),
        "ConnectionsAlarm": (
            "The database has unusually many connections",
            of_database("DatabaseConnections", above, "ConnectionsThreshold"),
        ),
        "FreeableMemoryAlarm": (
            "The database is short of memory",
            of_database("FreeableMemory", below, "FreeableMemoryThresholdBytes"),
        ),
        "FailedLoginAlarm": (
            "Repeated failed log-ins to the database (164.308(a)(5)(ii)(C))",
            Metric(
                Sub(METRIC_NAMESPACE),
                FAILED_LOGINS,
                "Sum",
                "GreaterThanOrEqualToThreshold",
                Ref("FailedLoginThreshold"),
                {},
                "notBreaching",
            ),
        ),
    }


def _add_alarm(template: Template, logical_id: str, description: str, metric: Metric, topic: If) -> None:
    template.add_resource(
        cloudwatch.Alarm(
            logical_id,
            AlarmName=name(kebab(logical_id)),
            AlarmDescription=description,
            Namespace=metric.namespace,
            MetricName=metric.name,
            Dimensions=[cloudwatch.MetricDimension(Name=key, Value=value) for key, value in metric.dimensions.items()],
            Statistic=metric.statistic,
            Period=PERIOD_SECONDS,
            EvaluationPeriods=1,
            ComparisonOperator=metric.comparison,
            Threshold=metric.threshold,
            AlarmActions=[topic],
            OKActions=[topic],
            # An alarm for which missing data are good never lacks any.
            **({"TreatMissingData": metric.missing} if metric.missing else {"InsufficientDataActions": [topic]}),
            Tags=tags(),
        )
    )


def _add_failed_login_metric(template: Template, engine_log: logs.LogGroup) -> None:
    template.add_resource(
        logs.MetricFilter(
            "FailedLoginMetric",
            LogGroupName=Ref(engine_log),
            FilterPattern=FAILED_LOGIN_PATTERN,
            MetricTransformations=[
                logs.MetricTransformation(
                    MetricNamespace=Sub(METRIC_NAMESPACE), MetricName=FAILED_LOGINS, MetricValue="1", DefaultValue=0
                )
            ],
        )
    )


def _add_topic(template: Template, encryption: Encryption) -> If:
    topic = template.add_resource(
        sns.Topic(
            "AlarmTopic",
            Condition="NewAlarmTopic",
            TopicName=name("alarm-topic"),
            KmsMasterKeyId=encryption.key_id,
            Tags=tags(),
        )
    )
    template.add_resource(
        sns.TopicPolicy(
            "AlarmTopicPolicy",
            Condition="NewAlarmTopic",
            Topics=[Ref(topic)],
            PolicyDocument=policy(
                Statement(
                    Sid="AlarmsOfThisAccountPublish",
                    Effect=Allow,
                    Principal=Principal("Service", "cloudwatch.amazonaws.com"),
                    Action=[sns_actions.Publish],
                    Resource=[Ref(topic)],
                    Condition=Condition(
                        [
                            StringEquals("aws:SourceAccount", AccountId),
                            ArnLike("aws:SourceArn", arn("cloudwatch", f"alarm:{name_text('*')}")),
                        ]
                    ),
                ),
                Statement(
                    Sid="TlsOnly",
                    Effect=Deny,
                    Principal=Principal("AWS", "*"),
                    Action=[sns_actions.Publish],
                    Resource=[Ref(topic)],
                    Condition=Condition(Bool("aws:SecureTransport", False)),
                ),
            ),
        )
    )
    template.add_resource(
        sns.SubscriptionResource(
            "AlarmEmailSubscription",
            Condition="SubscribeEmail",
            TopicArn=Ref(topic),
            Protocol="email",
            Endpoint=Ref("AlarmEmail"),
        )
    )
    return If("NewAlarmTopic", Ref(topic), Ref("ExistingAlarmTopicArn"))
