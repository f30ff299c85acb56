"""`fleet`: the same stack in many accounts and Regions, by StackSets."""

from __future__ import annotations

import dataclasses
import functools
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hipaa_pipeline import console
from hipaa_pipeline.commands.options import aws_options, format_option, yes_option
from hipaa_pipeline.errors import ExitCode, UserError

if TYPE_CHECKING:
    from hipaa_pipeline.aws.session import Session
    from hipaa_pipeline.configuration import Configuration
    from hipaa_pipeline.findings import Finding
    from hipaa_pipeline.fleet.file import Fleet
    from hipaa_pipeline.fleet.plan import Content, Found, Place, Plan, Row
    from hipaa_pipeline.fleet.run import Report, Tools
    from hipaa_pipeline.fleet.visits import Visit
    from hipaa_pipeline.fleet.wanted import Target
    from hipaa_pipeline.resolve import Resolver
    from hipaa_pipeline.stack import Stack

F = TypeVar("F", bound=Callable[..., Any])

_PROTECTION = "DeletionProtection"


@click.group(name="fleet")
def command() -> None:
    """The same stack in many accounts and Regions, by StackSets."""


def _options(*formats: str) -> Callable[[F], F]:
    """The options of every fleet command."""

    def decorate(function: F) -> F:
        path = click.option(
            "--fleet", "path", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The fleet file."
        )
        return path(aws_options(format_option(*formats)(function)))

    return decorate


def _preflight_option(function: F) -> F:
    told = "Look into the target accounts first, with the fleet's read role; a blocked one is left out."
    return click.option("--preflight/--no-preflight", default=True, show_default=True, help=told)(function)


def _surplus_option(function: F) -> F:
    return click.option("--remove-surplus", is_flag=True, help="Delete stacks that the fleet file does not name.")(
        function
    )


def _timeout_option(function: F) -> F:
    told = "Minutes to follow each operation; it goes on in AWS after that."
    return click.option(
        "--timeout", "minutes", type=click.IntRange(1, 1440), default=240, show_default=True, help=told
    )(function)


@command.command()
@_options("text", "json")
@_preflight_option
@_surplus_option
def plan(
    path: Path, region: str | None, profile: str | None, output_format: str, preflight: bool, remove_surplus: bool
) -> int:
    """Show how every target stands and what deploy would do; nothing is changed."""
    work = _work(path, region, profile)
    found = _answered(work, lambda: _look(work, work.reading))
    visits = _visits(work, found) if preflight and work.fleet.read_role else []
    proposed = _plan(work, found, visits, remove_surplus)
    _show_plan(work, proposed, visits, output_format)
    return ExitCode.FAILED if any(visit.stop for visit in visits) else ExitCode.GOOD


@command.command()
@_options("text", "json")
@_preflight_option
@_surplus_option
@_timeout_option
@yes_option
def deploy(
    path: Path,
    region: str | None,
    profile: str | None,
    output_format: str,
    preflight: bool,
    remove_surplus: bool,
    minutes: int,
    yes: bool,
) -> int:
    """Bring every target up to date; run again, it goes on with what is not."""
    from hipaa_pipeline.fleet import run

    work = _work(path, region, profile)
    tools = _tools(work, minutes)
    found = _answered(work, lambda: _settled(work, tools))
    visits = _visits(work, found) if preflight and work.fleet.read_role else []
    proposed = _plan(work, found, visits, remove_surplus)
    if not proposed.steps:
        _show_rows(work, proposed.rows, output_format)
        return run.exit_code(proposed.rows)
    _ask(work, proposed, yes)
    stops = {visit.place: visit.stop for visit in visits if visit.stop}
    report = _answered(
        work,
        lambda: run.deploy(
            work.fleet, work.wanted, work.content, proposed, tools, stops, remove_surplus=remove_surplus
        ),
    )
    return _show_report(work, report, output_format)


@command.command()
@_options("text", "json")
def status(path: Path, region: str | None, profile: str | None, output_format: str) -> int:
    """Tell how every target stands, and whether an operation is at work."""
    from hipaa_pipeline.aws import stacksets
    from hipaa_pipeline.fleet import run

    work = _work(path, region, profile)
    found = _answered(work, lambda: _look(work, work.reading))
    address = run.address(work.fleet)
    running = _answered(work, lambda: stacksets.active_operation(work.reading, address)) if found.stack_set else None
    rows = _plan(work, found, [], remove_surplus=False).rows
    _show_rows(work, rows, output_format, operation=dataclasses.asdict(running) if running else None)
    if running and output_format == "text":
        console.result(f"Operation {running.operation_id} ({running.action}) is {running.status}.")
    return ExitCode.UNKNOWN if running else run.exit_code(rows)


@command.command()
@_options("text", "json", "sarif", "junit")
@click.option("--drift/--no-drift", default=True, show_default=True, help="Have CloudFormation look for drift.")
@_timeout_option
def verify(path: Path, region: str | None, profile: str | None, output_format: str, drift: bool, minutes: int) -> int:
    """Ask every target whether it still is what the template promised: drift, and the controls where it can be read."""
    from hipaa_pipeline.findings import exit_code

    work = _work(path, region, profile)
    findings = _answered(work, lambda: _verified(work, _tools(work, minutes), drift))
    console.result_findings(findings, output_format, title=f"fleet {work.fleet.name}")
    return exit_code(findings)


@command.command()
@_options("text", "json")
@_timeout_option
@yes_option
def destroy(path: Path, region: str | None, profile: str | None, output_format: str, minutes: int, yes: bool) -> int:
    """Delete every stack of the fleet, and the stack set; protected stacks are refused."""
    from hipaa_pipeline.ask import asker
    from hipaa_pipeline.fleet import render, run
    from hipaa_pipeline.fleet.plan import removal

    work = _work(path, region, profile)
    _refuse_protected(work)
    tools = _tools(work, minutes)
    found = _answered(work, lambda: _settled(work, tools))
    proposed = removal(found)
    if not proposed.steps:
        _show_rows(work, (), output_format)
        return ExitCode.GOOD
    console.note(render.steps(proposed.steps))
    if not asker(yes=yes).type_name(f"Delete {len(found.instances)} stacks of {work.fleet.name}?", work.fleet.name):
        raise UserError("Nothing was deleted.", f"hipaa-pipeline fleet status --fleet {path}", ExitCode.FAILED)
    report = _answered(work, lambda: run.destroy(work.fleet, found, tools))
    _show_rows(work, report.rows, output_format, steps=[render.taken_dict(each) for each in report.taken])
    return ExitCode.FAILED if report.rows or any(each.error for each in report.taken) else ExitCode.GOOD


@dataclasses.dataclass(frozen=True)
class _Work:
    """What every fleet command begins with."""

    fleet: Fleet
    wanted: tuple[Target, ...]
    stacks: dict[Place, Stack]
    content: Content
    resolver: Resolver
    configuration: Configuration
    reading: Session


def _work(path: Path, region: str | None, profile: str | None) -> _Work:
    """Read the fleet file and check it against the template, before AWS is asked anything. Raises UserError."""
    from hipaa_pipeline.aws.session import Connection, Session, known_regions
    from hipaa_pipeline.aws.stacks import OWNER_TAG
    from hipaa_pipeline.configuration import load_environment
    from hipaa_pipeline.fleet.file import load_fleet
    from hipaa_pipeline.fleet.plan import Content
    from hipaa_pipeline.fleet.wanted import refuse_unknown_regions, resolved, targets
    from hipaa_pipeline.resolve import compile_template
    from hipaa_pipeline.source import load_template

    fleet = load_fleet(path)
    fleet = dataclasses.replace(fleet, region=region or fleet.region)
    refuse_unknown_regions(fleet, known_regions())
    configuration = load_environment(fleet.environment)
    template = load_template(fleet.template)
    resolver = compile_template(template)
    wanted = targets(fleet)
    return _Work(
        fleet=fleet,
        wanted=wanted,
        stacks=resolved(fleet, wanted, resolver, configuration.parameters),
        content=Content(
            template.text, configuration.parameters, {**configuration.tags, OWNER_TAG: configuration.environment}
        ),
        resolver=resolver,
        configuration=configuration,
        reading=Session(Connection(region=fleet.region, profile=profile), read_only=True),
    )


def _tools(work: _Work, minutes: int) -> Tools:
    from hipaa_pipeline.aws.patient import PatientSession
    from hipaa_pipeline.clock import SystemClock
    from hipaa_pipeline.fleet.run import Tools

    clock = SystemClock()
    session = PatientSession(work.reading.connection, clock)
    return Tools(
        session=session, clock=clock, new_id=lambda: str(uuid.uuid4()), say=console.note, timeout=minutes * 60.0
    )


def _answered(work: _Work, ask: Callable[[], Any]) -> Any:
    """What AWS says; an AWS error as a sentence."""
    from hipaa_pipeline.aws.explain import explain
    from hipaa_pipeline.aws.session import AwsError

    try:
        return ask()
    except AwsError as error:
        raise explain(error, work.reading.connection) from error


def _look(work: _Work, session: Session) -> Found:
    from hipaa_pipeline.fleet import run

    return run.look(session, work.fleet)


def _settled(work: _Work, tools: Tools) -> Found:
    """What is there once no operation is at work."""
    from hipaa_pipeline.aws import stacksets
    from hipaa_pipeline.fleet import run

    if stacksets.read(tools.session, run.address(work.fleet)):
        run.settle(work.fleet, tools)
    return _look(work, tools.session)


def _plan(work: _Work, found: Found, visits: list[Visit], remove_surplus: bool) -> Plan:
    from hipaa_pipeline.fleet.plan import plan as planned

    stops = {visit.place: visit.stop for visit in visits if visit.stop}
    return planned(work.wanted, work.content, found, blocked=stops, remove_surplus=remove_surplus)


def _visits(work: _Work, found: Found) -> list[Visit]:
    """The preflight of each target that the deployment would touch."""
    from hipaa_pipeline.clock import SystemClock
    from hipaa_pipeline.fleet.visits import preflights

    touched = {(row.owner, row.region) for row in _plan(work, found, [], remove_surplus=False).rows if row.action}
    targets = [target for target in work.wanted if target.place in touched]
    size = len(work.content.template_body.encode())
    return preflights(work.reading, work.fleet, targets, functools.partial(_expect, work), size, SystemClock())


def _expect(work: _Work, account: str, region: str, stack_name: str) -> Stack:
    """The stack that an account should have, resolved for it."""
    overrides = next((each.overrides for each in work.wanted if each.place == (account, region)), {})
    given = {**work.configuration.parameters, **overrides}
    return work.resolver.resolve(given, region=region, account_id=account, stack_name=stack_name)


def _verified(work: _Work, tools: Tools, drift: bool) -> list[Finding]:
    from hipaa_pipeline.aws import stacksets
    from hipaa_pipeline.fleet import run, visits

    found = _settled(work, tools)
    if not found.instances:
        raise UserError(
            f"The fleet {work.fleet.name} has no stacks.", f"hipaa-pipeline fleet deploy --fleet {work.fleet.path}"
        )
    findings = []
    if drift:
        run.detect_drift(work.fleet, tools)
        found = dataclasses.replace(found, instances=stacksets.instances(tools.session, run.address(work.fleet)))
        findings = [visits.drift_finding(each) for each in found.instances]
    looked = visits.verifications(
        work.reading, work.fleet, found.instances, functools.partial(_expect, work), tools.clock
    )
    standings = [visits.standing_finding(row) for row in _plan(work, found, [], remove_surplus=False).rows]
    return [*standings, *findings, *(finding for visit in looked for finding in visit.findings)]


def _refuse_protected(work: _Work) -> None:
    """A fleet is not deleted by one mistake: protection comes off by a deployment first, as for a single stack."""
    for target in work.wanted:
        if str(work.stacks[target.place].parameters.get(_PROTECTION, "false")).lower() == "true":
            raise UserError(
                f"{target.owner} in {target.region} is protected ({_PROTECTION} is true), and with it its data.",
                f"Set {_PROTECTION} to false for it, run fleet deploy, then fleet destroy.",
                ExitCode.FAILED,
            )


def _ask(work: _Work, proposed: Plan, yes: bool) -> None:
    from hipaa_pipeline.ask import asker
    from hipaa_pipeline.fleet import render

    console.note(render.steps(proposed.steps))
    touched = sum(bool(row.action) for row in proposed.rows)
    if not asker(yes=yes).confirm(f"Take these steps for {touched} stacks of {work.fleet.name}?"):
        raise UserError("Nothing was changed.", f"hipaa-pipeline fleet plan --fleet {work.fleet.path}", ExitCode.FAILED)


def _show_plan(work: _Work, proposed: Plan, visits: list[Visit], output_format: str) -> None:
    from hipaa_pipeline.fleet import render

    findings = [finding.as_dict() for visit in visits for finding in visit.findings]
    if output_format == "json":
        steps = [render.step_dict(step) for step in proposed.steps]
        console.result_json(render.as_dict(work.fleet, proposed.rows, steps=steps, preflight=findings))
        return
    console.result(render.table(proposed.rows))
    accounts = len({target.account for target in work.wanted if target.account})
    if accounts and proposed.steps:
        console.result(f"\nAt most {work.fleet.operation.concurrency(accounts)} accounts at a time in a Region.")
    console.result("\n" + render.steps(proposed.steps))


def _show_rows(work: _Work, rows: tuple[Row, ...], output_format: str, **more: Any) -> None:
    from hipaa_pipeline.fleet import render

    if output_format == "json":
        console.result_json(render.as_dict(work.fleet, rows, **more))
    else:
        console.result(render.table(rows))


def _show_report(work: _Work, report: Report, output_format: str) -> int:
    from hipaa_pipeline.fleet import render

    _show_rows(work, report.rows, output_format, steps=[render.taken_dict(each) for each in report.taken])
    return report.exit_code
