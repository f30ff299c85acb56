"""Targets in as few calls as possible: a call takes accounts or units, each in each of some Regions, and one set of
overrides."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from hipaa_pipeline.fleet.wanted import Target

UNITS_A_CALL = 50
"""CreateStackInstances takes at most 50 organisational units."""

Overrides: TypeAlias = frozenset[tuple[str, str]]


@dataclasses.dataclass(frozen=True)
class Block:
    """What one call takes. With units, `accounts` are the only ones of them that are meant, all when there are none."""

    accounts: tuple[str, ...]
    units: tuple[str, ...]
    regions: tuple[str, ...]
    overrides: Mapping[str, str] = dataclasses.field(default_factory=dict, hash=False)

    @property
    def size(self) -> int:
        """How many targets it is."""
        return len(self.units or self.accounts) * len(self.regions)


def blocks(targets: Iterable[Target]) -> list[Block]:
    """The fewest blocks that hold these targets and no other, in their order."""
    narrowed: dict[tuple[str, bool, Overrides, str], list[str]] = {}
    for target in targets:
        key = (target.owner, bool(target.unit), frozenset(target.overrides.items()), target.region)
        narrowed.setdefault(key, []).extend(target.accounts)
    regions: dict[tuple[str, bool, Overrides, tuple[str, ...]], list[str]] = {}
    for (owner, of_units, overrides, region), accounts in narrowed.items():
        regions.setdefault((owner, of_units, overrides, tuple(dict.fromkeys(accounts))), []).append(region)
    owners: dict[tuple[bool, Overrides, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (owner, of_units, overrides, only), named in regions.items():
        owners.setdefault((of_units, overrides, only, tuple(named)), []).append(owner)
    return [
        Block(only, part, named, dict(sorted(overrides)))
        if of_units
        else Block(part, (), named, dict(sorted(overrides)))
        for (of_units, overrides, only, named), each in owners.items()
        for part in _parts(tuple(each), UNITS_A_CALL if of_units else len(each))
    ]


def _parts(owners: tuple[str, ...], size: int) -> list[tuple[str, ...]]:
    return [owners[start : start + size] for start in range(0, len(owners), size)]
