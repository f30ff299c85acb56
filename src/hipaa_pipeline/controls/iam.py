"""Identity policies: who holds them may do what is named on what is named, and cannot give himself more.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hipaa_pipeline.controls.actions import has_prefix, is_known_service, needs_every_resource
from hipaa_pipeline.controls.check import (
    Check,
    Severity,
    Verdict,
    failed,
    listed,
    passed,
    problems_or_pass,
    undetermined,
    verdict,
)
from hipaa_pipeline.controls.policy import (
    ENDPOINT,
    IDENTITY,
    RESOURCE,
    STATEMENT,
    TRUST,
    Statement,
    matches,
    text_of,
)
from hipaa_pipeline.controls.scan import no_grant
from hipaa_pipeline.stack import Resource, Stack, is_unknown

HOLDERS = ("AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group")
_INLINE = ("AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::UserPolicy", "AWS::IAM::GroupPolicy")

# AWS managed policies that grant a whole service or account.
_FULL_ACCESS = re.compile(
    r"(^|/)(AdministratorAccess.*|PowerUserAccess|IAMFullAccess|SystemAdministrator|DatabaseAdministrator"
    r"|NetworkAdministrator|.*FullAccess.*|.*PowerUser)$"
)
# What lets its holder give himself other rights, wherever it is allowed.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html and published research on
# privilege escalation in IAM (each of these alone is enough).
_ESCALATION = (
    "iam:AddUserToGroup",
    "iam:AttachGroupPolicy",
    "iam:AttachRolePolicy",
    "iam:AttachUserPolicy",
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:CreatePolicyVersion",
    "iam:DeleteRolePermissionsBoundary",
    "iam:DeleteUserPermissionsBoundary",
    "iam:PutGroupPolicy",
    "iam:PutRolePolicy",
    "iam:PutUserPolicy",
    "iam:SetDefaultPolicyVersion",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateLoginProfile",
    "kms:PutKeyPolicy",
)
# The same, when allowed on every resource.
_ESCALATION_ON_ALL = ("iam:PassRole", "sts:AssumeRole", "lambda:UpdateFunctionCode", "kms:CreateGrant")
_DECRYPTING = ("kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo")
_HARMLESS_WILDCARD = re.compile(r"^[a-z0-9-]+:(describe|list)[a-z]*\*$", re.IGNORECASE)
# Conditions that narrow Resource "*" to marked resources.
_NARROWING = re.compile(r"^([a-z0-9-]+:resourcetag/.*|kms:resourcealiases|kms:requestalias|cloudwatch:namespace)$")


def is_everything(resource: str) -> bool:
    """Whether a resource text covers everything of a service: `*`, or an ARN without any name in it."""
    return set(resource) <= {"*"} or bool(re.fullmatch(r"arn:[^:]*:[^:]*:[^:]*:[^:]*:\*+(:\*+)*(/\*+)?", resource))


def _on_everything(statement: Statement) -> bool:
    return any(map(is_everything, statement.resources)) or bool(statement.not_resources)


def _admin(statement: Statement, _stack: Stack) -> Iterator[Verdict]:
    if any(action in ("*", "*:*") for action in statement.actions) and _on_everything(statement):
        yield failed(f"{statement.path}.Action", _NO_ADMIN, list(statement.actions))


def _full_service(statement: Statement, _stack: Stack) -> Iterator[Verdict]:
    full = [action for action in statement.actions if re.fullmatch(r"(\*|[^:]*\*[^:]*:.*|[^:]+:\*+)", action)]
    for action in full:
        yield failed(f"{statement.path}.Action", _NO_FULL_SERVICE, action)


def _wildcard(statement: Statement, _stack: Stack) -> Iterator[Verdict]:
    for action in statement.actions:
        service, _, name = action.partition(":")
        partial = ("*" in name or "?" in name) and name.strip("*") != "" and "*" not in service
        if partial and not _HARMLESS_WILDCARD.match(action):
            yield failed(f"{statement.path}.Action", _NO_WILDCARD, action)


def _every_resource(statement: Statement, _stack: Stack) -> Iterator[Verdict]:
    if not any(map(is_everything, statement.resources)) or any(
        _NARROWING.match(key) for _, key, _ in statement.conditions
    ):
        return
    limitable = [action for action in statement.actions if _can_be_limited(action)]
    if limitable:
        yield failed(f"{statement.path}.Resource", _NAMED, f"* for {', '.join(limitable)}")


def _can_be_limited(action: str) -> bool:
    if "*" in action or "?" in action:
        return not _HARMLESS_WILDCARD.match(action)
    return is_known_service(action) and not needs_every_resource(action)


def _grants_nothing(statement: Statement, _stack: Stack) -> Iterator[Verdict]:
    if not statement.resources or any(set(resource) <= {"*"} for resource in statement.resources):
        return
    for action in filter(needs_every_resource, statement.actions):
        yield failed(
            f"{statement.path}.Resource", f'"*" for {action}, which knows no resources', list(statement.resources)
        )


def _unknown_prefix(statement: Statement, _stack: Stack) -> Iterator[Verdict]:
    for element, actions in (("Action", statement.actions), ("NotAction", statement.not_actions)):
        for action in actions:
            if not has_prefix(action):
                yield failed(f"{statement.path}.{element}", _KNOWN_PREFIX, action)


def _inverted(statement: Statement, _stack: Stack) -> Iterator[Verdict]:
    for element, values in (("NotAction", statement.not_actions), ("NotResource", statement.not_resources)):
        if element in statement.elements:
            yield failed(f"{statement.path}.{element}", _NOT_INVERTED, list(values))


def _not_principal(statement: Statement, _stack: Stack) -> Iterator[Verdict]:
    if "NotPrincipal" in statement.elements:
        yield failed(
            f"{statement.path}.NotPrincipal", _NO_NOT_PRINCIPAL, [value for _, value in statement.not_principals]
        )


def _decrypts_with_any_key(statement: Statement, _stack: Stack) -> Iterator[Verdict]:
    decrypting = [action for action in _DECRYPTING if statement.acts(action)]
    narrowed = any(key in ("kms:resourcealiases", "kms:requestalias") for _, key, _ in statement.conditions)
    if not decrypting or narrowed:
        return
    broad = [resource for resource in statement.resources if _any_key(resource)] or list(statement.not_resources)
    if broad:
        yield failed(f"{statement.path}.Resource", _NAMED_KEYS, broad)


def _any_key(resource: str) -> bool:
    return is_everything(resource) or bool(re.fullmatch(r"arn:[^:]*:(kms|\*):[^:]*:[^:]*:(key|alias)/\*+", resource))


def _escalates(statement: Statement, _stack: Stack) -> Iterator[Verdict]:
    found = [action for action in _ESCALATION if statement.acts(action)]
    if _on_everything(statement):
        found += [action for action in _ESCALATION_ON_ALL if statement.acts(action)]
    if found:
        yield failed(f"{statement.path}.Action", _NO_ESCALATION, ", ".join(found[:5]))


def _logs_in_as_anyone(statement: Statement, stack: Stack) -> Iterator[Verdict]:
    """`rds-db:connect` takes the instance's resource ID (`db-ABC...`), not its name, and one database user."""
    if not any(
        action.lower().startswith("rds-db:") and matches(action, "rds-db:connect") for action in statement.actions
    ):
        return
    names = {
        text_of(database.properties.get("DBInstanceIdentifier")) for database in stack.of_type("AWS::RDS::DBInstance")
    }
    for resource in statement.resources:
        instance, _, user = resource.rpartition(":dbuser:")[2].partition("/")
        if not user or "*" in user or "*" in instance or instance in names:
            yield failed(f"{statement.path}.Resource", _ONE_LOGIN, resource)


def _inline_policies(resource: Resource, _stack: Stack) -> Iterator[Verdict]:
    if resource.type in _INLINE:
        yield failed("", "an AWS::IAM::ManagedPolicy", resource.type)
        return
    policies = resource.properties.get("Policies")
    if is_unknown(policies):
        yield undetermined("Policies", "no inline policies", policies)
    else:
        yield verdict(
            not listed(policies), "Policies", "no inline policies", f"{len(listed(policies))} inline policies"
        )


def _managed_policies(resource: Resource, _stack: Stack) -> Iterator[Verdict]:
    values, expected = listed(resource.properties.get("ManagedPolicyArns")), "no policy of full access"
    yield from problems_or_pass(
        _full_access(values, expected), "ManagedPolicyArns", expected, [text_of(v) for v in values]
    )


def _full_access(values: list[object], expected: str) -> Iterator[Verdict]:
    for index, value in enumerate(values):
        path = f"ManagedPolicyArns[{index}]"
        if is_unknown(value):
            yield undetermined(path, expected, value)
        elif _FULL_ACCESS.search(text_of(value)):
            yield failed(path, expected, text_of(value))


def _no_long_lived_keys(resource: Resource, _stack: Stack) -> Iterator[Verdict]:
    if resource.type == "AWS::IAM::AccessKey":
        yield failed("", "a role, whose credentials expire", resource.type)
    elif resource.properties.get("LoginProfile") is not None:
        yield failed("LoginProfile", "a role, whose credentials expire", "a password")
    else:
        yield passed("", "a role, whose credentials expire", "no password")


_NO_ADMIN = 'no "*" on "*"'
_NO_FULL_SERVICE = "no whole service"
_NO_WILDCARD = "named actions"
_NAMED = "named resources"
_NAMED_KEYS = "named keys"
_GRANTING = "resources that the actions know"
_KNOWN_PREFIX = "actions of services that exist"
_NOT_INVERTED = "Action and Resource, which say what is allowed"
_NO_NOT_PRINCIPAL = "Principal, which says who may come"
_NO_ESCALATION = "no way to more rights"
_ONE_LOGIN = "one database user of one DbiResourceId"

_ACCESS = (
    "164.308(a)(3)(i)",
    "164.308(a)(3)(ii)(A)",
    "164.308(a)(3)(ii)(B)",
    "164.308(a)(4)(i)",
    "164.308(a)(4)(ii)(B)",
    "164.308(a)(4)(ii)(C)",
    "164.312(a)(1)",
)
_IDENTITY = tuple(IDENTITY)
_EVERYWHERE = {**IDENTITY, **RESOURCE}
_WITH_ENDPOINTS = {**_EVERYWHERE, **ENDPOINT}

CHECKS = (
    Check(
        slug="iam_no_admin",
        service="IAM",
        severity=Severity.CRITICAL,
        title="No policy allows everything",
        remedy="Name the actions and the resources.",
        citations=("164.308(a)(1)(ii)(B)", *_ACCESS),
        types=_IDENTITY,
        judge=no_grant(IDENTITY, _NO_ADMIN, _admin, "Action", "Resource"),
    ),
    Check(
        slug="iam_no_full_service",
        service="IAM",
        severity=Severity.HIGH,
        title="No policy allows a whole service",
        remedy="Name the actions.",
        citations=_ACCESS,
        types=_IDENTITY,
        judge=no_grant(IDENTITY, _NO_FULL_SERVICE, _full_service, "Action"),
    ),
    Check(
        slug="iam_actions_named",
        service="IAM",
        severity=Severity.MEDIUM,
        title="Actions are named, not covered by a wildcard",
        remedy="Name the actions; wildcards of Describe and List actions are accepted.",
        citations=_ACCESS,
        types=_IDENTITY,
        judge=no_grant(IDENTITY, _NO_WILDCARD, _wildcard, "Action"),
    ),
    Check(
        slug="iam_resources_named",
        service="IAM",
        severity=Severity.HIGH,
        title="Actions that can be limited to resources are",
        remedy="Name the ARNs instead of *; only actions without resource-level support need *.",
        citations=_ACCESS,
        types=_IDENTITY,
        judge=no_grant(IDENTITY, _NAMED, _every_resource, "Action", "Resource"),
    ),
    Check(
        slug="iam_grants_take_effect",
        service="IAM",
        severity=Severity.LOW,
        title="Actions that cannot be limited to resources are not named with one, where they grant nothing",
        remedy='Move the action into a statement of its own with Resource "*", or remove it.',
        citations=("164.308(a)(4)(ii)(B)",),
        types=_IDENTITY,
        judge=no_grant(IDENTITY, _GRANTING, _grants_nothing, "Action", "Resource"),
    ),
    Check(
        slug="iam_actions_exist",
        service="IAM",
        severity=Severity.MEDIUM,
        title="Actions belong to services that exist; others grant and deny nothing",
        remedy="Correct the prefix: CloudWatch's is cloudwatch, not monitoring.",
        citations=("164.308(a)(4)(ii)(B)",),
        types=tuple(_WITH_ENDPOINTS),
        judge=no_grant(_WITH_ENDPOINTS, _KNOWN_PREFIX, _unknown_prefix, "Action", denials=True),
    ),
    Check(
        slug="iam_no_inversion",
        service="IAM",
        severity=Severity.HIGH,
        title="Grants say what is allowed, not what is not",
        remedy="Replace NotAction by Action and NotResource by Resource: what AWS adds tomorrow would be allowed too.",
        citations=_ACCESS,
        types=tuple(_EVERYWHERE),
        judge=no_grant(_EVERYWHERE, _NOT_INVERTED, _inverted, STATEMENT),
    ),
    Check(
        slug="iam_no_not_principal",
        service="IAM",
        severity=Severity.HIGH,
        title="Grants say who may come, not who may not",
        remedy="Replace NotPrincipal by Principal: with Allow it admits everybody else in the world.",
        citations=("164.308(a)(4)(ii)(B)", "164.312(a)(1)"),
        types=tuple({**RESOURCE, **TRUST}),
        judge=no_grant({**RESOURCE, **TRUST}, _NO_NOT_PRINCIPAL, _not_principal, STATEMENT),
    ),
    Check(
        slug="iam_keys_named",
        service="IAM",
        severity=Severity.HIGH,
        title="Decryption is allowed with named keys only",
        remedy="Name the key's ARN.",
        citations=("164.308(a)(4)(ii)(B)", "164.312(a)(1)", "164.312(a)(2)(iv)"),
        types=_IDENTITY,
        judge=no_grant(IDENTITY, _NAMED_KEYS, _decrypts_with_any_key, "Action", "Resource"),
    ),
    Check(
        slug="iam_no_escalation",
        service="IAM",
        severity=Severity.CRITICAL,
        title="Nobody can give himself more rights",
        remedy="Remove the action, or limit iam:PassRole and sts:AssumeRole to named roles.",
        citations=_ACCESS,
        types=_IDENTITY,
        judge=no_grant(IDENTITY, _NO_ESCALATION, _escalates, "Action", "Resource"),
    ),
    Check(
        slug="iam_database_login",
        service="IAM",
        severity=Severity.HIGH,
        title="A database log-in names one user of one instance",
        remedy="End the ARN in dbuser:${Database.DbiResourceId}/USER; the instance's name grants nothing.",
        citations=("164.308(a)(4)(ii)(B)", "164.312(a)(2)(i)", "164.312(d)"),
        types=_IDENTITY,
        judge=no_grant(IDENTITY, _ONE_LOGIN, _logs_in_as_anyone, "Action", "Resource"),
    ),
    Check(
        slug="iam_no_inline_policies",
        service="IAM",
        severity=Severity.LOW,
        title="Rights are in managed policies, which can be reviewed and reused",
        remedy="Move the statements into an AWS::IAM::ManagedPolicy.",
        citations=_ACCESS,
        types=(*HOLDERS, *_INLINE),
        judge=_inline_policies,
    ),
    Check(
        slug="iam_no_full_access_policies",
        service="IAM",
        severity=Severity.HIGH,
        title="No AWS managed policy of full access is attached",
        remedy="Attach a policy that names what is needed.",
        citations=_ACCESS,
        types=HOLDERS,
        judge=_managed_policies,
    ),
    Check(
        slug="iam_no_permanent_credentials",
        service="IAM",
        severity=Severity.HIGH,
        title="The stack makes no access keys and no console passwords",
        remedy="Use a role, or IAM Identity Center for people.",
        citations=("164.308(a)(5)(ii)(D)", "164.312(d)"),
        types=("AWS::IAM::User", "AWS::IAM::AccessKey"),
        judge=_no_long_lived_keys,
    ),
)
