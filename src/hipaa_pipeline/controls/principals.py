"""Resource policies and trust policies: who may come in, and from where.

A service principal without a condition can be used as a confused deputy: another account makes the service act on this
account's resource. https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hipaa_pipeline.controls.check import Check, Severity, Verdict, failed
from hipaa_pipeline.controls.policy import RESOURCE, TRUST, Statement, foreign_accounts, is_own
from hipaa_pipeline.controls.scan import no_grant
from hipaa_pipeline.stack import Stack

# Condition keys that tie whoever comes to an account or an organisation.
TYING = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceorgid",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "kms:calleraccount",
    }
)
# Those whose values are accounts, or ARNs with an account in them.
_ACCOUNTS = frozenset(key for key in TYING if "org" not in key and "vpc" not in key)
_SOURCE = frozenset({"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths"})
# The services that send the account or the resource they act for when they assume a role. Lambda and EC2 do not on
# every path, so that a condition would lock them out.
SENDING_SOURCE = frozenset(
    {
        "backup.amazonaws.com",
        "cloudtrail.amazonaws.com",
        "config.amazonaws.com",
        "ecs-tasks.amazonaws.com",
        "glue.amazonaws.com",
        "monitoring.rds.amazonaws.com",
        "pipes.amazonaws.com",
        "scheduler.amazonaws.com",
        "states.amazonaws.com",
        "vpc-flow-logs.amazonaws.com",
    }
)

_COGNITO = "cognito-identity.amazonaws.com"
# The claims that say who comes: of every OIDC provider, of GitHub Actions, of Login with Amazon, of Facebook.
_SUBJECTS = (":sub", ":job_workflow_ref", ":repository", ":repository_id", ":user_id", ":id")


def _public(statement: Statement, _stack: Stack) -> Iterator[Verdict]:
    if any(value == "*" for _, value in statement.principals) and not statement.ties(TYING):
        yield failed(f"{statement.path}.Principal", _NOT_PUBLIC, "*")


def _foreign(statement: Statement, stack: Stack) -> Iterator[Verdict]:
    named = [value for kind, value in statement.principals if kind != "Service"]
    tied = [value for _, key, values in statement.conditions for value in values if key in _ACCOUNTS]
    foreign = foreign_accounts([*named, *tied], stack)
    if foreign:
        yield failed(f"{statement.path}.Principal", _OWN_ACCOUNT, f"account {', '.join(foreign)}")


def _open_federation(statement: Statement, _stack: Stack) -> Iterator[Verdict]:
    for kind, provider in statement.principals:
        if kind == "Federated" and not (_audience_fits(statement) and _subject_is_named(statement, provider)):
            yield failed(f"{statement.path}.Condition", _FEDERATED, f"{provider} without one")


def _audience_fits(statement: Statement) -> bool:
    """A SAML assertion names the roles of its user itself, so it only has to be one for AWS.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_saml_assertions.html
    """
    return not statement.acts("sts:AssumeRoleWithSAML") or statement.ties(("saml:aud",))


def _subject_is_named(statement: Statement, provider: str) -> bool:
    """The audience alone admits every user of an OIDC provider, and of a shared one everybody in the world.

    Cognito's identity pools are named by the audience; `amr` tells their users from their guests.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html
    """
    if not statement.acts("sts:AssumeRoleWithWebIdentity"):
        return True
    subjects = [key for _, key, _ in statement.conditions if key.endswith(_SUBJECTS)]
    of_pool = statement.ties((f"{provider}:aud",)) and statement.ties((f"{provider}:amr",), limits=_signed_in)
    return statement.ties(subjects, limits=_names_somebody) or (provider == _COGNITO and of_pool)


def _signed_in(method: str) -> bool:
    return method != "unauthenticated"


def _names_somebody(subject: str) -> bool:
    """Whether something but the subject's kind (`repo:`) stands before its first wildcard."""
    return re.fullmatch(r"([a-z_]+:|system:serviceaccount:)?", re.split(r"[*?]", subject)[0]) is None


def _deputy(statement: Statement, stack: Stack) -> Iterator[Verdict]:
    if statement.ties(_SOURCE, always_sent=True, limits=lambda value: is_own(value, stack)):
        return
    for kind, service in statement.principals:
        if kind == "Service" and service in SENDING_SOURCE:
            yield failed(f"{statement.path}.Condition", _TIED, f"{service} without one")


_NOT_PUBLIC = "named principals, or a condition on their account"
_OWN_ACCOUNT = "principals of this account"
_FEDERATED = "a condition on the token's subject (sub), of SAML on its audience, of Cognito on the pool and amr"
_TIED = "a condition that ties aws:SourceAccount or aws:SourceArn to this account"
_WHO = ("164.308(a)(4)(ii)(B)", "164.312(a)(1)")

CHECKS = (
    Check(
        slug="resource_policy_not_public",
        service="IAM",
        severity=Severity.CRITICAL,
        title="No key, topic, bucket, queue, secret or vault is open to the public",
        remedy="Name the principals, or add a condition on aws:PrincipalAccount (kms:CallerAccount for keys).",
        citations=_WHO,
        types=tuple(RESOURCE),
        judge=no_grant(RESOURCE, _NOT_PUBLIC, _public, "Principal", "Condition"),
    ),
    Check(
        slug="resource_policy_own_account",
        service="IAM",
        severity=Severity.HIGH,
        title="No key, topic, bucket, queue, secret or vault admits another account",
        remedy="Remove the principal of the other account.",
        citations=_WHO,
        types=tuple(RESOURCE),
        judge=no_grant(RESOURCE, _OWN_ACCOUNT, _foreign, "Principal", "Condition"),
    ),
    Check(
        slug="iam_trust_not_public",
        service="IAM",
        severity=Severity.CRITICAL,
        title="Not everybody can assume the role",
        remedy="Name the principal that may assume the role.",
        citations=_WHO,
        types=tuple(TRUST),
        judge=no_grant(TRUST, _NOT_PUBLIC, _public, "Principal", "Condition"),
    ),
    Check(
        slug="iam_trust_own_account",
        service="IAM",
        severity=Severity.HIGH,
        title="No other account can assume the role",
        remedy="Remove the principal of the other account.",
        citations=_WHO,
        types=tuple(TRUST),
        judge=no_grant(TRUST, _OWN_ACCOUNT, _foreign, "Principal", "Condition"),
    ),
    Check(
        slug="iam_trust_federation",
        service="IAM",
        severity=Severity.HIGH,
        title="Not every user of an identity provider can assume the role",
        remedy="Add a condition on the token's subject (sub) beside its audience (aud).",
        citations=(*_WHO, "164.312(d)"),
        types=tuple(TRUST),
        judge=no_grant(TRUST, _FEDERATED, _open_federation, "Principal", "Action", "Condition"),
    ),
    Check(
        slug="iam_trust_source",
        service="IAM",
        severity=Severity.MEDIUM,
        title="A service assumes the role for resources of this account or organisation only",
        remedy="Add StringEquals aws:SourceAccount, and ArnLike aws:SourceArn where the service sends it.",
        citations=_WHO,
        types=tuple(TRUST),
        judge=no_grant(TRUST, _TIED, _deputy, "Principal", "Condition"),
    ),
)
