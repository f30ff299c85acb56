"""The ledger: per quota what the deployment takes, what is used, how high the quota is, and what would be left.

ok        used + needed <= limit, or nothing is needed
blocked   used + needed >  limit
unknown   one of the numbers is missing, or the limit is only a published default
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from typing import Any

from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.preflight.demand import Demand, demands, uncounted_types
from hipaa_pipeline.preflight.existing import Existing
from hipaa_pipeline.preflight.facts import Facts, NotAskedYet, together
from hipaa_pipeline.preflight.quotas import BY_SLUG, Quota
from hipaa_pipeline.preflight.usage import Number, Place, limit, used
from hipaa_pipeline.stack import Stack

CONTROL = "quota_headroom"
UNCOUNTED = "uncounted_type"
_ADDS_NOTHING = Number(None, "not read", "nothing is added")


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the ledger. `subject` names the parent where the quota is per something."""

    quota: Quota
    needed: int | None
    used: Number
    limit: Number
    subject: str = ""
    by: tuple[str, ...] = ()

    @property
    def status(self) -> Status:
        """Pass, fail or unknown. What adds nothing passes whatever the other numbers are."""
        if self.needed == 0:
            return Status.PASS
        if self.headroom is None or not self.limit.certain:
            return Status.UNKNOWN
        return Status.PASS if self.headroom >= 0 else Status.FAIL

    @property
    def headroom(self) -> int | None:
        """What is left after the deployment; negative when it does not fit, or when usage exceeds the quota already."""
        if self.needed is None or self.used.value is None or self.limit.value is None:
            return None
        return self.limit.value - self.used.value - self.needed

    @property
    def cause(self) -> str:
        """Why the verdict is unknown, without the number fallen back to; empty otherwise."""
        if self.status is not Status.UNKNOWN:
            return ""
        missing = "" if self.needed is not None else "the stack does not say how many"
        return "; ".join(part for part in (missing, self.used.reason, self.limit.reason) if part)

    @property
    def reason(self) -> str:
        """Why the verdict is unknown, and the number fallen back to; empty otherwise."""
        fallback = ""
        if self.cause and not self.limit.certain and self.limit.value is not None:
            fallback = f"falling back to the {self.limit.source}, {self.limit.value:,}"
        return "; ".join(part for part in (self.cause, fallback) if part)

    def as_dict(self) -> dict[str, Any]:
        """The row as plain JSON: every number with its source."""
        return {
            "quota": self.quota.key,
            "name": self.quota.name,
            "subject": self.subject,
            "needed": self.needed,
            "used": self.used.value,
            "used_source": self.used.source,
            "limit": self.limit.value,
            "limit_source": self.limit.source,
            "headroom": self.headroom,
            "status": str(self.status),
            "reason": self.reason,
            "by": list(self.by),
        }


def ledger(stack: Stack, existing: Existing, facts: Facts) -> list[Row]:
    """The rows of the ledger, in the order in which the stack first asks for each quota. Raises NotAskedYet."""
    wanted = _demands(stack, existing, facts)
    rows: list[Row] = together(*(functools.partial(_row, demand, stack, facts) for demand in wanted))
    return rows


def rows_so_far(stack: Stack, existing: Existing, facts: Facts) -> list[Row]:
    """The rows whose numbers are there already."""
    rows = []
    for demand in _demands(stack, existing, facts):
        with contextlib.suppress(NotAskedYet):
            rows.append(_row(demand, stack, facts))
    return rows


def _demands(stack: Stack, existing: Existing, facts: Facts) -> list[Demand]:
    return facts.once(("demands", existing.status), lambda: demands(stack, existing))


def _row(demand: Demand, stack: Stack, facts: Facts) -> Row:
    return facts.once(demand, lambda: _new_row(demand, stack, facts))


def _new_row(demand: Demand, stack: Stack, facts: Facts) -> Row:
    quota = BY_SLUG[demand.quota]
    if demand.amount == 0:
        return Row(quota, 0, _ADDS_NOTHING, _ADDS_NOTHING, demand.subject)
    place = Place(stack.region, stack.partition, demand.parent)
    new_parent = bool(demand.subject) and not demand.parent
    in_use, high = together(
        lambda: used(quota, facts, place, new_parent=new_parent), lambda: limit(quota, facts, place)
    )
    return Row(quota, demand.amount, in_use, high, demand.subject, demand.by)


def findings(rows: list[Row], stack: Stack) -> list[Finding]:
    """The ledger as findings, one per row, and one for every resource type that the table of types does not know."""
    return [
        *(_finding(row) for row in rows),
        *(
            Finding(
                control=CONTROL,
                rule=UNCOUNTED,
                status=Status.UNKNOWN,
                resource=type_name,
                reason="the preflight does not know which quotas this type counts against",
                remedy="add the type to preflight/resource_types.py, or go on with --accept-unknown",
            )
            for type_name in uncounted_types(stack)
        ),
    ]


def _finding(row: Row) -> Finding:
    return Finding(
        control=CONTROL,
        rule=row.quota.slug,
        status=row.status,
        resource=row.subject or "account",
        property=row.quota.key,
        expected=f"at most {_text(row.limit.value)} ({row.limit.source})",
        actual=f"{_text(row.used.value)} used + {_text(row.needed)} needed ({row.used.source})",
        reason=row.reason,
    )


def _text(number: int | None) -> str:
    return "?" if number is None else f"{number:,}"
