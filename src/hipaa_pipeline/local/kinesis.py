"""Kinesis: encryption, shard count and capacity mode of a stream made by a stack, and switching the mode.

MiniStack 1.5.33 makes every stack's stream unencrypted, ignores a change of its shard count, and has no
UpdateStreamMode.
"""

from __future__ import annotations

from typing import Any

from hipaa_pipeline.local.additions import Additions, Properties
from hipaa_pipeline.local.catalogue import is_on_demand
from hipaa_pipeline.local.wire import ApiError

ON_DEMAND_SHARDS = 4


def additions() -> Additions:
    """What this module adds to the account."""
    return Additions(
        operations={"kinesis.UpdateStreamMode": update_stream_mode},
        completions={"AWS::Kinesis::Stream": _complete},
    )


def _complete(name: str, properties: Properties, _attributes: dict[str, Any]) -> None:
    from ministack.services import kinesis

    stream = kinesis._streams[name]
    encryption = properties.get("StreamEncryption") or {}
    stream["EncryptionType"] = encryption.get("EncryptionType", "NONE")
    stream.pop("KeyId", None)
    if "KeyId" in encryption:
        stream["KeyId"] = encryption["KeyId"]
    _set_shards(stream, ON_DEMAND_SHARDS if is_on_demand(properties) else int(properties.get("ShardCount") or 1))


def _set_shards(stream: dict[str, Any], count: int) -> None:
    from ministack.services import kinesis

    if len(stream["shards"]) != count:
        stream["shards"] = kinesis._build_shards(count)


def update_stream_mode(request: dict[str, Any]) -> dict[str, Any]:
    """UpdateStreamMode; the open shards stay, as in AWS."""
    from ministack.services import kinesis

    stream = kinesis._resolve_stream_by_arn(request["StreamARN"])
    if stream is None:
        raise ApiError("ResourceNotFoundException", f"Stream {request['StreamARN']} not found.")
    stream["StreamModeDetails"] = request["StreamModeDetails"]
    return {}
