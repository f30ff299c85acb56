"""A stack set and its instances as StackSets reports them, and how a target stands by that.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackInstance.html
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class StackSet:
    """A stack set as DescribeStackSet reports it."""

    template_body: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    service_managed: bool


@dataclasses.dataclass(frozen=True)
class Instance:
    """One stack instance; `overrides` is None where nobody asked for them."""

    account: str
    region: str
    unit: str = ""
    status: str = "CURRENT"
    detailed: str = "SUCCEEDED"
    reason: str = ""
    stack_id: str = ""
    drift: str = "NOT_CHECKED"
    overrides: Mapping[str, str] | None = dataclasses.field(default=None, hash=False)

    @property
    def place(self) -> tuple[str, str]:
        """What tells instances apart."""
        return (self.account, self.region)

    @property
    def stack_name(self) -> str:
        """The name that StackSets gave the stack in the account; empty before it exists."""
        return self.stack_id.split("/")[1] if "/" in self.stack_id else ""


class Standing(enum.StrEnum):
    """How a target stands. What is not `CURRENT` is not as the fleet file wants it."""

    MISSING = "missing"
    CURRENT = "current"
    CHANGED = "changed"
    OUTDATED = "outdated"
    FAILED = "failed"
    CANCELLED = "cancelled"
    RUNNING = "running"
    SUSPENDED = "suspended"
    INOPERABLE = "inoperable"
    SURPLUS = "surplus"
    BLOCKED = "blocked"


RETRIED = frozenset({Standing.CHANGED, Standing.OUTDATED, Standing.FAILED, Standing.CANCELLED, Standing.RUNNING})
"""What an update puts right. A running one is here because nothing is planned while an operation runs."""

REMEDIES: Mapping[Standing, str] = {
    Standing.MISSING: "deploy again to create it",
    Standing.CHANGED: "deploy again to update it",
    Standing.OUTDATED: "deploy again to update it",
    Standing.FAILED: "remove the cause, then deploy again: only what is not current is tried",
    Standing.CANCELLED: "another target failed first; deploy again, or raise failure_tolerance",
    Standing.RUNNING: "wait: an operation is at work on it",
    Standing.SUSPENDED: "AWS suspended the account: have it reactivated, or take it out of the fleet file",
    Standing.INOPERABLE: "StackSets gave up on the stack: repair or delete it in the account, then remove the "
    "instance with RetainStacks and deploy again",
    Standing.SURPLUS: "not in the fleet file: add it, or remove it with fleet deploy --remove-surplus",
    Standing.BLOCKED: "preflight found why it would fail; see its findings",
}

_DETAILED = {
    "SKIPPED_SUSPENDED_ACCOUNT": Standing.SUSPENDED,
    "INOPERABLE": Standing.INOPERABLE,
    "FAILED": Standing.FAILED,
    "FAILED_IMPORT": Standing.FAILED,
    "CANCELLED": Standing.CANCELLED,
    "PENDING": Standing.RUNNING,
    "RUNNING": Standing.RUNNING,
}


def standing(instance: Instance, overrides: Mapping[str, str] | None) -> Standing:
    """How a target with an instance stands; `overrides` are those it should have, None where they do not matter."""
    if instance.status == "INOPERABLE":
        return Standing.INOPERABLE
    if instance.detailed in _DETAILED:
        return _DETAILED[instance.detailed]
    if instance.status != "CURRENT":
        return Standing.OUTDATED
    if overrides is not None and instance.overrides is not None and dict(overrides) != dict(instance.overrides):
        return Standing.CHANGED
    return Standing.CURRENT
