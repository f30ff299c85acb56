"""Texts that a regular expression matches: its shortest, its longest, and one for each of its alternatives."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Sequence
from re import _constants, _parser  # type: ignore[attr-defined]  # CPython's own parser, left out of the stubs
from typing import Any

LONG_REPEAT = 3  # repetitions beyond the minimum where a pattern sets no maximum
_CHARACTERS = string.ascii_lowercase + string.digits + string.ascii_uppercase + string.punctuation + " "
_CATEGORIES = {
    _constants.CATEGORY_DIGIT: r"\d", _constants.CATEGORY_NOT_DIGIT: r"\D",
    _constants.CATEGORY_WORD: r"\w", _constants.CATEGORY_NOT_WORD: r"\W",
    _constants.CATEGORY_SPACE: r"\s", _constants.CATEGORY_NOT_SPACE: r"\S",
}  # fmt: skip


def examples(pattern: re.Pattern[str]) -> list[str]:
    """Texts that match the whole pattern, shortest first; none when it uses lookarounds or references to groups."""
    try:
        parsed = _parser.parse(pattern.pattern, pattern.flags)
        found = [_Writer(long=False).write(each) for each in _alternatives(parsed)]
        found.append(_Writer(long=True).write(parsed))
    except (NotImplementedError, RecursionError):
        return []
    matching = {text: None for text in found if pattern.fullmatch(text)}
    return sorted(matching, key=len)


def _alternatives(parsed: Sequence[Any]) -> Iterator[list[Any]]:
    """The pattern with each alternative of its first outer choice (`^(|vpc-.*)$`), or as it is."""
    for index, (kind, argument) in enumerate(parsed):
        before, after = list(parsed[:index]), list(parsed[index + 1 :])
        if kind is _constants.BRANCH:
            yield from ([*before, *branch, *after] for branch in argument[1])
            return
        if kind is _constants.SUBPATTERN and any(inner[0] is _constants.BRANCH for inner in argument[3]):
            yield from ([*before, *inner, *after] for inner in _alternatives(argument[3]))
            return
    yield list(parsed)


class _Writer:
    """Writes one matching text; characters of a set are taken in turn, so that repeated parts differ."""

    def __init__(self, *, long: bool) -> None:
        self._long = long
        self._taken = 0

    def write(self, parsed: Sequence[Any]) -> str:
        return "".join(self._part(kind, argument) for kind, argument in parsed)

    def _part(self, kind: Any, argument: Any) -> str:
        match kind:
            case _constants.LITERAL:
                return chr(argument)
            case _constants.AT:
                return ""
            case _constants.SUBPATTERN:
                return self.write(argument[3])
            case _constants.BRANCH:
                written = [self.write(branch) for branch in argument[1]]
                return max(written, key=len) if self._long else min(written, key=len)
            case _constants.MAX_REPEAT | _constants.MIN_REPEAT | _constants.POSSESSIVE_REPEAT:
                low, high, repeated = argument
                most = low + LONG_REPEAT if high is _constants.MAXREPEAT else int(high)
                return "".join(self.write(repeated) for _ in range(most if self._long else low))
        return self._character(kind, argument)

    def _character(self, kind: Any, argument: Any) -> str:
        fitting = [character for character in _CHARACTERS if _fits(character, kind, argument)]
        if not fitting:
            raise NotImplementedError(str(kind))
        self._taken += 1
        return fitting[(self._taken - 1) % len(fitting)]


def _fits(character: str, kind: Any, argument: Any) -> bool:
    match kind:
        case _constants.ANY:
            return True
        case _constants.LITERAL:
            return character == chr(argument)
        case _constants.NOT_LITERAL:
            return character != chr(argument)
        case _constants.RANGE:
            return bool(argument[0] <= ord(character) <= argument[1])
        case _constants.CATEGORY:
            return re.fullmatch(_CATEGORIES[argument], character, re.ASCII) is not None
        case _constants.IN:
            negated = argument[0][0] is _constants.NEGATE
            return negated != any(_fits(character, *each) for each in argument[negated:])
    return False
