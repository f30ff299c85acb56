"""CloudWatch Logs: a group's key given and taken away, and its deletion protection.

MiniStack 1.5.33 takes a key on creation only and knows no deletion protection.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from hipaa_pipeline.local.additions import Additions, Properties, boolean
from hipaa_pipeline.local.wire import ApiError


def additions() -> Additions:
    """What this module adds to the account."""
    return Additions(
        operations={
            "logs.AssociateKmsKey": associate_kms_key,
            "logs.DisassociateKmsKey": disassociate_kms_key,
            "logs.PutLogGroupDeletionProtection": put_deletion_protection,
        },
        completions={"AWS::Logs::LogGroup": _complete},
        deletions={"AWS::Logs::LogGroup": _delete_with_stack},
        refusals={"logs.DeleteLogGroup": lambda request: _refuse_protected(_group(request))},
        wrappers={"services.cloudwatch_logs._describe_log_groups": _telling_protection},
    )


def associate_kms_key(request: dict[str, Any]) -> dict[str, Any]:
    """AssociateKmsKey of a log group."""
    _group(request)["kmsKeyId"] = request["kmsKeyId"]
    return {}


def disassociate_kms_key(request: dict[str, Any]) -> dict[str, Any]:
    """DisassociateKmsKey of a log group."""
    _group(request)["kmsKeyId"] = None
    return {}


def put_deletion_protection(request: dict[str, Any]) -> dict[str, Any]:
    """PutLogGroupDeletionProtection."""
    _group(request)["deletionProtectionEnabled"] = bool(request["deletionProtectionEnabled"])
    return {}


def _groups() -> Any:
    from ministack.services import cloudwatch_logs

    return cloudwatch_logs._log_groups


def _group(request: Mapping[str, Any]) -> dict[str, Any]:
    """The group a request names, by name or ARN. Raises ApiError when there is none."""
    named = request.get("logGroupName") or request.get("logGroupIdentifier") or request.get("resourceIdentifier", "")
    name = named.partition(":log-group:")[2].removesuffix(":*") if named.startswith("arn:") else named
    group: dict[str, Any] | None = _groups().get(name)
    if group is None:
        raise ApiError("ResourceNotFoundException", "The specified log group does not exist.")
    return group


def _complete(name: str, properties: Properties, _attributes: dict[str, Any]) -> None:
    _groups()[name]["deletionProtectionEnabled"] = boolean(properties.get("DeletionProtectionEnabled", False))


def _delete_with_stack(name: str, _properties: Properties, delete: Callable[[], None]) -> None:
    _refuse_protected(_groups().get(name) or {})
    delete()


def _refuse_protected(group: Mapping[str, Any]) -> None:
    if group.get("deletionProtectionEnabled"):
        raise ApiError("ValidationException", "The log group has deletion protection enabled.")


def _telling_protection(own: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """DescribeLogGroups, with the member that MiniStack does not know."""

    def describe(request: Any) -> Any:
        status, headers, body = own(request)
        document = json.loads(body)
        for group in document.get("logGroups", ()):
            kept = _groups()[group["logGroupName"]]
            group["deletionProtectionEnabled"] = kept.get("deletionProtectionEnabled", False)
        return status, headers, json.dumps(document).encode()

    return describe
