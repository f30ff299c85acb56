"""RDS database instances and clusters: their own properties."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from hipaa_pipeline.controls.check import (
    Check,
    Judge,
    Severity,
    Verdict,
    at_least,
    expect,
    failed,
    in_protected,
    is_false,
    is_one_of,
    is_true,
    listed,
    not_applicable,
    passed,
    undetermined,
    verdict,
    when,
)
from hipaa_pipeline.controls.relations import uses_customer_key
from hipaa_pipeline.stack import Resource, Stack, as_bool, is_unknown, unknown

INSTANCE = "AWS::RDS::DBInstance"
CLUSTER = "AWS::RDS::DBCluster"
BACKUP_DAYS = 7

# Which logs an engine can export that hold connections, errors or audit records.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.Procedural.UploadtoCloudWatch.html
LOGS: Mapping[str, tuple[str, ...]] = {
    "postgres": ("postgresql", "upgrade"),
    "aurora-postgresql": ("postgresql",),
    "mysql": ("audit", "error"),
    "mariadb": ("audit", "error"),
    "aurora-mysql": ("audit", "error"),
    "sqlserver": ("error",),
    "oracle": ("alert", "audit", "listener"),
}

# PostgreSQL majors in standard support on RDS as of a date: the oldest minor that can still be created (AWS's notice of
# 2026-05-01), and the last day of standard support. No check reads a clock, so that the same stack gets the same answer
# tomorrow; the answer carries the last day instead.
# https://docs.aws.amazon.com/AmazonRDS/latest/PostgreSQLReleaseNotes/postgresql-release-calendar.html
VERSIONS_AS_OF = "2026-11-23"
POSTGRESQL_VERSIONS: Mapping[int, tuple[int, str]] = {
    14: (18, "2027-02-28"),
    15: (13, "2028-02-29"),
    16: (9, "2029-02-28"),
    17: (5, "2030-02-28"),
    18: (1, "2031-02-28"),
}

EXTENDED_SUPPORT_OFF = "open-source-rds-extended-support-disabled"
AUTHORITIES = ("rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1")


def engine_of(resource: Resource) -> str:
    """The engine in lower case without edition (`sqlserver`, `oracle`); "" where it is not known."""
    engine = resource.properties.get("Engine")
    name = engine.lower() if isinstance(engine, str) else ""
    return re.sub(r"^(sqlserver|oracle|custom)-.*", r"\1", name)


def major_version(resource: Resource) -> int | None:
    """The major version of the engine, None where it is not set or not known."""
    found = re.match(r"\d+", str(resource.properties.get("EngineVersion", "")))
    return int(found.group()) if found and not is_unknown(resource.properties.get("EngineVersion")) else None


def in_cluster(resource: Resource) -> bool:
    """Whether an instance is a member of a cluster, which then holds the storage, the log-in and the backups."""
    member = resource.properties.get("DBClusterIdentifier") or engine_of(resource).startswith("aurora")
    return resource.type == INSTANCE and bool(member)


def of_cluster(resource: Resource, _stack: Stack) -> str:
    """Why a question about storage, log-in or backups is not asked of an instance."""
    return "its cluster decides" if in_cluster(resource) else ""


def _elsewhere(*paths: str) -> Callable[[Resource, Stack], str]:
    """Why a question is not asked: the cluster, or where none of these properties is set the source, decides."""

    def reason(resource: Resource, stack: Stack) -> str:
        if any(resource.properties.get(path) is not None for path in paths):
            return of_cluster(resource, stack)
        if resource.properties.get("SourceDBInstanceIdentifier") or resource.properties.get(
            "SourceDBClusterIdentifier"
        ):
            return "its source instance decides"
        return of_cluster(resource, stack)

    return reason


def _own(judge: Judge, *paths: str) -> Judge:
    return when(_elsewhere(*paths), judge)


def _restored(judge: Judge, path: str) -> Judge:
    """Without the property, an instance restored from a snapshot takes it from there: that is not in the template."""

    def judged(resource: Resource, stack: Stack) -> Iterator[Verdict]:
        snapshot = resource.properties.get("DBSnapshotIdentifier") or resource.properties.get("SnapshotIdentifier")
        if snapshot and resource.get(path) is None:
            yield undetermined(path, "as in an encrypted snapshot", {"Unknown": "the snapshot decides"})
        else:
            yield from judge(resource, stack)

    return judged


def _exports_logs(resource: Resource, _stack: Stack) -> Iterator[Verdict]:
    wanted = LOGS.get(engine_of(resource))
    if wanted is None:
        yield not_applicable("the logs of this engine are not known here", "Engine", resource.properties.get("Engine"))
        return
    yield from expect(
        "EnableCloudwatchLogsExports", lambda value: set(wanted) <= set(map(str, listed(value))), ", ".join(wanted)
    )(resource, _stack)


def _monitored(resource: Resource, stack: Stack) -> Iterator[Verdict]:
    yield from is_one_of("MonitoringInterval", (1, 5, 10, 15, 30, 60), default=0)(resource, stack)


def _has_monitoring_role(resource: Resource, stack: Stack) -> Iterator[Verdict]:
    yield from expect("MonitoringRoleArn", bool, "a role that RDS may assume")(resource, stack)


def _version_supported(resource: Resource, _stack: Stack) -> Iterator[Verdict]:
    if engine_of(resource) != "postgres":
        yield not_applicable("only PostgreSQL's versions are known here", "Engine", resource.properties.get("Engine"))
        return
    known = (f"{major}.{minor} or newer (until {end})" for major, (minor, end) in POSTGRESQL_VERSIONS.items())
    expected = f"a version in standard support: {', '.join(known)}"
    version = resource.properties.get("EngineVersion")
    if is_unknown(version):
        yield undetermined("EngineVersion", expected, version)
    elif version is None or str(version) in map(str, POSTGRESQL_VERSIONS):
        chosen = "version" if version is None else f"minor version of {version}"
        yield undetermined("EngineVersion", expected, unknown(f"RDS chooses the {chosen}"))
    else:
        yield verdict(is_supported(str(version)), "EngineVersion", expected, version)


def is_supported(version: str) -> bool:
    """Whether a PostgreSQL version (`17.11`) can still be created and is in standard support by this table."""
    found = re.match(r"(\d+)\.(\d+)", version)
    if not found or int(found.group(1)) not in POSTGRESQL_VERSIONS:
        return False
    return int(found.group(2)) >= POSTGRESQL_VERSIONS[int(found.group(1))][0]


def _has_extended_support(resource: Resource, stack: Stack) -> str:
    """RDS sells Extended Support for PostgreSQL and MySQL only."""
    sold = engine_of(resource).removeprefix("aurora-") in {"postgres", "postgresql", "mysql"}
    return of_cluster(resource, stack) or ("" if sold else "Extended Support does not exist for this engine")


def _managed_password(resource: Resource, stack: Stack) -> Iterator[Verdict]:
    if resource.properties.get("MasterUserPassword") is not None:
        yield failed("MasterUserPassword", "not set: RDS makes and keeps the password", "set")
        return
    yield from is_true("ManageMasterUserPassword", default=False)(resource, stack)


def _insights_key(resource: Resource, stack: Stack) -> Iterator[Verdict]:
    enabled = resource.properties.get("EnablePerformanceInsights")
    if is_unknown(enabled):
        yield undetermined("EnablePerformanceInsights", "false, or a customer managed key", enabled)
    elif as_bool(enabled):
        yield from uses_customer_key("PerformanceInsightsKMSKeyId")(resource, stack)
    else:
        yield passed("EnablePerformanceInsights", "false, or a customer managed key", enabled)


_AT_REST = ("164.308(a)(1)(ii)(B)", "164.312(a)(2)(iv)", "164.312(c)(1)", "164.312(e)(2)(ii)")
_BACKUP = (
    "164.308(a)(7)(i)",
    "164.308(a)(7)(ii)(A)",
    "164.308(a)(7)(ii)(B)",
    "164.310(d)(2)(iv)",
    "164.312(a)(2)(ii)",
)
_BOTH = (INSTANCE, CLUSTER)

CHECKS = (
    Check(
        slug="rds_storage_encrypted",
        service="RDS",
        severity=Severity.CRITICAL,
        title="The database's storage is encrypted",
        remedy="Set StorageEncrypted to true; it cannot be turned on in place later.",
        citations=_AT_REST,
        types=_BOTH,
        judge=_own(_restored(is_true("StorageEncrypted", default=False), "StorageEncrypted"), "StorageEncrypted"),
    ),
    Check(
        slug="rds_customer_key",
        service="RDS",
        severity=Severity.HIGH,
        title="The database's storage is encrypted with a customer managed key",
        remedy="Set KmsKeyId to a key of yours, not alias/aws/rds.",
        citations=_AT_REST,
        types=_BOTH,
        judge=_own(_restored(uses_customer_key("KmsKeyId"), "KmsKeyId"), "KmsKeyId"),
    ),
    Check(
        slug="rds_not_public",
        service="RDS",
        severity=Severity.CRITICAL,
        title="The database has no public address",
        remedy="Set PubliclyAccessible to false; left out, the answer depends on the VPC.",
        citations=("164.308(a)(3)(i)", "164.308(a)(4)(ii)(C)", "164.312(a)(1)", "164.312(e)(1)"),
        types=(INSTANCE,),
        judge=is_false("PubliclyAccessible"),
    ),
    Check(
        slug="rds_backup_retention",
        service="RDS",
        severity=Severity.HIGH,
        title="The database can be restored to any second of the last week but its last minutes",
        remedy=f"Set BackupRetentionPeriod to {BACKUP_DAYS} days or more (at most 35).",
        citations=("164.308(a)(1)(ii)(B)", *_BACKUP, "164.308(a)(7)(ii)(C)"),
        types=_BOTH,
        judge=_own(at_least("BackupRetentionPeriod", BACKUP_DAYS, default=1), "BackupRetentionPeriod"),
    ),
    Check(
        slug="rds_automated_backups_kept",
        service="RDS",
        severity=Severity.MEDIUM,
        title="Deleting a protected database keeps its automated backups",
        remedy="Set DeleteAutomatedBackups to false.",
        citations=("164.308(a)(7)(ii)(A)", "164.312(c)(1)"),
        types=(INSTANCE,),
        judge=in_protected(_own(is_false("DeleteAutomatedBackups", default=True), "DeleteAutomatedBackups")),
    ),
    Check(
        slug="rds_multi_az",
        service="RDS",
        severity=Severity.MEDIUM,
        title="The database has a standby in another zone",
        remedy="Set MultiAZ to true.",
        citations=(
            "164.308(a)(1)(ii)(B)",
            "164.308(a)(7)(i)",
            "164.308(a)(7)(ii)(A)",
            "164.308(a)(7)(ii)(B)",
            "164.308(a)(7)(ii)(C)",
        ),
        types=(INSTANCE,),
        judge=when(of_cluster, is_true("MultiAZ", default=False)),
        waivable=True,
    ),
    Check(
        slug="rds_deletion_protection",
        service="RDS",
        severity=Severity.MEDIUM,
        title="The database refuses to be deleted",
        remedy="Set DeletionProtection to true.",
        citations=("164.308(a)(7)(i)", "164.308(a)(7)(ii)(C)", "164.312(c)(1)"),
        types=_BOTH,
        judge=when(of_cluster, is_true("DeletionProtection", default=False)),
        waivable=True,
    ),
    Check(
        slug="rds_log_exports",
        service="RDS",
        severity=Severity.HIGH,
        title="The engine's logs leave the instance",
        remedy="Name the engine's logs in EnableCloudwatchLogsExports (postgresql and upgrade for PostgreSQL).",
        citations=("164.308(a)(1)(ii)(D)", "164.308(a)(3)(ii)(A)", "164.308(a)(5)(ii)(C)", "164.312(b)"),
        types=_BOTH,
        judge=when(of_cluster, _exports_logs),
    ),
    Check(
        slug="rds_enhanced_monitoring",
        service="RDS",
        severity=Severity.LOW,
        title="The operating system under the database is monitored",
        remedy="Set MonitoringInterval to 60 seconds or less (not 0).",
        citations=("164.312(b)",),
        types=(INSTANCE,),
        judge=_monitored,
    ),
    Check(
        slug="rds_monitoring_role_set",
        service="RDS",
        severity=Severity.LOW,
        title="Enhanced monitoring has a role to write with",
        remedy="Set MonitoringRoleArn.",
        citations=("164.312(b)",),
        types=(INSTANCE,),
        judge=_has_monitoring_role,
    ),
    Check(
        slug="rds_minor_upgrades",
        service="RDS",
        severity=Severity.MEDIUM,
        title="The database takes minor upgrades, and with them security fixes, by itself",
        remedy="Set AutoMinorVersionUpgrade to true.",
        citations=("164.308(a)(1)(ii)(B)",),
        types=(INSTANCE,),
        judge=is_true("AutoMinorVersionUpgrade", default=True),
    ),
    Check(
        slug="rds_iam_authentication",
        service="RDS",
        severity=Severity.MEDIUM,
        title="Programs can log in by IAM with tokens that live 15 minutes, instead of passwords",
        remedy="Set EnableIAMDatabaseAuthentication to true.",
        citations=("164.308(a)(3)(ii)(A)", "164.308(a)(4)(i)", "164.312(a)(2)(i)", "164.312(d)"),
        types=_BOTH,
        judge=when(of_cluster, is_true("EnableIAMDatabaseAuthentication", default=False)),
    ),
    Check(
        slug="rds_managed_password",
        service="RDS",
        severity=Severity.HIGH,
        title="RDS makes, keeps and rotates the master password",
        remedy="Set ManageMasterUserPassword to true and leave MasterUserPassword out.",
        citations=("164.308(a)(4)(ii)(B)", "164.308(a)(5)(ii)(D)", "164.312(d)"),
        types=_BOTH,
        judge=_own(_managed_password, "MasterUserPassword"),
    ),
    Check(
        slug="rds_password_key",
        service="RDS",
        severity=Severity.MEDIUM,
        title="The master password is encrypted with a customer managed key",
        remedy="Set MasterUserSecret.KmsKeyId to a key of yours.",
        citations=("164.308(a)(4)(ii)(B)", "164.308(a)(5)(ii)(D)", "164.312(a)(2)(iv)", "164.312(d)"),
        types=_BOTH,
        judge=_own(uses_customer_key("MasterUserSecret.KmsKeyId")),
    ),
    Check(
        slug="rds_certificate_authority",
        service="RDS",
        severity=Severity.MEDIUM,
        title="Clients can verify the database's certificate",
        remedy=f"Set CACertificateIdentifier to {AUTHORITIES[0]}; rds-ca-2019 expired on 2024-08-22.",
        citations=("164.312(e)(1)", "164.312(e)(2)(ii)"),
        types=(INSTANCE,),
        judge=is_one_of("CACertificateIdentifier", AUTHORITIES),
    ),
    Check(
        slug="rds_version_supported",
        service="RDS",
        severity=Severity.HIGH,
        title=f"The engine's version is in standard support, as of {VERSIONS_AS_OF}",
        remedy="Set EngineVersion to a newer version, with its minor.",
        citations=("164.308(a)(1)(ii)(B)",),
        types=_BOTH,
        judge=_version_supported,
    ),
    Check(
        slug="rds_extended_support_off",
        service="RDS",
        severity=Severity.LOW,
        title="The database is not silently enrolled in Extended Support",
        remedy=f"Set EngineLifecycleSupport to {EXTENDED_SUPPORT_OFF}.",
        citations=("164.308(a)(1)(ii)(B)",),
        types=_BOTH,
        judge=when(_has_extended_support, is_one_of("EngineLifecycleSupport", (EXTENDED_SUPPORT_OFF,))),
    ),
    Check(
        slug="rds_insights_key",
        service="RDS",
        severity=Severity.MEDIUM,
        title="Performance Insights, which keeps statement texts, uses a customer managed key",
        remedy="Set PerformanceInsightsKMSKeyId to a key of yours, or leave Performance Insights off.",
        citations=("164.312(a)(2)(iv)",),
        types=(INSTANCE,),
        judge=_insights_key,
    ),
    Check(
        slug="rds_snapshot_tags",
        service="RDS",
        severity=Severity.LOW,
        title="Snapshots carry the database's tags, so that copies of ePHI can be found",
        remedy="Set CopyTagsToSnapshot to true.",
        types=_BOTH,
        judge=when(of_cluster, is_true("CopyTagsToSnapshot", default=False)),
    ),
)
