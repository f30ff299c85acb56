"""Findings turned into what an auditor keeps: a dated bundle with an HTML report, CSV, OSCAL and a manifest.

Pure: `Evidence` in, bytes by path out. Nothing here reads a clock, an account or the disk, so that the same facts give
the same bytes apart from the time they state.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping
from typing import Any

from hipaa_pipeline.deployment.events import Event
from hipaa_pipeline.findings import Finding
from hipaa_pipeline.stack import Stack
from hipaa_pipeline.waivers import Waiver


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evidence:
    """The facts of one bundle, collected at one time by one caller.

    `expected` is the resolved template, `live` what was read back, `change_set` what the last change set said (empty
    where CloudFormation no longer knows), `events` those of the last operation, `cost` an estimate as plain JSON,
    `versions` of the tool and what it depends on. `foreign` are the endpoints asked that are not AWS's own
    (`aws.endpoints`): with any of them this is no evidence about an AWS account.
    """

    environment: str
    collected: datetime.datetime
    caller: str
    foreign: tuple[str, ...]
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

    @property
    def endpoint(self) -> str:
        """What was asked, in words."""
        return endpoint_text(self.foreign)


def endpoint_text(foreign: tuple[str, ...]) -> str:
    """What was asked: AWS, or the endpoints that stand in for it."""
    return ", ".join(foreign) or "AWS's own endpoints"
