"""Judging the resolved `prod` stack: all checks, and which of them take longest (processor time on one core)."""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence

from measuring import processor_ms

from hipaa_pipeline import console
from hipaa_pipeline.configuration import DEFAULT_REGION, TEMPLATE_PATH, load_environment
from hipaa_pipeline.controls import CHECKS, Check, judge
from hipaa_pipeline.findings import count
from hipaa_pipeline.resolve import resolve
from hipaa_pipeline.source import load_template
from hipaa_pipeline.stack import Stack

MOST_MS = 60  # a tenth of what `check` may take
RUNS = 50
SHOWN = 8


def main() -> int:
    """Print the table; 1 when judging takes longer than it may."""
    configuration = load_environment("prod")
    stack = resolve(
        load_template(TEMPLATE_PATH),
        configuration.parameters,
        region=DEFAULT_REGION,
        stack_name=configuration.stack_name,
    )
    first, milliseconds = processor_ms(lambda: judge(stack), 1), processor_ms(lambda: judge(stack), RUNS)
    counted = ", ".join(f"{number} {status}" for status, number in count(judge(stack)).items() if number)
    console.result(f"judging prod: {len(stack.resources)} resources, {len(CHECKS)} checks, {counted}")
    console.result(f"  the first time             {first:8.2f} ms")
    console.result(f"  again                      {milliseconds:8.2f} ms   {1000 / milliseconds:,.0f} stacks a second")
    console.result("the slowest checks")
    for slug, taken in slowest(stack, CHECKS):
        console.result(f"  {slug:<26} {taken:8.2f} ms")
    return int(milliseconds > MOST_MS)


def slowest(stack: Stack, checks: Sequence[Check]) -> list[tuple[str, float]]:
    """The checks that take longest, each with its milliseconds per stack."""
    taken = [(check.slug, processor_ms(functools.partial(judge, stack, checks=[check]), RUNS)) for check in checks]
    return sorted(taken, key=lambda each: each[1], reverse=True)[:SHOWN]


if __name__ == "__main__":
    sys.exit(main())
