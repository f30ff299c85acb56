"""New prices from AWS's public price files, which need no credentials.

Each service has an offer; its Region index names the current file of a Region, and that file as CSV is read row by row,
so that the largest takes no more memory than one row. Nothing is kept unless every price was found.
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-the-aws-price-list-bulk-api.html
"""

from __future__ import annotations

import csv
import dataclasses
import datetime
import http.client
import io
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import IO

from hipaa_pipeline.cost.lock import CURRENCY, Price, PriceLock, amount
from hipaa_pipeline.cost.tariffs import Tariff, slugs, tariff
from hipaa_pipeline.errors import ExitCode, UserError

BASE_URL = "https://pricing.us-east-1.amazonaws.com"
_TIMEOUT_SECONDS = 60
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_NEEDED = ("TermType", "StartingRange", "PricePerUnit", "Currency", "usageType")


@dataclasses.dataclass(frozen=True)
class PriceChange:
    """A price that a refresh changed, in one Region; None where there was or is none."""

    region: str
    slug: str
    before: Decimal | None
    after: Decimal | None

    def text(self) -> str:
        """The change as a line for a person."""
        old, new = ("none" if each is None else format(each, "f") for each in (self.before, self.after))
        return f"{self.region}  {self.slug}  {old} -> {new}"


def refresh(
    lock: PriceLock, regions: Sequence[str], instance_classes: Iterable[str], base_url: str = BASE_URL
) -> PriceLock:
    """The lock with every price of the Regions read anew. Raises UserError, naming the price, and changes nothing.

    `instance_classes` are priced where AWS sells them, besides those that the lock already has.
    """
    _check_url(base_url)
    fresh = {region: _region(lock.regions.get(region, {}), region, instance_classes, base_url) for region in regions}
    return PriceLock({**lock.regions, **fresh})


def changes(before: PriceLock, after: PriceLock) -> list[PriceChange]:
    """The prices in which two locks differ, by Region and slug."""
    keys = sorted(
        {(region, slug) for lock in (before, after) for region, each in lock.regions.items() for slug in each}
    )
    pairs = [PriceChange(*key, _price_of(before, *key), _price_of(after, *key)) for key in keys]
    return [pair for pair in pairs if pair.before != pair.after]


def _price_of(lock: PriceLock, region: str, slug: str) -> Decimal | None:
    price = lock.regions.get(region, {}).get(slug)
    return price.price if price else None


def _region(old: Mapping[str, Price], region: str, classes: Iterable[str], base_url: str) -> dict[str, Price]:
    members = {slug.partition(":")[2] for slug in old} - {""}
    wanted = [known for slug in slugs(tuple(sorted({*members, *classes}))) if (known := tariff(slug))]
    found: dict[str, Price] = {}
    for offer in sorted({each.offer for each in wanted}):
        found |= _offer(offer, region, [each for each in wanted if each.offer == offer], base_url)
    # A class that is not sold in a Region has no price; anything else that is gone was renamed or moved.
    missing = [each.slug for each in wanted if each.slug not in found and (":" not in each.slug or each.slug in old)]
    if missing:
        raise _broken(region, ", ".join(missing), "AWS's price files have it no more; was it renamed?")
    return found


def _offer(offer: str, region: str, wanted: Sequence[Tariff], base_url: str) -> dict[str, Price]:
    """The prices of one service's file."""
    url = base_url + _current_path(offer, region, base_url)
    with _opened(url, offer) as stream:
        date, rows = _table(io.TextIOWrapper(stream, encoding="utf-8", newline=""), offer, region)
        matched: dict[str, list[dict[str, str]]] = {each.slug: [] for each in wanted}
        for row in rows:
            for each in wanted:
                if each.matches(row["usageType"]):
                    matched[each.slug].append(row)
    narrowed = {each.slug: _narrowed(matched[each.slug], each.columns) for each in wanted}
    return {
        each.slug: Price(_one_price(each, narrowed[each.slug], region), each.unit, date, url)
        for each in wanted
        if narrowed[each.slug]
    }


def _current_path(offer: str, region: str, base_url: str) -> str:
    """The path of an offer's current CSV file for a Region."""
    with _opened(f"{base_url}/offers/v1.0/aws/{offer}/current/region_index.json", offer) as stream:
        try:
            regions = json.load(stream)["regions"]
            path = regions[region]["currentVersionUrl"] if region in regions else None
        except (ValueError, KeyError, TypeError) as error:
            raise _broken(region, offer, "its Region index is malformed") from error
    if path is None:
        raise UserError(f"AWS's price files have no Region {region!r} for {offer}.", "hipaa-pipeline cost --help")
    if not isinstance(path, str) or not path.startswith("/offers/") or not path.endswith("/index.json"):
        raise _broken(region, offer, f"its Region index names {path!r}")
    return path.removesuffix(".json") + ".csv"


def _table(lines: Iterable[str], offer: str, region: str) -> tuple[datetime.date, Iterator[dict[str, str]]]:
    """The publication date of a CSV price file and its on-demand rows; lines about the file come before its head."""
    reader = csv.reader(lines)
    about: dict[str, str] = {}
    for row in reader:
        if row and row[0] == "SKU":
            return _published(about, offer, region), _rows(row, reader, offer, region)
        about |= {row[0]: row[1]} if len(row) > 1 else {}
    raise _broken(region, offer, "its price file has no heading")


def _published(about: Mapping[str, str], offer: str, region: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(about["Publication Date"][:10])
    except (KeyError, ValueError) as error:
        raise _broken(region, offer, "its price file has no publication date") from error


def _rows(head: Sequence[str], reader: Iterator[list[str]], offer: str, region: str) -> Iterator[dict[str, str]]:
    missing = [name for name in _NEEDED if name not in head]
    if missing:
        raise _broken(region, offer, f"its price file has no column {missing[0]}")
    for row in reader:
        if len(row) != len(head):
            raise _broken(region, offer, f"a row of its price file has {len(row)} columns, not {len(head)}")
        record = dict(zip(head, row, strict=True))
        if record["TermType"] == "OnDemand":
            yield record


def _narrowed(rows: Sequence[dict[str, str]], columns: Mapping[str, Sequence[str]]) -> Sequence[dict[str, str]]:
    """The rows that have the best accepted value of each column that any row has; none where no row has one."""
    for column, accepted in columns.items():
        values = [value for value in accepted if any(row.get(column) == value for row in rows)]
        rows = [row for row in rows if row.get(column) in values[:1]]
    return rows


def _one_price(tariff: Tariff, rows: Sequence[Mapping[str, str]], region: str) -> Decimal:
    """The first price above zero of a tariff's tiers: a tier at zero is a free allowance, later ones are discounts."""
    if any(row["Currency"] != CURRENCY for row in rows):
        raise _broken(region, tariff.slug, f"its currency is not {CURRENCY}")
    try:
        tiers = sorted((amount(row["StartingRange"] or "0"), amount(row["PricePerUnit"])) for row in rows)
    except ValueError as error:
        raise _broken(region, tariff.slug, str(error)) from error
    charged = [(start, price) for start, price in tiers if price]
    prices = {price for start, price in charged if start == charged[0][0]}
    if len(prices) > 1:
        listed = ", ".join(str(price) for price in sorted(prices))
        raise _broken(region, tariff.slug, f"it has several prices: {listed}")
    return prices.pop() if prices else Decimal(0)


@contextmanager
def _opened(url: str, offer: str) -> Iterator[IO[bytes]]:
    """The answer to a GET. Raises UserError when there is none."""
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as stream:  # noqa: S310 - _check_url saw the scheme
            yield stream
    except (urllib.error.URLError, OSError, http.client.HTTPException, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "reason", None) or error
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        raise UserError(f"{offer}: {url} could not be read: {reason}.", f"curl -sSI {url}", ExitCode.UNKNOWN) from error


def _check_url(url: str) -> None:
    """Plain HTTP would let anyone on the way set the prices; it is for tests on this machine."""
    parts = urllib.parse.urlsplit(url)
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)):
        raise UserError(f"{url!r} is not an https address.", f"hipaa-pipeline cost --refresh --base-url {BASE_URL}")


def _broken(region: str, name: str, what: str) -> UserError:
    next_command = "git log -1 -- src/hipaa_pipeline/cost/tariffs.py"
    return UserError(f"{name} in {region}: {what}. The price lock was not changed.", next_command, ExitCode.FAILED)
