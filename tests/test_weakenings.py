"""Each safeguard of the running stack, weakened through the service API, is found by the control that names it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator

import pytest

from hipaa_pipeline.aws import finishing, stacks
from hipaa_pipeline.aws.session import Session
from hipaa_pipeline.clock import SystemClock
from hipaa_pipeline.configuration import TEMPLATE_PATH, load_environment
from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.local.server import local_account
from hipaa_pipeline.resolve import resolve
from hipaa_pipeline.source import load_template
from hipaa_pipeline.stack import Stack
from hipaa_pipeline.verification import verify
from local_stacks import deploy_environment, physical_ids
from weakenings import WEAKENINGS, Weakening

ENVIRONMENT = "prod"


@dataclasses.dataclass
class Running:
    """A deployed stack, and what the last verification of it found wrong."""

    session: Session
    reading: Session
    expected: Stack
    ids: dict[str, str]
    problems: set[tuple[str, str, str, str]] = dataclasses.field(default_factory=set)

    def verify(self) -> set[tuple[str, str, str, str]]:
        """What is wrong now and was not before."""
        found = verify.run(self.reading, self.expected, clock=SystemClock()).findings
        problems = {_told(finding) for finding in found if finding.status in (Status.FAIL, Status.UNKNOWN)}
        fresh = problems - self.problems
        self.problems = problems
        return fresh


def _told(finding: Finding) -> tuple[str, str, str, str]:
    seen = json.dumps([finding.property, finding.actual], sort_keys=True, default=str)
    return finding.control, finding.resource, str(finding.status), seen


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """The protected environment, deployed and finished once; it must pass before it is weakened."""
    configuration = load_environment(ENVIRONMENT)
    with local_account() as account:
        session = Session(account.connection)
        assert deploy_environment(session, ENVIRONMENT) == "CREATE_COMPLETE"
        finishing.close_default_groups(session, stacks.resources(session, configuration.stack_name))
        stacks.set_protection(session, configuration.stack_name, protected=True)
        expected = resolve(
            load_template(TEMPLATE_PATH),
            configuration.parameters,
            region=account.region,
            account_id=account.account_id,
            stack_name=configuration.stack_name,
        )
        ids = physical_ids(session, configuration.stack_name)
        stack = Running(session, Session(account.connection, read_only=True), expected, ids)
        assert stack.verify() == set()
        yield stack


@pytest.mark.parametrize("weakening", WEAKENINGS, ids=lambda weakening: weakening.name.replace(" ", "-"))
def test_a_weakened_safeguard_is_found(running: Running, weakening: Weakening) -> None:
    weakening.weaken(running.session, running.ids)
    fresh = {(control, resource) for control, resource, status, _ in running.verify() if status == "fail"}
    assert (weakening.control, weakening.resource) in fresh


def test_at_least_forty_safeguards_are_weakened() -> None:
    assert len({weakening.name for weakening in WEAKENINGS}) == len(WEAKENINGS) >= 40
