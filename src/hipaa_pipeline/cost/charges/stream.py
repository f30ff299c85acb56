"""Kinesis Data Streams, provisioned and on demand.

Retention from 24 to 168 hours is a flat price for each shard-hour of a provisioned stream, whatever it holds; tools
that price it per GB come out low. Beyond seven days the stored GB are charged on top, in both modes.
https://aws.amazon.com/kinesis/data-streams/pricing/
"""

from __future__ import annotations

import math
from decimal import Decimal

from hipaa_pipeline.cost.assumptions import HOURS_PER_DAY, HOURS_PER_MONTH, KILOBYTES_PER_GIGABYTE, Assumptions
from hipaa_pipeline.cost.charges.charge import Charge, Charges, Context, number, text
from hipaa_pipeline.stack import Resource

_FREE_HOURS = 24
_EXTENDED_HOURS = 168
_PAYLOAD_UNIT_KILOBYTES = 25


def stream(resource: Resource, context: Context) -> Charges:
    """Every charge of a stream."""
    retention = number(resource, "RetentionPeriodHours", _FREE_HOURS)
    if text(resource, "StreamModeDetails.StreamMode", "PROVISIONED") == "ON_DEMAND":
        return _on_demand(retention, context.assumed)
    return _provisioned(number(resource, "ShardCount", 1), retention, context.assumed)


def _provisioned(shards: Decimal, retention: Decimal, assumed: Assumptions) -> Charges:
    shard_hours = shards * HOURS_PER_MONTH
    yield Charge("shards", "kinesis_shard_hour", shard_hours)
    units = math.ceil(assumed.event_kilobytes / _PAYLOAD_UNIT_KILOBYTES)
    yield Charge("PUT payload units", "kinesis_put_payload_unit", assumed.events_per_month * units)
    if retention > _FREE_HOURS:
        yield Charge("retention of 24 to 168 hours", "kinesis_extended_shard_hour", shard_hours)
    long_term = _stored(retention, _EXTENDED_HOURS, assumed)
    yield Charge("retention beyond 168 hours", "kinesis_long_term_gb_month", long_term)


def _on_demand(retention: Decimal, assumed: Assumptions) -> Charges:
    # A record counts as a whole number of KiB.
    records = assumed.events_per_month * math.ceil(assumed.event_kilobytes) / KILOBYTES_PER_GIGABYTE
    yield Charge("on-demand stream", "kinesis_on_demand_hour", HOURS_PER_MONTH)
    yield Charge("data in", "kinesis_on_demand_ingest_gb", records)
    yield Charge("data out", "kinesis_on_demand_retrieval_gb", records * assumed.stream_readers)
    extended = _stored(min(retention, Decimal(_EXTENDED_HOURS)), _FREE_HOURS, assumed)
    yield Charge("retention of 24 to 168 hours", "kinesis_on_demand_extended_gb_month", extended)
    long_term = _stored(retention, _EXTENDED_HOURS, assumed)
    yield Charge("retention beyond 168 hours", "kinesis_on_demand_long_term_gb_month", long_term)


def _stored(retention: Decimal, beyond: int, assumed: Assumptions) -> Decimal:
    """The GB that a stream holds of records older than so many hours, in its steady state or as old as it is."""
    held = min(retention, assumed.days_in_service * HOURS_PER_DAY)
    days = max(Decimal(0), held - beyond) / HOURS_PER_DAY
    return assumed.events_per_day * days * assumed.event_kilobytes / KILOBYTES_PER_GIGABYTE
