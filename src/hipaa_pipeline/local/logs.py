"""CloudWatch Logs: giving a group a key and taking it away, which MiniStack 1.5.33 does only on creation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hipaa_pipeline.local.additions import Additions
from hipaa_pipeline.local.wire import ApiError


def additions() -> Additions:
    """What this module adds to the account."""
    return Additions(
        operations={"logs.AssociateKmsKey": associate_kms_key, "logs.DisassociateKmsKey": disassociate_kms_key}
    )


def associate_kms_key(request: dict[str, Any]) -> dict[str, Any]:
    """AssociateKmsKey of a log group."""
    _group(request)["kmsKeyId"] = request["kmsKeyId"]
    return {}


def disassociate_kms_key(request: dict[str, Any]) -> dict[str, Any]:
    """DisassociateKmsKey of a log group."""
    _group(request)["kmsKeyId"] = None
    return {}


def _group(request: Mapping[str, Any]) -> dict[str, Any]:
    from ministack.services import cloudwatch_logs

    name = request.get("logGroupName") or str(request.get("resourceIdentifier", "")).partition(":log-group:")[2]
    group: dict[str, Any] | None = cloudwatch_logs._log_groups.get(name)
    if group is None:
        raise ApiError("ResourceNotFoundException", "The specified log group does not exist.")
    return group
