"""Judging policies statement by statement."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hipaa_pipeline.controls.check import Judge, Verdict, not_applicable, problems_or_pass, undetermined
from hipaa_pipeline.controls.policy import STATEMENT, Statement, statements_of
from hipaa_pipeline.stack import Resource, Stack, unknown

Finder = Callable[[Statement, Stack], Iterator[Verdict]]

# What an unknown part of a statement could be at its worst, for one check or another.
_ANYBODY = (
    ("AWS", "*"),
    ("AWS", "arn:aws:iam::000000000000:root"),
    ("Federated", "*"),
    ("Service", "backup.amazonaws.com"),
)
_ANY_ACTION = ("*", "s3:Get*", "nosuch:Action", "rds-db:connect", "ec2:DescribeVpcs")
_SOME_ARN = "arn:aws:service:region:account:unknown"


def no_grant(places: Mapping[str, str], expected: str, find: Finder, *reads: str, denials: bool = False) -> Judge:
    """No statement that allows something (nor, with `denials`, one that denies) has what `find` looks for.

    `places` says where the policy is (by resource type), `reads` which elements `find` looks at: where an unknown one
    decides, the statement's answer is unknown. A resource without a policy is not judged.
    """

    def judge(resource: Resource, stack: Stack) -> Iterator[Verdict]:
        policy = statements_of(resource, places)
        if not policy:
            yield not_applicable("it has no policy", places[resource.type])
            return
        judged = [statement for statement in policy if statement.allow or denials]
        problems = (problem for statement in judged for problem in _problems(statement, stack, expected, find, reads))
        yield from problems_or_pass(problems, places[resource.type], expected, f"{len(judged)} statements, all so")

    return judge


def _problems(
    statement: Statement, stack: Stack, expected: str, find: Finder, reads: tuple[str, ...]
) -> Iterator[Verdict]:
    problems = list(find(statement, stack))
    element = next((element for element in reads if element in statement.unknowns), None)
    # Known actions, resources and principals stand whatever else there is; an unknown condition may excuse them.
    excusable = "Condition" in reads and "Condition" in statement.unknowns
    if element is None or (problems and not excusable):
        yield from problems
    elif problems or any(next(find(worst, stack), None) for worst in _worst(statement)):
        path = statement.path if element == STATEMENT else f"{statement.path}.{element}"
        yield undetermined(path, expected, unknown(statement.unknowns[element]))


def _worst(statement: Statement) -> Iterator[Statement]:
    """The statement with its unknown parts at their worst: everything, or an action or a resource that is named."""
    worst: dict[str, Any] = {}
    if STATEMENT in statement.unknowns:
        worst["elements"] = statement.elements | {"NotAction", "NotPrincipal", "NotResource"}
    if "Principal" in statement.unknowns:
        kinds = statement.unknown_kinds
        anybody = [each for each in _ANYBODY if not kinds or each[0] in kinds]
        worst["principals"] = (*statement.principals, *anybody)
    if "Condition" in statement.unknowns:
        worst["conditions"] = ()
    actions = [(*statement.actions, action) for action in _ANY_ACTION] if "Action" in statement.unknowns else None
    resources = (
        [(*statement.resources, each) for each in ("*", _SOME_ARN)] if "Resource" in statement.unknowns else None
    )
    for acting, on in itertools.product(actions or [statement.actions], resources or [statement.resources]):
        yield dataclasses.replace(statement, **worst, actions=acting, resources=on)
