"""IAM: the permissions boundary of a role made by a stack, which MiniStack 1.5.33 loses."""

from __future__ import annotations

from typing import Any

from hipaa_pipeline.local.additions import Additions, Properties


def additions() -> Additions:
    """What this module adds to the account."""
    return Additions(completions={"AWS::IAM::Role": _complete_role})


def _complete_role(name: str, properties: Properties, _attributes: dict[str, Any]) -> None:
    from ministack.services import iam

    iam._roles[name]["PermissionsBoundary"] = properties.get("PermissionsBoundary")
