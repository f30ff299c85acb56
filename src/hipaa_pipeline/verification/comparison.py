"""Whether the running stack is what the template says: each property that the template sets, found on read-back.

Pure. Only what the template sets is compared, since AWS reports defaults besides; but where silence means "none"
(rules of a security group, inline policies of a role), anything found is a difference too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from hipaa_pipeline.stack import (
    UNKNOWN,
    Resource,
    Stack,
    as_bool,
    as_number,
    is_reference,
    is_unknown,
    references,
)

Rewrite = Callable[[Resource], Mapping[str, Any]]

# Said by silence: the template that does not set them wants none.
_NONE_UNLESS_SET = {
    "AWS::EC2::SecurityGroup": ("SecurityGroupIngress",),
    "AWS::IAM::Role": ("Policies", "ManagedPolicyArns"),
    "AWS::IAM::ManagedPolicy": ("Roles", "Users", "Groups"),
    "AWS::Backup::BackupVault": ("AccessPolicy",),
}
# Compared as a whole: anything more than the template says is a difference as well.
_EXACT = ("KeyPolicy", "PolicyDocument", "AssumeRolePolicyDocument", "AccessPolicy", "Parameters")
_POLICIES = ("KeyPolicy", "PolicyDocument", "AssumeRolePolicyDocument", "AccessPolicy")
# What AWS may raise by itself where the template allows it: automatic minor versions, storage autoscaling.
_RAISED_BY_AWS = {"EngineVersion": "AutoMinorVersionUpgrade", "AllocatedStorage": "MaxAllocatedStorage"}


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One property of one resource: equal, different (`differs`), or not comparable for a reason (`unknown`)."""

    logical_id: str
    property: str
    expected: Any
    actual: Any
    differs: bool = False
    unknown: str = ""


def compare(expected: Stack, live: Stack, rewrite: Rewrite) -> Iterator[Comparison]:
    """Every property the template sets, of every resource that is in both stacks, in template order.

    `rewrite` brings the properties of an expected resource into the live stack's words: references as the read-back
    makes them of the identifiers they stand for.
    """
    expected, live = with_attachments(expected), with_attachments(live)
    for name, resource in expected.resources.items():
        if name in live.resources:
            yield from _resource(resource, live.resources[name], rewrite)


def with_attachments(stack: Stack) -> Stack:
    """The stack with each attachment of a policy to a role said by both: a template says it at either end."""
    pairs = {
        (role.logical_id, policy.logical_id)
        for policy in stack.of_type("AWS::IAM::ManagedPolicy")
        for role in stack.of_type("AWS::IAM::Role")
        if role.logical_id in references(policy.get("Roles"))
        or policy.logical_id in references(role.get("ManagedPolicyArns"))
    }

    def attached(resource: Resource) -> Resource:
        if resource.type == "AWS::IAM::Role":
            return _with(resource, "ManagedPolicyArns", sorted(p for r, p in pairs if r == resource.logical_id))
        if resource.type == "AWS::IAM::ManagedPolicy":
            return _with(resource, "Roles", sorted(r for r, p in pairs if p == resource.logical_id))
        return resource

    return dataclasses.replace(stack, resources={name: attached(one) for name, one in stack.resources.items()})


def _with(resource: Resource, name: str, logical_ids: Iterable[str]) -> Resource:
    value = resource.get(name)
    if is_unknown(value):
        return resource
    told = set(references(value))
    more = [{"Ref": logical_id} for logical_id in logical_ids if logical_id not in told]
    return dataclasses.replace(resource, properties={**resource.properties, name: [*(value or ()), *more]})


def _resource(expected: Resource, live: Resource, rewrite: Rewrite) -> Iterator[Comparison]:
    silent: dict[str, Any] = {name: [] for name in _NONE_UNLESS_SET.get(expected.type, ())}
    for name, value in {**silent, **rewrite(expected)}.items():
        yield from _property(expected, live, name, value)


def _property(expected: Resource, live: Resource, name: str, value: Any) -> Iterator[Comparison]:
    actual = live.properties.get(name)
    if is_unknown(value):
        yield Comparison(expected.logical_id, name, None, actual, unknown=_reason(value))
    elif is_unknown(actual):
        yield Comparison(expected.logical_id, name, value, None, unknown=_reason(actual))
    elif raised_by_aws(name, value, actual, expected.properties):
        yield Comparison(expected.logical_id, name, value, actual)
    else:
        if name in _POLICIES:
            value, actual = policy(value), policy(actual)
        found = list(differences(value, actual, name, exact=name in _EXACT))
        for path, wanted, seen in found:
            yield Comparison(expected.logical_id, path, wanted, seen, differs=True)
        if not found:
            yield Comparison(expected.logical_id, name, value, actual)


def _reason(value: Any) -> str:
    return str(value[UNKNOWN])


def raised_by_aws(name: str, expected: Any, actual: Any, properties: Mapping[str, Any]) -> bool:
    """Whether AWS raised a minor version or a size itself, as far as the resource's properties allow.

    They name the largest size, or say whether a later minor version of the same major one may be taken.
    """
    allowed = properties.get(_RAISED_BY_AWS.get(name, ""))
    if allowed in (None, False, "false") or actual is None:
        return False
    most = as_number(allowed)
    if most is not None:
        size, seen = as_number(expected), as_number(actual)
        return size is not None and seen is not None and size <= seen <= most
    wanted, running = ([int(part) for part in str(text).split(".") if part.isdigit()] for text in (expected, actual))
    return bool(wanted) and wanted[:1] == running[:1] and running >= wanted


def differences(expected: Any, actual: Any, path: str, *, exact: bool = False) -> Iterator[tuple[str, Any, Any]]:
    """The places where two values differ: path, expected, actual. Lists are sets; extra keys count when `exact`."""
    if isinstance(expected, Mapping) and isinstance(actual, Mapping) and not is_reference(expected):
        for key, value in expected.items():
            yield from differences(value, actual.get(key), f"{path}.{key}", exact=exact)
        for key in actual:
            if exact and key not in expected:
                yield f"{path}.{key}", None, actual[key]
    elif isinstance(expected, list) and isinstance(actual, list | type(None)):
        missing, surplus = _unmatched(expected, actual or [], exact=exact)
        if missing or (surplus and not path.endswith("Tags")):
            yield path, expected, actual
    elif not same(expected, actual):
        yield path, expected, actual


def _unmatched(expected: Sequence[Any], actual: Sequence[Any], *, exact: bool) -> tuple[list[Any], list[Any]]:
    """What is left of either side when as many items as possible are paired, each with one that it fits.

    An item that says little fits several: it gives way to one that fits only what it took (augmenting paths).
    """
    taken: dict[int, int] = {}

    def place(wanted: int, tried: set[int]) -> bool:
        for seen, item in enumerate(actual):
            if seen not in tried and not any(differences(expected[wanted], item, "", exact=exact)):
                tried.add(seen)
                if seen not in taken or place(taken[seen], tried):
                    taken[seen] = wanted
                    return True
        return False

    missing = [item for wanted, item in enumerate(expected) if not place(wanted, set())]
    return missing, [item for seen, item in enumerate(actual) if seen not in taken]


def same(expected: Any, actual: Any) -> bool:
    """Whether two single values mean the same: `"true"` and True, `"80"` and 80.0, `Ref` and `GetAtt Arn` of a key.

    Two texts are the same only when they are equal, so that version "16.1" is not "16.10".
    """
    if is_reference(expected) and is_reference(actual):
        return expected == actual or _identities(expected) == _identities(actual) != ()
    if isinstance(expected, str) and isinstance(actual, str):
        return expected == actual
    if isinstance(expected, bool) or isinstance(actual, bool):
        return as_bool(expected) is not None and as_bool(expected) == as_bool(actual)
    if as_number(expected) is not None and as_number(actual) is not None:
        return as_number(expected) == as_number(actual)
    return bool(expected == actual)


def _identities(reference: Mapping[str, Any]) -> tuple[str, ...]:
    """The resource that a whole reference names, by whichever of its identifiers; nothing for other attributes."""
    match dict(reference):
        case {"Ref": str(name)}:
            return (name,)
        case {"Fn::GetAtt": [str(name), str(attribute)]} if attribute.endswith(("Arn", "Id")) and "." not in attribute:
            return (name,)
    return ()


def policy(value: Any) -> Any:
    """A policy document in one spelling: lists everywhere that a single text may stand, accounts as root ARNs."""
    if not isinstance(value, Mapping) or is_unknown(value):
        return value
    statements = value.get("Statement", [])
    statements = statements if isinstance(statements, list) else [statements]
    return {**value, "Statement": [_statement(one) for one in statements if isinstance(one, Mapping)]}


def _statement(statement: Mapping[str, Any]) -> dict[str, Any]:
    spelled: dict[str, Any] = {}
    for key, value in statement.items():
        if key in ("Action", "NotAction", "Resource", "NotResource"):
            spelled[key] = _many(value)
        elif key in ("Principal", "NotPrincipal"):
            spelled[key] = _principal(value)
        elif key == "Condition" and isinstance(value, Mapping):
            spelled[key] = {operator: _condition(keys) for operator, keys in value.items()}
        else:
            spelled[key] = value
    return spelled


def _principal(value: Any) -> Any:
    if not isinstance(value, Mapping) or is_reference(value):
        return {"AWS": ["*"]} if value == "*" else value
    return {kind: [_account(one) for one in _many(who)] for kind, who in value.items()}


def _account(principal: Any) -> Any:
    """IAM writes an account ID as the ARN of its root; a partition cannot be told from the ID, so the ID stands."""
    text = str(principal)
    return text.split(":")[4] if text.startswith("arn:") and text.endswith(":root") else principal


def _condition(keys: Any) -> Any:
    if not isinstance(keys, Mapping):
        return keys
    return {key: [_told(one) for one in _many(value)] for key, value in keys.items()}


def _told(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _many(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]
