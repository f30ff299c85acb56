"""What to do so that a stack set becomes what a fleet file says: pure, and the same plan is shown or taken.

Run again, it plans only what is missing, outdated, failed or changed. One operation at a time runs on a stack set, so
steps are few and large: one for each set of overrides, not one for each target.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence

from hipaa_pipeline.fleet.blocks import Block, blocks
from hipaa_pipeline.fleet.state import RETRIED, Instance, StackSet, Standing, standing
from hipaa_pipeline.fleet.wanted import Target

Place = tuple[str, str]


class Action(enum.StrEnum):
    """The kinds of steps."""

    CREATE_SET = "create the stack set"
    UPDATE_SET = "update the stack set"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    DELETE_SET = "delete the stack set"


@dataclasses.dataclass(frozen=True)
class Step:
    """One call, and the operation that it starts; without a block it is about the stack set and all its instances."""

    action: Action
    block: Block | None = None

    def text(self) -> str:
        """The step for a person."""
        if self.block is None:
            return str(self.action)
        owners, kind = (self.block.units, "units") if self.block.units else (self.block.accounts, "accounts")
        changed = "".join(f", {name}={value}" for name, value in self.block.overrides.items())
        return f"{self.action}: {len(owners)} {kind} in {', '.join(self.block.regions)}{changed}"


@dataclasses.dataclass(frozen=True)
class Row:
    """One target or surplus instance, how it stands, and what will be done: `create`, `update`, `delete` or nothing."""

    owner: str
    region: str
    standing: Standing
    action: str = ""
    reason: str = ""
    drift: str = ""
    stack_id: str = ""


@dataclasses.dataclass(frozen=True)
class Found:
    """What is there: the stack set, None when there is none, and its instances."""

    stack_set: StackSet | None
    instances: tuple[Instance, ...]


@dataclasses.dataclass(frozen=True)
class Content:
    """What the stack set should hold: one template, its parameters before overrides, tags."""

    template_body: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str]

    def is_in(self, stack_set: StackSet) -> bool:
        """Whether a stack set holds it."""
        return (
            self.template_body.strip() == stack_set.template_body.strip()
            and dict(self.parameters) == dict(stack_set.parameters)
            and dict(self.tags) == dict(stack_set.tags)
        )


@dataclasses.dataclass(frozen=True)
class Plan:
    """The steps in order, every target's row, and what the stack set is to hold, None when it is to go."""

    steps: tuple[Step, ...]
    rows: tuple[Row, ...]
    content: Content | None = None


@dataclasses.dataclass(frozen=True)
class _Pair:
    """What a call has to name (`spot`), the instance there, None where there is none, and how it stands."""

    spot: Target
    instance: Instance | None
    standing: Standing
    reason: str = ""


def plan(
    wanted: Sequence[Target],
    content: Content,
    found: Found,
    *,
    blocked: Mapping[Place, str] | None = None,
    remove_surplus: bool = False,
) -> Plan:
    """The steps to take. `blocked` targets, with the reason, are left alone; surplus instances too unless asked."""
    pairs = list(_pairs(wanted, found.instances, blocked or {}))
    update_set = found.stack_set is not None and not content.is_in(found.stack_set)
    actions = [_action(pair, update_set, remove_surplus) for pair in pairs]
    chosen = {name: [pair for pair, action in zip(pairs, actions, strict=True) if action == name] for name in Action}
    steps = (
        *([Step(Action.CREATE_SET)] if found.stack_set is None else []),
        *(_set_update(chosen[Action.UPDATE], found) if update_set else _steps(Action.UPDATE, chosen[Action.UPDATE])),
        *_steps(Action.CREATE, chosen[Action.CREATE]),
        *_steps(Action.DELETE, chosen[Action.DELETE]),
    )
    return Plan(steps, tuple(_row(pair, action) for pair, action in zip(pairs, actions, strict=True)), content)


def removal(found: Found) -> Plan:
    """The steps that leave nothing: every instance, then the stack set."""
    pairs = [_Pair(_spot(each, {}), each, standing(each, None), each.reason) for each in found.instances]
    last = [Step(Action.DELETE_SET)] if found.stack_set else []
    return Plan((*_steps(Action.DELETE, pairs), *last), tuple(_row(pair, Action.DELETE) for pair in pairs))


def _pairs(wanted: Sequence[Target], instances: Sequence[Instance], blocked: Mapping[Place, str]) -> Iterator[_Pair]:
    """Targets in their order, a unit's once for each of its accounts' instances, then what no target wants."""
    matched = _matched(wanted, instances)
    for target in wanted:
        stop = blocked.get(target.place, "")
        if not matched[target.place]:
            yield _Pair(target, None, Standing.BLOCKED if stop else Standing.MISSING, stop)
        for instance in matched[target.place]:
            stop_here = stop or blocked.get(instance.place, "")
            stands = Standing.BLOCKED if stop_here else standing(instance, target.overrides)
            yield _Pair(_spot(instance, target.overrides), instance, stands, stop_here or instance.reason)
    places = {target.place for target in wanted}
    for instance in instances:
        if not places & {instance.place, (instance.unit, instance.region)}:
            yield _Pair(_spot(instance, {}), instance, Standing.SURPLUS, instance.reason)


def _spot(instance: Instance, overrides: Mapping[str, str]) -> Target:
    """How a call names an instance: by its account, or as the one account meant of its unit."""
    if instance.unit:
        return Target("", instance.unit, instance.region, overrides, (instance.account,))
    return Target(instance.account, "", instance.region, overrides)


def _matched(wanted: Sequence[Target], instances: Iterable[Instance]) -> dict[Place, list[Instance]]:
    matched: dict[Place, list[Instance]] = {target.place: [] for target in wanted}
    for instance in instances:
        for owner in (instance.account, instance.unit):
            if (owner, instance.region) in matched:
                matched[(owner, instance.region)].append(instance)
    return matched


def _action(pair: _Pair, update_set: bool, remove_surplus: bool) -> Action | None:
    if pair.standing is Standing.MISSING:
        return Action.CREATE
    if pair.standing in RETRIED or (update_set and pair.standing is Standing.CURRENT):
        return Action.UPDATE
    return Action.DELETE if remove_surplus and pair.standing is Standing.SURPLUS else None


def _row(pair: _Pair, action: Action | None) -> Row:
    told = (pair.standing, str(action or ""), pair.reason)
    if pair.instance:
        return Row(pair.instance.account, pair.instance.region, *told, pair.instance.drift, pair.instance.stack_id)
    return Row(pair.spot.owner, pair.spot.region, *told)


def _steps(action: Action, pairs: Iterable[_Pair]) -> list[Step]:
    return [Step(action, block) for block in blocks(pair.spot for pair in pairs)]


def _set_update(updated: Sequence[_Pair], found: Found) -> list[Step]:
    """The steps for a new template, parameters or tags.

    Updating the set without naming targets updates every instance in one operation, and keeps their overrides. That is
    only right when every instance may be touched; else the set's update is given the first block, and all blocks follow
    with their overrides.
    """
    if len(updated) == len(found.instances):
        later = [pair for pair in updated if pair.standing is Standing.CHANGED]
        return [Step(Action.UPDATE_SET), *_steps(Action.UPDATE, later)]
    following = _steps(Action.UPDATE, updated)
    return [Step(Action.UPDATE_SET, following[0].block), *following] if following else []
