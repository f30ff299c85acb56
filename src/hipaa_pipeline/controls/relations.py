"""How resources of a stack refer to each other: keys, groups, ARNs. Shared by the checks of several services."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from hipaa_pipeline.controls.check import Judge, Verdict, failed, listed, passed, undetermined
from hipaa_pipeline.controls.policy import text_of
from hipaa_pipeline.stack import Resource, Stack, is_unknown

KEY = "AWS::KMS::Key"
ALIAS = "AWS::KMS::Alias"
CUSTOMER_KEY = "a customer managed key"


def key_of(value: Any, stack: Stack) -> Resource | None:
    """The key of the stack that a reference means, directly or through an alias of the stack."""
    target = stack.target(value)
    if target is not None and target.type == ALIAS:
        target = stack.target(target.properties.get("TargetKeyId"))
    if target is None and isinstance(value, str) and value.startswith("alias/"):
        named = (alias for alias in stack.of_type(ALIAS) if alias.properties.get("AliasName") == value)
        target = next((stack.target(alias.properties.get("TargetKeyId")) for alias in named), None)
    return target if target is not None and target.type == KEY else None


def is_customer_key(value: Any, stack: Stack) -> bool:
    """Whether a key property names a key of the customer's: one of the stack, or an identifier that is not AWS's own.

    AWS managed keys have the aliases `alias/aws/SERVICE`; no key at all means the service's own key.
    """
    if key_of(value, stack) is not None:
        return True
    text = text_of(value)
    return bool(text) and stack.target(value) is None and not re.search(r"(^|:)alias/aws/", text)


def uses_customer_key(path: str) -> Judge:
    """The property names a customer managed key."""

    def judge(resource: Resource, stack: Stack) -> Iterator[Verdict]:
        value = resource.get(path)
        if is_unknown(value):
            yield undetermined(path, CUSTOMER_KEY, value)
        elif is_customer_key(value, stack):
            yield passed(path, CUSTOMER_KEY, value)
        else:
            yield failed(path, CUSTOMER_KEY, value)

    return judge


def referring(stack: Stack, type_: str, path: str, resource: Resource) -> list[Resource]:
    """The resources of a type whose property at `path` refers to `resource` (alone or in a list)."""
    return [
        other
        for other in stack.of_type(type_)
        if any(stack.target(value) is resource for value in listed(other.get(path)))
    ]
