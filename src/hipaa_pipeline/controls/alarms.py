"""CloudWatch alarms: there is one for what matters, it can fire, and it may publish to its topic.

Whether somebody is subscribed to the topic, and reads what arrives, no template says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hipaa_pipeline.controls.check import (
    Check,
    Judge,
    Severity,
    Verdict,
    failed,
    is_set,
    is_true,
    listed,
    mapping,
    not_applicable,
    passed,
    problems_or_pass,
    undetermined,
    unread,
    verdict,
    when,
)
from hipaa_pipeline.controls.database_relations import log_groups, unknown_log_name
from hipaa_pipeline.controls.metrics import METRICS
from hipaa_pipeline.controls.policy import admits, text_of, undecided
from hipaa_pipeline.controls.rds import INSTANCE, engine_of, in_cluster
from hipaa_pipeline.controls.relations import handed_in, key_admits, key_of
from hipaa_pipeline.controls.sns import TOPIC, policy_of
from hipaa_pipeline.stack import Resource, Stack, is_unknown

ALARM = "AWS::CloudWatch::Alarm"
METRIC_FILTER = "AWS::Logs::MetricFilter"
STREAM = "AWS::Kinesis::Stream"
CLOUDWATCH = "cloudwatch.amazonaws.com"

# Which resource each dimension names, and its property that may hold the name.
DIMENSIONS: Mapping[str, tuple[str, str]] = {
    "DBInstanceIdentifier": (INSTANCE, "DBInstanceIdentifier"),
    "DBClusterIdentifier": ("AWS::RDS::DBCluster", "DBClusterIdentifier"),
    "StreamName": (STREAM, "Name"),
    "FunctionName": ("AWS::Lambda::Function", "FunctionName"),
    "QueueName": ("AWS::SQS::Queue", "QueueName"),
    "TopicName": (TOPIC, "TopicName"),
    "TableName": ("AWS::DynamoDB::Table", "TableName"),
}
# What tells that a database or a stream stops serving, or loses records.
DATABASE_METRICS = ("CPUUtilization", "DatabaseConnections", "FreeStorageSpace", "FreeableMemory")
STREAM_METRICS = (
    "GetRecords.IteratorAgeMilliseconds",
    "ReadProvisionedThroughputExceeded",
    "WriteProvisionedThroughputExceeded",
)


def _items(alarm: Resource) -> list[Any]:
    return listed(alarm.properties.get("Dimensions"))


def _dimensions(alarm: Resource) -> list[tuple[int, str, Any]]:
    found = map(mapping, _items(alarm))
    return [(index, text_of(item.get("Name")), item.get("Value")) for index, item in enumerate(found)]


def watches(alarm: Resource, resource: Resource, dimension: str, stack: Stack) -> bool:
    """Whether an alarm's dimension names a resource, by reference or by its explicit name."""
    explicit = resource.properties.get(DIMENSIONS[dimension][1])
    return any(
        name == dimension and (stack.target(value) is resource or (explicit is not None and value == explicit))
        for _, name, value in _dimensions(alarm)
    )


def _names_resource(alarm: Resource, stack: Stack) -> Iterator[Verdict]:
    expected = "the name of a resource of the stack"
    dimensions = _dimensions(alarm)
    unclear = next((v for v in (alarm.properties.get("Dimensions"), *_items(alarm)) if is_unknown(v)), None)
    if unclear is not None:
        yield undetermined("Dimensions", expected, unclear)
        return
    if not dimensions:
        aws = text_of(alarm.properties.get("Namespace")).startswith("AWS/")
        of_all = failed("Dimensions", expected, None)
        yield of_all if aws else not_applicable("the metric has no dimensions", "Dimensions")
        return
    yield from problems_or_pass(
        (problem for index, name, value in dimensions for problem in _misnamed(index, name, value, alarm, stack)),
        "Dimensions",
        expected,
        [f"{name}={text_of(value)}" for _, name, value in dimensions],
    )


def _misnamed(index: int, name: str, value: Any, alarm: Resource, stack: Stack) -> Iterator[Verdict]:
    path, expected = f"Dimensions[{index}].Value", "the name of a resource of the stack"
    if is_unknown(value):
        yield undetermined(path, expected, value)
    elif name not in DIMENSIONS:
        return
    elif not stack.of_type(DIMENSIONS[name][0]):
        yield handed_in(path, value)
    elif not any(watches(alarm, resource, name, stack) for resource in stack.of_type(DIMENSIONS[name][0])):
        yield failed(path, expected, text_of(value) or value)


def filter_metrics(stack: Stack) -> Iterator[tuple[Resource, Any, Any]]:
    """The metrics that the stack's metric filters make: filter, namespace, name."""
    for metric_filter in stack.of_type(METRIC_FILTER):
        for item in listed(metric_filter.properties.get("MetricTransformations")):
            yield metric_filter, mapping(item).get("MetricNamespace"), mapping(item).get("MetricName")


def _metric_exists(alarm: Resource, stack: Stack) -> Iterator[Verdict]:
    namespace, metric = alarm.properties.get("Namespace"), alarm.properties.get("MetricName")
    unclear = unread(namespace, metric)
    if unclear is not None:
        yield undetermined("MetricName", "a metric that exists", unclear)
        return
    made = {text_of(name) for _, space, name in filter_metrics(stack) if space == namespace}
    known = METRICS.get(text_of(namespace), made)
    if alarm.properties.get("Metrics") is not None or not known:
        yield not_applicable(
            "the metric is not made by this stack, nor by a service known here", "Namespace", namespace
        )
    else:
        expected = f"a metric of {namespace}"
        yield verdict(text_of(metric) in known, "MetricName", expected, metric)


def _topics(alarm: Resource, stack: Stack) -> Iterator[tuple[str, Any, Resource | None]]:
    for index, value in enumerate(listed(alarm.properties.get("AlarmActions"))):
        target = stack.target(value)
        yield f"AlarmActions[{index}]", value, target if target is not None and target.type == TOPIC else None


def _each_topic(ask: Any) -> Judge:
    """Ask about each topic that the alarm notifies: `ask(topic, alarm, path, stack)` gives one verdict."""

    def judge(alarm: Resource, stack: Stack) -> Iterator[Verdict]:
        actions = list(_topics(alarm, stack))
        if not actions:
            yield not_applicable("the alarm notifies nothing", "AlarmActions")
        for path, value, topic in actions:
            if is_unknown(value):
                yield undetermined(path, "a topic", value)
            elif topic is not None:
                yield ask(topic, alarm, path, stack)
            else:
                yield handed_in(path, value)

    return judge


def _context(alarm: Resource, stack: Stack) -> dict[str, str]:
    """What CloudWatch sends along when an alarm publishes to an encrypted topic."""
    name = text_of(alarm.properties.get("AlarmName")) or f"${{{alarm.logical_id}}}"
    arn = f"arn:{stack.partition}:cloudwatch:{stack.region}:{stack.account_id}:alarm:{name}"
    return {"aws:sourceaccount": stack.account_id, "aws:sourcearn": arn}


def _topic_admits(topic: Resource, alarm: Resource, path: str, stack: Stack) -> Verdict:
    policy = policy_of(topic, stack)
    expected = f"the policy of {topic.logical_id} lets {CLOUDWATCH} publish"
    if not policy:
        return passed(path, expected, "the default policy lets the account's alarms publish")
    if admits(policy, "Service", CLOUDWATCH, "sns:Publish", {**_context(alarm, stack), "aws:securetransport": "true"}):
        return passed(path, expected, "it does")
    unclear = undecided(policy)
    return failed(path, expected, "it does not") if unclear is None else undetermined(path, expected, unclear)


def _key_admits(topic: Resource, alarm: Resource, path: str, stack: Stack) -> Verdict:
    value = topic.properties.get("KmsMasterKeyId")
    key = key_of(value, stack)
    if key is not None:
        return key_admits(key, CLOUDWATCH, ("kms:Decrypt", "kms:GenerateDataKey"), _context(alarm, stack), path)
    if is_unknown(value):
        return undetermined(path, "a topic whose key admits CloudWatch", value)
    if "alias/aws/sns" in text_of(value):
        return failed(
            path, "a topic whose key admits CloudWatch", f"{topic.logical_id} with alias/aws/sns, which cannot"
        )
    return handed_in(path, value) if value else not_applicable("the topic has no key", path)


def _alarmed(dimension: str, namespace: str, wanted: Iterable[str]) -> Judge:
    """Each of the metrics of the resource has an alarm."""
    metrics = tuple(wanted)

    def judge(resource: Resource, stack: Stack) -> Iterator[Verdict]:
        alarms = [alarm for alarm in stack.of_type(ALARM) if watches(alarm, resource, dimension, stack)]
        seen = {text_of(a.properties.get("MetricName")) for a in alarms if a.properties.get("Namespace") == namespace}
        missing = [metric for metric in metrics if metric not in seen]
        shown = f"none of {', '.join(missing)}" if missing else ", ".join(sorted(seen))
        yield verdict(not missing, "", f"alarms of {', '.join(metrics)}", shown)

    return judge


def _failed_logins_watched(resource: Resource, stack: Stack) -> Iterator[Verdict]:
    expected = "a metric filter of failed log-ins on the PostgreSQL log, and an alarm of its metric"
    logs = {name: group for log, name, group in log_groups(resource, stack) if log == "postgresql"}
    metrics = {
        (text_of(namespace), text_of(name))
        for metric_filter, namespace, name in filter_metrics(stack)
        if _reads(metric_filter, logs, stack)
        and "authentication failed" in text_of(metric_filter.properties.get("FilterPattern"))
    }
    if not metrics:
        doubtful = unknown_log_name(resource, stack)
        missing = failed("EnableCloudwatchLogsExports", expected, "no metric filter of failed log-ins")
        yield undetermined("EnableCloudwatchLogsExports", expected, doubtful) if doubtful else missing
        return
    alarms = stack.of_type(ALARM)
    watched = {(text_of(a.properties.get("Namespace")), text_of(a.properties.get("MetricName"))) for a in alarms}
    shown = f"no alarm of {' '.join('/'.join(metric) for metric in sorted(metrics))}"
    found = metrics & watched
    yield verdict(bool(found), "EnableCloudwatchLogsExports", expected, sorted(found) if found else shown)


def _reads(metric_filter: Resource, logs: Mapping[str, Resource | None], stack: Stack) -> bool:
    value = metric_filter.properties.get("LogGroupName")
    target = stack.target(value)
    return text_of(value) in logs or (target is not None and any(target is group for group in logs.values()))


def _not_postgresql(resource: Resource, _stack: Stack) -> str:
    if in_cluster(resource):
        return "its cluster decides"
    return "" if engine_of(resource) == "postgres" else "the engine is not PostgreSQL"


def _never_lacks_data(alarm: Resource, _stack: Stack) -> str:
    """CloudWatch calls data insufficient only where missing ones are `missing` or `ignore`."""
    treated = alarm.get("TreatMissingData")
    return f"missing data are {treated}, so it never lacks any" if treated in ("breaching", "notBreaching") else ""


_INCIDENT = ("164.308(a)(1)(ii)(D)", "164.308(a)(6)(i)", "164.308(a)(6)(ii)", "164.312(b)")
_SERVING = ("164.308(a)(6)(ii)", "164.308(a)(7)(ii)(C)")

CHECKS = (
    Check(
        slug="alarm_actions",
        service="CloudWatch",
        severity=Severity.MEDIUM,
        title="The alarm has an action",
        remedy="Name a topic in AlarmActions.",
        citations=_INCIDENT,
        types=(ALARM,),
        judge=is_set("AlarmActions", "one action or more"),
    ),
    Check(
        slug="alarm_insufficient_data_actions",
        service="CloudWatch",
        severity=Severity.LOW,
        title="The alarm has an action for when its metric stops",
        remedy="Name a topic in InsufficientDataActions.",
        citations=_INCIDENT,
        types=(ALARM,),
        judge=when(_never_lacks_data, is_set("InsufficientDataActions", "one action or more")),
    ),
    Check(
        slug="alarm_actions_enabled",
        service="CloudWatch",
        severity=Severity.MEDIUM,
        title="The alarm's actions are enabled",
        remedy="Leave ActionsEnabled out or set it to true.",
        citations=_INCIDENT,
        types=(ALARM,),
        judge=is_true("ActionsEnabled", default=True),
    ),
    Check(
        slug="alarm_metric_exists",
        service="CloudWatch",
        severity=Severity.MEDIUM,
        title="The alarm's metric exists",
        remedy="Use a metric that the service publishes or that a metric filter of the stack makes.",
        citations=_INCIDENT,
        types=(ALARM,),
        judge=_metric_exists,
    ),
    Check(
        slug="alarm_dimensions",
        service="CloudWatch",
        severity=Severity.MEDIUM,
        title="The alarm watches a resource of the stack",
        remedy="Refer to the resource in the dimension's Value.",
        citations=_INCIDENT,
        types=(ALARM,),
        judge=_names_resource,
    ),
    Check(
        slug="alarm_topic_policy",
        service="CloudWatch",
        severity=Severity.MEDIUM,
        title="The topic's policy lets the alarm publish",
        remedy=f"Allow {CLOUDWATCH} sns:Publish on the topic, for alarms of this account.",
        citations=_INCIDENT,
        types=(ALARM,),
        judge=_each_topic(_topic_admits),
    ),
    Check(
        slug="alarm_topic_key",
        service="CloudWatch",
        severity=Severity.HIGH,
        title="The key of the topic lets the alarm publish: without it nothing arrives, and nothing says so",
        remedy=f"Allow {CLOUDWATCH} kms:Decrypt and kms:GenerateDataKey* on the key, for alarms of this account.",
        citations=_INCIDENT,
        types=(ALARM,),
        judge=_each_topic(_key_admits),
    ),
    Check(
        slug="rds_alarms",
        service="CloudWatch",
        severity=Severity.MEDIUM,
        title="There are alarms of what tells that the database is about to stop serving",
        remedy=f"Add alarms of {', '.join(DATABASE_METRICS)} with the database as dimension.",
        citations=_SERVING,
        types=(INSTANCE,),
        judge=_alarmed("DBInstanceIdentifier", "AWS/RDS", DATABASE_METRICS),
    ),
    Check(
        slug="rds_failed_login_alarm",
        service="CloudWatch",
        severity=Severity.MEDIUM,
        title="There is an alarm of repeated failed log-ins",
        remedy="Add a metric filter for `authentication failed` on the PostgreSQL log, and an alarm of its metric.",
        citations=("164.308(a)(1)(ii)(D)", "164.308(a)(5)(ii)(C)", "164.308(a)(6)(ii)"),
        types=(INSTANCE,),
        judge=when(_not_postgresql, _failed_logins_watched),
    ),
    Check(
        slug="kinesis_alarms",
        service="CloudWatch",
        severity=Severity.MEDIUM,
        title="There are alarms of consumers that fall behind and of throttled calls",
        remedy=f"Add alarms of {', '.join(STREAM_METRICS)} with the stream as dimension.",
        citations=_SERVING,
        types=(STREAM,),
        judge=_alarmed("StreamName", "AWS/Kinesis", STREAM_METRICS),
    ),
)
