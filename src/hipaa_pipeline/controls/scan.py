"""Judging policies statement by statement."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from hipaa_pipeline.controls.check import Judge, Verdict, not_applicable, problems_or_pass, undetermined
from hipaa_pipeline.controls.policy import Statement, statements_of
from hipaa_pipeline.stack import Resource, Stack, unknown

Finder = Callable[[Statement, Stack], Iterator[Verdict]]


def no_grant(places: Mapping[str, str], expected: str, find: Finder, *reads: str, denials: bool = False) -> Judge:
    """No statement that allows something (nor, with `denials`, one that denies) has what `find` looks for.

    `places` says where the policy is (by resource type), `reads` which elements `find` looks at: where one of these is
    unknown and nothing was found, the statement's answer is unknown. A resource without a policy is not judged.
    """

    def judge(resource: Resource, stack: Stack) -> Iterator[Verdict]:
        policy = statements_of(resource, places)
        if not policy:
            yield not_applicable("it has no policy", places[resource.type])
            return
        grants = [statement for statement in policy if statement.allow or denials]
        problems = (problem for statement in grants for problem in _problems(statement, stack, expected, find, reads))
        yield from problems_or_pass(problems, places[resource.type], expected, f"{len(grants)} statements, all so")

    return judge


def _problems(
    statement: Statement, stack: Stack, expected: str, find: Finder, reads: tuple[str, ...]
) -> Iterator[Verdict]:
    found = False
    for problem in find(statement, stack):
        found = True
        yield problem
    for element in reads if not found else ():
        if element in statement.unknowns:
            yield undetermined(f"{statement.path}.{element}", expected, unknown(statement.unknowns[element]))
            return
