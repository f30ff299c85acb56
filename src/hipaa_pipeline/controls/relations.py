"""How resources of a stack refer to each other: keys, groups, ARNs. Shared by the checks of several services."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from hipaa_pipeline.controls.check import Judge, Verdict, failed, listed, not_applicable, passed, undetermined
from hipaa_pipeline.controls.policy import (
    IDENTITY,
    TRUST,
    Statement,
    admits,
    matches,
    statements,
    statements_of,
    text_of,
    undecided,
)
from hipaa_pipeline.stack import Resource, Stack, is_reference, is_unknown

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


def own_security_groups(path: str) -> Judge:
    """The property names security groups, and none of them is a VPC's default one, which every resource may share."""
    expected = "security groups of its own"

    def judge(resource: Resource, stack: Stack) -> Iterator[Verdict]:
        values = listed(resource.get(path))
        own = [value for value in values if _type_of(value, stack) == "AWS::EC2::SecurityGroup"]
        default = [value for value in values if _type_of(value, stack) == "AWS::EC2::VPC"]
        unclear = next(filter(is_unknown, values), None)
        if default:
            yield failed(path, expected, f"the VPC's default one: {', '.join(map(text_of, default))}")
        elif unclear is not None:
            yield undetermined(path, expected, unclear)
        elif not values:
            yield failed(path, expected, None)
        else:
            yield passed(path, expected, values) if len(own) == len(values) else handed_in(path, values)

    return judge


def _type_of(value: Any, stack: Stack) -> str:
    target = stack.target(value)
    return "" if target is None else target.type


def referring(stack: Stack, type_: str, path: str, resource: Resource) -> list[Resource]:
    """The resources of a type whose property at `path` refers to `resource` (alone or in a list)."""
    return [
        other
        for other in stack.of_type(type_)
        if any(stack.target(value) is resource for value in listed(other.get(path)))
    ]


def handed_in(path: str, value: Any) -> Verdict:
    """The answer about something that another stack made."""
    return not_applicable("it is handed in by its identifier, which says nothing of its properties", path, value)


Related = Callable[[Resource, Resource, Stack], Iterator[Verdict]]


def related(path: str, types: tuple[str, ...], expected: str, ask: Related) -> Judge:
    """Ask about the resource that the property at `path` refers to: `ask(it, resource, stack)`.

    Nothing, or a reference to nothing of these types, fails; a literal identifier was handed in.
    """

    def judge(resource: Resource, stack: Stack) -> Iterator[Verdict]:
        value = resource.get(path)
        target = stack.target(value)
        if is_unknown(value):
            yield undetermined(path, expected, value)
        elif target is not None and target.type in types:
            yield from ask(target, resource, stack)
        elif value and not is_reference(value):
            yield handed_in(path, value)
        else:
            yield failed(path, expected, value)

    return judge


def identity_policy(role: Resource, stack: Stack) -> Iterator[Statement]:
    """What a role may do by the policies of this stack: its inline ones, and those attached from either side."""
    yield from statements_of(role, IDENTITY)
    for value in listed(role.properties.get("ManagedPolicyArns")):
        policy = stack.target(value)
        if policy is not None and policy.type in IDENTITY:
            yield from statements_of(policy, IDENTITY)
    for type_, path in (("ManagedPolicy", "Roles"), ("Policy", "Roles"), ("RolePolicy", "RoleName")):
        for policy in referring(stack, f"AWS::IAM::{type_}", path, role):
            yield from statements_of(policy, IDENTITY)


def managed_policies(role: Resource) -> list[str]:
    """The names of the AWS managed policies of a role, user or group, without path."""
    arns = map(text_of, listed(role.properties.get("ManagedPolicyArns")))
    return [arn.rsplit("/", 1)[-1] for arn in arns if ":aws:policy/" in arn]


def allows(policy: Iterable[Statement], action: str, resources: Iterable[str]) -> bool:
    """Whether a policy grants an action on a resource known by any of these texts; conditions are not looked at."""
    texts = tuple(resources)
    return any(
        statement.allow
        and statement.acts(action)
        and any(matches(pattern, text) for pattern in statement.resources for text in texts)
        for statement in policy
    )


def admits_service(role: Resource, service: str) -> bool:
    """Whether a role's trust policy lets a service assume it (under some condition)."""
    return any(
        statement.allow and ("Service", service) in statement.principals and statement.acts("sts:AssumeRole")
        for statement in statements_of(role, TRUST)
    )


def log_group_arn(group: Resource, stack: Stack) -> str:
    """The ARN of a log group as KMS sees it in the encryption context: without `:*` at its end."""
    name = text_of(group.properties.get("LogGroupName")) or f"${{{group.logical_id}}}"
    return f"arn:{stack.partition}:logs:{stack.region}:{stack.account_id}:log-group:{name}"


def service_host(service: str, stack: Stack) -> str:
    """A service's regional name (`logs.eu-west-1.amazonaws.com`), as a principal and in kms:ViaService."""
    suffix = "amazonaws.com.cn" if stack.partition == "aws-cn" else "amazonaws.com"
    return f"{service}.{stack.region}.{suffix}"


def key_admits(key: Resource, service: str, actions: tuple[str, ...], context: Mapping[str, str], path: str) -> Verdict:
    """Whether a key's policy lets a service do all `actions` in a request with this context.

    `path` is the property of the judged resource that names the key; a failure names the key and its policy.
    """
    policy = statements(key.properties.get("KeyPolicy"), "KeyPolicy")
    refused = [action for action in actions if not admits(policy, "Service", service, action, context)]
    expected = f"the policy of {key.logical_id} lets {service} do {', '.join(actions)}"
    if not refused:
        return passed(path, expected, "it does")
    unclear = undecided(policy)
    if unclear is not None:
        return undetermined(path, expected, unclear)
    return failed(path, expected, f"not {', '.join(refused)}")
