"""Resolving the template: reading it, compiling it, and stacks a second on one core (processor time)."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable, Mapping

from measuring import processor_ms

from hipaa_pipeline import console
from hipaa_pipeline.configuration import DEFAULT_REGION, TEMPLATE_PATH, load_environment
from hipaa_pipeline.resolve import Resolver, compile_template
from hipaa_pipeline.source import load_template

LEAST_RATE = 100  # stacks a second, the checks of them included
RUNS = 2_000
SWITCHES = (
    "CreateVpcEndpoints",
    "CreateBackupPlan",
    "DatabaseMultiAz",
    "DeletionProtection",
)


def main() -> int:
    """Print the table; 1 when resolving alone takes longer than resolving and checking may."""
    template = load_template(TEMPLATE_PATH)
    resolver = compile_template(template)
    prod = dict(load_environment("prod").parameters)
    size = len(resolver.resolve(prod, region=DEFAULT_REGION).resources)
    console.result(f"resolving {TEMPLATE_PATH}: {size} resources in prod (milliseconds of processor time)")
    console.result(f"  reading YAML               {processor_ms(lambda: load_template(TEMPLATE_PATH), 5):8.2f}")
    console.result(f"  compiling                  {processor_ms(lambda: compile_template(template), 5):8.2f}")
    for name, sets in parameter_sets(prod).items():
        milliseconds = resolving_ms(resolver, sets)
        console.result(f"  {name:<26} {milliseconds:8.2f}   {1000 / milliseconds:,.0f} stacks a second")
    return int(1000 / resolving_ms(resolver, parameter_sets(prod)["every name new"]) < LEAST_RATE)


def parameter_sets(prod: Mapping[str, str]) -> dict[str, list[dict[str, str]]]:
    """Parameter sets to resolve: one again and again, switches as a matrix turns them, and nothing shared."""
    switched = itertools.product(("true", "false"), repeat=len(SWITCHES))
    combinations = [{**prod, **dict(zip(SWITCHES, each, strict=True))} for each in switched if each[-1] == "false"]
    return {
        "the same again": [dict(prod)] * RUNS,
        "switches turned": list(itertools.islice(itertools.cycle(combinations), RUNS)),
        "every name new": [{**prod, "EnvironmentSuffix": f"e{number}"} for number in range(RUNS)],
    }


def resolving_ms(resolver: Resolver, sets: Iterable[Mapping[str, str]]) -> float:
    """Milliseconds per stack."""
    waiting = iter(sets)
    return processor_ms(lambda: resolver.resolve(next(waiting), region=DEFAULT_REGION, stack_name="bench"), RUNS)


if __name__ == "__main__":
    sys.exit(main())
