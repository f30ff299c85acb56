"""How carefully StackSets goes about an operation.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackSetOperationPreferences.html
"""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Share:
    """A number of accounts, or a percentage of them, which StackSets rounds down."""

    amount: int
    percent: bool = False

    def of(self, accounts: int) -> int:
        """The number of accounts out of so many."""
        return accounts * self.amount // 100 if self.percent else self.amount

    def argument(self, name: str) -> dict[str, int]:
        """The request's field: `nameCount` or `namePercentage`."""
        return {f"{name}{'Percentage' if self.percent else 'Count'}": self.amount}

    def __str__(self) -> str:
        return f"{self.amount}%" if self.percent else str(self.amount)


@dataclasses.dataclass(frozen=True)
class Operation:
    """An operation's preferences, as a fleet file gives them. `soft` keeps the concurrency when accounts fail."""

    max_concurrent: Share = Share(1)
    failure_tolerance: Share = Share(0)
    region_order: tuple[str, ...] = ()
    in_parallel: bool = False
    soft: bool = False

    def concurrency(self, accounts: int) -> int:
        """Accounts worked on at a time in a Region: unless `soft`, at most one more than may fail."""
        most = max(1, self.max_concurrent.of(accounts))
        return most if self.soft else min(most, self.failure_tolerance.of(accounts) + 1)

    def argument(self, regions: tuple[str, ...]) -> dict[str, Any]:
        """The request's OperationPreferences, for an operation in these Regions."""
        order = [region for region in self.region_order if region in regions]
        order += [region for region in regions if region not in order]
        return {
            "RegionConcurrencyType": "PARALLEL" if self.in_parallel else "SEQUENTIAL",
            "RegionOrder": order,
            "ConcurrencyMode": "SOFT_FAILURE_TOLERANCE" if self.soft else "STRICT_FAILURE_TOLERANCE",
            **self.failure_tolerance.argument("FailureTolerance"),
            **self.max_concurrent.argument("MaxConcurrent"),
        }
