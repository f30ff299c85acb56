"""`cost`: a month of one environment in US dollars, and the price lock kept up to date."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hipaa_pipeline import console
from hipaa_pipeline.clock import SystemClock
from hipaa_pipeline.commands.options import aws_options, environment_option, format_option
from hipaa_pipeline.configuration import DEFAULT_REGION, TEMPLATE_PATH, check_region, environments, load_environment
from hipaa_pipeline.cost.assumptions import Assumptions
from hipaa_pipeline.cost.lock import LOCK_PATH, STALE_AFTER_DAYS, PriceLock, load_lock, save_lock
from hipaa_pipeline.cost.refresh import BASE_URL, changes, refresh
from hipaa_pipeline.errors import ExitCode, UserError

if TYPE_CHECKING:
    from hipaa_pipeline.cost.estimate import Estimate


class Amount(click.ParamType[Decimal]):
    """A decimal number, kept exact."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """The number, or click's usage error."""
        try:
            return Decimal(str(value))
        except InvalidOperation:
            self.fail(f"{value!r} is not a number.", param, ctx)


def assumption_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """One option for each assumption, with its default shown."""
    meanings = Assumptions.help_texts()
    for field in reversed(dataclasses.fields(Assumptions)):
        name = "--" + field.name.replace("_", "-")
        if isinstance(field.default, bool):
            decorate = click.option(name, field.name, is_flag=True, help=meanings[field.name].capitalize() + ".")
        else:
            told = meanings[field.name] + "."
            decorate = click.option(
                name,
                field.name,
                type=Amount(),
                default=field.default,
                show_default=True,
                help=told[0].upper() + told[1:],
            )
        function = decorate(function)
    return function


@click.command(name="cost")
@environment_option
@aws_options
@format_option("text", "json")
@assumption_options
@click.option("--compare-first-attempt", is_flag=True, help="Against the founding attempt's own estimate.")
@click.option("--refresh", "refreshing", is_flag=True, help="Read the prices anew from AWS's public price files.")
@click.option("--base-url", default=BASE_URL, show_default=True, help="Where --refresh reads.")
@click.option(
    "--prices",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=LOCK_PATH,
    help="The price lock to use.",
)
@click.option("--fail-if-stale", is_flag=True, help=f"Exit with 1 when a price is older than {STALE_AFTER_DAYS} days.")
def command(
    environment: str,
    region: str | None,
    profile: str | None,
    output_format: str,
    compare_first_attempt: bool,
    refreshing: bool,
    base_url: str,
    path: Path,
    fail_if_stale: bool,
    **assumed: Any,
) -> int:
    """Estimate an environment's cost of a month from the price lock; no AWS account is asked."""
    lock = load_lock(path)
    if refreshing:
        return _refresh(lock, [region] if region else list(lock.regions), base_url, path, output_format)
    place = _region(region, profile)
    estimated = _estimate(environment, place, lock, Assumptions(**assumed))
    _show(estimated, lock, output_format, compare_first_attempt)
    return _warn_if_stale(lock, place, path, fail_if_stale)


def _region(region: str | None, profile: str | None) -> str:
    from hipaa_pipeline.aws.session import configured_region

    return check_region(region or configured_region(profile) or DEFAULT_REGION)


def _estimate(environment: str, region: str, lock: PriceLock, assumptions: Assumptions) -> Estimate:
    from hipaa_pipeline.cost import estimate
    from hipaa_pipeline.resolve import resolve
    from hipaa_pipeline.source import load_template

    prices = lock.in_region(region)
    parameters = load_environment(environment).parameters
    return estimate(resolve(load_template(TEMPLATE_PATH), parameters, region=region), prices, assumptions)


def _show(estimated: Estimate, lock: PriceLock, output_format: str, compare_first_attempt: bool) -> None:
    from hipaa_pipeline.cost import first_attempt, render

    compared = first_attempt.compare(estimated, lock.in_region(estimated.region)) if compare_first_attempt else ()
    if output_format == "json":
        parts = {"first_attempt": [each.as_dict() for each in compared]} if compared else {}
        console.result_json({**estimated.as_dict(), **parts})
        return
    console.result(render.text(estimated))
    if compared:
        console.result("\n" + render.compared(compared))


def _warn_if_stale(lock: PriceLock, region: str, path: Path, fail: bool) -> int:
    stale = lock.stale(region, SystemClock().now().date())
    if not stale:
        return ExitCode.GOOD
    oldest = min(price.date for price in stale.values())
    message = f"{len(stale)} prices of {region} are older than {STALE_AFTER_DAYS} days, the oldest of {oldest}."
    other = "" if path == LOCK_PATH else f" --prices {shlex.quote(str(path))}"
    next_command = f'make cost ARGS="--refresh --region {region}{other}"'
    if fail:
        raise UserError(message, next_command, ExitCode.FAILED)
    console.note(f"warning: {message}\nnext:  {next_command}")
    return ExitCode.GOOD


def _refresh(lock: PriceLock, regions: list[str], base_url: str, path: Path, output_format: str) -> int:
    classes = {load_environment(name).parameters.get("DatabaseInstanceClass", "") for name in environments()} - {""}
    fresh = refresh(lock, regions, classes, base_url)
    changed = changes(lock, fresh)
    save_lock(fresh, path)
    if output_format == "json":
        console.result_json([dataclasses.asdict(each) for each in changed])
        return ExitCode.GOOD
    for each in changed:
        console.result(each.text())
    console.note(f"{path.name}: {len(changed)} prices changed in {', '.join(regions)}; review and commit it.")
    return ExitCode.GOOD
