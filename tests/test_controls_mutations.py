"""Each safeguard of the `prod` stack is weakened; the check that names it must say so, and only those expected."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable

import pytest

import mutations_access
import mutations_data
from controls_stacks import development, environment, production
from hipaa_pipeline.controls import CHECKS, judge
from hipaa_pipeline.findings import Status
from hipaa_pipeline.stack import Stack
from mutation import Mutation

MUTATIONS: tuple[Mutation, ...] = (*mutations_data.MUTATIONS, *mutations_access.MUTATIONS)
WAIVED_IN_DEVELOPMENT = {"rds_multi_az", "rds_deletion_protection", "rds_in_backup_plan"}


@functools.cache
def failing_before(base: Callable[[], Stack]) -> set[str]:
    """The checks that fail on a base already."""
    return failing(base())


def failing(stack: Stack) -> set[str]:
    """The checks that fail on a stack."""
    return {finding.control for finding in judge(stack) if finding.status is Status.FAIL}


def test_prod_meets_every_check() -> None:
    """No failure and nothing unknown, without a single waiver."""
    bad = [f for f in judge(environment("prod")) if f.status in (Status.FAIL, Status.UNKNOWN)]
    assert bad == []


@pytest.mark.parametrize("name", ["dev", "local"])
def test_ephemeral_environments_fail_only_what_they_may_waive(name: str) -> None:
    findings = judge(environment(name))
    assert {f.control for f in findings if f.status is Status.FAIL} == WAIVED_IN_DEVELOPMENT
    assert not [f for f in findings if f.status is Status.UNKNOWN]


def test_the_bases_of_the_mutations_are_good() -> None:
    assert failing(production()) == set()
    assert failing(development()) == WAIVED_IN_DEVELOPMENT


@pytest.mark.parametrize(
    "mutation", MUTATIONS, ids=lambda mutation: f"{mutation.check}-{mutation.what}".replace(" ", "_")
)
def test_a_weakened_safeguard_is_caught_by_its_check(mutation: Mutation) -> None:
    caught = failing(mutation.stack()) - failing_before(mutation.base)
    assert caught == {mutation.check, *mutation.also}


def test_every_check_has_a_mutation() -> None:
    assert {mutation.check for mutation in MUTATIONS} == {check.slug for check in CHECKS}


def test_the_table_is_as_large_as_promised() -> None:
    assert len(MUTATIONS) >= 120
    assert max(Counter((mutation.check, mutation.what) for mutation in MUTATIONS).values()) == 1


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1", "us-east-1"])
def test_prod_meets_every_check_in_every_partition(region: str) -> None:
    bad = [f for f in judge(environment("prod", region)) if f.status in (Status.FAIL, Status.UNKNOWN)]
    assert bad == []
