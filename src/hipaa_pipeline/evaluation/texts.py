"""Texts with references in them, as lists of segments; and back to the normal form of `stack`.

CloudFormation writes such a text with `Fn::Sub` ("${Key.Arn}", a literal "${" as "${!") or `Fn::Join`; both become the
same segments, so equal texts have equal normal forms.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from hipaa_pipeline.stack import UNKNOWN, is_unknown

_VARIABLE = re.compile(r"\$\{([^!}][^}]*|)\}")
_NAME = re.compile(r"[A-Za-z0-9_.:]+")


class FunctionError(Exception):
    """A function's argument is wrong; the message says what it must be."""


class UndeterminedError(Exception):
    """A value is known only in AWS, or rests on one that is unknown (then `mark` is that value)."""

    def __init__(self, reason: str, mark: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.mark = mark


class Variable(NamedTuple):
    """What stands between `${` and `}`: a resource (`Key`), an attribute (`Key.Arn`), a parameter (`AWS::Region`)."""

    name: str


Segment = str | Variable


def parse_sub(text: str) -> list[Segment]:
    """The segments of a `Fn::Sub` text. Raises FunctionError for a variable name CloudFormation does not take."""
    segments: list[Segment] = []
    for index, piece in enumerate(_VARIABLE.split(text)):
        if index % 2 == 0:
            segments.append(piece.replace("${!", "${"))
        elif _NAME.fullmatch(piece.strip()):
            segments.append(Variable(piece.strip()))
        else:
            raise FunctionError(f"${{{piece}}} is no variable; a literal is written ${{!{piece}}}")
    return [segment for segment in segments if segment != ""]


def segments_of(value: Any) -> list[Segment]:
    """The segments of a scalar or reference.

    Raises FunctionError for a list or mapping, UndeterminedError for an unknown value.
    """
    match value:
        case str():
            return [value]
        case bool():
            return ["true" if value else "false"]
        case int() | float():
            return [str(value)]
        case {"Ref": str(name)}:
            return [Variable(name)]
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return [Variable(f"{name}.{attribute}")]
        case {"Fn::Sub": str(text)}:
            return parse_sub(text)
    if is_unknown(value):
        raise UndeterminedError(value[UNKNOWN], value)
    kind = "a list" if isinstance(value, list) else "a mapping"
    raise FunctionError(f"a text is needed, not {kind}")


def normal_form(segments: Sequence[Segment]) -> str | dict[str, Any]:
    """The text, reference or `Fn::Sub` that segments stand for; a literal `${` is escaped only where it must be."""
    literals = [segment for segment in segments if isinstance(segment, str)]
    if len(literals) == len(segments):
        return "".join(literals)
    match list(_merge(segments)):
        case [Variable(name)]:
            resource, dot, attribute = name.partition(".")
            return {"Fn::GetAtt": [resource, attribute]} if dot else {"Ref": resource}
        case merged:
            return {"Fn::Sub": "".join(_written(segment) for segment in merged)}


def plain_text(value: Any) -> str:
    """The text of a scalar. Raises UndeterminedError for a reference, FunctionError for what is no text."""
    if isinstance(value, str):
        return value
    text = normal_form(segments_of(value))
    if not isinstance(text, str):
        raise UndeterminedError("it needs a value that exists only once the stack does")
    return text


def _merge(segments: Sequence[Segment]) -> Iterable[Segment]:
    """Neighbouring literals as one: `$` followed by `{` must be escaped together."""
    for is_literal, group in itertools.groupby(segments, key=lambda segment: not isinstance(segment, Variable)):
        if is_literal:
            text = "".join(str(segment) for segment in group)
            yield from [text] if text else []
        else:
            yield from group


def _written(segment: Segment) -> str:
    return f"${{{segment.name}}}" if isinstance(segment, Variable) else segment.replace("${", "${!")
