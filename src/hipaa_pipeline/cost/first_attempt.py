"""The founding attempt's own estimate, about 39 US dollars a month, against what the same things and a stack cost.

Three numbers for each part: what the attempt said, what its own configuration costs at the lock's prices, and what the
stack costs. The first step is wrong or missing prices, the second is what the stack has and the attempt had not.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hipaa_pipeline.cost.estimate import Estimate, Line, estimate
from hipaa_pipeline.cost.lock import Price
from hipaa_pipeline.stack import Resource, Stack


@dataclasses.dataclass(frozen=True)
class Part:
    """A part of the bill: the tariffs it is made of, what the first attempt said of it, and what that was."""

    name: str
    tariffs: tuple[str, ...]
    said: Decimal
    reason: str


PARTS: tuple[Part, ...] = (
    Part(
        "Database",
        ("rds_",),
        Decimal(25),
        "25 is less than its db.t3.small and 20 GB cost at the Region's prices",
    ),
    Part("Stream", ("kinesis_",), Decimal(11), "11 is one shard at us-east-1's 0.015 an hour"),
    Part("Keys", ("kms_",), Decimal("1.5"), "1.5 is one key and some requests"),
    Part("Logs", ("logs_",), Decimal("0.5"), "0.5 is less than the GB a month assumed here"),
    Part("Transfer", (), Decimal(1), "1 has no counterpart: nothing here sends data out of the Region"),
    Part("Network", ("vpc_",), Decimal(0), "not in the first estimate"),
    Part("Secrets", ("secret_",), Decimal(0), "not in the first estimate"),
    Part("Monitoring", ("alarm_", "custom_", "sns_"), Decimal(0), "not in the first estimate"),
)
SAID = sum((part.said for part in PARTS), Decimal(0))

_RESOURCES: Mapping[str, tuple[str, dict[str, Any]]] = {
    "Key": ("AWS::KMS::Key", {}),
    "Database": (
        "AWS::RDS::DBInstance",
        {"DBInstanceClass": "db.t3.small", "AllocatedStorage": 20, "StorageType": "gp3", "BackupRetentionPeriod": 7},
    ),
    "RecordStream": ("AWS::Kinesis::Stream", {"ShardCount": 1}),
    "LogGroup": ("AWS::Logs::LogGroup", {"RetentionInDays": 90}),
}


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One part of the bill in US dollars a month, and where the differences come from."""

    part: str
    said: Decimal
    repriced: Decimal
    now: Decimal
    why: str

    def as_dict(self) -> dict[str, Any]:
        """The comparison as plain JSON."""
        return {
            "part": self.part,
            "said": float(self.said),
            "repriced": float(self.repriced),
            "now": float(self.now),
            "why": self.why,
        }


def compare(now: Estimate, prices: Mapping[str, Price]) -> tuple[Comparison, ...]:
    """The first attempt's parts against an estimate, with the same assumptions and the Region's prices."""
    resources = {name: Resource(name, kind, properties) for name, (kind, properties) in _RESOURCES.items()}
    attempted = Stack(resources, region=now.region, account_id="111122223333")
    repriced = estimate(attempted, prices, now.assumptions)
    return tuple(_comparison(part, repriced, now) for part in PARTS)


def _comparison(part: Part, repriced: Estimate, now: Estimate) -> Comparison:
    before, after = _lines(part, repriced), _lines(part, now)
    why = "; ".join([part.reason, *_steps(_by_item(before), _by_item(after))])
    return Comparison(part.name, part.said, _total(before), _total(after), why)


def _steps(before: Mapping[str, Decimal], after: Mapping[str, Decimal]) -> list[str]:
    """What came, went or changed, in words: the dearest first."""
    zero = Decimal(0)
    changed = {item: after.get(item, zero) - before.get(item, zero) for item in (*after, *before)}
    ordered = sorted((item for item in changed if changed[item]), key=lambda item: (-abs(changed[item]), item))
    return [f"{item} {changed[item]:+.2f}" for item in ordered]


def _lines(part: Part, estimate: Estimate) -> list[Line]:
    return [line for line in estimate.lines if part.tariffs and line.tariff.startswith(part.tariffs)]


def _by_item(lines: list[Line]) -> dict[str, Decimal]:
    totals: dict[str, Decimal] = {}
    for line in lines:
        totals[line.item] = totals.get(line.item, Decimal(0)) + line.monthly
    return totals


def _total(lines: list[Line]) -> Decimal:
    return sum((line.monthly for line in lines), Decimal("0.00"))
