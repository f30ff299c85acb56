"""Mutations: a stack with one safeguard weakened, and the checks that must say so."""

from __future__ import annotations

import copy
import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

from controls_stacks import development, production, resource
from hipaa_pipeline.stack import Stack

Body = dict[str, Any]  # a stack as `Stack.as_dict` gives it
Change = Callable[[Body], None]


@dataclasses.dataclass(frozen=True)
class Mutation:
    """What is changed in the `prod` stack (or another base), the check that names it, and what else notices."""

    check: str
    what: str
    changes: tuple[Change, ...]
    also: tuple[str, ...] = ()
    base: Callable[[], Stack] = production

    def stack(self) -> Stack:
        """The changed stack; the base stays as it is."""
        base = self.base()
        body = copy.deepcopy(base.as_dict())
        for change in self.changes:
            change(body)
        return dataclasses.replace(
            base,
            resources={name: resource(name, each) for name, each in body["resources"].items()},
            parameters=body["parameters"],
            outputs=body["outputs"],
        )


def weaken(check: str, what: str, *changes: Change, also: tuple[str, ...] = ()) -> Mutation:
    """A mutation of the `prod` stack."""
    return Mutation(check, what, changes, also)


def in_development(check: str, what: str, *changes: Change, also: tuple[str, ...] = ()) -> Mutation:
    """A mutation of the `dev` stack, which is ephemeral."""
    return Mutation(check, what, changes, also, development)


def put(logical_id: str, path: str, value: Any) -> Change:
    """Set a property; steps are separated by `/`, numbers are places in a list, `+` is the place after its end."""

    def change(body: Body) -> None:
        *steps, last = path.split("/")
        place: Any = body["resources"][logical_id].setdefault("Properties", {})
        for step, following in itertools.pairwise([*steps, last]):
            place = (
                place[int(step)] if isinstance(place, list) else place.setdefault(step, [] if following == "+" else {})
            )
        if last == "+":
            place.append(value)
        else:
            place[int(last) if isinstance(place, list) else last] = value

    return change


def drop(logical_id: str, path: str) -> Change:
    """Remove a property, or an item of a list."""

    def change(body: Body) -> None:
        *steps, last = path.split("/")
        place: Any = body["resources"][logical_id]["Properties"]
        for step in steps:
            place = place[int(step)] if isinstance(place, list) else place[step]
        del place[int(last) if isinstance(place, list) else last]

    return change


def attribute(logical_id: str, name: str, value: Any) -> Change:
    """Set an attribute beside the properties, such as DeletionPolicy."""
    return lambda body: body["resources"][logical_id].__setitem__(name, value)


def remove(*logical_ids: str) -> Change:
    """Remove resources."""

    def change(body: Body) -> None:
        for logical_id in logical_ids:
            del body["resources"][logical_id]

    return change


def add(logical_id: str, type_: str, **properties: Any) -> Change:
    """Add a resource."""
    return lambda body: body["resources"].__setitem__(logical_id, {"Type": type_, "Properties": properties})


def parameter(name: str, value: Any) -> Change:
    """Set a parameter's value in the resolved stack."""
    return lambda body: body["parameters"].__setitem__(name, value)


def output(name: str, value: Any) -> Change:
    """Add an output."""
    return lambda body: body["outputs"].__setitem__(name, {"Value": value})
