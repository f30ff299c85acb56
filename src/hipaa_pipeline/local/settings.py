"""What a local account is started with: handed to its process as one JSON argument."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from hipaa_pipeline.configuration import DEFAULT_REGION
from hipaa_pipeline.local import ACCOUNT_ID


@dataclasses.dataclass(frozen=True)
class Settings:
    """`quotas` maps `service/quota code` to the applied value, `faults` are those of `local.faults`.

    `creation_delay_ms` lets every resource take that long, so that events stream as they do in AWS.
    """

    region: str = DEFAULT_REGION
    account_id: str = ACCOUNT_ID
    quotas: Mapping[str, float] = dataclasses.field(default_factory=dict)
    faults: tuple[Mapping[str, Any], ...] = ()
    creation_delay_ms: int = 0

    def to_json(self) -> str:
        """The settings as the account's process takes them."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """The inverse of `to_json`."""
        values = json.loads(text)
        return cls(**{**values, "faults": tuple(values["faults"])})
