"""The matrix gate: no parameter file can switch a safeguard off.

Every combination of the decisive parameters, and every boundary value of the others, is resolved and judged in three
Regions. In each, every check holds, or the template's own constraints refuse the combination. Only the few checks
marked `waivable` may fail, and only where `DeletionProtection` is false: an ephemeral environment must waive those by
name, and a protected one must meet them all.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import os
from collections.abc import Callable, Iterator, Sequence

from hipaa_pipeline.controls import CHECKS, Check, judge
from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.matrix.acceptance import Acceptance
from hipaa_pipeline.matrix.memory import BAD, Facts, Memory
from hipaa_pipeline.matrix.space import Values, combinations
from hipaa_pipeline.matrix.tally import Example, Tally
from hipaa_pipeline.places import with_lines
from hipaa_pipeline.resolve import compile_template
from hipaa_pipeline.source import Template
from hipaa_pipeline.stack import protected

REGIONS = ("ap-southeast-1", "us-east-1", "eu-central-1")
CONTROL = "parameter_matrix"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What the matrix found: the counts, and a finding for each check, with the first example of each failure."""

    tally: Tally
    regions: Sequence[str]
    findings: Sequence[Finding]

    @property
    def summary(self) -> str:
        """The counts in a sentence."""
        return f"{self.tally.summary} in {', '.join(self.regions)}"


def run(
    template: Template, regions: Sequence[str] = REGIONS, bases: Sequence[Values] = (), *, processes: int | None = None
) -> Outcome:
    """Try all combinations; `bases` are parameter sets whose neighbourhood is tried too.

    `processes` None takes every core. Raises ResolveError when the template itself is wrong.
    """
    shares = processes or _cores()
    work = functools.partial(judge_share, template, tuple(regions), tuple(bases), shares)
    tally = work(0) if shares == 1 else _in_processes(work, shares)
    return Outcome(tally, regions, with_lines(_findings(template, tally), template))


def _cores() -> int:
    """How many cores this process may use; macOS tells only how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _in_processes(work: Callable[[int], Tally], shares: int) -> Tally:
    import concurrent.futures
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(shares, mp_context=context) as pool:
        return sum(pool.map(work, range(shares)), Tally())


def judge_share(template: Template, regions: Sequence[str], bases: Sequence[Values], shares: int, share: int) -> Tally:
    """The counts of every `shares`-th combination of each Region, beginning with number `share`."""
    judge_region = functools.partial(_judge_region, template, bases, shares, share)
    return sum(itertools.starmap(judge_region, enumerate(regions)), Tally())


def _judge_region(
    template: Template, bases: Sequence[Values], shares: int, share: int, place: int, region: str
) -> Tally:
    resolver = compile_template(template)
    acceptance = Acceptance(resolver, region)
    memory = Memory()
    tally = Tally()
    sets = combinations(resolver, region, bases, acceptance.refuses)
    for number, values in itertools.islice(enumerate(sets), share, None, shares):
        if acceptance.refuses(values):
            tally.refused += 1
        else:
            facts = Facts(resolver.resolve(values, region=region))
            tally.count(Example((place, number), region, values), *_bad_checks(facts, memory))
    return tally


def _bad_checks(facts: Facts, memory: Memory) -> tuple[list[str], list[str]]:
    """The checks that do not hold in a stack: those it may waive, and the others."""
    waived: list[str] = []
    failed: list[str] = []
    for check in CHECKS:
        bad = memory.bad(check, facts)
        if bad:
            excused = check.waivable and Status.UNKNOWN not in bad and not protected(facts.stack.parameters)
            (waived if excused else failed).append(check.slug)
    return waived, failed


def _findings(template: Template, tally: Tally) -> Iterator[Finding]:
    yield _summary_finding(tally)
    for check in CHECKS:
        example = tally.examples.get(check.slug)
        if example is None:
            yield _held(check, tally)
        else:
            yield from _failed(template, check, tally, example)


def _summary_finding(tally: Tally) -> Finding:
    good = tally.judged and not tally.failed
    return Finding(
        control=CONTROL,
        status=Status.PASS if good else Status.FAIL,
        expected="each stack holds every control, or the template refuses its parameters",
        actual=tally.summary,
        remedy="Make what the findings name a literal of the template, or refuse the combination in its Rules.",
        severity="high",
    )


def _held(check: Check, tally: Tally) -> Finding:
    waived = tally.waived[check.slug]
    return Finding(
        control=check.slug,
        status=Status.PASS if tally.judged else Status.UNKNOWN,
        expected="holds in every stack",
        actual=f"holds in {tally.judged - waived:,} of {tally.judged:,} stacks",
        citation=", ".join(check.citations),
        remedy=check.remedy,
        reason=f"{waived:,} ephemeral stacks must waive it; no protected one can" if waived else "",
        severity=check.severity.value,
    )


def _failed(template: Template, check: Check, tally: Tally, example: Example) -> Iterator[Finding]:
    """The findings of the first stack in which the check does not hold, judged anew without memory."""
    resolver = compile_template(template)
    stack = resolver.resolve(example.values, region=example.region)
    set_apart = ", ".join(
        f"{name}={value}" for name, value in example.values.items() if value != resolver.parameters[name].default
    )
    reason = f"in {tally.failed[check.slug]:,} of {tally.judged:,} stacks, first in {example.region} with {set_apart}"
    for finding in judge(stack, checks=[check]):
        if finding.status in BAD:
            yield dataclasses.replace(finding, reason="; ".join(filter(None, (finding.reason, reason))))
