from __future__ import annotations

import dataclasses
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cost_stacks import ALARMS, ENDPOINTS, REGION, Shape, stack
from hipaa_pipeline.configuration import TEMPLATE_PATH, load_environment
from hipaa_pipeline.cost import Assumptions, Estimate, difference, estimate, load_lock
from hipaa_pipeline.cost.assumptions import MOST
from hipaa_pipeline.errors import UserError
from hipaa_pipeline.resolve import resolve
from hipaa_pipeline.source import load_template
from hipaa_pipeline.stack import Resource, Stack, unknown

ROOT = Path(__file__).parents[1]
PRICES = load_lock().in_region(REGION)

# resource, item, amount, tariff: worked out by hand from the parameter files and the default assumptions.
COMMON = [
    ("Key", "key versions", "2", "kms_key_month"),  # the first, and one rotation in 12 months
    ("Key", "key requests", "100000", "kms_request"),
    ("Database", "master password", "1", "secret_month"),
    ("Database", "master password requests", "10000", "secret_request"),
    ("Database", "Enhanced Monitoring ingested", "0.250626", "logs_ingest_gb"),  # 730 h * 60 a hour * 6 KiB
    ("Database", "Enhanced Monitoring stored", "0.037079", "logs_storage_gb_month"),  # of 30 days, at 0.15
    ("FlowLogGroup", "logs ingested", "1", "logs_vended_gb"),
    ("PostgresqlLogGroup", "logs ingested", "1", "logs_ingest_gb"),
    ("AuditLogGroup", "logs ingested", "1", "logs_ingest_gb"),
    ("FailedLoginMetric", "custom metrics", "1", "custom_metric_month"),
    *((f"{name}Alarm", "alarm", "1", "alarm_month") for name in (*ALARMS, "FreeableMemory")),
    ("RecordStream", "PUT payload units", "3041666.666667", "kinesis_put_payload_unit"),  # 100,000 * 730 / 24
]
DEV = [
    *COMMON,
    ("Database", "instance", "730", "rds_instance_hour:db.t3.small"),
    ("Database", "storage", "20", "rds_gp3_gb_month"),
    ("RecordStream", "shards", "730", "kinesis_shard_hour"),
    ("RecordStream", "retention of 24 to 168 hours", "730", "kinesis_extended_shard_hour"),
    *(  # 1 GB a month kept 90 days, at 0.15
        (f"{name}LogGroup", "logs stored", "0.443836", "logs_storage_gb_month")
        for name in ("Flow", "Postgresql", "Audit")
    ),
]
PROD = [
    *COMMON,
    ("Database", "instance", "730", "rds_multi_az_instance_hour:db.m7g.large"),
    ("Database", "storage", "100", "rds_multi_az_gp3_gb_month"),
    ("RecordStream", "shards", "1460", "kinesis_shard_hour"),
    ("RecordStream", "retention of 24 to 168 hours", "1460", "kinesis_extended_shard_hour"),
    # 10 GB and 0.5 GB for each of 365 days, less what automated backups (10 + 35 * 0.5) leave of 100 GB free.
    ("BackupPlan", "snapshots of daily", "120", "rds_backup_gb_month"),
    ("AlarmEmailSubscription", "e-mails", "100", "sns_email"),
    *((f"{name}Endpoint", "endpoint", "1460", "vpc_endpoint_hour") for name in ENDPOINTS),
    *((f"{name}Endpoint", "data through the endpoint", "1", "vpc_endpoint_gb") for name in ENDPOINTS),
    *(  # 1 GB a month kept for the year the stack is old, at 0.15
        (f"{name}LogGroup", "logs stored", "1.8", "logs_storage_gb_month") for name in ("Flow", "Postgresql", "Audit")
    ),
]


@pytest.mark.parametrize(("environment", "by_hand"), [("dev", DEV), ("prod", PROD)])
def test_an_environment_by_hand(environment: str, by_hand: list[tuple[str, str, str, str]]) -> None:
    parameters = load_environment(environment, ROOT / "parameters").parameters
    resolved = resolve(load_template(ROOT / TEMPLATE_PATH), parameters, region=REGION)

    result = estimate(resolved, PRICES)

    priced = {
        (name, item): (Decimal(amount), PRICES[slug].price) for name, item, amount, slug in by_hand if slug in PRICES
    }
    assert {(line.resource, line.item): (line.quantity, line.price) for line in result.lines} == priced
    assert {(line.resource, line.item): line.monthly for line in result.lines} == {
        key: pytest.approx(amount * price, abs=Decimal("0.005001")) for key, (amount, price) in priced.items()
    }
    assert {(item.resource, item.item, item.quantity) for item in result.unpriced} == {
        (name, item, Decimal(amount)) for name, item, amount, slug in by_hand if slug not in PRICES
    }
    assert result.monthly == sum(line.monthly for line in result.lines)


ENDPOINT_LINES = {(f"{name}Endpoint", "endpoint") for name in ENDPOINTS}
NETWORK_LINES = ENDPOINT_LINES | {(f"{name}Endpoint", "data through the endpoint") for name in ENDPOINTS}
FLOW_LINES = {("FlowLogGroup", "logs ingested"), ("FlowLogGroup", "logs stored")}
BACKUP_LINES = {("Database", "backups beyond the free allowance"), ("BackupPlan", "snapshots of daily")}
STREAM_ITEMS = ("shards", "PUT payload units", "on-demand stream", "data in", "data out")
RETENTION_LINES = {("RecordStream", "retention of 24 to 168 hours"), ("RecordStream", "retention beyond 168 hours")}

# For each parameter: the lines that must change with it, and those that may.
EFFECTS: dict[str, tuple[set[tuple[str, str]], set[tuple[str, str]]]] = {
    "instance_class": ({("Database", "instance")}, set()),
    "storage": ({("Database", "storage")}, BACKUP_LINES),
    "multi_az": ({("Database", "instance"), ("Database", "storage")}, set()),
    "backup_days": (set(), BACKUP_LINES),
    "monitoring_seconds": (
        {("Database", "Enhanced Monitoring ingested"), ("Database", "Enhanced Monitoring stored")},
        set(),
    ),
    "plan_days": (set(), {("BackupPlan", "snapshots of daily")}),
    "mode": ({("RecordStream", item) for item in STREAM_ITEMS}, RETENTION_LINES),
    "shards": ({("RecordStream", "shards")}, {("RecordStream", "retention of 24 to 168 hours")}),
    "retention_hours": (set(), RETENTION_LINES),
    "log_days": (set(), {(f"{name}LogGroup", "logs stored") for name in ("Flow", "Postgresql", "Audit")}),
    "imported_vpc": (FLOW_LINES, NETWORK_LINES),
    "endpoints": (NETWORK_LINES, set()),
    "zones": (ENDPOINT_LINES, set()),
    "email": ({("AlarmEmailSubscription", "e-mails")}, set()),
}
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "instance_class": st.sampled_from(["db.t3.small", "db.t4g.small", "db.x9.huge"]),
    "storage": st.integers(20, 65_536),
    "multi_az": st.booleans(),
    "backup_days": st.integers(7, 35),
    "monitoring_seconds": st.sampled_from([1, 5, 10, 15, 30, 60]),
    "plan_days": st.none() | st.integers(35, 3_650),
    "mode": st.sampled_from(["PROVISIONED", "ON_DEMAND"]),
    "shards": st.integers(1, 500),
    "retention_hours": st.integers(24, 8_760),
    "log_days": st.sampled_from([90, 365, 2_192]),
    "imported_vpc": st.booleans(),
    "endpoints": st.booleans(),
    "zones": st.sampled_from([2, 3]),
    "email": st.booleans(),
}
SHAPES = st.builds(Shape, **VALUES)


def amounts(result: Estimate) -> dict[tuple[str, str], Any]:
    """Every item's quantity, unit and price, priced or not."""
    priced = {(line.resource, line.item): (line.quantity, line.unit, line.price) for line in result.lines}
    return priced | {(item.resource, item.item): (item.quantity, item.unit, None) for item in result.unpriced}


def test_every_parameter_of_a_shape_has_its_effect_stated() -> None:
    assert set(EFFECTS) == set(VALUES) == {field.name for field in dataclasses.fields(Shape)}


@given(shape=SHAPES, name=st.sampled_from(sorted(EFFECTS)), data=st.data())
def test_one_parameter_changes_exactly_its_lines(shape: Shape, name: str, data: st.DataObject) -> None:
    # Without a VPC of its own a stack has no endpoints, and on demand it has no shards: nothing to change there.
    shape = dataclasses.replace(
        shape,
        imported_vpc=shape.imported_vpc
        if name == "imported_vpc"
        else shape.imported_vpc and name not in {"zones", "endpoints"},
        endpoints=shape.endpoints or name == "zones",
        mode="PROVISIONED" if name == "shards" else shape.mode,
    )
    other = dataclasses.replace(shape, **{name: data.draw(VALUES[name])})
    before, after = amounts(estimate(stack(shape), PRICES)), amounts(estimate(stack(other), PRICES))

    changed = {key for key in before | after if before.get(key) != after.get(key)}

    must, may = EFFECTS[name] if shape != other else (set(), set())
    assert must <= changed <= must | may


@given(shape=SHAPES)
def test_multi_az_doubles_instance_and_storage(shape: Shape) -> None:
    def cost(multi_az: bool, item: str) -> Decimal | None:
        lines = estimate(stack(dataclasses.replace(shape, multi_az=multi_az)), PRICES).lines
        return next(
            (line.quantity * line.price for line in lines if line.resource == "Database" and line.item == item), None
        )

    for item in ("instance", "storage"):
        single, double = cost(False, item), cost(True, item)
        assert double == (2 * single if single is not None else None)


def test_multi_az_without_a_price_of_its_own_is_two_instances() -> None:
    prices = {slug: price for slug, price in PRICES.items() if "multi_az" not in slug}

    lines = {
        line.item: line for line in estimate(stack(Shape(multi_az=True)), prices).lines if line.resource == "Database"
    }

    assert (lines["instance"].quantity, lines["instance"].unit) == (
        Decimal(1460),
        "hour of db.t4g.small, primary and standby",
    )
    assert (lines["storage"].quantity, lines["storage"].monthly) == (Decimal(40), Decimal("5.52"))


@given(first=st.integers(25, 168), second=st.integers(25, 168), shards=st.integers(1, 100))
def test_extended_retention_is_flat_for_a_shard_hour(first: int, second: int, shards: int) -> None:
    estimates = [estimate(stack(Shape(shards=shards, retention_hours=hours)), PRICES) for hours in (first, second)]

    assert estimates[0].lines == estimates[1].lines
    extended = next(line for line in estimates[0].lines if line.item == "retention of 24 to 168 hours")
    assert extended.quantity == shards * 730


@pytest.mark.parametrize(
    ("hours", "gigabytes"),
    [
        (168, None),
        (192, "0.190735"),  # 100,000 records of 2 KiB: one day more
        (8760, "68.283081"),  # 358 days, for a stack a year old
    ],
)
def test_retention_beyond_a_week_is_stored_gigabytes(hours: int, gigabytes: str | None) -> None:
    lines = {line.item: line for line in estimate(stack(Shape(retention_hours=hours)), PRICES).lines}

    beyond = lines.get("retention beyond 168 hours")
    assert (beyond and beyond.quantity) == (Decimal(gigabytes) if gigabytes else None)


@pytest.mark.parametrize(("months", "versions"), [(11, 1), (12, 2), (23, 2), (24, 3), (36, 3), (120, 3)])
def test_only_the_first_two_rotations_of_a_key_are_billed(months: int, versions: int) -> None:
    result = estimate(stack(Shape()), PRICES, Assumptions(months_in_service=Decimal(months)))

    assert next(line.quantity for line in result.lines if line.item == "key versions") == versions


@pytest.mark.parametrize(
    ("kept", "held", "charged"),
    [
        (7, "10", None),  # 10 + 3.5 GB are within 20 GB
        (20, "10", None),  # exactly 20 GB
        (21, "10", "0.5"),
        (35, "500", "17.5"),  # a database holds at most its 20 GB
    ],
)
def test_backups_are_free_up_to_the_storage(kept: int, held: str, charged: str | None) -> None:
    result = estimate(stack(Shape(backup_days=kept)), PRICES, Assumptions(database_gb=Decimal(held)))

    lines = {line.item: line.quantity for line in result.lines}
    assert lines.get("backups beyond the free allowance") == (Decimal(charged) if charged else None)


def test_an_imported_vpc_costs_nothing() -> None:
    own, imported = (estimate(stack(Shape(imported_vpc=each)), PRICES) for each in (False, True))

    changed = difference(own, imported)
    assert {(each.resource, each.item) for each in changed.changes} == NETWORK_LINES | {("FlowLogGroup", "logs stored")}
    assert changed.unpriced == ("FlowLogGroup: logs ingested (1 GB)",)
    assert changed.after < changed.before


def test_free_allowances_come_off_in_template_order() -> None:
    with_them = estimate(stack(Shape(email=True)), PRICES, Assumptions(free_allowances=True))

    quantities = {(line.resource, line.item): line.quantity for line in with_them.lines}
    assert quantities[("Key", "key requests")] == 80_000
    assert not [key for key in quantities if key[1] in {"alarm", "custom metrics"}]
    # Three groups hold 1.8 GB each and Enhanced Monitoring 0.037079: the last one is 0.437079 beyond 5 GB.
    assert {key: amount for key, amount in quantities.items() if key[1] == "logs stored"} == {
        ("AuditLogGroup", "logs stored"): Decimal("0.437079")
    }
    # 100 e-mails are within the 1,000 free ones: nothing is left to be unpriced.
    assert [item.resource for item in with_them.unpriced] == ["FlowLogGroup"]


@pytest.mark.parametrize(
    ("kind", "properties", "reason"),
    [
        ("AWS::EC2::NatGateway", {}, "there is no price rule for AWS::EC2::NatGateway"),
        ("AWS::EC2::VPCEndpoint", {"VpcEndpointType": "GatewayLoadBalancer"}, "no price rule for a VPC endpoint"),
        ("AWS::CloudWatch::Alarm", {"Period": 10}, "high resolution"),
        ("AWS::Backup::BackupPlan", {}, "what it backs up is not in the stack"),
        ("AWS::SNS::Subscription", {"Protocol": "sms"}, "no price rule for SNS deliveries to sms"),
        ("AWS::Kinesis::Stream", {"ShardCount": unknown("an SSM value")}, "ShardCount is not known: an SSM value"),
        ("AWS::Kinesis::Stream", {"ShardCount": {"Ref": "Other"}}, "ShardCount is not known before the stack exists"),
        ("AWS::Kinesis::Stream", {"ShardCount": "many"}, "ShardCount is 'many'"),
        ("AWS::RDS::DBInstance", {"DBInstanceClass": "db.t4g.small"}, "AllocatedStorage is not known"),
        (
            "AWS::EC2::VPCEndpoint",
            {"VpcEndpointType": "Interface", "SubnetIds": unknown("x")},
            "SubnetIds is not known",
        ),
    ],
)
def test_what_cannot_be_priced_is_listed_never_zero(kind: str, properties: dict[str, Any], reason: str) -> None:
    one = Stack({"Thing": Resource("Thing", kind, properties)}, region=REGION, account_id="111122223333")

    result = estimate(one, PRICES)

    assert result.lines == ()
    assert [(item.resource, item.item, item.quantity) for item in result.unpriced] == [("Thing", kind, None)]
    assert reason in result.unpriced[0].reason


def test_a_backup_rule_without_an_end_is_unpriced() -> None:
    endless = {"BackupPlan": {"BackupPlanRule": [{"RuleName": "forever"}]}}
    shaped = stack(Shape())
    with_plan = {**shaped.resources, "Plan": Resource("Plan", "AWS::Backup::BackupPlan", endless)}

    result = estimate(dataclasses.replace(shaped, resources=with_plan), PRICES)

    reasons = {item.resource: item.reason for item in result.unpriced}
    assert reasons["Plan"] == "a backup rule without DeleteAfterDays keeps its snapshots for ever"


def test_the_json_of_an_estimate() -> None:
    result = json.loads(json.dumps(estimate(stack(Shape(email=True)), PRICES).as_dict()))

    assert list(result) == ["currency", "as_of", "monthly", "items", "unpriced", "assumptions"]
    assert (result["currency"], result["as_of"]) == ("USD", min(line["as_of"] for line in [result]))
    assert result["items"][0] == {
        "resource": "Database",
        "item": "instance",
        "quantity": 730,
        "unit": "hour of db.t4g.small",
        "price": 0.051,
        "monthly": 37.23,
    }
    assert round(sum(item["monthly"] for item in result["items"]), 2) == result["monthly"]
    assert result["unpriced"][0] == {
        "resource": "AlarmEmailSubscription",
        "item": "e-mails",
        "quantity": 100,
        "unit": "e-mail",
        "reason": "the price lock has no sns_email in this Region",
    }
    assert result["assumptions"]["events_per_day"] == 100_000
    assert result["assumptions"]["free_allowances_of_an_account"]["kms_request"] == "20000 KMS requests"


def test_nothing_costs_nothing() -> None:
    result = estimate(Stack({}, region=REGION, account_id="111122223333"), PRICES)

    assert (result.monthly, result.as_of) == (Decimal(0), None)
    assert not result.lines
    assert not result.unpriced


@given(before=SHAPES, after=SHAPES)
def test_a_difference_adds_up(before: Shape, after: Shape) -> None:
    first, second = estimate(stack(before), PRICES), estimate(stack(after), PRICES)

    changed = difference(first, second)

    assert changed.before + sum(each.change for each in changed.changes) == changed.after
    assert (changed.before, changed.after) == (first.monthly, second.monthly)
    assert difference(first, first).changes == difference(second, second).changes == ()


def test_a_difference_for_a_person() -> None:
    changed = difference(estimate(stack(Shape()), PRICES), estimate(stack(Shape(shards=2, email=True)), PRICES))

    assert changed.text().splitlines() == [
        "Monthly cost: 191.15 -> 222.83 USD (+31.68), without what is unpriced",
        "      +18.25  RecordStream  retention of 24 to 168 hours",
        "      +13.43  RecordStream  shards",
        "    unpriced  AlarmEmailSubscription: e-mails (100 e-mail)",
        "    unpriced  FlowLogGroup: logs ingested (1 GB)",
    ]
    assert changed.as_dict()["change"] == 31.68


def test_a_long_difference_ends_in_a_sum() -> None:
    lines = difference(None, estimate(stack(Shape()), PRICES)).text(most=2).splitlines()

    assert lines[:4] == [
        "Monthly cost: 0.00 -> 191.15 USD (+191.15), without what is unpriced",
        "      +37.23  Database  instance",
        "      +18.98  KinesisEndpoint  endpoint",
        "     +134.94  33 smaller items",
    ]


def test_a_difference_from_nothing() -> None:
    result = estimate(stack(Shape()), PRICES)

    assert difference(None, result).as_dict()["before"] == 0
    assert difference(result, None).after == 0


@pytest.mark.parametrize("value", ["-1", "NaN", "Infinity", "-0.01", "1e308", "1e400", "1000000000001"])
def test_an_assumption_must_be_an_amount(value: str) -> None:
    with pytest.raises(
        UserError, match=r"--flow-log-gb is .*: an amount cannot be negative, endless or above"
    ) as caught:
        Assumptions(flow_log_gb=Decimal(value))
    assert caught.value.exit_code == 2


def test_the_largest_assumptions_are_reckoned_with() -> None:
    amounts: dict[str, Any] = {
        field.name: MOST for field in dataclasses.fields(Assumptions) if field.name != "free_allowances"
    }
    parameters = load_environment("dev", ROOT / "parameters").parameters
    resolved = resolve(load_template(ROOT / TEMPLATE_PATH), parameters, region=REGION)
    assert estimate(resolved, PRICES, Assumptions(**amounts)).monthly > MOST
