"""Stack policies: MiniStack stores one and ignores it. Here an update that it denies fails and rolls back, as in AWS.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/protect-stack-resources.html
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Mapping, Sequence
from typing import Any


def refusal(policy: str, action: str, logical_id: str, resource_type: str) -> str | None:
    """AWS's words when a stack policy forbids `action` (`Update:Replace`) on a resource; None when it is allowed.

    A denial wins over an allowance, and what no statement allows is denied. Without a policy everything is allowed.
    """
    if not policy:
        return None
    statements = _list(json.loads(policy).get("Statement"))
    matching = [
        (number, statement)
        for number, statement in enumerate(statements, start=1)
        if _applies(statement, action, logical_id, resource_type)
    ]
    denied = [number for number, statement in matching if statement["Effect"] == "Deny"]
    if denied:
        where = f"Statement [#{denied[0]}] does not allow [{action}] for resource [{logical_id}]"
        return f"Action denied by stack policy: {where}"
    return (
        None if matching else f"Action not allowed by stack policy: no statement allows [{action}] for [{logical_id}]"
    )


def _applies(statement: Mapping[str, Any], action: str, logical_id: str, resource_type: str) -> bool:
    types = _list(_condition(statement).get("ResourceType"))
    return (
        _covers(statement, "Action", action)
        and _covers(statement, "Resource", f"LogicalResourceId/{logical_id}")
        and (not types or any(fnmatch.fnmatchcase(resource_type, pattern) for pattern in types))
    )


def _covers(statement: Mapping[str, Any], member: str, value: str) -> bool:
    if f"Not{member}" in statement:
        return not any(fnmatch.fnmatchcase(value, pattern) for pattern in _list(statement[f"Not{member}"]))
    return any(fnmatch.fnmatchcase(value, pattern) for pattern in _list(statement.get(member)))


def _condition(statement: Mapping[str, Any]) -> Mapping[str, Any]:
    conditions: Mapping[str, Mapping[str, Any]] = statement.get("Condition") or {}
    return conditions.get("StringEquals") or conditions.get("StringLike") or {}


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
