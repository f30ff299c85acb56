"""The two shapes in which a module of this package adds to MiniStack, and small help they share."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Properties = Mapping[str, Any]
Created = tuple[str, dict[str, Any]]
Operation = Callable[[dict[str, Any]], dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class ResourceType:
    """A CloudFormation resource type that MiniStack lacks.

    `create` takes the resolved properties and gives the physical ID and the attributes of `Fn::GetAtt`; `update` takes
    the physical ID, old and new properties; `replaced_by` are the properties whose change replaces the resource.
    """

    name: str
    create: Callable[[Properties], Created]
    delete: Callable[[str, Properties], None]
    update: Callable[[str, Properties, Properties], Created]
    replaced_by: tuple[str, ...]
    has_tags: bool = False


@dataclasses.dataclass(frozen=True)
class Additions:
    """What one module adds: API operations by `service.Operation`, resource types, and changes to MiniStack's own.

    Of a resource type: `completions` complete what MiniStack created or updated (physical ID, properties, attributes to
    amend), `deletions` take the place of its own deletion, which they are given, `normal_forms` change the
    properties its functions see. `creation_checks` see each resource's type and properties before it is created and may
    raise ApiError; `refusals` do so before an API operation; `follow_ups` run after MiniStack has carried one out.
    `wrappers` replace a function of MiniStack's, named by module and function, by one made from it. `reset` forgets.
    """

    operations: Mapping[str, Operation] = dataclasses.field(default_factory=dict)
    resource_types: Sequence[ResourceType] = ()
    completions: Mapping[str, Callable[[str, Properties, dict[str, Any]], None]] = dataclasses.field(
        default_factory=dict
    )
    deletions: Mapping[str, Callable[[str, Properties, Callable[[], None]], None]] = dataclasses.field(
        default_factory=dict
    )
    normal_forms: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = dataclasses.field(default_factory=dict)
    creation_checks: Sequence[Callable[[str, Any], None]] = ()
    wrappers: Mapping[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = dataclasses.field(default_factory=dict)
    refusals: Mapping[str, Callable[[dict[str, Any]], None]] = dataclasses.field(default_factory=dict)
    follow_ups: Mapping[str, Callable[[], None]] = dataclasses.field(default_factory=dict)
    reset: Callable[[], None] = lambda: None


def new_id(prefix: str) -> str:
    """A new identifier as EC2 forms them: `fl-0123456789abcdef0`."""
    return f"{prefix}-{secrets.token_hex(9)[:17]}"


def boolean(value: Any) -> bool:
    """A template's boolean, which may arrive as text."""
    return str(value).lower() == "true"


def tag_list(tags: Any) -> list[dict[str, str]]:
    """Tags as AWS's APIs list them, from CloudFormation's list or map."""
    pairs = tags.items() if isinstance(tags, Mapping) else ((tag["Key"], tag["Value"]) for tag in tags or ())
    return [{"Key": str(key), "Value": str(value)} for key, value in pairs]


def matches_filters(filters: Sequence[Mapping[str, Any]] | None, values: Mapping[str, Any]) -> bool:
    """Whether an item passes EC2's `Filters`; `values` holds what each filter name compares, one value or several.

    A filter whose name is not in `values` matches nothing, so that an unknown filter is seen rather than ignored.
    """
    for each in filters or ():
        compared = values.get(each["Name"])
        present = compared if isinstance(compared, (list, tuple, set)) else [compared]
        if not {str(value) for value in present if value is not None} & set(each.get("Values", ())):
            return False
    return True
