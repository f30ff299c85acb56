"""Prove that what should be gone is gone, and say what is not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from hipaa_pipeline.aws import stacks
from hipaa_pipeline.aws.leftovers import Leftover, Presence, leftovers
from hipaa_pipeline.deployment.events import Event, touched
from hipaa_pipeline.deployment.order import Tools
from hipaa_pipeline.findings import Finding, Status

NOTHING_LEFT = "nothing_left"


def superseded(tools: Tools, stack_id: str, events: Iterable[Event]) -> list[Leftover]:
    """What an update touched, is no longer in the stack, and still exists: replaced, removed or rolled back."""
    kept = {(one.type, one.physical_id) for one in stacks.resources(tools.session, stack_id)}
    named = {key: name for key, name in touched(events).items() if key not in kept}
    return leftovers(tools.session, stack_id, named) if named else []


def unwanted(left: Iterable[Leftover]) -> list[Leftover]:
    """Those that exist though nobody wants them. A key that waits for its deletion is as gone as it can be."""
    return [one for one in left if one.presence is Presence.THERE and not one.wanted]


def judged(left: Sequence[Leftover], subject: str, remedy: str) -> Iterator[Finding]:
    """A finding for each leftover that nobody wants or that could not be asked for."""
    for one in (*unwanted(left), *(one for one in left if one.presence is Presence.UNKNOWN)):
        yield Finding(
            control=NOTHING_LEFT,
            status=Status.UNKNOWN if one.presence is Presence.UNKNOWN else Status.FAIL,
            resource=one.logical_id or subject,
            property=one.physical_id,
            expected="gone",
            actual=str(one.presence),
            remedy=one.next_command or remedy,
            reason=one.reason,
        )
