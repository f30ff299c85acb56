"""The Kinesis data stream, read back from Kinesis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hipaa_pipeline.aws.live.reader import Part, Physical, Reader, ResourceReader, tags, without_empty


def summary(reader: Reader, name: str) -> Mapping[str, Any]:
    """The stream's description, without its shards."""
    answer = reader.call("kinesis", "describe_stream_summary", StreamName=name)
    found: Mapping[str, Any] = answer["StreamDescriptionSummary"]
    return found


def _stream(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    found = summary(reader, physical.id)
    mode = (found.get("StreamModeDetails") or {}).get("StreamMode", "PROVISIONED")
    metrics = [name for level in found.get("EnhancedMonitoring", ()) for name in level.get("ShardLevelMetrics", ())]
    return without_empty(
        {
            "Name": found["StreamName"],
            "RetentionPeriodHours": found["RetentionPeriodHours"],
            "StreamModeDetails": {"StreamMode": mode},
            # An on-demand stream has shards too, but nobody asked for their number.
            "ShardCount": found["OpenShardCount"] if mode == "PROVISIONED" else None,
            "StreamEncryption": _encryption(found),
            "DesiredShardLevelMetrics": metrics,
        }
    )


def _encryption(found: Mapping[str, Any]) -> dict[str, Any] | None:
    kind = found.get("EncryptionType", "NONE")
    return {"EncryptionType": kind, "KeyId": found.get("KeyId")} if kind != "NONE" else None


def _tags(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    return {"Tags": tags(reader.pages("kinesis", "list_tags_for_stream", "Tags", StreamName=physical.id))}


READERS = {
    "AWS::Kinesis::Stream": ResourceReader(
        (
            Part(
                (
                    "Name",
                    "RetentionPeriodHours",
                    "StreamModeDetails",
                    "ShardCount",
                    "StreamEncryption",
                    "DesiredShardLevelMetrics",
                ),
                _stream,
            ),
            Part(("Tags",), _tags),
        ),
        lambda reader, physical: {"Arn": reader.arn("kinesis", f"stream/{physical.id}")},
    ),
}
