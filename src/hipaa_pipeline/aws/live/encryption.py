"""KMS keys and aliases, read back from KMS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hipaa_pipeline.aws.live.reader import Part, Physical, Reader, ResourceReader, document, renamed, same, tags


def metadata(reader: Reader, key_id: str) -> Mapping[str, Any]:
    """`KeyMetadata` of a key, given its ID, ARN or alias."""
    found: Mapping[str, Any] = reader.call("kms", "describe_key", KeyId=key_id)["KeyMetadata"]
    return found


def _key(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    described = metadata(reader, physical.id)
    return renamed(described, same("Description", "KeyUsage", "KeySpec", "Origin", "MultiRegion", "Enabled"))


def _policy(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    answer = reader.call("kms", "get_key_policy", KeyId=physical.id, PolicyName="default")
    return {"KeyPolicy": document(answer["Policy"])}


def rotation(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    """Whether the key material rotates, and how often in days."""
    answer = reader.call("kms", "get_key_rotation_status", KeyId=physical.id)
    return renamed(answer, {"EnableKeyRotation": "KeyRotationEnabled", "RotationPeriodInDays": "RotationPeriodInDays"})


def _tags(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    return {"Tags": tags(reader.pages("kms", "list_resource_tags", "Tags", KeyId=physical.id), "TagKey", "TagValue")}


def _key_attributes(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    """Known without asking: so the keys of other resources are told even when KMS refuses an answer."""
    return {"Arn": reader.arn("kms", f"key/{physical.id}"), "KeyId": physical.id}


def _alias(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    return {"AliasName": physical.id, "TargetKeyId": metadata(reader, physical.id)["KeyId"]}


READERS = {
    "AWS::KMS::Key": ResourceReader(
        (
            Part(("Description", "KeyUsage", "KeySpec", "Origin", "MultiRegion", "Enabled"), _key),
            Part(("KeyPolicy",), _policy),
            Part(("EnableKeyRotation", "RotationPeriodInDays"), rotation),
            Part(("Tags",), _tags),
        ),
        _key_attributes,
        # Both are arguments of a call, not states of a key.
        unreported=("PendingWindowInDays", "BypassPolicyLockoutSafetyCheck"),
    ),
    "AWS::KMS::Alias": ResourceReader((Part(("AliasName", "TargetKeyId"), _alias),)),
}
