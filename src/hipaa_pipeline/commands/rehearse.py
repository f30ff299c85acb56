"""`rehearse`: the founding failure and its three ways out, told in a local account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hipaa_pipeline import console
from hipaa_pipeline.commands.options import format_option
from hipaa_pipeline.configuration import require_repository

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hipaa_pipeline.rehearsal import Act

_STYLES = {"ok": "green", "NOT": "bold red"}
_LETTERS = "abcd"


@click.command(name="rehearse")
@format_option("text", "json")
def command(output_format: str) -> int:
    """Replay the failure that this project began with, and its three ways out, in a local account.

    Exit code 0 only when all four acts went as told.
    """
    from hipaa_pipeline.clock import SystemClock
    from hipaa_pipeline.errors import ExitCode
    from hipaa_pipeline.local.server import local_account
    from hipaa_pipeline.rehearsal import rehearse

    require_repository()
    as_text = output_format == "text"
    if as_text:
        console.result(
            "A local account is full: 5 of 5 VPCs, 1,000 of 1,000 roles. Four acts, with the real deployment."
        )
    acts: list[Act] = []
    with local_account() as account:
        for act in rehearse(account, SystemClock()):
            acts.append(act)
            if as_text:
                console.result_lines(list(act_lines(_LETTERS[len(acts) - 1], act)), _STYLES)
    as_told = sum(act.as_told for act in acts)
    if as_text:
        console.result(f"\n{as_told} of {len(acts)} acts went as told, in {sum(act.seconds for act in acts):.0f} s.")
    else:
        console.result_json([act.as_dict() for act in acts])
    return ExitCode.GOOD if as_told == len(acts) == len(_LETTERS) else ExitCode.FAILED


def act_lines(letter: str, act: Act) -> Iterator[str]:
    """One act: its claims, each held or not, and its details."""
    yield f"\n({letter}) {act.title} ({act.seconds:.1f} s)"
    for claim in act.claims:
        yield f"{'ok' if claim.held else 'NOT':<5}{claim.text}"
    for detail in act.details:
        yield f"       {detail}"
