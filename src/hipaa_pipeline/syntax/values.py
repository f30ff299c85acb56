"""A value read from a text, with its lines; built from the inside out, the same way for YAML and JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

MAX_DEPTH = 200  # levels of nesting; far below what would exhaust the interpreter's stack
MAX_VALUES = 500_000  # values once aliases are expanded; CloudFormation takes a template of at most 1 MB of text

PathStep = str | int


class Lines(NamedTuple):
    """The line (from 1) on which a value starts, and the same for the values inside it."""

    line: int
    children: Mapping[PathStep, Lines]


class Parsed(NamedTuple):
    """A plain value and its lines; how many values it holds and how many levels, when every alias is expanded."""

    value: Any
    lines: Lines
    size: int = 1
    depth: int = 0


class Key(NamedTuple):
    """A key of a mapping as written; `merges` when it is YAML's `<<`."""

    text: str
    line: int
    merges: bool = False


class MalformedError(Exception):
    """The text is wrong on a line (from 1)."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem


def scalar(value: Any, line: int) -> Parsed:
    """A text, number, truth value or null."""
    return Parsed(value, Lines(line, {}))


def sequence(items: Sequence[Parsed], line: int) -> Parsed:
    """A list of values already read. Raises MalformedError when aliases make it too large."""
    lines = Lines(line, dict(enumerate(item.lines for item in items)))
    return Parsed([item.value for item in items], lines, *_extent(items, line))


def mapping(entries: Sequence[tuple[Key, Parsed]], line: int) -> Parsed:
    """A mapping of values already read; merged entries stand first and are overridden by the mapping's own.

    Raises MalformedError for a duplicate key, for a merge of something that is no mapping, and when aliases make it too
    large.
    """
    merged = [_mergeable(item, key) for key, item in entries if key.merges]
    own = [(key, item) for key, item in entries if not key.merges]
    _refuse_duplicates(key for key, _ in own)
    value: dict[str, Any] = {}
    lines: dict[PathStep, Lines] = {}
    for item in reversed([each for group in merged for each in group]):  # the first of several wins
        value |= item.value
        lines |= item.lines.children
    for key, item in own:
        value[key.text] = item.value
        lines[key.text] = Lines(key.line, item.lines.children)
    return Parsed(value, Lines(line, lines), *_extent([item for _, item in entries], line))


def wrapped(name: str, argument: Parsed) -> Parsed:
    """A function call in its long form: `{"Fn::Sub": argument}`."""
    line = argument.lines.line
    return Parsed({name: argument.value}, Lines(line, {name: argument.lines}), *_extent([argument], line))


def _mergeable(item: Parsed, key: Key) -> list[Parsed]:
    if isinstance(item.value, dict):
        return [item]
    if isinstance(item.value, list) and all(isinstance(each, dict) for each in item.value):
        return [Parsed(each, item.lines.children[index]) for index, each in enumerate(item.value)]
    raise MalformedError(key.line, "only mappings can be merged with <<")


def _refuse_duplicates(keys: Iterable[Key]) -> None:
    seen: dict[str, int] = {}
    for key in keys:
        if key.text in seen:
            raise MalformedError(key.line, f"duplicate key {key.text!r} (first on line {seen[key.text]})")
        seen[key.text] = key.line


def _extent(items: Sequence[Parsed], line: int) -> tuple[int, int]:
    """Size and depth of a value that holds these."""
    size = 1 + sum(item.size for item in items)
    depth = 1 + max((item.depth for item in items), default=0)
    if size > MAX_VALUES:
        raise MalformedError(line, f"aliases expand to more than {MAX_VALUES:,} values")
    if depth > MAX_DEPTH:
        raise MalformedError(line, f"nested more than {MAX_DEPTH} levels deep")
    return size, depth
