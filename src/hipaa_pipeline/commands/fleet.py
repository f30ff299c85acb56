"""`fleet`: the same stack in many accounts and Regions, by StackSets."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hipaa_pipeline import console
from hipaa_pipeline.commands.options import aws_options, format_option, yes_option
from hipaa_pipeline.errors import ExitCode, UserError

if TYPE_CHECKING:
    from hipaa_pipeline.commands.fleet_work import Work
    from hipaa_pipeline.findings import Finding
    from hipaa_pipeline.fleet.plan import Plan, Row
    from hipaa_pipeline.fleet.run import Report
    from hipaa_pipeline.fleet.visits import Visit

F = TypeVar("F", bound=Callable[..., Any])


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
    """Show how every target stands and what deploy would do; nothing is changed.

    Exit code 0: nothing stands in the way; 1: something does; 3: something could not be told.
    """
    from hipaa_pipeline.commands.fleet_work import answered, planned, preflights, prepare
    from hipaa_pipeline.findings import exit_code
    from hipaa_pipeline.fleet import run

    work = prepare(path, region, profile)
    found = answered(work, lambda: run.look(work.reading, work.fleet))
    visits = preflights(work, found) if preflight else []
    findings = [finding for visit in visits for finding in visit.findings]
    _show_plan(work, planned(work, found, visits, remove_surplus), findings, output_format)
    return exit_code(findings)


@command.command()
@_options("text", "json")
@_preflight_option
@_surplus_option
@_timeout_option
@click.option("--accept-unknown", is_flag=True, help="Deploy although preflight could not tell everything.")
@yes_option
def deploy(
    path: Path,
    region: str | None,
    profile: str | None,
    output_format: str,
    preflight: bool,
    remove_surplus: bool,
    minutes: int,
    accept_unknown: bool,
    yes: bool,
) -> int:
    """Bring every target up to date; run again, it goes on with what is not."""
    from hipaa_pipeline.commands.fleet_work import (
        answered,
        make_tools,
        planned,
        preflights,
        prepare,
        refuse_protected,
        settled,
    )
    from hipaa_pipeline.fleet import run

    work = prepare(path, region, profile)
    tools = make_tools(work, minutes)
    found = answered(work, lambda: settled(work, tools))
    visits = preflights(work, found) if preflight else []
    proposed = planned(work, found, visits, remove_surplus)
    if not proposed.steps:
        _show_rows(work, proposed.rows, output_format)
        return run.exit_code(proposed.rows)
    refuse_protected(work, found, proposed)
    _require_told(work, visits, yes=yes, accept_unknown=accept_unknown)
    _ask(work, proposed, yes)
    report = answered(work, lambda: run.deploy(work.fleet, proposed, tools))
    after = planned(work, report.found, visits, remove_surplus)
    rows = run.with_reasons(after.rows, report.taken)
    _show_rows(work, rows, output_format, steps=_taken(report))
    return run.exit_code(rows, failed=report.failed)


@command.command()
@_options("text", "json")
def status(path: Path, region: str | None, profile: str | None, output_format: str) -> int:
    """Tell how every target stands, and whether an operation is at work."""
    from hipaa_pipeline.aws import stacksets
    from hipaa_pipeline.commands.fleet_work import answered, planned, prepare
    from hipaa_pipeline.fleet import run

    work = prepare(path, region, profile)
    found = answered(work, lambda: run.look(work.reading, work.fleet))
    address = run.address(work.fleet)
    running = answered(work, lambda: stacksets.active_operation(work.reading, address)) if found.stack_set else None
    rows = planned(work, found, []).rows
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
    from hipaa_pipeline.commands.fleet_work import answered, make_tools, prepare, verified
    from hipaa_pipeline.findings import exit_code

    work = prepare(path, region, profile)
    findings = answered(work, lambda: verified(work, make_tools(work, minutes), drift))
    console.result_findings(findings, output_format, title=f"fleet {work.fleet.name}")
    return exit_code(findings)


@command.command()
@_options("text", "json")
@_timeout_option
@click.option("--accept-unknown", is_flag=True, help="Delete although it cannot be told whether a stack is protected.")
@yes_option
def destroy(
    path: Path,
    region: str | None,
    profile: str | None,
    output_format: str,
    minutes: int,
    accept_unknown: bool,
    yes: bool,
) -> int:
    """Delete every stack of the fleet, and the stack set; protected stacks are refused."""
    from hipaa_pipeline.ask import asker
    from hipaa_pipeline.commands.fleet_work import answered, make_tools, prepare, refuse_protected, settled
    from hipaa_pipeline.fleet import render, run
    from hipaa_pipeline.fleet.plan import removal

    work = prepare(path, region, profile)
    tools = make_tools(work, minutes)
    found = answered(work, lambda: settled(work, tools))
    proposed = removal(found)
    if not proposed.steps:
        _show_rows(work, (), output_format)
        return ExitCode.GOOD
    refuse_protected(work, found, proposed, accept_unknown=accept_unknown)
    console.note(render.steps(proposed.steps))
    if not asker(yes=yes).type_name(f"Delete {len(found.instances)} stacks of {work.fleet.name}?", work.fleet.name):
        raise UserError("Nothing was deleted.", f"hipaa-pipeline fleet status --fleet {path}", ExitCode.FAILED)
    report = answered(work, lambda: run.destroy(work.fleet, proposed, tools))
    rows = run.with_reasons(removal(report.found).rows, report.taken)
    _show_rows(work, rows, output_format, steps=_taken(report))
    return ExitCode.FAILED if rows or report.failed else ExitCode.GOOD


def _require_told(work: Work, visits: Sequence[Visit], *, yes: bool, accept_unknown: bool) -> None:
    """Show what preflight found; what it could not tell of a target to be touched, a person decides, as for one stack.

    `--yes` alone does not take the risk. Raises UserError when nobody takes it.
    """
    from hipaa_pipeline.ask import asker
    from hipaa_pipeline.findings import Status, count
    from hipaa_pipeline.preflight.text import troubles

    for line in troubles(finding for visit in visits for finding in visit.findings):
        console.note(line)
    unknown = count(finding for visit in visits if not visit.stop for finding in visit.findings)[Status.UNKNOWN]
    if not unknown or accept_unknown:
        return
    question = f"Preflight could not tell everything ({unknown} unknown). Deploy all the same?"
    options = {"stop": "nothing is done", "deploy": "take the risk"}
    if asker(yes=yes).choose(question, options, "stop") != "deploy":
        message = "Preflight could not tell everything, so nothing was done; --accept-unknown deploys all the same."
        raise UserError(message, f"hipaa-pipeline fleet plan --fleet {work.fleet.path}", ExitCode.UNKNOWN)


def _ask(work: Work, proposed: Plan, yes: bool) -> None:
    from hipaa_pipeline.ask import asker
    from hipaa_pipeline.fleet import render

    console.note(render.steps(proposed.steps))
    touched = sum(bool(row.action) for row in proposed.rows)
    if not asker(yes=yes).confirm(f"Take these steps for {touched} stacks of {work.fleet.name}?"):
        raise UserError("Nothing was changed.", f"hipaa-pipeline fleet plan --fleet {work.fleet.path}", ExitCode.FAILED)


def _show_plan(work: Work, proposed: Plan, findings: Sequence[Finding], output_format: str) -> None:
    from hipaa_pipeline.fleet import render
    from hipaa_pipeline.preflight import text

    if output_format == "json":
        steps = [render.step_dict(step) for step in proposed.steps]
        told = [finding.as_dict() for finding in findings]
        console.result_json(render.as_dict(work.fleet, proposed.rows, steps=steps, preflight=told))
        return
    console.result(render.table(proposed.rows))
    accounts = len({target.account for target in work.wanted if target.account})
    if accounts and proposed.steps:
        console.result(f"\nAt most {work.fleet.operation.concurrency(accounts)} accounts at a time in a Region.")
    console.result("\n" + render.steps(proposed.steps))
    troubles = text.troubles(findings, console.width())
    console.result_lines(["", *troubles] if troubles else [], text.STYLES)


def _show_rows(work: Work, rows: Sequence[Row], output_format: str, **more: Any) -> None:
    from hipaa_pipeline.fleet import render

    if output_format == "json":
        console.result_json(render.as_dict(work.fleet, rows, **more))
    else:
        console.result(render.table(rows))


def _taken(report: Report) -> list[dict[str, Any]]:
    from hipaa_pipeline.fleet import render

    return [render.taken_dict(each) for each in report.taken]
