from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from hipaa_pipeline.errors import UserError
from hipaa_pipeline.fleet.file import Fleet, Group
from hipaa_pipeline.fleet.simulation import simulated_fleet
from hipaa_pipeline.fleet.wanted import refuse_unknown_regions, resolved, targets
from hipaa_pipeline.resolve import Resolver, compile_template

ROLE = {
    "Parameters": {"EnvironmentSuffix": {"Type": "String", "AllowedPattern": "[a-z-]+"}},
    "Resources": {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {"RoleName": {"Fn::Sub": "healthcare-role-${EnvironmentSuffix}"}},
        },
        "Topic": {
            "Type": "AWS::SNS::Topic",
            "Properties": {"TopicName": {"Fn::Sub": "healthcare-topic-${EnvironmentSuffix}"}},
        },
    },
}
PARAMETERS = {"EnvironmentSuffix": "prod"}


def fleet(*groups: Group) -> Fleet:
    return dataclasses.replace(simulated_fleet(2), path=Path("fleet.toml"), groups=groups)


def resolver() -> Resolver:
    return compile_template(ROLE)


def test_targets_are_every_owner_in_every_region() -> None:
    wanted = targets(fleet(Group(("1", "2"), (), ("r1", "r2"), {}), Group(("3",), ("ou-1",), ("r1",), {"x": "1"})))

    assert [(target.owner, target.region, target.accounts) for target in wanted] == [
        ("1", "r1", ()),
        ("2", "r1", ()),
        ("1", "r2", ()),
        ("2", "r2", ()),
        ("ou-1", "r1", ("3",)),
    ]


def test_a_place_is_a_target_once() -> None:
    with pytest.raises(UserError, match=r"fleet.toml: 1 in r1 is a target twice\.") as caught:
        targets(fleet(Group(("1",), (), ("r1",), {}), Group(("1",), (), ("r1",), {"x": "1"})))
    assert caught.value.exit_code == 2


def test_every_region_must_exist() -> None:
    wanted = fleet(Group(("1",), (), ("xx-west-1",), {}))

    with pytest.raises(UserError, match="there is no Region xx-west-1"):
        refuse_unknown_regions(wanted, {"ap-southeast-1"})


def test_a_global_name_in_two_regions_of_one_account_is_refused() -> None:
    both = fleet(Group(("1",), (), ("us-east-1", "eu-central-1"), {}))

    with pytest.raises(UserError) as caught:
        resolved(both, targets(both), resolver(), PARAMETERS)
    assert caught.value.message == (
        "fleet.toml: 1 would get AWS::IAM::Role healthcare-role-prod in us-east-1 and in eu-central-1, and it exists "
        "once in an account: give each Region its own targets and EnvironmentSuffix."
    )


def test_a_suffix_of_its_own_for_each_region_is_fine() -> None:
    apart = fleet(
        Group(("1", "2"), (), ("us-east-1",), {"EnvironmentSuffix": "prod-us"}),
        Group(("1", "2"), (), ("eu-central-1",), {"EnvironmentSuffix": "prod-eu"}),
    )

    stacks = resolved(apart, targets(apart), resolver(), PARAMETERS)

    assert stacks[("1", "us-east-1")].resources["Role"].properties["RoleName"] == "healthcare-role-prod-us"
    assert stacks[("1", "us-east-1")] is stacks[("2", "us-east-1")]
    assert stacks[("2", "eu-central-1")].region == "eu-central-1"


def test_one_region_for_each_account_is_fine() -> None:
    one = fleet(Group(("1", "2"), (), ("us-east-1",), {}))

    assert len(resolved(one, targets(one), resolver(), PARAMETERS)) == 2


def test_an_override_that_the_template_does_not_take_names_its_target() -> None:
    wrong = fleet(Group(("1",), (), ("us-east-1",), {"EnvironmentSuffix": "PROD"}))

    with pytest.raises(UserError, match=r"fleet.toml: 1 in us-east-1: .*EnvironmentSuffix is 'PROD'"):
        resolved(wrong, targets(wrong), resolver(), PARAMETERS)
