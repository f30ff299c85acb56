"""The one result type of everything that judges: checks of templates, preflight, verification."""

from __future__ import annotations

import collections
import dataclasses
import enum
from collections.abc import Iterable
from typing import Any

from hipaa_pipeline.errors import ExitCode


class Status(enum.StrEnum):
    """The five possible answers. `UNKNOWN` is an answer, and never a pass."""

    PASS = "pass"  # noqa: S105 - a status, not a password
    FAIL = "fail"
    UNKNOWN = "unknown"
    WAIVED = "waived"
    NOT_APPLICABLE = "not-applicable"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """One answer to one question about one resource.

    `control` is the safeguard's slug as users see it (`rds_storage_encrypted`), `rule` the single question asked
    under it (equal to `control` where there is one), `resource` a logical ID, a file or an account-wide subject,
    `property` a dotted path (`StreamEncryption.KeyId`, `KeyPolicy.Statement[2].Principal`), `expected` and `actual`
    short texts or plain JSON values, `citation` the paragraphs the control serves, separated by ", "
    (`164.312(a)(2)(iv), 164.312(e)(2)(ii)`; empty where HIPAA is not the reason), `remedy` what to do, with the
    command or property to set. `reason` says why a finding is unknown, waived or not applicable.
    """

    control: str
    status: Status
    rule: str = ""
    resource: str = ""
    property: str = ""
    expected: Any = None
    actual: Any = None
    citation: str = ""
    remedy: str = ""
    reason: str = ""
    severity: str = ""
    line: int | None = None

    def __post_init__(self) -> None:
        if not self.rule:
            object.__setattr__(self, "rule", self.control)

    def as_dict(self) -> dict[str, Any]:
        """The finding as plain JSON, every key always present, in a fixed order."""
        return {**{name: getattr(self, name) for name in _FIELDS}, "status": str(self.status)}


_FIELDS = tuple(field.name for field in dataclasses.fields(Finding))


def count(findings: Iterable[Finding]) -> dict[Status, int]:
    """How many findings of each status; every status is present, zero included."""
    counted = collections.Counter(finding.status for finding in findings)
    return {status: counted[status] for status in Status}


def exit_code(findings: Iterable[Finding]) -> ExitCode:
    """1 if anything failed, else 3 if anything is unknown, else 0."""
    counted = count(findings)
    if counted[Status.FAIL]:
        return ExitCode.FAILED
    return ExitCode.UNKNOWN if counted[Status.UNKNOWN] else ExitCode.GOOD
