"""A fleet for a person or a program: the same rows as a table and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from hipaa_pipeline.fleet.file import Fleet
from hipaa_pipeline.fleet.plan import Row, Step
from hipaa_pipeline.fleet.run import Taken
from hipaa_pipeline.fleet.state import REMEDIES, Standing

_HEAD = ("Target", "Region", "Stands", "Plan", "Reason")


def table(rows: Sequence[Row]) -> str:
    """One line a target, those first that are not as they should be; then how many stand how, and what to do."""
    ordered = sorted(rows, key=lambda row: row.standing is Standing.CURRENT)
    cells = [_HEAD, *((row.owner, row.region, row.standing, row.action or "-", row.reason) for row in ordered)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_HEAD) - 1)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=True)), row[-1]]).rstrip()
        for row in cells
    ]
    counts = counted(rows)
    told = ", ".join(f"{number} {standing}" for standing, number in counts.items()) or "no targets"
    remedies = [f"{standing}: {REMEDIES[standing]}." for standing in map(Standing, counts) if standing in REMEDIES]
    return "\n".join([*lines, "", f"{told}.", *remedies])


def steps(taken: Iterable[Step]) -> str:
    """The steps to take, numbered."""
    lines = [f"{number}. {step.text()}" for number, step in enumerate(taken, 1)]
    return "\n".join(lines) or "Nothing to do."


def as_dict(fleet: Fleet, rows: Sequence[Row], **more: Any) -> dict[str, Any]:
    """A fleet's targets as plain JSON."""
    return {
        "fleet": fleet.name,
        "region": fleet.region,
        "permissions": "service-managed" if fleet.service_managed else "self-managed",
        "counts": counted(rows),
        "targets": [_row(row) for row in rows],
        **more,
    }


def step_dict(step: Step) -> dict[str, Any]:
    """A step as plain JSON."""
    if step.block is None:
        return {"action": str(step.action)}
    return {
        "action": str(step.action),
        "accounts": list(step.block.accounts),
        "organizational_units": list(step.block.units),
        "regions": list(step.block.regions),
        "overrides": dict(step.block.overrides),
    }


def taken_dict(taken: Taken) -> dict[str, Any]:
    """A step that was taken as plain JSON."""
    outcomes = [
        {"account": each.account, "region": each.region, "status": each.status, "reason": each.reason}
        for each in taken.outcomes
    ]
    return {**step_dict(taken.step), "status": taken.status, "error": taken.error, "results": outcomes}


def counted(rows: Iterable[Row]) -> dict[str, int]:
    """How many targets stand how; only what there is."""
    counts = Counter(row.standing for row in rows)
    return {str(standing): counts[standing] for standing in Standing if counts[standing]}


def _row(row: Row) -> dict[str, Any]:
    return {
        "target": row.owner,
        "region": row.region,
        "standing": str(row.standing),
        "action": row.action,
        "reason": row.reason,
        "drift": row.drift,
        "stack_id": row.stack_id,
        "remedy": REMEDIES.get(row.standing, ""),
    }
