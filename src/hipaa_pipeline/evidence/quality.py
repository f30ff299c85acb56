"""The quality report: gates, deployment, verification and cost of one deployment on one page."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hipaa_pipeline.deployment.events import Event
from hipaa_pipeline.evidence import endpoint_text
from hipaa_pipeline.evidence.discretion import finding_without_secrets
from hipaa_pipeline.evidence.matrix import worst
from hipaa_pipeline.evidence.report import Gate, environment_of_pages, timeline
from hipaa_pipeline.findings import Finding, Status, count
from hipaa_pipeline.masking import masked


@dataclasses.dataclass(frozen=True, kw_only=True)
class Quality:
    """What the page tells. `judged` are findings by the gate that made them, in the order the gates were passed.

    `foreign` are the endpoints asked that are not AWS's own; `changes` are lines about what was changed, `cost` an
    estimate as plain JSON, `failed` whether the deployment itself did not succeed.
    """

    environment: str
    stack_name: str
    account_id: str
    region: str
    time: datetime.datetime
    foreign: tuple[str, ...]
    result: str
    failed: bool
    judged: Mapping[str, Sequence[Finding]]
    message: str = ""
    next_command: str = ""
    seconds: float = 0.0
    changes: Sequence[str] = ()
    events: Sequence[Event] = ()
    cost: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def time_text(self) -> str:
        """When it was written: UTC, to the second."""
        return self.time.astimezone(datetime.UTC).replace(microsecond=0).isoformat()

    @property
    def endpoint(self) -> str:
        """What was asked, in words."""
        return endpoint_text(self.foreign)

    @property
    def gates(self) -> list[Gate]:
        """Each gate with its worst answer."""
        return [
            Gate(title, worst(finding.status for finding in found), count(found))
            for title, found in self.judged.items()
        ]

    @property
    def status(self) -> Status:
        """The whole of it: a deployment that failed is no better for its gates."""
        return Status.FAIL if self.failed else worst(gate.status for gate in self.gates)


def html(quality: Quality) -> str:
    """The page."""
    page = environment_of_pages().get_template("quality.html.j2")
    shown = [finding_without_secrets(finding) for finding in attention(quality.judged.values())]
    return page.render(
        quality=quality, message=masked(quality.message), attention=shown, steps=timeline(quality.events)
    )


def attention(judged: Iterable[Sequence[Finding]]) -> list[Finding]:
    """What fails or is unknown, the same finding once however many gates made it."""
    found = [one for findings in judged for one in findings if one.status in (Status.FAIL, Status.UNKNOWN)]
    places = {(one.control, one.rule, one.resource, one.property): one for one in found}
    return list(places.values())
