"""How much of each quota a deployment takes at its worst moment, counted from the resolved stack.

new resource                      all of it
resource that is already there    only what it grows by (storage, shards)
resource that is replaced         all of it once more: the old one is deleted last
resource that is removed          nothing is given back: deletions come after creations
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Iterator

from hipaa_pipeline.preflight.existing import Existing, replaced
from hipaa_pipeline.preflight.resource_types import RESOURCE_TYPES, SELF, Use
from hipaa_pipeline.stack import Resource, Stack, references

# CloudFormation's own, for the stack as a whole.
_STACK = "stacks"
_RESOURCES = "stack_resources"


@dataclasses.dataclass(frozen=True)
class Demand:
    """`amount` more of a quota (None: not known), under one parent where the quota is per something.

    `parent` is the physical ID of a parent that exists, empty for one that this deployment creates or for a quota of
    the account. `subject` names it for people. `by` are the logical IDs that ask for it.
    """

    quota: str
    amount: int | None
    parent: str = ""
    subject: str = ""
    by: tuple[str, ...] = ()


def demands(stack: Stack, existing: Existing) -> list[Demand]:
    """The demand on every quota that a resource of the stack counts against, in the order of the resources."""
    again = replaced(stack, existing)
    uses: dict[tuple[str, str, str], list[tuple[str, int | None]]] = collections.defaultdict(list)
    for resource in stack.resources.values():
        for (quota, parent), amount in _net(resource, existing, again):
            place = _place(parent, stack, existing, again)
            uses[quota, *place].append((resource.logical_id, amount))
    counted = [
        Demand(quota, _sum(amount for _, amount in parts), parent, subject, _takers(parts))
        for (quota, parent, subject), parts in uses.items()
    ]
    return [*_worst_of_new_parents(counted), *_of_the_stack(stack, existing)]


def uncounted_types(stack: Stack) -> list[str]:
    """The resource types of the stack that have no row in the table, sorted: their quotas are unknown."""
    return sorted({resource.type for resource in stack.resources.values()} - RESOURCE_TYPES.keys())


def _net(resource: Resource, existing: Existing, again: frozenset[str]) -> Iterator[tuple[tuple[str, str], int | None]]:
    after = _by_quota_and_parent(resource, _uses(resource))
    if resource.logical_id in existing.physical_ids and resource.logical_id not in again:
        old = existing.old(resource.logical_id)
        before = _by_quota_and_parent(old, _uses(old)) if old else after
        after = {place: _growth(amount, before.get(place, 0)) for place, amount in after.items()}
    yield from after.items()
    if resource.logical_id in again and resource.attributes.get("UpdateReplacePolicy") == "Snapshot":
        yield ("db_snapshots", ""), 1


def _uses(resource: Resource) -> Iterable[Use]:
    known = RESOURCE_TYPES.get(resource.type)
    return known.uses(resource) if known else ()


def _by_quota_and_parent(resource: Resource, uses: Iterable[Use]) -> dict[tuple[str, str], int | None]:
    amounts: dict[tuple[str, str], list[int | None]] = collections.defaultdict(list)
    for use in uses:
        amounts[use.quota, _parent(resource, use)].append(use.amount)
    return {place: _sum(parts) for place, parts in amounts.items()}


def _parent(resource: Resource, use: Use) -> str:
    """The parent as a logical ID of the stack or a literal ID; empty for a quota of the account."""
    if use.parent is None:
        return ""
    if use.parent == SELF:
        return resource.logical_id
    return next(references(use.parent), None) or str(use.parent)


def _place(parent: str, stack: Stack, existing: Existing, again: frozenset[str]) -> tuple[str, str]:
    """Physical ID (empty for a parent that is yet to be created) and name of a parent."""
    if not parent or parent not in stack.resources:
        return parent, parent
    return ("" if parent in again else existing.physical_ids.get(parent, "")), parent


def _worst_of_new_parents(counted: list[Demand]) -> Iterator[Demand]:
    """Of several new parents, each of which starts at nothing, only the fullest matters: one row instead of five."""
    fullest: dict[str, Demand] = {}
    for demand in counted:
        if demand.subject and not demand.parent:
            best = fullest.get(demand.quota)
            if best is None or _size(demand) > _size(best):
                fullest[demand.quota] = demand
    for demand in counted:
        if not demand.subject or demand.parent or fullest[demand.quota] is demand:
            yield demand


def _of_the_stack(stack: Stack, existing: Existing) -> Iterator[Demand]:
    yield Demand(_STACK, 0 if existing.status else 1, by=(stack.name,))
    yield Demand(_RESOURCES, len(stack.resources), subject="template", by=(stack.name,))


def _size(demand: Demand) -> float:
    return float("inf") if demand.amount is None else demand.amount


def _growth(after: int | None, before: int | None) -> int | None:
    return None if after is None or before is None else max(0, after - before)


def _sum(amounts: Iterable[int | None]) -> int | None:
    total = 0
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total


def _takers(parts: Iterable[tuple[str, int | None]]) -> tuple[str, ...]:
    return tuple(name for name, amount in parts if amount != 0)
