from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from hipaa_pipeline.cost.lock import Price, PriceLock, load_lock, save_lock
from hipaa_pipeline.cost.refresh import changes, refresh
from hipaa_pipeline.cost.tariffs import slugs
from hipaa_pipeline.errors import UserError
from price_server import PriceServer, csv_path, index_path, price_server

REGION = "ap-southeast-1"
CLASSES = ("db.t4g.small", "db.m7g.large")


@pytest.fixture
def server() -> Iterator[PriceServer]:
    with price_server() as running:
        yield running


def test_every_price_is_found(server: PriceServer) -> None:
    prices = refresh(PriceLock({}), [REGION], CLASSES, server.url).in_region(REGION)

    assert set(prices) == set(slugs(CLASSES))
    assert {slug: prices[slug].price for slug in ("kinesis_shard_hour", "rds_gp3_gb_month", "kms_request")} == {
        "kinesis_shard_hour": Decimal("0.019"),
        "rds_gp3_gb_month": Decimal("0.138"),
        "kms_request": Decimal("0.000003"),
    }
    shard = prices["kinesis_shard_hour"]
    assert shard.date == datetime.date(2026, 11, 18)
    assert shard.source == server.url + csv_path("AmazonKinesis", REGION)


@pytest.mark.parametrize(
    ("slug", "expected"),
    [
        ("rds_instance_hour:db.m7g.large", "0.24"),  # PostgreSQL's on-demand row, not MySQL's, not the reserved one
        ("rds_multi_az_instance_hour:db.t4g.small", "0.102"),  # not the Multi-AZ cluster's
        ("rds_multi_az_gp3_gb_month", "0.276"),  # listed for any engine
        ("logs_ingest_gb", "0.7"),  # the standard class, not infrequent access
        ("logs_vended_gb", "0.7"),  # the first of four tiers
        ("sns_email", "0.00002"),  # the first tier above the free one
        ("kinesis_long_term_gb_month", "0.025"),  # not the on-demand one, whose name ends the same
        ("alarm_month", "0.1"),  # not the high-resolution one
    ],
)
def test_the_right_row_among_similar_ones(server: PriceServer, slug: str, expected: str) -> None:
    prices = refresh(PriceLock({}), [REGION], CLASSES, server.url).in_region(REGION)

    assert prices[slug].price == Decimal(expected)


def test_other_regions_are_kept_and_changes_are_told(server: PriceServer) -> None:
    old = Price(Decimal("0.0184"), "shard-hour", datetime.date(2025, 11, 3), "somewhere")
    same = Price(Decimal("0.1"), "alarm metric-month", datetime.date(2025, 11, 3), "somewhere")
    before = PriceLock({REGION: {"kinesis_shard_hour": old, "alarm_month": same}, "us-east-1": {"alarm_month": same}})

    after = refresh(before, [REGION], (), server.url)

    assert after.regions["us-east-1"] == before.regions["us-east-1"]
    told = {change.slug: change.text() for change in changes(before, after)}
    assert told["kinesis_shard_hour"] == "ap-southeast-1  kinesis_shard_hour  0.0184 -> 0.019"
    assert told["secret_month"] == "ap-southeast-1  secret_month  none -> 0.4"
    assert "alarm_month" not in told


def test_a_class_that_is_not_sold_has_no_price(server: PriceServer) -> None:
    prices = refresh(PriceLock({}), [REGION], ["db.x99.huge"], server.url).in_region(REGION)

    assert "rds_instance_hour:db.x99.huge" not in prices


def test_a_class_that_was_sold_and_is_gone_is_an_error(server: PriceServer) -> None:
    gone = Price(Decimal(1), "hour", datetime.date(2025, 1, 1), "somewhere")

    with pytest.raises(
        UserError, match=r"rds_instance_hour:db.x99.huge in ap-southeast-1: AWS's price files have it no"
    ):
        refresh(PriceLock({REGION: {"rds_instance_hour:db.x99.huge": gone}}), [REGION], (), server.url)


@pytest.mark.parametrize(
    ("offer", "old", "new", "message"),
    [
        (
            "AmazonKinesis",
            "APS1-Extended-ShardHour",
            "APS1-Longer-ShardHour",
            "kinesis_extended_shard_hour in .*renamed",
        ),
        ("AWSSecretsManager", '"APS1-AWSSecretsManager-Secret"', '"x"', "secret_month in .*renamed"),
        ("AmazonCloudWatch", '"PutLogEvents"', '"WriteLogs"', "logs_ingest_gb in .*renamed"),
        ("AmazonKinesis", "0.0190000000", "cheap", "kinesis_shard_hour in .*'cheap' is not a price"),
        ("AmazonKinesis", "0.0190000000", "-0.01", "kinesis_shard_hour in .*'-0.01' is not a price"),
        ("AmazonKinesis", '"USD"', '"CNY"', "in ap-southeast-1: its currency is not USD"),
        ("AmazonVPC", '"usageType"', '"UsageKind"', "AmazonVPC in .*no column usageType"),
        ("AmazonVPC", '"SKU"', '"Sku"', "AmazonVPC in .*no heading"),
        ("AmazonVPC", '"Publication Date"', '"Printed"', "AmazonVPC in .*no publication date"),
        ("AmazonVPC", "2026-11-17T19:05:28Z", "soon", "AmazonVPC in .*no publication date"),
        ("AmazonVPC", '"VpcEndpoint",', "", "AmazonVPC in .*columns, not 21"),
        ("awskms", "KMS-Requests-Asymmetric", "KMS-Requests", "kms_request in .*several prices: 0.000003, 0.000015"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(server: PriceServer, offer: str, old: str, new: str, message: str) -> None:
    server.replace(offer, old, new)

    with pytest.raises(UserError, match=message):
        refresh(PriceLock({}), [REGION], CLASSES, server.url)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (b"<html>", "AmazonSNS in ap-southeast-1: its Region index is malformed"),
        (b"{}", "AmazonSNS in ap-southeast-1: its Region index is malformed"),
        (b'{"regions": {"ap-southeast-1": {}}}', "AmazonSNS in ap-southeast-1: its Region index is malformed"),
        (
            b'{"regions": {"ap-southeast-1": {"currentVersionUrl": "https://elsewhere.example/x"}}}',
            "AmazonSNS in .*names 'https://elsewhere.example/x'",
        ),
        (b'{"regions": {}}', "no Region 'ap-southeast-1' for AmazonSNS"),
    ],
)
def test_what_is_wrong_in_an_index_is_named(server: PriceServer, index: bytes, message: str) -> None:
    server.answers[index_path("AmazonSNS")] = index

    with pytest.raises(UserError, match=message):
        refresh(PriceLock({}), [REGION], CLASSES, server.url)


def test_a_file_that_is_not_there_is_named(server: PriceServer) -> None:
    del server.answers[csv_path("AmazonRDS", REGION)]

    with pytest.raises(UserError, match=r"AmazonRDS: .*index.csv could not be read: Not Found") as caught:
        refresh(PriceLock({}), [REGION], CLASSES, server.url)
    assert caught.value.exit_code == 3


def test_a_file_that_is_not_text_is_named(server: PriceServer) -> None:
    server.answers[csv_path("AmazonRDS", REGION)] = b"\xff\xfe\x00"

    with pytest.raises(UserError, match=r"AmazonRDS: .*could not be read"):
        refresh(PriceLock({}), [REGION], CLASSES, server.url)


@pytest.mark.parametrize("url", ["http://pricing.example", "file:///etc/passwd", "ftp://127.0.0.1", "nonsense", ""])
def test_only_https_is_asked_for_prices(url: str) -> None:
    with pytest.raises(UserError, match="is not an https address") as caught:
        refresh(PriceLock({}), [REGION], CLASSES, url)
    assert caught.value.exit_code == 2


def test_a_lock_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    lock = PriceLock(
        {REGION: {"kms_key_month": Price(Decimal(1), "key version-month", datetime.date(2026, 1, 1), "x")}}
    )
    save_lock(lock, path)

    assert load_lock(path) == lock
    assert [file.name for file in tmp_path.iterdir()] == ["prices.json"]

    with pytest.raises(UserError, match="cannot be written"):
        save_lock(lock, tmp_path / "missing" / "prices.json")
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(UserError, match="cannot be written"):
        save_lock(lock, tmp_path / "folder.json")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["folder.json", "prices.json"]
