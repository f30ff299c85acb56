"""The price lock: a dated price with its source for each Region and tariff, in one JSON file that is reviewed."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import os
import tempfile
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from hipaa_pipeline.configuration import show
from hipaa_pipeline.cost.tariffs import tariff
from hipaa_pipeline.errors import UserError

LOCK_PATH = Path(__file__).with_name("prices.json")
CURRENCY = "USD"
STALE_AFTER_DAYS = 180
_KEYS = {"price", "unit", "date", "source"}


@dataclasses.dataclass(frozen=True)
class Price:
    """US dollars for one unit of a tariff in one Region, where it was read, and the day the source gives for it."""

    price: Decimal
    unit: str
    date: datetime.date
    source: str


@dataclasses.dataclass(frozen=True)
class PriceLock:
    """Prices by Region and tariff slug."""

    regions: Mapping[str, Mapping[str, Price]]

    def in_region(self, region: str) -> Mapping[str, Price]:
        """The Region's prices. Raises UserError for a Region the lock does not know."""
        if region not in self.regions:
            known = ", ".join(self.regions) or "none"
            raise UserError(
                f"The price lock has no Region {region!r} (known: {known}).",
                f"hipaa-pipeline cost --refresh --region {region}",
            )
        return self.regions[region]

    def stale(self, region: str, today: datetime.date) -> dict[str, Price]:
        """The Region's prices older than 180 days."""
        oldest = today - datetime.timedelta(days=STALE_AFTER_DAYS)
        return {slug: price for slug, price in self.in_region(region).items() if price.date < oldest}


def load_lock(path: Path = LOCK_PATH) -> PriceLock:
    """The lock in a file. Raises UserError, with the Region and tariff at fault, when it cannot be used."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"The price lock {path} cannot be read: {error.strerror}.", f"ls {path.parent}") from error
    except ValueError as error:
        raise _malformed(path, f"it is not JSON ({error})") from error
    if not isinstance(document, dict) or document.get("currency") != CURRENCY:
        raise _malformed(path, f"its currency must be {CURRENCY}")
    regions = document.get("regions")
    if not isinstance(regions, dict) or not all(isinstance(prices, dict) for prices in regions.values()):
        raise _malformed(path, "regions must map Region names to prices")
    return PriceLock(
        {
            region: {slug: _price(path, f"{region} {slug}", slug, entry) for slug, entry in prices.items()}
            for region, prices in regions.items()
        }
    )


def save_lock(lock: PriceLock, path: Path = LOCK_PATH) -> None:
    """Replace the file in one step: a reader sees the old lock or the new one, never a part. Raises UserError."""
    temporary = ""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".new")
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(dump_lock(lock))
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        next_command = "hipaa-pipeline cost --refresh --prices FILE"
        raise UserError(f"The price lock {path} cannot be written: {error.strerror}.", next_command) from error


def dump_lock(lock: PriceLock) -> str:
    """The lock as JSON text, sorted by Region and slug, so that a refresh shows as a small difference in review."""
    regions = {
        region: {slug: _entry(price) for slug, price in sorted(prices.items())}
        for region, prices in sorted(lock.regions.items())
    }
    return json.dumps({"currency": CURRENCY, "regions": regions}, indent=2) + "\n"


def _entry(price: Price) -> dict[str, str]:
    return {
        "price": format(price.price, "f"),
        "unit": price.unit,
        "date": price.date.isoformat(),
        "source": price.source,
    }


def _price(path: Path, place: str, slug: str, entry: Any) -> Price:
    known = tariff(slug)
    if known is None:
        raise _malformed(path, f"{place}: no such tariff")
    if not isinstance(entry, dict) or set(entry) != _KEYS or not all(isinstance(text, str) for text in entry.values()):
        raise _malformed(path, f"{place} must have the texts price, unit, date and source")
    if entry["unit"] != known.unit:
        raise _malformed(path, f"{place}: its unit is {entry['unit']!r}, not {known.unit!r}")
    if not entry["source"]:
        raise _malformed(path, f"{place}: a price without a source is a guess")
    try:
        return Price(amount(entry["price"]), entry["unit"], datetime.date.fromisoformat(entry["date"]), entry["source"])
    except ValueError as error:
        raise _malformed(path, f"{place}: {error}") from error


def amount(text: str) -> Decimal:
    """A price from its text. Raises ValueError unless it is a number from 0."""
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is not a price") from error
    if not value.is_finite() or value < 0:
        raise ValueError(f"{text!r} is not a price")
    return value.normalize() if value else Decimal(0)


def _malformed(path: Path, what: str) -> UserError:
    return UserError(f"The price lock {path} cannot be used: {what}.", show(path))
