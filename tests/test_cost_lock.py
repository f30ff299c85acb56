from __future__ import annotations

import datetime
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hipaa_pipeline.cost.lock import LOCK_PATH, dump_lock, load_lock
from hipaa_pipeline.cost.tariffs import TARIFFS, slugs, tariff
from hipaa_pipeline.errors import UserError

GOOD = {"price": "1", "unit": "key version-month", "date": "2026-09-11", "source": "AWS price list"}


def test_the_committed_lock_is_as_a_refresh_would_write_it() -> None:
    assert LOCK_PATH.read_text(encoding="utf-8") == dump_lock(load_lock())


def test_the_committed_lock_knows_three_regions() -> None:
    assert list(load_lock().regions) == ["ap-southeast-1", "eu-central-1", "us-east-1"]


@pytest.mark.parametrize(
    ("slug", "price"),
    [
        ("rds_instance_hour:db.t4g.small", "0.051"),
        ("rds_instance_hour:db.t3.small", "0.056"),
        ("rds_gp3_gb_month", "0.138"),
        ("rds_backup_gb_month", "0.095"),
        ("kms_key_month", "1"),
        ("kms_request", "0.000003"),
        ("vpc_endpoint_hour", "0.013"),
        ("vpc_endpoint_gb", "0.01"),
        ("secret_month", "0.4"),
        ("secret_request", "0.000005"),
        ("logs_ingest_gb", "0.7"),
        ("logs_storage_gb_month", "0.03"),
        ("alarm_month", "0.1"),
        ("custom_metric_month", "0.3"),
        ("kinesis_shard_hour", "0.0184"),
        ("kinesis_extended_shard_hour", "0.025"),
    ],
)
def test_prices_of_singapore(slug: str, price: str) -> None:
    assert load_lock().in_region("ap-southeast-1")[slug].price == Decimal(price)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"price": "cheap"}, "'cheap' is not a price"),
        ({"price": "-1"}, "'-1' is not a price"),
        ({"price": "Infinity"}, "'Infinity' is not a price"),
        ({"unit": "hour"}, "its unit is 'hour', not 'key version-month'"),
        ({"date": "soon"}, "ap-southeast-1 kms_key_month: Invalid isoformat"),
        ({"source": ""}, "a price without a source is a guess"),
        ({"source": None}, "must have the texts price, unit, date and source"),
        ({"note": "x"}, "must have the texts price, unit, date and source"),
    ],
)
def test_a_malformed_price_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = written(tmp_path, {"currency": "USD", "regions": {"ap-southeast-1": {"kms_key_month": GOOD | change}}})

    with pytest.raises(UserError, match=message) as caught:
        load_lock(path)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "its currency must be USD"),
        ({"currency": "EUR", "regions": {}}, "its currency must be USD"),
        ({"currency": "USD"}, "regions must map Region names to prices"),
        ({"currency": "USD", "regions": {"x": 1}}, "regions must map Region names to prices"),
        ({"currency": "USD", "regions": {"x": {"petrol": GOOD}}}, "x petrol: no such tariff"),
        ({"currency": "USD", "regions": {"x": {"kms_key_month": 1}}}, "x kms_key_month must have the texts"),
    ],
)
def test_a_malformed_lock_is_refused(tmp_path: Path, document: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_lock(written(tmp_path, document))


def test_a_lock_that_is_no_json_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    with pytest.raises(UserError, match="cannot be read: No such file"):
        load_lock(path)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match="it is not JSON"):
        load_lock(path)


def test_a_region_nobody_priced() -> None:
    with pytest.raises(
        UserError, match=r"no Region 'mars-1' \(known: ap-southeast-1, eu-central-1, us-east-1\)"
    ) as caught:
        load_lock().in_region("mars-1")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(("age", "stale"), [(0, False), (180, False), (181, True)])
def test_a_price_is_stale_after_180_days(tmp_path: Path, age: int, stale: bool) -> None:
    path = written(tmp_path, {"currency": "USD", "regions": {"x": {"kms_key_month": GOOD}}})
    today = datetime.date(2026, 9, 11) + datetime.timedelta(days=age)

    assert bool(load_lock(path).stale("x", today)) is stale


@pytest.mark.parametrize(
    ("usage_type", "slug"),
    [
        ("Storage-ShardHour", "kinesis_shard_hour"),  # us-east-1 has no prefix
        ("APS1-Storage-ShardHour", "kinesis_shard_hour"),
        ("EUC1-Storage-ShardHour", "kinesis_shard_hour"),
        ("EU-Storage-ShardHour", "kinesis_shard_hour"),
        ("OnDemand-LongTermRetention-ByteHrs", "kinesis_on_demand_long_term_gb_month"),
        ("APS1-LongTermRetention-ByteHrs", "kinesis_long_term_gb_month"),
        ("ap-southeast-1-KMS-Keys", "kms_key_month"),
        ("us-gov-west-1-KMS-Keys", "kms_key_month"),
        ("EUC1-AWSSecretsManager-Secrets", "secret_month"),
        ("APS1-AWSSecretsManager-Secret", "secret_month"),
        ("APS1-InstanceUsage:db.t4g.small", "rds_instance_hour:db.t4g.small"),
    ],
)
def test_a_usage_type_belongs_to_one_tariff(usage_type: str, slug: str) -> None:
    every = [known for name in slugs(("db.t4g.small", "db.t4g.medium")) if (known := tariff(name))]

    assert [known.slug for known in every if known.matches(usage_type)] == [slug]


def test_tariffs_are_named_once() -> None:
    assert len({each.slug for each in TARIFFS}) == len(TARIFFS)
    assert tariff("petrol") is None
    assert tariff("kms_key_month:x") is None


def written(directory: Path, document: Any) -> Path:
    path = directory / "prices.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path
