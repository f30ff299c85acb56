"""From options to a fleet: what every fleet command begins with, and the questions several of them ask."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from hipaa_pipeline import console
from hipaa_pipeline.aws import stacksets
from hipaa_pipeline.aws.explain import explain
from hipaa_pipeline.aws.patient import PatientSession
from hipaa_pipeline.aws.session import AwsError, Connection, Session, known_regions
from hipaa_pipeline.aws.stacks import OWNER_TAG
from hipaa_pipeline.clock import SystemClock
from hipaa_pipeline.configuration import Configuration, load_environment
from hipaa_pipeline.errors import ExitCode, UserError
from hipaa_pipeline.findings import Finding
from hipaa_pipeline.fleet import run, visits
from hipaa_pipeline.fleet.file import Fleet, load_fleet
from hipaa_pipeline.fleet.plan import Content, Found, Plan, plan
from hipaa_pipeline.fleet.protection import doomed, protections
from hipaa_pipeline.fleet.run import Tools
from hipaa_pipeline.fleet.state import Instance
from hipaa_pipeline.fleet.visits import Expect, Visit
from hipaa_pipeline.fleet.wanted import Target, refuse_unknown_regions, resolved, targets
from hipaa_pipeline.resolve import Resolver, compile_template
from hipaa_pipeline.source import load_template
from hipaa_pipeline.stack import PROTECTION, Stack

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Work:
    """What every fleet command begins with. `reading` asks the administrator's account, `assuming` asks for roles."""

    fleet: Fleet
    wanted: tuple[Target, ...]
    content: Content
    resolver: Resolver
    configuration: Configuration
    reading: Session
    assuming: Session


def prepare(path: Path, region: str | None, profile: str | None) -> Work:
    """Read the fleet file and check it against the template, before AWS is asked anything. Raises UserError."""
    fleet = load_fleet(path)
    fleet = dataclasses.replace(fleet, region=region or fleet.region)
    refuse_unknown_regions(fleet, known_regions())
    configuration = load_environment(fleet.environment)
    template = load_template(fleet.template)
    resolver = compile_template(template)
    wanted = targets(fleet)
    resolved(fleet, wanted, resolver, configuration.parameters)  # refuses what could only fail in the accounts
    connection = Connection(region=fleet.region, profile=profile)
    return Work(
        fleet=fleet,
        wanted=wanted,
        content=Content(
            template.text, configuration.parameters, {**configuration.tags, OWNER_TAG: configuration.environment}
        ),
        resolver=resolver,
        configuration=configuration,
        reading=Session(connection, read_only=True),
        assuming=Session(connection),
    )


def make_tools(work: Work, minutes: int) -> Tools:
    """The tools of a person or program at the command line."""
    clock = SystemClock()
    session = PatientSession(work.reading.connection, clock)
    return Tools(
        session=session, clock=clock, new_id=lambda: str(uuid.uuid4()), say=console.note, timeout=minutes * 60.0
    )


def answered(work: Work, ask: Callable[[], T]) -> T:
    """What AWS says; an AWS error as a sentence."""
    try:
        return ask()
    except AwsError as error:
        raise explain(error, work.reading.connection) from error


def settled(work: Work, tools: Tools) -> Found:
    """What is there once no operation is at work."""
    if stacksets.read(tools.session, run.address(work.fleet)):
        run.settle(work.fleet, tools)
    return run.look(tools.session, work.fleet)


def planned(work: Work, found: Found, visits: list[Visit], remove_surplus: bool = False) -> Plan:
    """The plan, without the targets whose preflight says that they would fail."""
    stops = {visit.place: visit.stop for visit in visits if visit.stop}
    return plan(work.wanted, work.content, found, blocked=stops, remove_surplus=remove_surplus)


def preflights(work: Work, found: Found) -> list[Visit]:
    """The preflight of each target that the deployment would touch; none where the file names no role to read with."""
    if not work.fleet.read_role:
        return []
    touched = {(row.owner, row.region) for row in planned(work, found, []).rows if row.action}
    touching = [target for target in work.wanted if target.place in touched]
    size = len(work.content.template_body.encode())
    expect, clock = _expectation(work), SystemClock()
    return visits.preflights(work.assuming, work.fleet, touching, found.instances, expect, size, clock)


def verified(work: Work, tools: Tools, drift: bool) -> list[Finding]:
    """What every target says of itself: how it stands, drift, and the controls where it can be read."""
    found = settled(work, tools)
    if not found.instances:
        next_command = f"hipaa-pipeline fleet deploy --fleet {work.fleet.path}"
        raise UserError(f"The fleet {work.fleet.name} has no stacks.", next_command, ExitCode.FAILED)
    standings = [visits.standing_finding(row) for row in planned(work, found, []).rows]
    drifts = [visits.drift_finding(each) for each in _looked_for_drift(work, tools)] if drift else []
    looked = visits.verifications(work.assuming, work.fleet, found.instances, _expectation(work), tools.clock)
    return [*standings, *drifts, *(finding for visit in looked for finding in visit.findings)]


def _looked_for_drift(work: Work, tools: Tools) -> tuple[Instance, ...]:
    run.detect_drift(work.fleet, tools)
    return stacksets.instances(tools.session, run.address(work.fleet))


def _expectation(work: Work) -> Expect:
    """What tells the stack that a place should have, resolved for its account."""
    overrides = {target.place: target.overrides for target in work.wanted}

    def expected(place: Instance, stack_name: str) -> Stack:
        own = overrides.get(place.place, overrides.get((place.unit, place.region), {}))
        given = {**work.configuration.parameters, **own}
        return work.resolver.resolve(given, region=place.region, account_id=place.account, stack_name=stack_name)

    return expected


def refuse_protected(work: Work, found: Found, proposed: Plan, *, accept_unknown: bool = False) -> None:
    """Nothing protected is deleted by one mistake: protection comes off by a deployment first, as for a single stack.

    Raises UserError when a stack that the plan deletes is protected as it is deployed, or when that cannot be told.
    """
    instances = doomed(proposed, found)
    if not found.stack_set or not instances:
        return
    told = dict(zip(instances, protections(found.stack_set, instances), strict=True))
    unclear = [instance for instance, answer in told.items() if answer is None]
    told.update(zip(unclear, visits.protections(work.assuming, work.fleet, unclear), strict=True))
    protected = [instance for instance, answer in told.items() if answer]
    untold = [instance for instance, answer in told.items() if answer is None]
    if protected:
        raise UserError(
            f"{' in '.join(protected[0].place)} is protected ({PROTECTION} is true), and with it its data.",
            f"Set {PROTECTION} to false for it in {work.fleet.path}, run fleet deploy, then delete it.",
            ExitCode.FAILED,
        )
    if untold and not accept_unknown:
        message = "may be protected: its stack is behind the stack set and could not be read."
        next_command = f"Name a role that may read it in {work.fleet.path}, fleet.read_role_name"
        raise UserError(
            f"{' in '.join(untold[0].place)} {message}",
            f"{next_command}; fleet destroy also takes --accept-unknown.",
            ExitCode.UNKNOWN,
        )
