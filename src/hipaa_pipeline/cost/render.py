"""Estimates as plain text for a terminal and as Markdown for a document, from the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from hipaa_pipeline.cost.assumptions import Assumptions, plain
from hipaa_pipeline.cost.charges import ALLOWANCES
from hipaa_pipeline.cost.estimate import Estimate
from hipaa_pipeline.cost.first_attempt import SAID, Comparison

_HEAD = ("Resource", "Item", "Quantity", "Unit", "Price", "USD a month")
_NUMBERS = (2, 4, 5)
_COMPARED = ("Part", "Said", "Repriced", "Now", "Why")


def text(estimate: Estimate) -> str:
    """The estimate for a person: lines by cost, the total, what is not in it and what was assumed."""
    rows = [*_rows(estimate), (_total_label(estimate), "", "", "", "", f"{estimate.monthly:.2f}")]
    told = [aligned(_HEAD, rows, _NUMBERS), ""]
    if estimate.unpriced:
        told += ["Unpriced, and not in the total:", *(f"  {line}" for line in unpriced(estimate)), ""]
    told += [f"Prices of {estimate.region}, none older than {estimate.as_of or 'any'}.", ""]
    told += ["Assumed:", *(f"  {line}" for line in assumed(estimate.assumptions)), "", allowances(estimate.assumptions)]
    return "\n".join(told)


def markdown(estimate: Estimate) -> str:
    """The estimate's lines as a Markdown table, what is unpriced below it."""
    rows = [*_rows(estimate), (f"**{_total_label(estimate)}**", "", "", "", "", f"**{estimate.monthly:.2f}**")]
    missing = [f"* {line}" for line in unpriced(estimate)]
    heading = ["", "Unpriced, and not in the total:", ""] if missing else []
    return "\n".join([table(_HEAD, rows, _NUMBERS), *heading, *missing])


def compared(comparisons: Sequence[Comparison]) -> str:
    """The comparison with the first attempt for a person."""
    rows = compared_rows(comparisons)
    lines = [f"{row[0]}: said {row[1]}, repriced {row[2]}, now {row[3]}\n    {row[4]}" for row in rows]
    return "\n".join([f"The first attempt said about {SAID:.0f} USD a month.", *lines])


def compared_markdown(comparisons: Sequence[Comparison]) -> str:
    """The comparison with the first attempt as a Markdown table."""
    return table(_COMPARED, compared_rows(comparisons), (1, 2, 3))


def compared_rows(comparisons: Sequence[Comparison]) -> list[tuple[str, ...]]:
    """The comparison's parts and their total, as texts."""
    rows = [
        (each.part, f"{each.said:.2f}", f"{each.repriced:.2f}", f"{each.now:.2f}", each.why) for each in comparisons
    ]
    sums = [
        sum(amounts, Decimal(0)) for amounts in zip(*((c.said, c.repriced, c.now) for c in comparisons), strict=True)
    ]
    return [*rows, ("Total", *(f"{amount:.2f}" for amount in sums), "")]


def unpriced(estimate: Estimate) -> list[str]:
    """What the estimate has no price for, one line an item."""
    return [f"{item.text()}: {item.reason}" for item in estimate.unpriced]


def assumed(assumptions: Assumptions) -> list[str]:
    """Every assumption with its flag and meaning, one line each."""
    values = assumptions.as_dict()
    return [
        f"--{name.replace('_', '-')} {values[name]}: {meaning}" for name, meaning in Assumptions.help_texts().items()
    ]


def allowances(assumptions: Assumptions) -> str:
    """The free allowances by name, and whether they were taken off."""
    named = ", ".join(f"{plain(each.quantity):,} {each.text}" for each in ALLOWANCES)
    done = "are subtracted" if assumptions.free_allowances else "are not subtracted, other stacks may use them"
    return (
        f"An account's free allowances each month {done}: {named}. Always free: backups up to the database's storage, "
        "Performance Insights kept 7 days, gateway endpoints, an imported VPC."
    )


def aligned(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """A table of columns as wide as their widest text; columns in `numbers` are set to the right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *rows)
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """The same as Markdown."""
    rule = ["---:" if column in numbers else "---" for column in range(len(head))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))


def _total_label(estimate: Estimate) -> str:
    return "Total of what is priced" if estimate.unpriced else "Total"


def _rows(estimate: Estimate) -> list[tuple[str, ...]]:
    return [
        (line.resource, line.item, _quantity(line.quantity), line.unit, format(line.price, "f"), f"{line.monthly:.2f}")
        for line in estimate.lines
    ]


def _quantity(quantity: Decimal) -> str:
    shown = quantity.quantize(Decimal("0.01")) if quantity != quantity.to_integral_value() else quantity
    return f"{plain(shown):,}"
