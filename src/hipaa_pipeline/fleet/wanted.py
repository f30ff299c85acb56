"""From a fleet file to targets, with everything refused that could only fail in the target accounts."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence

from hipaa_pipeline.errors import UserError
from hipaa_pipeline.fleet.file import Fleet, Group
from hipaa_pipeline.resolve import EXAMPLE_ACCOUNT, Resolver
from hipaa_pipeline.stack import Stack

# Explicit names that are one of a kind in an account, or in the world, whatever the Region.
_GLOBAL_NAMES = {
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::S3::Bucket": "BucketName",
}


@dataclasses.dataclass(frozen=True)
class Target:
    """One place of a stack: an account or an organisational unit, and a Region; `overrides` are its parameters.

    A unit's `accounts` are the only ones of it that are meant, all of them when there are none.
    """

    account: str
    unit: str
    region: str
    overrides: Mapping[str, str] = dataclasses.field(hash=False)
    accounts: tuple[str, ...] = ()

    @property
    def owner(self) -> str:
        """The account or the organisational unit."""
        return self.unit or self.account

    @property
    def place(self) -> tuple[str, str]:
        """What tells targets apart."""
        return (self.owner, self.region)


def targets(fleet: Fleet) -> tuple[Target, ...]:
    """Every target of a fleet, in the file's order. Raises UserError when two are in the same place."""
    wanted = tuple(target for group in fleet.groups for target in _targets(group))
    seen: set[tuple[str, str]] = set()
    for target in wanted:
        if target.place in seen:
            raise _refused(fleet, f"{target.owner} in {target.region} is a target twice")
        seen.add(target.place)
    return wanted


def refuse_unknown_regions(fleet: Fleet, known: Collection[str]) -> None:
    """Raise UserError for a Region that AWS does not have."""
    named = [fleet.region, *(region for group in fleet.groups for region in group.regions)]
    if unknown := next((region for region in named if region not in known), None):
        raise _refused(fleet, f"there is no Region {unknown}")


def _targets(group: Group) -> Iterator[Target]:
    for region in group.regions:
        for unit in group.units:
            yield Target("", unit, region, group.overrides, group.accounts)
        for account in group.accounts if not group.units else ():
            yield Target(account, "", region, group.overrides)


def resolved(
    fleet: Fleet, wanted: Sequence[Target], resolver: Resolver, parameters: Mapping[str, str]
) -> dict[tuple[str, str], Stack]:
    """The stack each target should become, by its place.

    Targets with the same overrides in the same Region share one, resolved for the first one's account. Raises UserError
    for a parameter that the template does not take, and for explicit names that clash within an account.
    """
    kept: dict[tuple[str, frozenset[tuple[str, str]]], Stack] = {}
    stacks: dict[tuple[str, str], Stack] = {}
    for target in wanted:
        key = (target.region, frozenset(target.overrides.items()))
        if key not in kept:
            kept[key] = _resolve(fleet, target, resolver, parameters)
        stacks[target.place] = kept[key]
    _refuse_clashes(fleet, wanted, stacks)
    return stacks


def _resolve(fleet: Fleet, target: Target, resolver: Resolver, parameters: Mapping[str, str]) -> Stack:
    given = {**parameters, **target.overrides}
    account = target.account or EXAMPLE_ACCOUNT
    try:
        return resolver.resolve(given, region=target.region, account_id=account, stack_name=f"StackSet-{fleet.name}")
    except UserError as error:
        message = f"{fleet.path}: {target.owner} in {target.region}: {error.message}"
        raise UserError(message, error.next_command, error.exit_code) from error


def _refuse_clashes(fleet: Fleet, wanted: Sequence[Target], stacks: Mapping[tuple[str, str], Stack]) -> None:
    """IAM names are one for all Regions of an account: the same template in two of them would fail in the second.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-bestpractices.html
    """
    taken: dict[tuple[str, str, str], str] = {}
    for target in wanted:
        for kind, name in _global_names(stacks[target.place]):
            first = taken.setdefault((target.owner, kind, name), target.region)
            if first != target.region:
                what = f"{target.owner} would get {kind} {name} in {first} and in {target.region}, and it exists once"
                raise _refused(fleet, f"{what} in an account: give each Region its own targets and EnvironmentSuffix")


def _global_names(stack: Stack) -> Iterator[tuple[str, str]]:
    for resource in stack.resources.values():
        name = resource.get(_GLOBAL_NAMES.get(resource.type, "?"))
        if isinstance(name, str):
            yield resource.type, name


def _refused(fleet: Fleet, what: str) -> UserError:
    return UserError(f"{fleet.path}: {what}.", f"$EDITOR {fleet.path}")
