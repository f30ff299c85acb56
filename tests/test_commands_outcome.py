"""What a deployment says of its read-back."""

from __future__ import annotations

import pytest

from hipaa_pipeline.commands.outcome import good_news
from hipaa_pipeline.findings import Finding, Status


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([Status.PASS, Status.NOT_APPLICABLE], "read back: nothing fails, nothing is unknown (2 asked)"),
        (
            [Status.PASS, Status.WAIVED],
            "read back: 1 failure is accepted (waived), nothing else fails, nothing is unknown (2 asked)",
        ),
        (
            [Status.WAIVED] * 2,
            "read back: 2 failures are accepted (waived), nothing else fails, nothing is unknown (2 asked)",
        ),
    ],
)
def test_a_waived_failure_is_called_a_failure(statuses: list[Status], expected: str) -> None:
    assert good_news([Finding(control="x", status=status) for status in statuses]) == expected
