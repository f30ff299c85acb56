from __future__ import annotations

import itertools
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_pipeline.fleet.blocks import Block, blocks
from hipaa_pipeline.fleet.plan import Action, Content, Found, Step, plan, removal
from hipaa_pipeline.fleet.state import RETRIED, Instance, StackSet, Standing, standing
from hipaa_pipeline.fleet.wanted import Target

CONTENT = Content("Resources: {}", {"EnvironmentSuffix": "prod"}, {"Project": "x"})
SET = StackSet(CONTENT.template_body, CONTENT.parameters, CONTENT.tags, False)
OLD_SET = StackSet("Resources: {old: 1}", CONTENT.parameters, CONTENT.tags, False)


def account(name: str, region: str = "r1", **overrides: str) -> Target:
    return Target(name, "", region, overrides)


def unit(name: str, region: str = "r1", only: tuple[str, ...] = (), **overrides: str) -> Target:
    return Target("", name, region, overrides, only)


def there(name: str, region: str = "r1", overrides: Mapping[str, str] | None = None, **fields: str) -> Instance:
    return Instance(name, region, overrides=overrides or {}, **fields)


@pytest.mark.parametrize(
    ("instance", "expected"),
    [
        (there("a"), Standing.CURRENT),
        (there("a", overrides={"x": "1"}), Standing.CHANGED),
        (Instance("a", "r1"), Standing.CURRENT),  # nobody asked for its overrides
        (there("a", status="OUTDATED"), Standing.OUTDATED),
        (there("a", status="OUTDATED", detailed="FAILED"), Standing.FAILED),
        (there("a", status="OUTDATED", detailed="CANCELLED"), Standing.CANCELLED),
        (there("a", status="OUTDATED", detailed="PENDING"), Standing.RUNNING),
        (there("a", status="OUTDATED", detailed="RUNNING"), Standing.RUNNING),
        (there("a", status="OUTDATED", detailed="FAILED_IMPORT"), Standing.FAILED),
        (there("a", status="OUTDATED", detailed="SKIPPED_SUSPENDED_ACCOUNT"), Standing.SUSPENDED),
        (there("a", status="INOPERABLE", detailed="FAILED"), Standing.INOPERABLE),
        (there("a", status="OUTDATED", detailed="INOPERABLE"), Standing.INOPERABLE),
        (there("a", status="", detailed=""), Standing.OUTDATED),  # not told is not current
    ],
)
def test_how_a_target_stands(instance: Instance, expected: Standing) -> None:
    assert standing(instance, {}) is expected


def test_a_new_fleet_is_created_in_one_block_a_set_of_overrides() -> None:
    wanted = [account("a"), account("b"), account("c", x="1"), account("a", "r2"), account("b", "r2")]

    proposed = plan(wanted, CONTENT, Found(None, ()))

    assert proposed.steps == (
        Step(Action.CREATE_SET),
        Step(Action.CREATE, Block(("a", "b"), (), ("r1", "r2"))),
        Step(Action.CREATE, Block(("c",), (), ("r1",), {"x": "1"})),
    )
    assert {row.standing for row in proposed.rows} == {Standing.MISSING}
    assert proposed.content == CONTENT


def test_only_what_is_not_current_is_touched() -> None:
    wanted = [account(name) for name in "abcdef"]
    instances = (
        there("a"),
        there("b", status="OUTDATED", detailed="FAILED", reason="quota"),
        there("c", status="OUTDATED"),
        there("d", detailed="SKIPPED_SUSPENDED_ACCOUNT"),
        there("e", status="INOPERABLE"),
    )

    proposed = plan(wanted, CONTENT, Found(SET, instances))

    assert proposed.steps == (
        Step(Action.UPDATE, Block(("b", "c"), (), ("r1",))),
        Step(Action.CREATE, Block(("f",), (), ("r1",))),
    )
    assert [(row.owner, row.standing, row.action) for row in proposed.rows] == [
        ("a", Standing.CURRENT, ""),
        ("b", Standing.FAILED, "update"),
        ("c", Standing.OUTDATED, "update"),
        ("d", Standing.SUSPENDED, ""),
        ("e", Standing.INOPERABLE, ""),
        ("f", Standing.MISSING, "create"),
    ]
    assert proposed.rows[1].reason == "quota"


def test_new_content_updates_the_whole_set_when_every_instance_may_be_touched() -> None:
    wanted = [account("a"), account("b", x="2"), account("c")]
    instances = (there("a"), there("b", overrides={"x": "1"}))

    proposed = plan(wanted, CONTENT, Found(OLD_SET, instances))

    assert proposed.steps == (
        Step(Action.UPDATE_SET),
        Step(Action.UPDATE, Block(("b",), (), ("r1",), {"x": "2"})),  # updating the set keeps overrides
        Step(Action.CREATE, Block(("c",), (), ("r1",))),
    )


def test_new_content_leaves_alone_what_may_not_be_touched() -> None:
    wanted = [account("a"), account("b"), account("c", x="1")]
    instances = (there("a"), there("b"), there("c", overrides={"x": "1"}), there("z"))

    proposed = plan(wanted, CONTENT, Found(OLD_SET, instances), blocked={("b", "r1"): "over its quota"})

    assert proposed.steps == (
        Step(Action.UPDATE_SET, Block(("a",), (), ("r1",))),
        Step(Action.UPDATE, Block(("a",), (), ("r1",))),
        Step(Action.UPDATE, Block(("c",), (), ("r1",), {"x": "1"})),
    )
    assert [(row.owner, row.standing, row.reason) for row in proposed.rows[1:]] == [
        ("b", Standing.BLOCKED, "over its quota"),
        ("c", Standing.CURRENT, ""),
        ("z", Standing.SURPLUS, ""),
    ]


@pytest.mark.parametrize(
    "changed",
    [
        Content("Resources: {new: 1}", CONTENT.parameters, CONTENT.tags),
        Content(CONTENT.template_body, {"EnvironmentSuffix": "dev"}, CONTENT.tags),
        Content(CONTENT.template_body, CONTENT.parameters, {}),
    ],
)
def test_any_part_of_the_content_counts(changed: Content) -> None:
    assert plan([account("a")], changed, Found(SET, (there("a"),))).steps == (Step(Action.UPDATE_SET),)


def test_nothing_is_updated_where_everything_is_blocked() -> None:
    proposed = plan([account("a")], CONTENT, Found(OLD_SET, (there("a"),)), blocked={("a", "r1"): "no"})

    assert proposed.steps == ()


def test_a_blocked_target_is_not_created() -> None:
    proposed = plan([account("a"), account("b")], CONTENT, Found(SET, ()), blocked={("a", "r1"): "over its quota"})

    assert proposed.steps == (Step(Action.CREATE, Block(("b",), (), ("r1",))),)
    assert (proposed.rows[0].standing, proposed.rows[0].reason) == (Standing.BLOCKED, "over its quota")


def test_surplus_is_removed_only_when_asked() -> None:
    found = Found(SET, (there("a"), there("z")))

    assert plan([account("a")], CONTENT, found).steps == ()
    assert plan([account("a")], CONTENT, found, remove_surplus=True).steps == (
        Step(Action.DELETE, Block(("z",), (), ("r1",))),
    )


def test_a_unit_has_a_row_for_each_of_its_accounts() -> None:
    wanted = [unit("ou-1"), unit("ou-2")]
    instances = (there("a", unit="ou-1"), there("b", unit="ou-1", status="OUTDATED", detailed="FAILED"))

    proposed = plan(wanted, CONTENT, Found(SET, instances))

    assert [(row.owner, row.standing) for row in proposed.rows] == [
        ("a", Standing.CURRENT),
        ("b", Standing.FAILED),
        ("ou-2", Standing.MISSING),
    ]
    assert proposed.steps == (
        Step(Action.UPDATE, Block(("b",), ("ou-1",), ("r1",))),
        Step(Action.CREATE, Block((), ("ou-2",), ("r1",))),
    )


def test_a_blocked_account_of_a_unit_is_left_out() -> None:
    instances = (there("a", unit="ou-1", status="OUTDATED"), there("b", unit="ou-1", status="OUTDATED"))

    proposed = plan([unit("ou-1")], CONTENT, Found(SET, instances), blocked={("a", "r1"): "no"})

    assert proposed.steps == (Step(Action.UPDATE, Block(("b",), ("ou-1",), ("r1",))),)


def test_units_go_by_fifties() -> None:
    found = blocks(unit(f"ou-{number}", only=("a",)) for number in range(120))

    assert [len(block.units) for block in found] == [50, 50, 20]
    assert {block.accounts for block in found} == {("a",)}


def test_removal_takes_every_instance_then_the_set() -> None:
    proposed = removal(Found(SET, (there("a"), there("b", "r2"), there("c", unit="ou-1"))))

    assert proposed.steps == (
        Step(Action.DELETE, Block(("a",), (), ("r1",))),
        Step(Action.DELETE, Block(("b",), (), ("r2",))),
        Step(Action.DELETE, Block(("c",), ("ou-1",), ("r1",))),
        Step(Action.DELETE_SET),
    )
    assert removal(Found(None, ())).steps == ()


def test_a_step_for_a_person() -> None:
    assert Step(Action.UPDATE_SET).text() == "update the stack set"
    assert Step(Action.CREATE, Block(("a", "b"), (), ("r1",), {"x": "1"})).text() == "create: 2 accounts in r1, x=1"
    assert Step(Action.CREATE, Block((), ("ou-1",), ("r1", "r2"))).text() == "create: 1 units in r1, r2"


NAMES = st.sampled_from([f"{number:012}" for number in range(8)])
REGIONS = st.sampled_from(["r1", "r2", "r3"])
OVERRIDES = st.sampled_from([{}, {"x": "1"}, {"x": "2"}])
TARGETS = st.dictionaries(st.tuples(NAMES, REGIONS), OVERRIDES).map(
    lambda places: [Target(name, "", region, given) for (name, region), given in places.items()]
)
STATUSES = st.sampled_from(
    [("CURRENT", "SUCCEEDED"), ("OUTDATED", "FAILED"), ("OUTDATED", "SUCCEEDED"), ("INOPERABLE", "INOPERABLE"),
     ("OUTDATED", "SKIPPED_SUSPENDED_ACCOUNT"), ("OUTDATED", "CANCELLED")]
)  # fmt: skip
INSTANCES = st.dictionaries(st.tuples(NAMES, REGIONS), st.tuples(STATUSES, OVERRIDES)).map(
    lambda places: tuple(
        Instance(name, region, status=status, detailed=detailed, overrides=given)
        for (name, region), ((status, detailed), given) in places.items()
    )
)


def named(steps: tuple[Step, ...], action: Action) -> list[tuple[str, str]]:
    named = [step.block for step in steps if step.action is action and step.block]
    return [place for block in named for place in itertools.product(block.accounts, block.regions)]


@given(targets=TARGETS)
def test_blocks_hold_every_target_once_and_no_other(targets: list[Target]) -> None:
    found = [
        (place, tuple(block.overrides.items()))
        for block in blocks(targets)
        for place in itertools.product(block.accounts, block.regions)
    ]

    assert sorted(found) == sorted((target.place, tuple(target.overrides.items())) for target in targets)


@given(targets=TARGETS, instances=INSTANCES, remove=st.booleans())
def test_a_plan_names_exactly_what_is_not_as_it_should_be(
    targets: list[Target], instances: tuple[Instance, ...], remove: bool
) -> None:
    proposed = plan(targets, CONTENT, Found(SET, instances), remove_surplus=remove)

    wanted = {target.place: target.overrides for target in targets}
    present = {instance.place: instance for instance in instances}
    assert sorted(named(proposed.steps, Action.CREATE)) == sorted(set(wanted) - set(present))
    assert sorted(named(proposed.steps, Action.UPDATE)) == sorted(
        place for place in set(wanted) & set(present) if standing(present[place], wanted[place]) in RETRIED
    )
    assert sorted(named(proposed.steps, Action.DELETE)) == (sorted(set(present) - set(wanted)) if remove else [])
    assert len(proposed.rows) == len(set(wanted) | set(present))


@given(targets=TARGETS, instances=INSTANCES, blocked=st.sets(st.tuples(NAMES, REGIONS)))
def test_a_blocked_target_is_in_no_step(
    targets: list[Target], instances: tuple[Instance, ...], blocked: set[tuple[str, str]]
) -> None:
    reasons = dict.fromkeys(blocked, "over its quota")
    proposed = plan(targets, CONTENT, Found(OLD_SET, instances), blocked=reasons)

    in_steps = {place for action in Action for place in named(proposed.steps, action)}
    wanted = {target.place for target in targets}
    assert not in_steps & blocked & wanted
    if any(step == Step(Action.UPDATE_SET) for step in proposed.steps):
        assert not {instance.place for instance in instances} & blocked & wanted
