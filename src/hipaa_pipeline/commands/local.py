"""`hipaa-pipeline local`: the embedded local account, in the foreground or in the background."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from hipaa_pipeline.commands.options import Region
from hipaa_pipeline.configuration import DEFAULT_REGION
from hipaa_pipeline.errors import UserError

if TYPE_CHECKING:
    from hipaa_pipeline.local.server import LocalAccount

_LOOK_SECONDS = 1.0
_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]+)?")


@click.group(name="local")
def command() -> None:
    """The embedded local account: MiniStack with what it lacks, on 127.0.0.1 only."""


@command.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The port; 0, the default, is any free one.")
@click.option(
    "--region", type=Region(), metavar="REGION", default=DEFAULT_REGION, show_default=True, help="Where to start it."
)
@click.option(
    "--quota", "quotas", multiple=True, metavar="CODE=VALUE", help="An applied quota, such as vpc/L-F678F1CE=5."
)
@click.option("--delay", type=click.IntRange(0, 60_000), default=0, help="How long each resource takes, in ms.")
def serve(port: int, region: str, quotas: Sequence[str], delay: int) -> int:
    """Serve in the foreground until Ctrl-C, for several commands in a row."""
    from hipaa_pipeline import console
    from hipaa_pipeline.local.server import local_account

    wanted = dict(_quota(text) for text in quotas)
    with local_account(port=port, region=region, quotas=wanted, creation_delay_ms=delay) as account:
        console.result(f"export AWS_ENDPOINT_URL={account.endpoint_url}")
        console.result("export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local")
        console.result(f"export AWS_DEFAULT_REGION={region}")
        console.note(
            f"Account {account.account_id} is running; type the lines above in another terminal. Ctrl-C ends it."
        )
        _wait_for_the_end(account)
    return 0


@command.command()
def status() -> int:
    """Whether this directory's background account is running, and what is in it. Exit code 1 when it is not."""
    from hipaa_pipeline import console
    from hipaa_pipeline.local.server import running

    account = running()
    if account is None:
        console.result("not running")
        return 1
    inventory = account.inventory()
    console.result(f"running at {account.endpoint_url}, process {account.pid}, {account.region}")
    for kind, names in inventory.items():
        console.result(f"{kind}: {len(names)}")
    return 0


@command.command()
def stop() -> int:
    """End this directory's background account; everything in it is gone."""
    from hipaa_pipeline import console
    from hipaa_pipeline.local.server import stop_running

    console.result("stopped" if stop_running() else "not running")
    return 0


def _quota(text: str) -> tuple[str, float]:
    """`vpc/L-F678F1CE=5` as code and value. Raises UserError for anything else."""
    code, _, value = text.partition("=")
    if not _NUMBER.fullmatch(value):
        raise UserError(
            f"--quota {text!r} is not CODE=VALUE, such as vpc/L-F678F1CE=5.", "hipaa-pipeline local serve --help"
        )
    return code, float(value)


def _wait_for_the_end(account: LocalAccount) -> None:
    """Return on Ctrl-C or a request to terminate, so that the account is ended in order.

    Raises UserError when the account does not answer any more.
    """
    ends = {signal.SIGINT, signal.SIGTERM}
    awaited = {*ends, signal.SIGALRM}  # macOS has no sigtimedwait, so that an alarm ends each wait
    signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    signal.setitimer(signal.ITIMER_REAL, _LOOK_SECONDS, _LOOK_SECONDS)
    while signal.sigwait(awaited) not in ends:
        account.admin("GET", "health")
