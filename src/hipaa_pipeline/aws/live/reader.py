"""What every resource reader uses: calls made once each, values renamed as CloudFormation names them.

A reader of a resource type is a tuple of parts. A part names the properties it supplies and makes the calls that
supply them, so that a denied or failed call makes exactly those properties unknown and no others, and all parts of
all resources can run at the same time.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from hipaa_pipeline.aws.session import Session
from hipaa_pipeline.stack import unknown

T = TypeVar("T")


class MissingError(Exception):
    """The service knows no such resource: CloudFormation remembers it, but it is gone."""


@dataclasses.dataclass(frozen=True)
class Physical:
    """What CloudFormation says there is to read: never what it is like."""

    logical_id: str
    type: str
    id: str


@dataclasses.dataclass(frozen=True)
class Part:
    """Some properties of one resource type, and the function that reads them from the service."""

    names: tuple[str, ...]
    read: Callable[[Reader, Physical], Mapping[str, Any]]


@dataclasses.dataclass(frozen=True)
class ResourceReader:
    """How to read one resource type: its parts, and its identifiers (`Arn`) beside the physical ID.

    `attributes` follow from the physical ID, `asked_attributes` have to be asked for. `unreported` are properties
    that CloudFormation sets and no API gives back.
    """

    parts: tuple[Part, ...]
    attributes: Callable[[Reader, Physical], Mapping[str, Any]] = lambda _reader, _physical: {}
    asked_attributes: Callable[[Reader, Physical], Mapping[str, Any]] = lambda _reader, _physical: {}
    unreported: tuple[str, ...] = ()


class Reader:
    """The calls of one read-back. Equal calls are sent once, also when they are asked for at the same time."""

    def __init__(self, session: Session, description: Mapping[str, Any], physical: Mapping[str, Physical]) -> None:
        """`description` is CloudFormation's of the stack itself: its ID, parameters, outputs and states."""
        _, self.partition, _, _, self.account_id, _ = str(description["StackId"]).split(":", 5)
        self.session = session
        self.description = description
        self.region = session.region
        self.physical = physical
        self._lock = threading.Lock()
        self._answers: dict[str, concurrent.futures.Future[Any]] = {}

    @property
    def parameters(self) -> dict[str, str]:
        """The parameter values that the stack was deployed with."""
        return {
            parameter["ParameterKey"]: parameter.get("ParameterValue", "")
            for parameter in self.description.get("Parameters", ())
        }

    @property
    def outputs(self) -> dict[str, Any]:
        """The stack's outputs."""
        return {output["OutputKey"]: output.get("OutputValue", "") for output in self.description.get("Outputs", ())}

    def call(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        """One call's answer. Raises AwsError, the same one for every asker."""
        return self._once((service, operation, arguments), lambda: self.session.call(service, operation, **arguments))

    def pages(self, service: str, operation: str, key: str, **arguments: Any) -> list[Any]:
        """All items of a paged call. Raises AwsError."""
        return self._once(
            (service, operation, key, arguments), lambda: self.session.pages(service, operation, key, **arguments)
        )

    def ids(self, *types: str) -> list[str]:
        """The physical IDs of the stack's resources of these types, sorted."""
        return sorted(physical.id for physical in self.physical.values() if physical.type in types)

    def arn(self, service: str, rest: str) -> str:
        """An ARN of this account and Region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{rest}"

    def _once(self, question: tuple[Any, ...], ask: Callable[[], T]) -> T:
        key = json.dumps(question, sort_keys=True)
        with self._lock:
            first = key not in self._answers
            answer = self._answers.setdefault(key, concurrent.futures.Future())
        if first:
            try:
                answer.set_result(ask())
            except BaseException as error:  # noqa: BLE001 - kept for every asker, and raised by result() below
                answer.set_exception(error)
        result: T = answer.result()
        return result


def only(items: Iterable[Any], key: str, value: str) -> Mapping[str, Any]:
    """The item whose `key` is `value`. Raises MissingError when the service returned none such."""
    for item in items:
        if item.get(key) == value:
            found: Mapping[str, Any] = item
            return found
    raise MissingError(value)


def renamed(answer: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The values that AWS gave, by CloudFormation's names (`{"MultiAZ": "MultiAZ"}`: ours to the API's)."""
    return {ours: answer[theirs] for ours, theirs in names.items() if answer.get(theirs) not in (None, "")}


def same(*names: str) -> dict[str, str]:
    """The table for `renamed` where the API's names are CloudFormation's."""
    return {name: name for name in names}


def document(text: str | Mapping[str, Any] | None) -> Any:
    """A policy document that an API gave as JSON text or already parsed; None when there is none."""
    if not text:
        return None
    return json.loads(text) if isinstance(text, str) else dict(text)


def tags(items: Iterable[Mapping[str, str]] | Mapping[str, str], key: str = "Key", value: str = "Value") -> Any:
    """Tags as CloudFormation writes them, sorted, without those that AWS adds itself (`aws:...`)."""
    pairs = items.items() if isinstance(items, Mapping) else [(item[key], item.get(value, "")) for item in items]
    return [{"Key": name, "Value": text} for name, text in sorted(pairs) if not name.startswith("aws:")]


def without_empty(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties that have a value: an empty list or None from an API means that it is not set."""
    return {name: value for name, value in properties.items() if value not in (None, "", [], {})}


def all_unknown(names: Iterable[str], reason: str) -> dict[str, Any]:
    """Every one of these properties unknown, for the same reason."""
    return {name: unknown(reason) for name in names}
