"""KMS keys: rotated, hard to lose, and open only to whom they serve.

Two kinds of services use a key. CloudWatch Logs, alarms, CloudTrail and a few others call KMS as themselves and need a
statement with conditions; RDS, Kinesis, Secrets Manager and AWS Backup act with the caller's rights, so a statement for
them grants nothing. https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
"""

from __future__ import annotations

from collections.abc import Iterator

from hipaa_pipeline.controls.check import (
    Check,
    Severity,
    Verdict,
    at_least,
    failed,
    in_protected,
    is_false,
    is_true,
    passed,
    undetermined,
    verdict,
)
from hipaa_pipeline.controls.policy import Statement, admits, is_own, statements, undecided
from hipaa_pipeline.controls.relations import KEY
from hipaa_pipeline.controls.scan import no_grant
from hipaa_pipeline.stack import Resource, Stack

# KMS's default and the longest it takes. Without the key every snapshot and recovery point is lost, however long these
# are kept, so a protected environment does not shorten the time in which somebody can notice.
# https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
WAITING_DAYS = 30

# Services that use a key with the rights of whoever calls them, so that nothing consults a statement for themselves.
_ON_BEHALF_OF_CALLER = frozenset(
    {"backup", "dynamodb", "ebs", "ec2", "elasticfilesystem", "kinesis", "lambda", "rds", "secretsmanager", "ssm"}
)
# EventBridge and RDS events send no source when they publish to an encrypted topic: a condition would silence them.
_WITHOUT_SOURCE = frozenset({"events.amazonaws.com", "events.rds.amazonaws.com"})
_SOURCES = frozenset({"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "kms:calleraccount"})


def _untied_service(statement: Statement, stack: Stack) -> Iterator[Verdict]:
    contexts = {key for _, key, _ in statement.conditions if key.startswith("kms:encryptioncontext:")}
    if statement.ties(_SOURCES | contexts, limits=lambda value: is_own(value, stack)):
        return
    for kind, service in statement.principals:
        if kind == "Service" and service not in _WITHOUT_SOURCE:
            yield failed(f"{statement.path}.Condition", _TIED, f"{service} without one")


def _useless_service(statement: Statement, _stack: Stack) -> Iterator[Verdict]:
    for kind, service in statement.principals:
        if kind == "Service" and service.split(".")[0] in _ON_BEHALF_OF_CALLER:
            yield failed(f"{statement.path}.Principal", _AS_ITSELF, service)


def _full_control(statement: Statement, stack: Stack) -> Iterator[Verdict]:
    if statement.acts("kms:PutKeyPolicy") and statement.acts("kms:Decrypt"):
        for _, principal in statement.principals:
            if principal not in _account(stack):
                yield failed(f"{statement.path}.Action", _ACCOUNT_ONLY, f"full control for {principal}")


def _account(stack: Stack) -> tuple[str, str]:
    """The two ways to name the account itself as a principal."""
    return f"arn:{stack.partition}:iam::{stack.account_id}:root", stack.account_id


def _account_keeps_control(key: Resource, stack: Stack) -> Iterator[Verdict]:
    policy = statements(key.properties.get("KeyPolicy"), "KeyPolicy")
    expected = f"{_account(stack)[0]} may do kms:PutKeyPolicy"
    if key.properties.get("KeyPolicy") is None:
        yield passed("KeyPolicy", expected, "not set: the default policy lets it")
        return
    kept = any(admits(policy, "AWS", account, "kms:PutKeyPolicy", {}) for account in _account(stack))
    unclear = undecided(policy)
    if unclear is not None and not kept:
        yield undetermined("KeyPolicy", expected, unclear)
    else:
        yield verdict(kept, "KeyPolicy", expected, "it may" if kept else "it may not")


_PLACE = {KEY: "KeyPolicy"}
_TIED = "a condition that ties aws:SourceAccount, aws:SourceArn or the encryption context to this account"
_AS_ITSELF = "services that call KMS as themselves"
_ACCOUNT_ONLY = "full control for the account only"

CHECKS = (
    Check(
        slug="kms_key_rotation",
        service="KMS",
        severity=Severity.MEDIUM,
        title="The key's material is rotated",
        remedy="Set EnableKeyRotation to true; it is off by default in CloudFormation.",
        citations=("164.312(a)(2)(iv)",),
        types=(KEY,),
        judge=is_true("EnableKeyRotation", default=False),
    ),
    Check(
        slug="kms_key_enabled",
        service="KMS",
        severity=Severity.HIGH,
        title="The key is enabled",
        remedy="Leave Enabled out or set it to true: data under a disabled key cannot be read.",
        citations=("164.308(a)(7)(ii)(A)", "164.312(c)(1)"),
        types=(KEY,),
        judge=is_true("Enabled", default=True),
    ),
    Check(
        slug="kms_key_deletion_window",
        service="KMS",
        severity=Severity.MEDIUM,
        title=f"A deletion of a protected environment's key can be cancelled for {WAITING_DAYS} days",
        remedy=f"Set PendingWindowInDays to {WAITING_DAYS}: deleting the key destroys every copy of the data.",
        citations=("164.308(a)(1)(ii)(B)", "164.308(a)(7)(ii)(A)", "164.312(c)(1)"),
        types=(KEY,),
        judge=in_protected(at_least("PendingWindowInDays", WAITING_DAYS, default=WAITING_DAYS)),
    ),
    Check(
        slug="kms_key_lockout_check",
        service="KMS",
        severity=Severity.MEDIUM,
        title="KMS refuses a key policy that nobody could change again",
        remedy="Leave BypassPolicyLockoutSafetyCheck out.",
        citations=("164.308(a)(7)(ii)(A)", "164.312(a)(2)(ii)"),
        types=(KEY,),
        judge=is_false("BypassPolicyLockoutSafetyCheck", default=False),
    ),
    Check(
        slug="kms_key_account_control",
        service="KMS",
        severity=Severity.HIGH,
        title="The account can always change the key's policy",
        remedy="Keep the statement that allows kms:* to the account's root, or the key can become unmanageable.",
        citations=("164.308(a)(7)(ii)(A)", "164.312(a)(2)(ii)"),
        types=(KEY,),
        judge=_account_keeps_control,
    ),
    Check(
        slug="kms_key_full_control",
        service="KMS",
        severity=Severity.HIGH,
        title="Only the account itself has full control of the key",
        remedy="Name the actions that the principal needs instead of kms:*.",
        citations=("164.308(a)(4)(ii)(B)", "164.312(a)(1)"),
        types=(KEY,),
        judge=no_grant(_PLACE, _ACCOUNT_ONLY, _full_control, "Principal", "Action"),
    ),
    Check(
        slug="kms_key_service_condition",
        service="KMS",
        severity=Severity.HIGH,
        title="A service may use the key only for resources of this account or organisation",
        remedy="Add a condition on aws:SourceAccount and aws:SourceArn; for CloudWatch Logs on the encryption context.",
        citations=("164.308(a)(4)(ii)(B)", "164.312(a)(1)"),
        types=(KEY,),
        judge=no_grant(_PLACE, _TIED, _untied_service, "Principal", "Condition"),
    ),
    Check(
        slug="kms_key_useless_service",
        service="KMS",
        severity=Severity.LOW,
        title="The key names no service that uses it with the caller's rights",
        remedy="Remove the statement and grant the callers kms:Decrypt with a kms:ViaService condition instead.",
        citations=("164.308(a)(4)(ii)(B)",),
        types=(KEY,),
        judge=no_grant(_PLACE, _AS_ITSELF, _useless_service, "Principal"),
    ),
)
