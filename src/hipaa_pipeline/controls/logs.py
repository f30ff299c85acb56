"""CloudWatch log groups: encrypted with a key that lets CloudWatch Logs write, and kept long enough."""

from __future__ import annotations

from collections.abc import Iterator

from hipaa_pipeline.controls.check import (
    Check,
    Severity,
    Verdict,
    at_least,
    in_protected,
    is_set,
    not_applicable,
    undetermined,
    when,
)
from hipaa_pipeline.controls.relations import (
    handed_in,
    key_admits,
    key_of,
    log_group_arn,
    service_host,
    uses_customer_key,
)
from hipaa_pipeline.stack import Resource, Stack, is_unknown

LOG_GROUP = "AWS::Logs::LogGroup"
# The rule names no number. A year is the default of AWS Config's cw-loggroup-retention-period-check.
PROTECTED_DAYS = 365
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
LOGS_ACTIONS = (
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:DescribeKey",
)


def _key_lets_logs_in(group: Resource, stack: Stack) -> Iterator[Verdict]:
    value = group.properties.get("KmsKeyId")
    key = key_of(value, stack)
    if is_unknown(value):
        yield undetermined("KmsKeyId", "a key that CloudWatch Logs may use", value)
    elif key is not None:
        context = {"kms:encryptioncontext:aws:logs:arn": log_group_arn(group, stack)}
        yield key_admits(key, service_host("logs", stack), LOGS_ACTIONS, context, "KmsKeyId")
    elif value:
        yield handed_in("KmsKeyId", value)
    else:
        yield not_applicable("the group has no key", "KmsKeyId")


def _kept_for_ever(group: Resource, _stack: Stack) -> str:
    """Without a number, CloudWatch Logs never deletes anything."""
    return "the logs are kept for ever" if group.properties.get("RetentionInDays") is None else ""


CHECKS = (
    Check(
        slug="log_group_encrypted",
        service="CloudWatch Logs",
        severity=Severity.HIGH,
        title="The log group is encrypted with a customer managed key",
        remedy="Set KmsKeyId to a key of yours.",
        citations=("164.308(a)(1)(ii)(B)", "164.312(a)(2)(iv)", "164.312(e)(2)(ii)"),
        types=(LOG_GROUP,),
        judge=uses_customer_key("KmsKeyId"),
    ),
    Check(
        slug="log_group_key_policy",
        service="CloudWatch Logs",
        severity=Severity.HIGH,
        title="The key's policy lets CloudWatch Logs encrypt this log group",
        remedy="Allow logs.REGION.amazonaws.com to use the key for the group (kms:EncryptionContext:aws:logs:arn).",
        citations=("164.312(a)(2)(iv)", "164.312(b)"),
        types=(LOG_GROUP,),
        judge=_key_lets_logs_in,
    ),
    Check(
        slug="log_group_retention_set",
        service="CloudWatch Logs",
        severity=Severity.MEDIUM,
        title="How long logs are kept is decided, not left open",
        remedy="Set RetentionInDays by policy after risk analysis; the Security Rule names no number for logs.",
        citations=("164.312(b)", "164.316(b)(2)(i)"),
        types=(LOG_GROUP,),
        judge=is_set("RetentionInDays", "a number of days"),
    ),
    Check(
        slug="log_group_retention",
        service="CloudWatch Logs",
        severity=Severity.MEDIUM,
        title="A protected environment keeps its logs for a year",
        remedy=f"Set RetentionInDays to {PROTECTED_DAYS} or more; 2192 days treat logs as documentation (six years).",
        citations=("164.308(a)(1)(ii)(D)", "164.312(b)", "164.316(b)(2)(i)"),
        types=(LOG_GROUP,),
        judge=in_protected(when(_kept_for_ever, at_least("RetentionInDays", PROTECTED_DAYS))),
    ),
)
