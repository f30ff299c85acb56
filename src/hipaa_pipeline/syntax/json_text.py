"""JSON with line numbers: a YAML 1.1 parser refuses some JSON (tabs, surrogate pairs) and misreads some (1e3)."""

from __future__ import annotations

import bisect
import json
import re
from collections.abc import Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]  # CPython's own, left out of the stubs

from hipaa_pipeline.syntax.values import MAX_DEPTH, Key, MalformedError, Parsed, mapping, scalar, sequence

_SPACE = re.compile(r"[ \t\r\n]*")
_LITERAL = re.compile(r"[^\s,\]}]+")


def is_json(text: str) -> bool:
    """Whether a text is a JSON object; flow-style YAML also starts with a brace."""
    if not text.lstrip().startswith("{"):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def parse(text: str) -> Parsed:
    """The value of a text that `is_json`: only what JSON itself leaves open is checked. Raises MalformedError."""
    return _Reader(text).value(0)


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line_ends = [found.start() for found in re.finditer("\n", text)]

    def value(self, depth: int) -> Parsed:
        start = self._peek()
        line = self._line()
        if depth > MAX_DEPTH:
            raise MalformedError(line, f"nested more than {MAX_DEPTH} levels deep")
        match start:
            case "{":
                return mapping(list(self._entries(depth)), line)
            case "[":
                return sequence(list(self._items(depth)), line)
            case '"':
                return scalar(self._string(), line)
            case _:
                return scalar(self._literal(), line)

    def _entries(self, depth: int) -> Iterator[tuple[Key, Parsed]]:
        self._skip("{")
        while not self._skip("}"):
            self._skip(",")
            self._peek()
            line = self._line()
            key = Key(self._string(), line)
            self._skip(":")
            yield key, self.value(depth + 1)

    def _items(self, depth: int) -> Iterator[Parsed]:
        self._skip("[")
        while not self._skip("]"):
            self._skip(",")
            yield self.value(depth + 1)

    def _peek(self) -> str:
        """The next character that is no space, stepping up to it."""
        found = _SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._text[self._at]

    def _skip(self, character: str) -> bool:
        """Step over the next character when it is this one."""
        if self._peek() != character:
            return False
        self._at += 1
        return True

    def _line(self) -> int:
        return bisect.bisect_left(self._line_ends, self._at) + 1

    def _string(self) -> str:
        value: str
        value, self._at = scanstring(self._text, self._at + 1, True)
        return value

    def _literal(self) -> int | float | bool | None:
        found = _LITERAL.match(self._text, self._at)
        written = found.group() if found else ""
        self._at += len(written)
        value: int | float | bool | None = json.loads(written)
        return value
