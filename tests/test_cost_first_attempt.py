from __future__ import annotations

from decimal import Decimal

from cost_stacks import REGION, Shape, stack
from hipaa_pipeline.cost import Assumptions, estimate, load_lock, render
from hipaa_pipeline.cost.first_attempt import PARTS, SAID, compare

PRICES = load_lock().in_region(REGION)


def test_the_first_attempt_said_39() -> None:
    assert {part.name: part.said for part in PARTS if part.said} == {
        "Database": Decimal(25),
        "Stream": Decimal(11),
        "Keys": Decimal("1.5"),
        "Logs": Decimal("0.5"),
        "Transfer": Decimal(1),
    }
    assert SAID == 39


def test_its_own_configuration_at_the_locks_prices() -> None:
    repriced = {each.part: each.repriced for each in compare(estimate(stack(Shape()), PRICES), PRICES)}

    assert repriced["Database"] == Decimal("43.64")  # 730 * 0.056 + 20 * 0.138
    assert repriced["Stream"] == Decimal("13.49")  # 730 * 0.0184 + 3.04 million payload units
    assert repriced["Keys"] == Decimal("1.30")
    assert repriced["Transfer"] == 0


def test_every_line_of_the_estimate_is_in_one_part() -> None:
    now = estimate(stack(Shape(multi_az=True, plan_days=400, mode="ON_DEMAND")), PRICES)

    parts = compare(now, PRICES)

    assert sum(each.now for each in parts) == now.monthly
    for line in now.lines:
        assert sum(line.tariff.startswith(part.tariffs) for part in PARTS if part.tariffs) == 1


def test_the_differences_are_explained_by_item() -> None:
    why = {each.part: each.why for each in compare(estimate(stack(Shape()), PRICES), PRICES)}

    assert why["Stream"] == "11 is one shard at us-east-1's 0.015 an hour; retention of 24 to 168 hours +18.25"
    assert why["Network"] == "not in the first estimate; endpoint +113.88; data through the endpoint +0.06"


def test_the_comparison_uses_the_same_assumptions() -> None:
    busy = estimate(stack(Shape()), PRICES, Assumptions(kms_requests=Decimal(0)))

    assert next(each.repriced for each in compare(busy, PRICES) if each.part == "Keys") == 1


def test_the_comparison_adds_up_for_a_person() -> None:
    text = render.compared(compare(estimate(stack(Shape()), PRICES), PRICES))

    assert text.startswith(
        "The first attempt said about 39 USD a month.\nDatabase: said 25.00, repriced 43.64, now 39.99"
    )
    assert "Total: said 39.00, repriced 59.14, now 191.15" in text
