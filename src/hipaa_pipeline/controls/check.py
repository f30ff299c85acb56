"""What a check is, what it answers, and the small vocabulary in which most checks are written.

A check asks one question of each resource of some types. Its `judge` yields at least one `Verdict` for every resource
it is given: a pass, a failure with the place and both values, "unknown" where a value could not be determined, or "not
applicable" with the reason. Judging is pure and must never raise, whatever shape somebody's template has.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from hipaa_pipeline.findings import Status
from hipaa_pipeline.stack import UNKNOWN, Resource, Stack, as_bool, as_number, is_unknown, protected

ANY = "*"  # a check of every resource
STACK = "AWS::CloudFormation::Stack"  # a check of the stack itself: its parameters and outputs


class Severity(enum.StrEnum):
    """How bad a failure is: ePHI exposed, a safeguard missing, a safeguard weak, a habit."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """One answer about one place. `resource` names another resource than the judged one where the fault lies there."""

    status: Status
    property: str = ""
    expected: Any = None
    actual: Any = None
    reason: str = ""
    resource: str = ""


Judge = Callable[[Resource, Stack], Iterator[Verdict]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Check:
    """One question. `citations` are the paragraphs it serves (`164.312(b)`), empty where HIPAA is not the reason.

    `types` are the resource types it is asked of (or `ANY`, or `STACK`). `waivable` marks the few that an ephemeral
    environment may waive (`waivers.py`): they keep data available or recoverable, or money, never data confidential.
    """

    slug: str
    service: str
    severity: Severity
    title: str
    remedy: str
    citations: tuple[str, ...] = ()
    types: tuple[str, ...]
    judge: Judge
    waivable: bool = False

    @functools.cached_property
    def citation(self) -> str:
        """The citations as one text in the regulation's order, as findings carry them."""
        return ", ".join(sorted(self.citations))


def passed(property: str, expected: Any, actual: Any) -> Verdict:  # noqa: A002 - CloudFormation's word
    """The place is as expected."""
    return Verdict(Status.PASS, property, expected, actual)


def failed(property: str, expected: Any, actual: Any, resource: str = "") -> Verdict:  # noqa: A002
    """The place is not as expected; an absent value is shown as "not set"."""
    return Verdict(Status.FAIL, property, expected, "not set" if actual is None else actual, resource=resource)


def undetermined(property: str, expected: Any, value: Any, resource: str = "") -> Verdict:  # noqa: A002
    """The value at the place could not be determined, for the reason it carries."""
    reason = str(value[UNKNOWN])
    return Verdict(Status.UNKNOWN, property, expected, None, reason, resource)


def not_applicable(reason: str, property: str = "", actual: Any = None) -> Verdict:  # noqa: A002
    """The question does not arise, and why."""
    return Verdict(Status.NOT_APPLICABLE, property, None, actual, reason)


def verdict(ok: bool, property: str, expected: Any, actual: Any) -> Verdict:  # noqa: A002
    """A pass or a failure."""
    return passed(property, expected, actual) if ok else failed(property, expected, actual)


def problems_or_pass(problems: Iterable[Verdict], property: str, expected: Any, actual: Any) -> Iterator[Verdict]:  # noqa: A002
    """The problems found; one pass with what was seen where there are none."""
    found = False
    for problem in problems:
        found = True
        yield problem
    if not found:
        yield passed(property, expected, actual)


# The vocabulary: each function makes a judge of one property.


def expect(path: str, holds: Callable[[Any], bool], expected: Any, default: Any = None) -> Judge:
    """The value at `path` (or `default`, what AWS takes when it is absent) satisfies `holds`."""

    def judge(resource: Resource, _stack: Stack) -> Iterator[Verdict]:
        value = resource.get(path)
        if is_unknown(value):
            yield undetermined(path, expected, value)
        elif value is None:
            shown = None if default is None else f"not set (default {default})"
            yield verdict(default is not None and holds(default), path, expected, shown)
        else:
            yield verdict(holds(value), path, expected, value)

    return judge


def is_true(path: str, *, default: bool | None = None) -> Judge:
    """The property is true, as a boolean or as the text that a parameter gives."""
    return expect(path, lambda value: as_bool(value) is True, True, default)


def is_false(path: str, *, default: bool | None = None) -> Judge:
    """The property is false, as a boolean or as the text that a parameter gives."""
    return expect(path, lambda value: as_bool(value) is False, False, default)


def is_one_of(path: str, values: Iterable[Any], default: Any = None) -> Judge:
    """The property's text is one of these."""
    allowed = tuple(str(value) for value in values)
    return expect(path, lambda value: str(value) in allowed, " or ".join(allowed), default)


def at_least(path: str, least: float, default: float | None = None) -> Judge:
    """The property is a number of at least `least`."""
    return expect(path, lambda value: (as_number(value) or 0) >= least, f"at least {least:g}", default)


def is_set(path: str, expected: str) -> Judge:
    """The property has a value that is not empty."""
    return expect(path, lambda value: value not in (None, "", [], {}), expected)


def when(condition: Callable[[Resource, Stack], str], judge: Judge) -> Judge:
    """Ask only where `condition` returns no reason against it; "not applicable" with that reason elsewhere."""

    def conditional(resource: Resource, stack: Stack) -> Iterator[Verdict]:
        reason = condition(resource, stack)
        if reason:
            yield not_applicable(reason)
        else:
            yield from judge(resource, stack)

    return conditional


def in_protected(judge: Judge) -> Judge:
    """Ask only of a protected environment; an ephemeral one is meant to be deleted without a trace."""
    return when(lambda _, stack: "" if protected(stack.parameters) else "the environment is ephemeral", judge)


def in_ephemeral(judge: Judge) -> Judge:
    """Ask only of an ephemeral environment."""
    return when(lambda _, stack: "the environment is protected" if protected(stack.parameters) else "", judge)


# Tolerant access: other people's templates hold anything.


def listed(value: Any) -> list[Any]:
    """A list as it is, nothing as an empty list, one value as a list of it (CloudFormation accepts both)."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def mapping(value: Any) -> Mapping[str, Any]:
    """A mapping as it is, anything else as an empty one."""
    return value if isinstance(value, dict) and not is_unknown(value) else {}


def unread(*values: Any) -> dict[str, Any] | None:
    """The first unknown mark among values, at any depth; None where all of them are known."""
    for value in values:
        if is_unknown(value):
            return dict(value)
        if isinstance(value, dict):
            found = unread(*value.values())
        else:
            found = unread(*value) if isinstance(value, list) else None
        if found is not None:
            return found
    return None
