"""CloudFormation's validation of a change set when it is created: taken names, wrong values, quotas.

MiniStack creates every change set that parses. AWS fails one whose explicit names are taken or whose properties break
their schema (FAIL mode), and only warns, in DescribeEvents alone, of one that a quota would stop (WARN mode).
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html
The quota check's validation name is not in any published capture; `SERVICE_QUOTA_VALIDATION` is this account's.
"""

from __future__ import annotations

import collections
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from hipaa_pipeline.local import names
from hipaa_pipeline.local.quotas import Quotas

LOG_RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip
_CHECKS = {
    "NAME_CONFLICT_VALIDATION": "AWS::EarlyValidation::ResourceExistenceCheck",
    "PROPERTY_VALIDATION": "AWS::EarlyValidation::PropertyValidation",
}
Resources = Mapping[str, Mapping[str, Any]]


def validate_new_change_sets(quotas: Quotas) -> None:
    """Validate each change set that has not been, and keep what was found for DescribeEvents."""
    from ministack.services.cloudformation import _change_sets

    for change_set in _change_sets.values():
        if "_events" not in change_set:
            change_set["_events"] = [] if change_set["_disable_validation"] else _events(change_set, quotas)
            _fail(change_set)


def _fail(change_set: dict[str, Any]) -> None:
    """AWS fails a change set with FAIL-mode findings, and says in the reason only which checks found them."""
    failed = {each["ValidationName"] for each in change_set["_events"] if each["ValidationFailureMode"] == "FAIL"}
    if failed and change_set["Status"] == "CREATE_COMPLETE":
        checks = ", ".join(sorted(_CHECKS[name] for name in failed))
        change_set["Status"], change_set["ExecutionStatus"] = "FAILED", "UNAVAILABLE"
        change_set["StatusReason"] = (
            f"The following hook(s)/validation failed: [{checks}]. To troubleshoot Early Validation errors, "
            "use the DescribeEvents API for detailed failure information."
        )


def _events(change_set: Mapping[str, Any], quotas: Quotas) -> list[dict[str, Any]]:
    from ministack.core.responses import now_iso

    added = _added(change_set)
    found = [*_taken_names(added), *_wrong_values(_all(change_set)), *_exceeded(added, quotas)]
    operation = str(uuid.uuid4())
    return [
        {
            "EventId": str(uuid.uuid4()),
            "StackId": change_set["StackId"],
            "OperationId": operation,
            "OperationType": "CREATE_CHANGESET",
            "OperationStatus": "FAILED",
            "EventType": "VALIDATION_ERROR",
            "Timestamp": now_iso(),
            "ValidationStatus": "FAILED",
            **finding,
        }
        for finding in found
    ]


def _all(change_set: Mapping[str, Any]) -> Resources:
    """The resources of a change set's template, with what can be resolved resolved, by logical ID."""
    from ministack.services.cloudformation import changesets

    resolved: Resources = changesets._resolve_props_for_diff(
        change_set["_template"], change_set["_resolved_params"], change_set["StackName"], change_set["StackId"]
    )["Resources"]
    return resolved


def _added(change_set: Mapping[str, Any]) -> Resources:
    changes = [each["ResourceChange"] for each in change_set["Changes"]]
    added = {each["LogicalResourceId"] for each in changes if each["Action"] == "Add"}
    return {name: resource for name, resource in _all(change_set).items() if name in added}


def _taken_names(resources: Resources) -> Iterator[dict[str, Any]]:
    for logical_id, resource in resources.items():
        name = names.taken(resource["Type"], resource.get("Properties") or {})
        if name is not None:
            yield _finding(
                logical_id, resource, "FAIL", "NAME_CONFLICT_VALIDATION", "", names.message(resource["Type"], name)
            )


def _wrong_values(resources: Resources) -> Iterator[dict[str, Any]]:
    for logical_id, resource in resources.items():
        days = (resource.get("Properties") or {}).get("RetentionInDays")
        if resource["Type"] == "AWS::Logs::LogGroup" and wrong_retention(days):
            yield _finding(
                logical_id,
                resource,
                "FAIL",
                "PROPERTY_VALIDATION",
                "/Properties/RetentionInDays",
                f"#/RetentionInDays: #: {days} is not a valid enum value",
            )


def wrong_retention(days: Any) -> bool:
    """Whether a log group's retention is a number that CloudWatch Logs does not take."""
    return days is not None and str(days).isdigit() and int(days) not in LOG_RETENTION_DAYS


def _exceeded(resources: Resources, quotas: Quotas) -> Iterator[dict[str, Any]]:
    """One warning for each quota that all added resources together would exceed, at the first resource that does."""
    demanded: collections.Counter[str] = collections.Counter()
    for logical_id, resource in resources.items():
        properties = resource.get("Properties") or {}
        for quota in quotas.catalogue:
            if quota.resource_type == resource["Type"] and quota.per_parent is False:
                before = quota.usage(properties) + demanded[quota.key]
                demanded[quota.key] += quota.demand(properties)
                limit = quotas.limit(quota)
                if before <= limit < before + quota.demand(properties):
                    reason = f"{quota.name}: {before} of {limit:.0f} are in use; this resource would exceed the quota."
                    yield _finding(logical_id, resource, "WARN", "SERVICE_QUOTA_VALIDATION", "", reason)


def _finding(
    logical_id: str, resource: Mapping[str, Any], mode: str, check: str, path: str, reason: str
) -> dict[str, Any]:
    return {
        "LogicalResourceId": logical_id,
        "ResourceType": resource["Type"],
        "ValidationFailureMode": mode,
        "ValidationName": check,
        "ValidationPath": f"/Resources/{logical_id}{path}",
        "ValidationStatusReason": reason,
    }
