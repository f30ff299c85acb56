"""What RDS offers for PostgreSQL: engine versions and orderable instance options.

MiniStack answers with invented short lists. These are versions in standard support and current instance families as AWS
publishes them; the lists are not complete, and another engine gets an empty answer rather than an invented one.
https://docs.aws.amazon.com/AmazonRDS/latest/PostgreSQLReleaseNotes/postgresql-release-calendar.html
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from hipaa_pipeline.local.additions import Additions
from hipaa_pipeline.local.wire import ApiError

# The newest minor version of each major, and how many before it are still offered.
_NEWEST = {15: 19, 16: 15, 17: 11, 18: 6}
_OFFERED = 6
_FAMILIES = {
    "db.t3": ("micro", "small", "medium", "large", "xlarge", "2xlarge"),
    "db.t4g": ("micro", "small", "medium", "large", "xlarge", "2xlarge"),
    "db.m6i": ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge"),
    "db.m7g": ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge"),
    "db.r6i": ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge"),
    "db.r7g": ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge"),
}
INSTANCE_CLASSES = tuple(f"{family}.{size}" for family, sizes in _FAMILIES.items() for size in sizes)
# Storage type: least and most GiB.
_STORAGE = {"gp2": (5, 65536), "gp3": (20, 65536), "io1": (100, 65536)}
AUTHORITIES = ("rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1")
_PAGE = 100


def additions() -> Additions:
    """What this module adds to the account."""
    return Additions(
        operations={
            "rds.DescribeDBEngineVersions": describe_engine_versions,
            "rds.DescribeOrderableDBInstanceOptions": describe_orderable_options,
        }
    )


@functools.cache
def versions() -> tuple[str, ...]:
    """The PostgreSQL versions on offer, oldest first."""
    return tuple(
        f"{major}.{minor}"
        for major, newest in _NEWEST.items()
        for minor in range(max(1, newest - _OFFERED + 1), newest + 1)
    )


def describe_engine_versions(request: dict[str, Any]) -> dict[str, Any]:
    """DescribeDBEngineVersions; `EngineVersion` may be a major version."""
    if request.get("Engine", "postgres") != "postgres":
        return {"DBEngineVersions": []}
    wanted = request.get("EngineVersion", "")
    family = request.get("DBParameterGroupFamily")
    found = [_version(each) for each in versions() if not wanted or wanted in {each, each.partition(".")[0]}]
    found = [each for each in found if family in {None, each["DBParameterGroupFamily"]}]
    if request.get("DefaultOnly"):
        found = found[-1:]
    return _page(request, "DBEngineVersions", found)


def _version(version: str) -> dict[str, Any]:
    major = version.partition(".")[0]
    newer = [each for each in versions() if _order(each) > _order(version)]
    return {
        "Engine": "postgres",
        "EngineVersion": version,
        "MajorEngineVersion": major,
        "DBParameterGroupFamily": f"postgres{major}",
        "DBEngineDescription": "PostgreSQL",
        "DBEngineVersionDescription": f"PostgreSQL {version}-R1",
        "ValidUpgradeTarget": [
            {
                "Engine": "postgres",
                "EngineVersion": each,
                "AutoUpgrade": False,
                "IsMajorVersionUpgrade": each.partition(".")[0] != major,
            }
            for each in newer
        ],
        "ExportableLogTypes": ["iam-db-auth-error", "postgresql", "upgrade"],
        "SupportsLogExportsToCloudwatchLogs": True,
        "SupportsReadReplica": True,
        "Status": "available",
        "SupportsCertificateRotationWithoutRestart": True,
        "SupportedCACertificateIdentifiers": list(AUTHORITIES),
    }


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def describe_orderable_options(request: dict[str, Any]) -> dict[str, Any]:
    """DescribeOrderableDBInstanceOptions: one item for each version, class and storage type that is asked for."""
    if request["Engine"] != "postgres":
        return {"OrderableDBInstanceOptions": []}
    wanted_versions = [each for each in versions() if request.get("EngineVersion") in {None, each}]
    if request.get("EngineVersion") and not wanted_versions:
        raise ApiError("InvalidParameterCombination", f"Cannot find version {request['EngineVersion']} for postgres")
    classes = [each for each in INSTANCE_CLASSES if request.get("DBInstanceClass") in {None, each}]
    options = [_option(*each) for each in itertools.product(wanted_versions, classes, _STORAGE)]
    return _page(request, "OrderableDBInstanceOptions", options)


def _option(version: str, instance_class: str, storage: str) -> dict[str, Any]:
    from ministack.core.responses import get_region

    least, most = _STORAGE[storage]
    return {
        "Engine": "postgres",
        "EngineVersion": version,
        "DBInstanceClass": instance_class,
        "LicenseModel": "postgresql-license",
        "AvailabilityZones": [{"Name": f"{get_region()}{zone}"} for zone in "abc"],
        "MultiAZCapable": True,
        "ReadReplicaCapable": True,
        "Vpc": True,
        "SupportsStorageEncryption": True,
        "StorageType": storage,
        "SupportsIops": storage == "io1",
        "SupportsEnhancedMonitoring": True,
        "SupportsIAMDatabaseAuthentication": True,
        "SupportsPerformanceInsights": True,
        "MinStorageSize": least,
        "MaxStorageSize": most,
        "SupportsStorageAutoscaling": True,
        "SupportsStorageThroughput": storage == "gp3",
        "SupportedNetworkTypes": ["IPV4"],
        "OutpostCapable": False,
    }


def _page(request: Mapping[str, Any], member: str, items: Sequence[Any]) -> dict[str, Any]:
    start = int(request.get("Marker") or 0)
    end = start + int(request.get("MaxRecords") or _PAGE)
    return {member: list(items[start:end]), **({"Marker": str(end)} if end < len(items) else {})}
