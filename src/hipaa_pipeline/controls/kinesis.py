"""Kinesis data streams: encrypted with the customer's key, replayable."""

from __future__ import annotations

from hipaa_pipeline.controls.check import Check, Severity, at_least, is_one_of
from hipaa_pipeline.controls.relations import uses_customer_key

STREAM = "AWS::Kinesis::Stream"
DEFAULT_HOURS = 24  # Kinesis's own, and the least it takes
# A week, so that consumers that stop before a long weekend lose nothing: the default of AWS Config's rule.
# https://docs.aws.amazon.com/config/latest/developerguide/kinesis-stream-backup-retention-check.html
RETENTION_HOURS = 168

CHECKS = (
    Check(
        slug="kinesis_encrypted",
        service="Kinesis",
        severity=Severity.CRITICAL,
        title="The stream is encrypted at rest",
        remedy="Set StreamEncryption.EncryptionType to KMS; removing StreamEncryption in an update turns it off.",
        citations=("164.312(a)(2)(iv)", "164.312(e)(2)(ii)"),
        types=(STREAM,),
        judge=is_one_of("StreamEncryption.EncryptionType", ("KMS",)),
    ),
    Check(
        slug="kinesis_customer_key",
        service="Kinesis",
        severity=Severity.HIGH,
        title="The stream is encrypted with a customer managed key",
        remedy="Set StreamEncryption.KeyId to a key of yours, not alias/aws/kinesis.",
        citations=("164.312(a)(2)(iv)", "164.312(e)(2)(ii)"),
        types=(STREAM,),
        judge=uses_customer_key("StreamEncryption.KeyId"),
    ),
    Check(
        slug="kinesis_retention",
        service="Kinesis",
        severity=Severity.MEDIUM,
        title="The stream keeps records for a week at least",
        remedy=f"Set RetentionPeriodHours to {RETENTION_HOURS} or more: it is the only copy of unread records.",
        citations=("164.308(a)(7)(ii)(A)",),
        types=(STREAM,),
        judge=at_least("RetentionPeriodHours", RETENTION_HOURS, default=DEFAULT_HOURS),
    ),
)
