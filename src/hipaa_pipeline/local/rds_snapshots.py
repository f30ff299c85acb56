"""DB snapshots: who may restore one, and the certificate authorities of the Region. MiniStack 1.5.33 has neither."""

from __future__ import annotations

from typing import Any

from hipaa_pipeline.local.additions import Additions
from hipaa_pipeline.local.rds_offers import AUTHORITIES
from hipaa_pipeline.local.wire import ApiError


def additions() -> Additions:
    """What this module adds to the account."""
    return Additions(
        operations={
            "rds.DescribeDBSnapshotAttributes": describe_attributes,
            "rds.ModifyDBSnapshotAttribute": modify_attribute,
            "rds.DescribeCertificates": describe_certificates,
        }
    )


def _snapshot(identifier: str) -> dict[str, Any]:
    from ministack.services import rds

    snapshot: dict[str, Any] | None = rds._snapshots.get(identifier)
    if snapshot is None:
        raise ApiError("DBSnapshotNotFound", f"DBSnapshot {identifier} not found.", 404)
    return snapshot


def describe_attributes(request: dict[str, Any]) -> dict[str, Any]:
    """DescribeDBSnapshotAttributes: the accounts that may restore it, `all` for everyone."""
    snapshot = _snapshot(request["DBSnapshotIdentifier"])
    return {
        "DBSnapshotAttributesResult": {
            "DBSnapshotIdentifier": snapshot["DBSnapshotIdentifier"],
            "DBSnapshotAttributes": [
                {"AttributeName": "restore", "AttributeValues": list(snapshot.get("_restore", ()))}
            ],
        }
    }


def modify_attribute(request: dict[str, Any]) -> dict[str, Any]:
    """ModifyDBSnapshotAttribute. Raises ApiError when an encrypted snapshot should become public, as RDS does."""
    snapshot = _snapshot(request["DBSnapshotIdentifier"])
    added = request.get("ValuesToAdd") or ()
    if "all" in added and snapshot["Encrypted"]:
        raise ApiError("InvalidParameterValue", "Sharing of encrypted snapshots to all accounts is not allowed.")
    kept = [each for each in snapshot.get("_restore", ()) if each not in (request.get("ValuesToRemove") or ())]
    snapshot["_restore"] = [*kept, *(each for each in added if each not in kept)]
    return describe_attributes(request)


def describe_certificates(_request: dict[str, Any]) -> dict[str, Any]:
    """DescribeCertificates: the authorities of the Region; the first is the default."""
    from ministack.core.responses import get_region

    return {
        "DefaultCertificateForNewLaunches": AUTHORITIES[0],
        "Certificates": [
            {
                "CertificateIdentifier": authority,
                "CertificateType": "CA",
                "ValidFrom": "2021-05-21T00:00:00+00:00",
                "ValidTill": "2061-05-21T00:00:00+00:00",
                "CertificateArn": f"arn:aws:rds:{get_region()}::cert:{authority}",
                "CustomerOverride": False,
            }
            for authority in AUTHORITIES
        ],
    }
