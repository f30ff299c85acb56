"""The shape shared by a resolved template and a live account: a set of resources with plain values.

Values are JSON (dict, list, str, int, float, bool) plus three kinds of references, which keep their
CloudFormation form so that a stack can be written to a file and compared:

    {"Ref": "Key"}                                  the resource's primary identifier
    {"Fn::GetAtt": ["Key", "Arn"]}                  one of its attributes
    {"Fn::Sub": "${RecordStream.Arn}/consumer/*"}   a text with references in it, nothing else left to evaluate

and `{"Unknown": reason}` where a value could not be determined. No other intrinsic function is left.
In a live stack an identifier that belongs to a resource of the stack has been turned back into the reference, so the
same question can be asked of both.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

UNKNOWN = "Unknown"
# The parameter that says whether an environment is protected ("true") or ephemeral ("false").
PROTECTION = "DeletionProtection"
NOT_REPORTED = "no AWS API reports it"  # the reason of a live value that CloudFormation sets and no service gives back
_SUB_REFERENCE = re.compile(r"\$\{([^!}.]+)(?:\.([^}]+))?\}")


@dataclasses.dataclass(frozen=True)
class Resource:
    """One resource: `properties` in CloudFormation's names, `attributes` the other keys (DeletionPolicy, DependsOn).

    `handed_in` marks what a live stack uses and did not create (an existing VPC): its logical ID is its physical one.
    """

    logical_id: str
    type: str
    properties: Mapping[str, Any]
    attributes: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    handed_in: bool = False

    def get(self, path: str, default: Any = None) -> Any:
        """The value at a dotted path (`StreamEncryption.KeyId`), `default` where a step is missing.

        An unknown step makes the whole value unknown.
        """
        value: Any = self.properties
        for step in path.split("."):
            if is_unknown(value):
                return value
            if not isinstance(value, Mapping) or step not in value:
                return default
            value = value[step]
        return value


@dataclasses.dataclass(frozen=True)
class Stack:
    """A set of resources by logical ID, with what they were resolved for or read from.

    `outputs` have CloudFormation's own shape (Description, Value, Export), `conditions` are True, False or unknown.
    `unresolved` says what else could not be determined, by place (`Transform`): the resources are not all of it then.
    Stacks resolved from one template share their values: copy one deeply before changing anything in it.
    """

    resources: Mapping[str, Resource]
    region: str
    account_id: str
    partition: str = "aws"
    name: str = ""
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    outputs: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    conditions: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    unresolved: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @functools.cached_property
    def _by_type(self) -> dict[str, tuple[Resource, ...]]:
        found: dict[str, list[Resource]] = {}
        for resource in self.resources.values():
            found.setdefault(resource.type, []).append(resource)
        return {type_: tuple(resources) for type_, resources in found.items()}

    def of_type(self, *types: str) -> tuple[Resource, ...]:
        """The resources of these types, in template order."""
        if len(types) == 1:
            return self._by_type.get(types[0], ())
        return tuple(resource for resource in self.resources.values() if resource.type in types)

    def target(self, value: Any) -> Resource | None:
        """The resource that a reference points to; None for a literal, or when it is not of this stack."""
        return next((self.resources[name] for name in references(value) if name in self.resources), None)

    def as_dict(self) -> dict[str, Any]:
        """The stack as plain JSON in template order: the `expected.json` and `live.json` of an evidence bundle."""
        return {
            "name": self.name,
            "region": self.region,
            "account_id": self.account_id,
            "partition": self.partition,
            "parameters": dict(self.parameters),
            "resources": {
                name: {
                    "Type": resource.type,
                    **({"HandedIn": True} if resource.handed_in else {}),
                    **resource.attributes,
                    "Properties": resource.properties,
                }
                for name, resource in self.resources.items()
            },
            "outputs": dict(self.outputs),
        }


def unknown(reason: str) -> dict[str, str]:
    """A value that could not be determined, and why."""
    return {UNKNOWN: reason}


def is_unknown(value: Any) -> bool:
    """Whether a value is the mark that `unknown` makes."""
    return isinstance(value, dict) and len(value) == 1 and UNKNOWN in value


def is_reference(value: Any) -> bool:
    """Whether a value is a `Ref`, `Fn::GetAtt` or `Fn::Sub` of the module's normal form."""
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in {"Ref", "Fn::GetAtt", "Fn::Sub"}


def references(value: Any) -> Iterator[str]:
    """The logical IDs a value refers to, at any depth, in order of appearance, repetitions included."""
    if isinstance(value, Mapping):
        match dict(value):
            case {"Ref": str(name), **rest} if not rest:
                yield name
            case {"Fn::GetAtt": [str(name), *_], **rest} if not rest:
                yield name
            case {"Fn::Sub": str(text), **rest} if not rest:
                yield from (found.group(1) for found in _SUB_REFERENCE.finditer(text))
            case mapping:
                for item in mapping.values():
                    yield from references(item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from references(item)


def as_bool(value: Any) -> bool | None:
    """A boolean, also from the texts that parameters give ("true", "False"); None for anything else."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None


def protected(parameters: Mapping[str, Any]) -> bool:
    """Whether a stack with these parameters is a protected environment: unless `DeletionProtection` is false, it is."""
    return as_bool(parameters.get(PROTECTION)) is not False


def as_number(value: Any) -> int | float | None:
    """A number, also from the texts that parameters give ("168"); None for anything else, booleans included."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, int):
        return value  # a float would round the largest ones
    try:
        number = float(value)
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() else number
