"""Findings turned into what an auditor keeps: a dated bundle with an HTML report, CSV, OSCAL and a manifest.

Pure: `Evidence` in, bytes by path out. Nothing here reads a clock, an account or the disk, so that the same facts give
the same bytes apart from the time they state.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping
from typing import Any, Protocol

from hipaa_pipeline.deployment.events import Event
from hipaa_pipeline.findings import Finding
from hipaa_pipeline.stack import Stack
from hipaa_pipeline.waivers import Waiver


class Asked(Protocol):
    """What controls and the questions of verification have in common."""

    @property
    def slug(self) -> str:
        """The name that findings carry as `control`."""
        ...

    @property
    def service(self) -> str:
        """The AWS service it is about."""
        ...

    @property
    def title(self) -> str:
        """What holds when it passes."""
        ...

    @property
    def remedy(self) -> str:
        """What to do when it does not."""
        ...

    @property
    def citations(self) -> tuple[str, ...]:
        """The paragraphs it serves."""
        ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evidence:
    """The facts of one bundle, collected at one time by one caller.

    `expected` is the resolved template, `live` what was read back, `change_set` what the last change set said (empty
    where CloudFormation no longer knows), `events` those of the last operation, `cost` an estimate as plain JSON,
    `versions` of the tool and what it depends on.
    """

    environment: str
    collected: datetime.datetime
    caller: str
    template_text: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    expected: Stack
    live: Stack
    findings: tuple[Finding, ...]
    waivers: tuple[Waiver, ...] = ()
    events: tuple[Event, ...] = ()
    change_set: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    cost: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    versions: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def collected_text(self) -> str:
        """The stated time: UTC, to the second, with its offset, as OSCAL wants it."""
        return self.collected.astimezone(datetime.UTC).replace(microsecond=0).isoformat()
