"""What a change costs: two estimates compared line by line."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

from hipaa_pipeline.cost.estimate import Estimate


@dataclasses.dataclass(frozen=True)
class Change:
    """One item of one resource before and after, in US dollars a month; 0 where it is not there."""

    resource: str
    item: str
    before: Decimal
    after: Decimal

    @property
    def change(self) -> Decimal:
        """What it adds to the month; negative when it saves."""
        return self.after - self.before

    def as_dict(self) -> dict[str, Any]:
        """The change as plain JSON."""
        amounts = {"before": float(self.before), "after": float(self.after), "change": float(self.change)}
        return {"resource": self.resource, "item": self.item, **amounts}


@dataclasses.dataclass(frozen=True)
class Difference:
    """The lines that change, dearest first. `unpriced` names what has no price: neither sum holds it."""

    before: Decimal
    after: Decimal
    changes: tuple[Change, ...]
    unpriced: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The difference as plain JSON."""
        return {
            "before": float(self.before),
            "after": float(self.after),
            "change": float(self.after - self.before),
            "items": [change.as_dict() for change in self.changes],
            "unpriced": list(self.unpriced),
        }

    def headline(self) -> str:
        """Both sums, and whether they are whole."""
        sums = f"Monthly cost: {self.before:.2f} -> {self.after:.2f} USD ({self.after - self.before:+.2f})"
        return f"{sums}, without what is unpriced" if self.unpriced else sums

    def text(self, most: int = 10) -> str:
        """The difference as lines for a person: the sums, at most so many of the items that change, what is unpriced.

        What is unpriced is never cut: it may be the dearest of all.
        """
        lines = [f"  {each.change:+10.2f}  {each.resource}  {each.item}" for each in self.changes[:most]]
        rest = self.changes[most:]
        more = [f"  {sum(each.change for each in rest):+10.2f}  {len(rest)} smaller items"] if rest else []
        return "\n".join([self.headline(), *lines, *more, *(f"    unpriced  {name}" for name in self.unpriced)])


def difference(before: Estimate | None, after: Estimate | None) -> Difference:
    """The lines in which two estimates differ; None stands for no stack at all."""
    costs = [_costs(before), _costs(after)]
    pairs = sorted({*costs[0], *costs[1]})
    zero = Decimal(0)
    changes = [Change(*pair, costs[0].get(pair, zero), costs[1].get(pair, zero)) for pair in pairs]
    changed = sorted((each for each in changes if each.change), key=lambda each: -abs(each.change))
    unpriced = sorted(_unpriced(before) | _unpriced(after))
    return Difference(sum(costs[0].values(), zero), sum(costs[1].values(), zero), tuple(changed), tuple(unpriced))


def _costs(estimate: Estimate | None) -> dict[tuple[str, str], Decimal]:
    return {(line.resource, line.item): line.monthly for line in estimate.lines} if estimate else {}


def _unpriced(estimate: Estimate | None) -> set[str]:
    return {item.text() for item in estimate.unpriced} if estimate else set()
