"""The shape of a charge, and how a rule reads a number from a resource."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from hipaa_pipeline.cost.assumptions import Assumptions
from hipaa_pipeline.stack import Resource, Stack, is_reference, is_unknown


@dataclasses.dataclass(frozen=True)
class Charge:
    """An amount of something that has a price: `item` says what in a few words, `tariff` which price, in `unit`s.

    `otherwise` is the same charge put another way, for where only that tariff has a price.
    """

    item: str
    tariff: str
    quantity: Decimal
    unit: str = ""
    otherwise: Charge | None = None


class Unpriceable(Exception):  # noqa: N818 - not an error: the answer is the reason
    """A resource whose charge cannot be told, and why."""


@dataclasses.dataclass(frozen=True)
class Context:
    """What a rule may look at besides its resource."""

    stack: Stack
    assumed: Assumptions


Charges = Iterator[Charge]


def number(resource: Resource, path: str, default: int | None = None) -> Decimal:
    """The number at a property path, `default` where it is not given. Raises Unpriceable when it is not a number."""
    value = resource.get(path, default)
    try:
        return Decimal(str(_known(value, path)))
    except InvalidOperation as error:
        raise Unpriceable(f"{path} is {value!r}") from error


def text(resource: Resource, path: str, default: str = "") -> str:
    """The text at a property path, `default` where it is not given. Raises Unpriceable when it is not known."""
    return str(_known(resource.get(path, default), path))


def flag(resource: Resource, path: str) -> bool:
    """Whether a property is true, as CloudFormation takes it: a boolean or its text. Raises Unpriceable if unknown."""
    return text(resource, path, "false").lower() == "true"


def items(resource: Resource, path: str) -> list[Any]:
    """The list at a property path, empty where it is not given. Raises Unpriceable when it is not known."""
    value = resource.get(path, [])
    if is_unknown(value):
        raise Unpriceable(f"{path} is not known: {next(iter(value.values()))}")
    return value if isinstance(value, list) else [value]


def _known(value: Any, path: str) -> Any:
    if is_unknown(value):
        raise Unpriceable(f"{path} is not known: {next(iter(value.values()))}")
    if value is None or is_reference(value):
        raise Unpriceable(f"{path} is not known before the stack exists")
    return value
