"""What a preflight says: findings, the ledger, the ways out, and what it took to find out."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from hipaa_pipeline.errors import ExitCode
from hipaa_pipeline.findings import Finding, Status, count, exit_code
from hipaa_pipeline.preflight.exits import Exit
from hipaa_pipeline.preflight.ledger import Row


@dataclasses.dataclass(frozen=True)
class Cost:
    """What the preflight took: calls (pages count), calls made again after throttling or a lost connection, seconds."""

    calls: int = 0
    retried: Mapping[str, int] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0


UNTOLD = "unknown"
"""The status of a stack of which AWS does not tell whether there is one."""


@dataclasses.dataclass(frozen=True)
class Result:
    """The answer to "will it deploy?". `stack_status` is None when there is no stack yet."""

    stack_name: str
    region: str
    account_id: str
    stack_status: str | None
    findings: tuple[Finding, ...]
    rows: tuple[Row, ...]
    exits: tuple[Exit, ...]
    cost: Cost = Cost()

    def exit_code(self, *, accept_unknown: bool = False) -> ExitCode:
        """1 when something is blocked, 3 when something could not be told, unless that is accepted; else 0."""
        code = exit_code(self.findings)
        return ExitCode.GOOD if accept_unknown and code is ExitCode.UNKNOWN else code

    def with_status(self, status: Status) -> list[Finding]:
        """The findings of one status."""
        return [finding for finding in self.findings if finding.status is status]

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain JSON (`--format json --detail`)."""
        return {
            "stack": self.stack_name,
            "stack_status": self.stack_status,
            "region": self.region,
            "account_id": self.account_id,
            "counts": {str(status): number for status, number in count(self.findings).items()},
            "findings": [finding.as_dict() for finding in self.findings],
            "ledger": [row.as_dict() for row in self.rows],
            "exits": [way.as_dict() for way in self.exits],
            "calls": self.cost.calls,
            "retried": dict(self.cost.retried),
            "seconds": round(self.cost.seconds, 3),
        }
