from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_pipeline.fleet.operation import Operation, Share

SHARES = st.builds(Share, st.integers(1, 100), percent=st.booleans())


@pytest.mark.parametrize(
    ("share", "accounts", "number", "argument", "text"),
    [
        (Share(3), 10, 3, {"FailureToleranceCount": 3}, "3"),
        (Share(25, percent=True), 10, 2, {"FailureTolerancePercentage": 25}, "25%"),  # StackSets rounds down
        (Share(0), 10, 0, {"FailureToleranceCount": 0}, "0"),
    ],
)
def test_a_share_of_accounts(share: Share, accounts: int, number: int, argument: dict[str, int], text: str) -> None:
    assert share.of(accounts) == number
    assert share.argument("FailureTolerance") == argument
    assert str(share) == text


@pytest.mark.parametrize(
    ("operation", "accounts", "at_a_time"),
    [
        (Operation(Share(10), Share(0)), 100, 1),  # strict: one more than may fail
        (Operation(Share(10), Share(4)), 100, 5),
        (Operation(Share(3), Share(50, percent=True)), 100, 3),
        (Operation(Share(10), Share(0), soft=True), 100, 10),
        (Operation(Share(1, percent=True), Share(0)), 10, 1),  # never none
    ],
)
def test_accounts_at_a_time(operation: Operation, accounts: int, at_a_time: int) -> None:
    assert operation.concurrency(accounts) == at_a_time


@given(most=SHARES, tolerance=SHARES, soft=st.booleans(), accounts=st.integers(1, 1_000))
def test_concurrency_is_within_its_bounds(most: Share, tolerance: Share, soft: bool, accounts: int) -> None:
    at_a_time = Operation(most, tolerance, soft=soft).concurrency(accounts)

    assert 1 <= at_a_time <= max(1, most.of(accounts))
    assert soft or at_a_time <= tolerance.of(accounts) + 1


def test_the_request_names_every_region_in_order() -> None:
    operation = Operation(Share(2), Share(10, percent=True), ("us-east-1", "eu-west-1"), in_parallel=True, soft=True)

    assert operation.argument(("eu-central-1", "us-east-1")) == {
        "RegionConcurrencyType": "PARALLEL",
        "RegionOrder": ["us-east-1", "eu-central-1"],
        "ConcurrencyMode": "SOFT_FAILURE_TOLERANCE",
        "FailureTolerancePercentage": 10,
        "MaxConcurrentCount": 2,
    }
