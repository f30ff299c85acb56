"""What a deployment says of its read-back."""

from __future__ import annotations

import pytest

from hipaa_pipeline.commands.outcome import good_news
from hipaa_pipeline.deployment.order import Result
from hipaa_pipeline.findings import Finding, Status

ACCEPTED = "are accepted (waived), nothing else fails, nothing is unknown"


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([Status.PASS, Status.NOT_APPLICABLE], "finishing and read-back: nothing fails, nothing is unknown (2 asked)"),
        (
            [Status.PASS, Status.WAIVED],
            "finishing and read-back: 1 failure is accepted (waived), nothing else fails, nothing is unknown (2 asked)",
        ),
        (
            [Status.WAIVED] * 2,
            f"finishing and read-back: 2 failures {ACCEPTED} (2 asked)",
        ),
    ],
)
def test_a_waived_failure_is_called_a_failure(statuses: list[Status], expected: str) -> None:
    findings = [Finding(control="x", status=status) for status in statuses]
    assert good_news(Result.CREATED, findings) == expected


def test_a_destroyed_stack_is_only_read_back() -> None:
    told = good_news(Result.DESTROYED, [Finding(control="x", status=Status.PASS)])
    assert told == "read back: nothing fails, nothing is unknown (1 asked)"
