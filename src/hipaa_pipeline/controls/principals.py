"""Resource policies and trust policies: who may come in, and from where.

A service principal without a condition can be used as a confused deputy: another account makes the service act on this
account's resource. https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
"""

from __future__ import annotations

from collections.abc import Iterator

from hipaa_pipeline.controls.check import Check, Severity, Verdict, failed
from hipaa_pipeline.controls.policy import RESOURCE, TRUST, Statement, foreign_accounts
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


def _public(statement: Statement, _stack: Stack) -> Iterator[Verdict]:
    if any(value == "*" for _, value in statement.principals) and not statement.ties(TYING):
        yield failed(f"{statement.path}.Principal", _NOT_PUBLIC, "*")


def _foreign(statement: Statement, stack: Stack) -> Iterator[Verdict]:
    named = [value for kind, value in statement.principals if kind != "Service"]
    tied = [value for _, key, values in statement.conditions for value in values if key in _ACCOUNTS]
    foreign = foreign_accounts([*named, *tied], stack)
    if foreign:
        yield failed(f"{statement.path}.Principal", _OWN_ACCOUNT, f"account {', '.join(foreign)}")


def _unconditional_federation(statement: Statement, _stack: Stack) -> Iterator[Verdict]:
    for kind, provider in statement.principals:
        if kind == "Federated" and not statement.conditions:
            yield failed(f"{statement.path}.Condition", _FEDERATED, f"{provider} without one")


def _deputy(statement: Statement, _stack: Stack) -> Iterator[Verdict]:
    for kind, service in statement.principals:
        if kind == "Service" and service in SENDING_SOURCE and not statement.ties(_SOURCE, always_sent=True):
            yield failed(f"{statement.path}.Condition", _TIED, f"{service} without one")


_NOT_PUBLIC = "named principals, or a condition on their account"
_OWN_ACCOUNT = "principals of this account"
_FEDERATED = "a condition on who the provider vouches for (such as its sub)"
_TIED = "a condition on aws:SourceAccount or aws:SourceArn"
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
        title="An identity provider vouches for named users only",
        remedy="Add a condition on the token's subject (sub) and audience (aud).",
        citations=(*_WHO, "164.312(d)"),
        types=tuple(TRUST),
        judge=no_grant(TRUST, _FEDERATED, _unconditional_federation, "Principal", "Condition"),
    ),
    Check(
        slug="iam_trust_source",
        service="IAM",
        severity=Severity.MEDIUM,
        title="A service assumes the role for this account's resources only",
        remedy="Add StringEquals aws:SourceAccount, and ArnLike aws:SourceArn where the service sends it.",
        citations=_WHO,
        types=tuple(TRUST),
        judge=no_grant(TRUST, _TIED, _deputy, "Principal", "Condition"),
    ),
)
