"""Services that the pipeline does not use and other templates do: S3, Lambda, CloudTrail, Secrets Manager."""

from __future__ import annotations

from collections.abc import Iterator

from hipaa_pipeline.controls.check import (
    Check,
    Severity,
    Verdict,
    expect,
    failed,
    is_one_of,
    is_set,
    is_true,
    listed,
    mapping,
    not_applicable,
    passed,
    undetermined,
    unread,
    verdict,
)
from hipaa_pipeline.controls.policy import RESOURCE, statements_of, text_of
from hipaa_pipeline.controls.relations import is_customer_key, referring, uses_customer_key
from hipaa_pipeline.controls.sns import refuses_plain_text
from hipaa_pipeline.stack import Resource, Stack, as_bool, is_unknown

BUCKET = "AWS::S3::Bucket"
FUNCTION = "AWS::Lambda::Function"
PERMISSION = "AWS::Lambda::Permission"
TRAIL = "AWS::CloudTrail::Trail"
SECRET = "AWS::SecretsManager::Secret"  # noqa: S105 - a resource type

_BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


def _bucket_key(bucket: Resource, stack: Stack) -> Iterator[Verdict]:
    path = "BucketEncryption.ServerSideEncryptionConfiguration"
    expected = "aws:kms with a customer managed key"
    rules = bucket.get(path)
    defaults = [mapping(mapping(rule).get("ServerSideEncryptionByDefault")) for rule in listed(rules)]
    by_key = [d for d in defaults if text_of(d.get("SSEAlgorithm")).startswith("aws:kms")]
    unclear = unread(rules)
    if unclear is not None:
        yield undetermined(path, expected, unclear)
    else:
        ok = any(is_customer_key(d.get("KMSMasterKeyID"), stack) for d in by_key)
        yield verdict(ok, path, expected, [text_of(d.get("SSEAlgorithm")) for d in defaults] or None)


def _public_access_blocked(bucket: Resource, _stack: Stack) -> Iterator[Verdict]:
    path = "PublicAccessBlockConfiguration"
    block = bucket.properties.get(path)
    unclear = unread(block)
    if unclear is not None:
        yield undetermined(path, "all four true", unclear)
        return
    missing = [name for name in _BLOCKS if as_bool(mapping(block).get(name)) is not True]
    yield verdict(not missing, path, "all four true", f"without {', '.join(missing)}" if missing else "all four")


def _bucket_tls(bucket: Resource, stack: Stack) -> Iterator[Verdict]:
    policies = [
        statement
        for policy in referring(stack, "AWS::S3::BucketPolicy", "Bucket", bucket)
        for statement in statements_of(policy, RESOURCE)
    ]
    refuses = any(refuses_plain_text(statement, "s3:GetObject") for statement in policies)
    expected = "a bucket policy that denies s3:* when aws:SecureTransport is false"
    yield verdict(refuses, "", expected, "it does" if refuses else "no such statement")


def _not_invoked_by_everybody(permission: Resource, _stack: Stack) -> Iterator[Verdict]:
    principal, expected = permission.properties.get("Principal"), "a principal, and for a service its source"
    if is_unknown(principal):
        yield undetermined("Principal", expected, principal)
        return
    sources = [name for name in ("SourceArn", "SourceAccount", "PrincipalOrgID") if permission.properties.get(name)]
    if text_of(principal) == "*" and not sources:
        yield failed("Principal", expected, "*")
    elif text_of(principal).endswith(".amazonaws.com") and not sources:
        yield failed("SourceArn", expected, f"{text_of(principal)} without SourceArn or SourceAccount")
    else:
        yield passed("Principal", expected, text_of(principal) or principal)


def _keeps_failed_events(function: Resource, stack: Stack) -> Iterator[Verdict]:
    expected = "a dead-letter queue, or a destination for failures"
    named = [
        *referring(stack, "AWS::Lambda::EventInvokeConfig", "FunctionName", function),
        *referring(stack, "AWS::Lambda::EventSourceMapping", "FunctionName", function),
    ]
    kept = [other.logical_id for other in named if other.get("DestinationConfig.OnFailure.Destination") is not None]
    target = function.get("DeadLetterConfig.TargetArn")
    if is_unknown(target):
        yield undetermined("DeadLetterConfig.TargetArn", expected, target)
    else:
        yield verdict(bool(target or kept), "DeadLetterConfig.TargetArn", expected, target or ", ".join(kept) or None)


def _rotated(secret: Resource, stack: Stack) -> Iterator[Verdict]:
    schedules = referring(stack, "AWS::SecretsManager::RotationSchedule", "SecretId", secret)
    names = ", ".join(schedule.logical_id for schedule in schedules)
    yield verdict(bool(schedules), "", "an AWS::SecretsManager::RotationSchedule of the secret", names or None)


def _secret_key(secret: Resource, stack: Stack) -> Iterator[Verdict]:
    if secret.properties.get("Type"):
        yield not_applicable("a managed external secret", "Type", secret.properties.get("Type"))
    else:
        yield from uses_customer_key("KmsKeyId")(secret, stack)


_RISK = "164.308(a)(1)(ii)(B)"
_AT_REST = (_RISK, "164.312(a)(2)(iv)", "164.312(c)(1)", "164.312(c)(2)", "164.312(e)(2)(ii)")
_TLS = (*_AT_REST, "164.312(e)(1)", "164.312(e)(2)(i)")
_REACH = (_RISK, "164.308(a)(3)(i)", "164.308(a)(4)(ii)(C)", "164.312(a)(1)", "164.312(e)(1)")
_COPIES = (
    _RISK,
    "164.308(a)(7)(i)",
    "164.308(a)(7)(ii)(A)",
    "164.308(a)(7)(ii)(B)",
    "164.308(a)(7)(ii)(C)",
    "164.310(d)(2)(iv)",
    "164.312(a)(2)(ii)",
    "164.312(c)(1)",
    "164.312(c)(2)",
)
_RECORD = (
    "164.308(a)(1)(ii)(D)",
    "164.308(a)(3)(ii)(A)",
    "164.308(a)(6)(ii)",
    "164.312(b)",
    "164.312(e)(2)(i)",
)
_TRAIL = (*_RECORD, "164.308(a)(5)(ii)(C)")

CHECKS = (
    Check(
        slug="s3_customer_key",
        service="S3",
        severity=Severity.HIGH,
        title="The bucket is encrypted with a customer managed key",
        remedy="Set SSEAlgorithm to aws:kms and KMSMasterKeyID to a key of yours in BucketEncryption.",
        citations=_AT_REST,
        types=(BUCKET,),
        judge=_bucket_key,
    ),
    Check(
        slug="s3_not_public",
        service="S3",
        severity=Severity.CRITICAL,
        title="Public access to the bucket is blocked",
        remedy="Set all four properties of PublicAccessBlockConfiguration to true.",
        citations=(*_REACH, "164.312(a)(2)(i)"),
        types=(BUCKET,),
        judge=_public_access_blocked,
    ),
    Check(
        slug="s3_versioned",
        service="S3",
        severity=Severity.MEDIUM,
        title="The bucket keeps old versions of its objects",
        remedy="Set VersioningConfiguration.Status to Enabled.",
        citations=_COPIES,
        types=(BUCKET,),
        judge=is_one_of("VersioningConfiguration.Status", ("Enabled",)),
    ),
    Check(
        slug="s3_tls",
        service="S3",
        severity=Severity.HIGH,
        title="The bucket is reached over TLS only",
        remedy="Deny s3:* to everyone when aws:SecureTransport is false, in an AWS::S3::BucketPolicy.",
        citations=_TLS,
        types=(BUCKET,),
        judge=_bucket_tls,
    ),
    Check(
        slug="s3_access_logged",
        service="S3",
        severity=Severity.MEDIUM,
        title="Access to the bucket is recorded",
        remedy="Set LoggingConfiguration.",
        citations=_RECORD,
        types=(BUCKET,),
        judge=expect("LoggingConfiguration", lambda value: value is not None, "a logging configuration"),
    ),
    Check(
        slug="lambda_in_vpc",
        service="Lambda",
        severity=Severity.MEDIUM,
        title="The function runs inside a VPC",
        remedy="Set VpcConfig.SubnetIds and SecurityGroupIds.",
        citations=_REACH,
        types=(FUNCTION,),
        judge=is_set("VpcConfig.SubnetIds", "one subnet or more"),
    ),
    Check(
        slug="lambda_failures_kept",
        service="Lambda",
        severity=Severity.MEDIUM,
        title="What the function could not process is kept",
        remedy="Set DeadLetterConfig, or DestinationConfig.OnFailure of what invokes it.",
        citations=("164.308(a)(6)(i)", "164.312(b)", "164.312(c)(1)"),
        types=(FUNCTION,),
        judge=_keeps_failed_events,
    ),
    Check(
        slug="lambda_concurrency_bounded",
        service="Lambda",
        severity=Severity.LOW,
        title="The function's concurrency is bounded",
        remedy="Set ReservedConcurrentExecutions.",
        citations=("164.312(b)",),
        types=(FUNCTION,),
        judge=is_set("ReservedConcurrentExecutions", "a number"),
    ),
    Check(
        slug="lambda_not_public",
        service="Lambda",
        severity=Severity.CRITICAL,
        title="Not everybody can invoke the function",
        remedy="Name the Principal; for a service also SourceArn or SourceAccount.",
        citations=(*_REACH, "164.308(a)(3)(ii)(A)"),
        types=(PERMISSION,),
        judge=_not_invoked_by_everybody,
    ),
    Check(
        slug="cloudtrail_customer_key",
        service="CloudTrail",
        severity=Severity.MEDIUM,
        title="The trail is encrypted with a customer managed key",
        remedy="Set KMSKeyId to a key of yours.",
        citations=("164.308(a)(1)(ii)(D)", *_AT_REST),
        types=(TRAIL,),
        judge=uses_customer_key("KMSKeyId"),
    ),
    Check(
        slug="cloudtrail_validated",
        service="CloudTrail",
        severity=Severity.MEDIUM,
        title="Tampering with the trail's files is detected",
        remedy="Set EnableLogFileValidation to true.",
        citations=(
            _RISK,
            "164.308(a)(1)(ii)(D)",
            "164.308(a)(5)(ii)(C)",
            "164.308(a)(6)(ii)",
            "164.312(b)",
            "164.312(c)(1)",
            "164.312(c)(2)",
        ),
        types=(TRAIL,),
        judge=is_true("EnableLogFileValidation", default=False),
    ),
    Check(
        slug="cloudtrail_to_logs",
        service="CloudTrail",
        severity=Severity.LOW,
        title="The trail reaches CloudWatch Logs, where alarms can watch it",
        remedy="Set CloudWatchLogsLogGroupArn and CloudWatchLogsRoleArn.",
        citations=_TRAIL,
        types=(TRAIL,),
        judge=is_set("CloudWatchLogsLogGroupArn", "a log group"),
    ),
    Check(
        slug="cloudtrail_all_regions",
        service="CloudTrail",
        severity=Severity.MEDIUM,
        title="The trail records every Region",
        remedy="Set IsMultiRegionTrail to true.",
        citations=(*_TRAIL, "164.312(a)(2)(i)"),
        types=(TRAIL,),
        judge=is_true("IsMultiRegionTrail", default=False),
    ),
    Check(
        slug="cloudtrail_logging",
        service="CloudTrail",
        severity=Severity.HIGH,
        title="The trail is on",
        remedy="Set IsLogging to true.",
        citations=_TRAIL,
        types=(TRAIL,),
        judge=is_true("IsLogging"),
    ),
    Check(
        slug="secret_customer_key",
        service="Secrets Manager",
        severity=Severity.MEDIUM,
        title="The secret is encrypted with a customer managed key",
        remedy="Set KmsKeyId to a key of yours.",
        citations=("164.308(a)(5)(ii)(D)", "164.312(a)(2)(iv)", "164.312(e)(2)(ii)"),
        types=(SECRET,),
        judge=_secret_key,
    ),
    Check(
        slug="secret_rotated",
        service="Secrets Manager",
        severity=Severity.MEDIUM,
        title="The secret is rotated",
        remedy="Add an AWS::SecretsManager::RotationSchedule.",
        citations=("164.308(a)(4)(ii)(B)", "164.308(a)(4)(ii)(C)", "164.308(a)(5)(ii)(D)"),
        types=(SECRET,),
        judge=_rotated,
    ),
)
