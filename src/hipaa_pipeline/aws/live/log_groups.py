"""Log groups and metric filters, read back from CloudWatch Logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hipaa_pipeline.aws.live.reader import Part, Physical, Reader, ResourceReader, only, renamed, tags, without_empty

_GROUP = {
    "LogGroupName": "logGroupName",
    "RetentionInDays": "retentionInDays",
    "KmsKeyId": "kmsKeyId",
    "LogGroupClass": "logGroupClass",
    "DeletionProtectionEnabled": "deletionProtectionEnabled",
}
_FILTER = {"FilterName": "filterName", "FilterPattern": "filterPattern", "LogGroupName": "logGroupName"}
_TRANSFORMATION = {
    "MetricName": "metricName",
    "MetricNamespace": "metricNamespace",
    "MetricValue": "metricValue",
    "DefaultValue": "defaultValue",
    "Unit": "unit",
}


def group(reader: Reader, name: str) -> Mapping[str, Any]:
    """The description of one log group. Raises MissingError."""
    found = reader.pages("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=name)
    return only(found, "logGroupName", name)


def _group(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    return renamed(group(reader, physical.id), _GROUP)


def _group_tags(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    arn = reader.arn("logs", f"log-group:{physical.id}")
    return {"Tags": tags(reader.call("logs", "list_tags_for_resource", resourceArn=arn)["tags"])}


def _filter(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    """A filter's physical ID is its name, which is unique in its log group only: the stack's groups come first."""
    name = physical.id.rpartition("|")[2]
    filters = reader.pages("logs", "describe_metric_filters", "metricFilters", filterNamePrefix=name)
    groups = reader.ids("AWS::Logs::LogGroup")
    found = only(sorted(filters, key=lambda item: item.get("logGroupName") not in groups), "filterName", name)
    return {
        **renamed(found, _FILTER),
        "MetricTransformations": [
            without_empty(renamed(item, _TRANSFORMATION)) for item in found.get("metricTransformations", ())
        ],
    }


READERS = {
    "AWS::Logs::LogGroup": ResourceReader(
        (Part(tuple(_GROUP), _group), Part(("Tags",), _group_tags)),
        lambda reader, physical: {"Arn": reader.arn("logs", f"log-group:{physical.id}:*")},
    ),
    "AWS::Logs::MetricFilter": ResourceReader((Part((*_FILTER, "MetricTransformations"), _filter),)),
}
