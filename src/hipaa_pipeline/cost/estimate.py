"""From a stack, prices and assumptions to a month's cost: pure arithmetic in decimals, each line rounded to cents.

Lines are rounded before they are added, so that the total is exactly the sum of what is shown.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Iterator, Mapping
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from hipaa_pipeline.cost.assumptions import HOURS_PER_MONTH, Assumptions, plain
from hipaa_pipeline.cost.charges import ALLOWANCES, Charge, Unpriceable, charges_of
from hipaa_pipeline.cost.lock import CURRENCY, Price
from hipaa_pipeline.cost.tariffs import tariff
from hipaa_pipeline.stack import Stack

_CENT = Decimal("0.01")
_QUANTITY = Decimal("0.000001")
_WIDE = Context(prec=100)  # digits enough for the product of the largest assumptions

_Owned = tuple[str, Charge]


@dataclasses.dataclass(frozen=True)
class Line:
    """One priced item of one resource; `price` is per unit, `monthly` in whole cents."""

    resource: str
    item: str
    tariff: str
    quantity: Decimal
    unit: str
    price: Decimal
    monthly: Decimal
    date: datetime.date

    def as_dict(self) -> dict[str, Any]:
        """The line as plain JSON."""
        return {
            "resource": self.resource,
            "item": self.item,
            "quantity": plain(self.quantity),
            "unit": self.unit,
            "price": plain(self.price),
            "monthly": float(self.monthly),
        }


@dataclasses.dataclass(frozen=True)
class Unpriced:
    """An item that costs something nobody here knows: never counted as zero, always listed with the reason."""

    resource: str
    item: str
    quantity: Decimal | None
    unit: str
    reason: str

    def as_dict(self) -> dict[str, Any]:
        """The item as plain JSON; quantity null where even that is not known."""
        quantity = None if self.quantity is None else plain(self.quantity)
        return {**dataclasses.asdict(self), "quantity": quantity}

    def text(self) -> str:
        """The item and how much of it, for a person."""
        amount = "" if self.quantity is None else f" ({plain(self.quantity):,} {self.unit})"
        return f"{self.resource}: {self.item}{amount}"


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A month of one stack. `as_of` is the date of the oldest price used, None when nothing was priced."""

    lines: tuple[Line, ...]
    unpriced: tuple[Unpriced, ...]
    assumptions: Assumptions
    region: str

    @property
    def monthly(self) -> Decimal:
        """The sum of the lines, in US dollars; what is unpriced comes on top."""
        return sum((line.monthly for line in self.lines), Decimal("0.00"))

    @property
    def as_of(self) -> datetime.date | None:
        """No price used is older than this day."""
        return min((line.date for line in self.lines), default=None)

    def as_dict(self) -> dict[str, Any]:
        """The estimate as plain JSON, lines by cost."""
        return {
            "currency": CURRENCY,
            "as_of": self.as_of.isoformat() if self.as_of else None,
            "monthly": float(self.monthly),
            "items": [line.as_dict() for line in self.lines],
            "unpriced": [item.as_dict() for item in self.unpriced],
            "assumptions": {
                "region": self.region,
                "hours_per_month": plain(HOURS_PER_MONTH),
                **self.assumptions.as_dict(),
                "free_allowances_of_an_account": {
                    allowance.slug: f"{plain(allowance.quantity)} {allowance.text}" for allowance in ALLOWANCES
                },
            },
        }


def estimate(stack: Stack, prices: Mapping[str, Price], assumptions: Assumptions | None = None) -> Estimate:
    """What the stack costs in a month. `prices` are those of the stack's Region, by tariff slug."""
    assumed = assumptions or Assumptions()
    charged, unpriced = _collect(stack, assumed)
    if assumed.free_allowances:
        charged = list(_beyond_allowances(charged))
    charged = [(name, _priceable(charge, prices)) for name, charge in charged]
    lines = [_line(name, charge, prices[charge.tariff]) for name, charge in charged if charge.tariff in prices]
    unpriced += [_unpriced(name, charge) for name, charge in charged if charge.tariff not in prices]
    lines.sort(key=lambda line: (-line.monthly, line.resource, line.item))
    unpriced.sort(key=lambda item: (item.resource, item.item))
    return Estimate(tuple(lines), tuple(unpriced), assumed, stack.region)


def _collect(stack: Stack, assumed: Assumptions) -> tuple[list[_Owned], list[Unpriced]]:
    """Every charge above zero with its resource's name in template order, and what cannot be told."""
    charged: list[_Owned] = []
    unpriced: list[Unpriced] = []
    for resource in stack.resources.values():
        try:
            charges = charges_of(stack, resource, assumed)
        except Unpriceable as problem:
            unpriced.append(Unpriced(resource.logical_id, resource.type, None, "", str(problem)))
        else:
            charged += [(resource.logical_id, charge) for charge in charges if charge.quantity > 0]
    return charged, unpriced


def _beyond_allowances(charged: Iterable[_Owned]) -> Iterator[_Owned]:
    """The charges with the account's free allowances taken off in template order, until they are used up."""
    left = {allowance.slug: allowance.quantity for allowance in ALLOWANCES}
    for name, charge in charged:
        free = min(charge.quantity, left.get(charge.tariff, Decimal(0)))
        left[charge.tariff] = left.get(charge.tariff, Decimal(0)) - free
        if charge.quantity > free:
            yield name, dataclasses.replace(charge, quantity=charge.quantity - free)


def _priceable(charge: Charge, prices: Mapping[str, Price]) -> Charge:
    """The charge, or the other way to put it where only that one has a price."""
    other = charge.otherwise
    return other if other and charge.tariff not in prices and other.tariff in prices else charge


def _line(name: str, charge: Charge, price: Price) -> Line:
    cost = (charge.quantity * price.price).quantize(_CENT, ROUND_HALF_UP, _WIDE)
    unit = charge.unit or price.unit
    return Line(name, charge.item, charge.tariff, _shown(charge.quantity), unit, price.price, cost, price.date)


def _unpriced(name: str, charge: Charge) -> Unpriced:
    known = tariff(charge.tariff)
    unit = charge.unit or (known.unit if known else "")
    reason = f"the price lock has no {charge.tariff} in this Region"
    return Unpriced(name, charge.item, _shown(charge.quantity), unit, reason)


def _shown(quantity: Decimal) -> Decimal:
    return quantity.quantize(_QUANTITY, ROUND_HALF_UP, _WIDE)
