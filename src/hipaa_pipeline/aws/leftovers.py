"""What is left in the account of resources that should be gone: each service is asked, not CloudFormation.

A KMS key cannot be deleted at once, only scheduled for it, so it is always left; its date is told.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
from collections.abc import Mapping
from typing import Any

from hipaa_pipeline.aws.live import READERS
from hipaa_pipeline.aws.live.encryption import metadata
from hipaa_pipeline.aws.live.network import endpoint
from hipaa_pipeline.aws.live.reader import MissingError, Physical, Reader
from hipaa_pipeline.aws.session import AwsError, Session, gather

KEY = "AWS::KMS::Key"
_ENDPOINT = "AWS::EC2::VPCEndpoint"


class Presence(enum.StrEnum):
    """What a service says about a resource."""

    GONE = "gone"
    ENDING = "ending"
    THERE = "there"
    UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True)
class Leftover:
    """A resource that is still there, why, and what to type about it; `wanted` when it was kept on purpose."""

    logical_id: str
    type: str
    physical_id: str
    presence: Presence
    reason: str
    next_command: str = ""
    wanted: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The leftover as plain JSON."""
        return {**dataclasses.asdict(self), "presence": str(self.presence)}


def leftovers(session: Session, stack_id: str, resources: Mapping[tuple[str, str], str]) -> list[Leftover]:
    """Which of these resources ((type, physical ID) to logical ID) are not gone, in order of logical ID."""
    physical = {
        f"{logical_id} {physical_id}": Physical(logical_id, kind, physical_id)
        for (kind, physical_id), logical_id in resources.items()
    }
    reader = Reader(session, {"StackId": stack_id}, physical)
    asked = gather([functools.partial(_leftover, reader, one) for one in physical.values()])
    return sorted((one for one in asked if one is not None), key=lambda one: (one.logical_id, one.physical_id))


def _leftover(reader: Reader, physical: Physical) -> Leftover | None:
    presence, reason = _presence(reader, physical)
    if presence is Presence.GONE:
        return None
    keep = f"aws kms cancel-key-deletion --key-id {physical.id}" if presence is Presence.ENDING else ""
    return Leftover(physical.logical_id, physical.type, physical.id, presence, reason, keep)


def _presence(reader: Reader, physical: Physical) -> tuple[Presence, str]:
    if physical.type not in READERS:
        return Presence.UNKNOWN, "no API is known to ask"
    try:
        if physical.type == KEY:
            return _key_presence(metadata(reader, physical.id))
        if physical.type == _ENDPOINT and endpoint(reader, physical).get("State") in {"deleting", "deleted"}:
            return Presence.GONE, ""
        READERS[physical.type].parts[0].read(reader, physical)
    except MissingError:
        return Presence.GONE, ""
    except AwsError as error:
        if error.names_nothing:
            return Presence.GONE, ""
        return Presence.UNKNOWN, error.told
    except KeyError as error:
        return Presence.UNKNOWN, f"the service's answer lacks {error}"
    return Presence.THERE, "it still exists"


def _key_presence(key: Mapping[str, Any]) -> tuple[Presence, str]:
    if key.get("KeyState") != "PendingDeletion":
        return Presence.THERE, f"the key is {key.get('KeyState', 'there')}"
    date = key.get("DeletionDate")
    when = f"on {date:%Y-%m-%d}" if date else "on a date it did not tell"
    return Presence.ENDING, f"KMS deletes it {when}; until then that can be cancelled"
