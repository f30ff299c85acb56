"""The command line: one lazily imported module of `commands/` per command; errors become exit codes here."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from pathlib import Path

import click

from hipaa_pipeline import __version__, console
from hipaa_pipeline.aws.explain import explain
from hipaa_pipeline.aws.session import AwsError
from hipaa_pipeline.errors import ExitCode, UserError

# A command builds up and ends: collecting as often as a server does costs a sixth of its time.
GC_THRESHOLD = 100_000
PROGRAM = "hipaa-pipeline"

COMMANDS = {
    "template": "Build and write the template and the generated documents.",
    "check": "Judge any CloudFormation template by the controls.",
    "preflight": "Will it deploy? Asked before anything is created.",
    "plan": "Create a change set, show it, remove it.",
    "deploy": "Preflight, change set, guard, execute, watch, finish, verify.",
    "verify": "Read the running stack back and ask the controls.",
    "evidence": "Write the dated evidence bundle, or check one.",
    "cost": "Estimate the monthly cost from the price lock.",
    "destroy": "Show, confirm, snapshot if protected, delete, prove nothing is left.",
    "local": "The embedded local account.",
    "rehearse": "Replay the founding failure and its ways out.",
    "fleet": "The same stack in many accounts and Regions, by StackSets.",
}


class LazyGroup(click.Group):
    """Commands whose modules are imported only when they run, so that `--help` stays instant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order of a working day."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command object of `commands/<name>.py`, always named `command` there."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"hipaa_pipeline.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The help table, from the names above: importing every command for it would take a second."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hipaa-pipeline")
def group() -> None:
    """A HIPAA-oriented data pipeline on AWS: build it, check it, deploy it, prove it."""


def main() -> None:
    """Run the command line; exit codes are those of `errors.ExitCode`. Raises KeyboardInterrupt on Ctrl-C."""
    gc.set_threshold(GC_THRESHOLD)
    try:
        console.open_streams()
        result = group.main(prog_name=PROGRAM, standalone_mode=False)
    except click.exceptions.Abort:
        raise KeyboardInterrupt from None
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(ExitCode.USAGE)
    except click.ClickException as error:
        print_error(error.format_message(), _help(error))
        sys.exit(ExitCode.USAGE)
    except (UserError, AwsError) as caught:
        told = caught if isinstance(caught, UserError) else explain(caught)
        print_error(told.message, told.next_command)
        sys.exit(told.exit_code)
    sys.exit(result if isinstance(result, int) else 0)


def print_error(message: str, next_command: str) -> None:
    """An error and what to type next, on standard error."""
    click.echo(f"error: {message}", err=True)
    if next_command:
        click.echo(f"next:  {typed(next_command)}", err=True)


def typed(command: str) -> str:
    """A command as it can be typed here: this program need not be on the PATH, so it is named by its place."""
    name, _, arguments = command.partition(" ")
    if name != PROGRAM:
        return command
    script = Path(sys.executable).with_name(PROGRAM)
    near = script.is_relative_to(Path.cwd())
    return f"{os.path.relpath(script) if near else script} {arguments}".rstrip()


def _help(error: click.ClickException) -> str:
    """The help of the command that was called wrongly."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{context.command_path if context else PROGRAM} --help"
