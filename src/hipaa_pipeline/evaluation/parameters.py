"""Template parameters: their declarations read, values checked as CloudFormation checks them, and given their types.

In the normal form a Number parameter is an int or a float where its text is the usual way to write that number ("20",
"0.5"), so that joining it into a text gives back what was typed; any other spelling ("007") stays a text, as do
"true" and "false": see `stack.as_number` and `stack.as_bool`.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

from __future__ import annotations

import dataclasses
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from hipaa_pipeline.errors import UserError
from hipaa_pipeline.evaluation.problems import Problems
from hipaa_pipeline.masking import MASK
from hipaa_pipeline.stack import unknown

T = TypeVar("T")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"-?(0|[1-9]\d*)", re.ASCII)
_AWS_TYPE = re.compile(r"(List<)?AWS::(EC2|Route53)::[A-Za-z]+::[A-Za-z]+>?|AWS::SSM::Parameter::Name")
_SSM_VALUE = "AWS::SSM::Parameter::Value<"


class ParameterError(UserError):
    """Parameter values that the template does not accept; the message has one line for each."""


@dataclasses.dataclass(frozen=True)
class Parameter:
    """A parameter as declared; None where the template sets no limit. Its values are texts, as AWS takes them."""

    name: str
    type: str = "String"
    default: str | None = None
    allowed_values: tuple[str, ...] | None = None
    allowed_pattern: re.Pattern[str] | None = None
    min_length: int | None = None
    max_length: int | None = None
    min_value: float | None = None
    max_value: float | None = None
    no_echo: bool = False
    constraint: str = ""

    @property
    def is_list(self) -> bool:
        """Whether its value is several values with commas between them."""
        return self.type == "CommaDelimitedList" or self.type.startswith("List<")

    @property
    def is_number(self) -> bool:
        """Whether its value, or each of its values, is a number."""
        return self.type in {"Number", "List<Number>"}

    def members(self, text: str) -> list[str]:
        """The values in a text: one, or those between commas, without spaces. An empty list has one empty member.

        https://github.com/aws-cloudformation/cfn-language-discussion/issues/102
        """
        return [member.strip() for member in text.split(",")] if self.is_list else [text]

    def accepts(self, text: str) -> bool:
        """Whether the template takes this value."""
        return all(self._accepts_member(member) for member in self.members(text))

    def typed(self, text: str) -> Any:
        """The value in the normal form: a text, a number or a list of these; unknown for a value kept in SSM."""
        if self.type.startswith(_SSM_VALUE):
            return unknown(f"Parameters.{self.name}: the value of SSM parameter {text!r} is known only in the account")
        values = [_number(member) if self.is_number else member for member in self.members(text)]
        return values if self.is_list else values[0]

    def allowed(self) -> str:
        """What the template takes, as a sentence's end: `a number from 20 to 65536`."""
        return f"{'a list, each ' if self.is_list else ''}{self._allowed_member()}"

    def shown(self, text: str) -> str:
        """A value as a message may show it."""
        return MASK if self.no_echo else repr(text)

    def _accepts_member(self, text: str) -> bool:
        if self.allowed_values is not None and text not in self.allowed_values:
            return False
        if self.is_number:
            return bool(_NUMBER.fullmatch(text)) and _within(float(text), self.min_value, self.max_value)
        if _AWS_TYPE.fullmatch(self.type) and not text:
            return False  # AWS looks the value up in the account; nothing there has an empty name
        if not self.is_list and not _within(len(text), self.min_length, self.max_length):
            return False
        return self.allowed_pattern is None or self.allowed_pattern.fullmatch(text) is not None

    def _allowed_member(self) -> str:
        if self.allowed_values is not None:
            return f"one of {', '.join(repr(value) for value in self.allowed_values)}"
        if self.is_number:
            return f"a number{_range(self.min_value, self.max_value)}"
        characters = "" if self.is_list else _range(self.min_length, self.max_length)
        length = f" with a length{characters}" if characters else ""
        pattern = f" matching {self.allowed_pattern.pattern}" if self.allowed_pattern else ""
        inner = self.type.removeprefix("List<").removesuffix(">") if self.is_list else self.type
        kind = "a text" if inner in {"String", "CommaDelimitedList"} else f"an existing {inner}"
        return f"{kind}{length}{pattern}"


def read_parameters(section: Mapping[str, Any], problems: Problems) -> dict[str, Parameter]:
    """The parameters a template declares. Raises ResolveError when strict; otherwise what is wrong sets no limit."""
    readers = {name: _Declaration(name, declared, problems) for name, declared in section.items()}
    return {name: reader.parameter() for name, reader in readers.items() if reader.is_mapping()}


def refusal(parameter: Parameter, text: Any) -> str:
    """Why the template does not take a value (None when none was given), and what it takes; empty when it does."""
    if text is None:
        return f"Parameter {parameter.name} has no value and no default: it must be {parameter.allowed()}."
    if not isinstance(text, str):
        return f"Parameter {parameter.name} must be given as a text, not as {type(text).__name__}."
    if parameter.accepts(text):
        return ""
    constraint = f" ({parameter.constraint})" if parameter.constraint else ""
    return f"Parameter {parameter.name} is {parameter.shown(text)}; it must be {parameter.allowed()}{constraint}."


def undeclared(name: str, known: Sequence[str]) -> str:
    """That the template has no parameter of this name, and which may have been meant."""
    import difflib

    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(known) or 'none'}."
    return f"The template has no parameter {name}: {hint}"


class _Declaration:
    """Reads one member of a template's Parameters section."""

    def __init__(self, name: str, declared: Any, problems: Problems) -> None:
        self._name = name
        self._declared = declared
        self._problems = problems

    def is_mapping(self) -> bool:
        if not isinstance(self._declared, Mapping):
            self._problems.answer(("Parameters", self._name), "a parameter is a mapping with a Type")
        return isinstance(self._declared, Mapping)

    def parameter(self) -> Parameter:
        values = self._read("AllowedValues", _texts, "a list of texts")
        return Parameter(
            name=self._name,
            type=self._type(),
            default=self._read("Default", _text, "a text"),
            allowed_values=None if values is None else tuple(values),
            allowed_pattern=self._read("AllowedPattern", _pattern, "a regular expression this project can check"),
            min_length=self._read("MinLength", _whole, "a whole number"),
            max_length=self._read("MaxLength", _whole, "a whole number"),
            min_value=self._read("MinValue", _float, "a number"),
            max_value=self._read("MaxValue", _float, "a number"),
            no_echo=self._read("NoEcho", _text, "true or false") == "true",
            constraint=self._read("ConstraintDescription", _text, "a text") or "",
        )

    def _type(self) -> str:
        declared = self._declared.get("Type")
        known = isinstance(declared, str) and (
            declared in {"String", "Number", "CommaDelimitedList", "List<Number>", "List<String>"}
            or declared.startswith(_SSM_VALUE)
            or _AWS_TYPE.fullmatch(declared)
        )
        if not known:
            self._problems.answer(("Parameters", self._name, "Type"), f"{declared!r} is no parameter type")
        return declared if isinstance(declared, str) else "String"

    def _read(self, key: str, convert: Callable[[Any], T | None], wanted: str) -> T | None:
        if key not in self._declared:
            return None
        value = convert(self._declared[key])
        if value is None:
            self._problems.answer(("Parameters", self._name, key), f"{key} must be {wanted}")
        return value


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def _texts(value: Any) -> list[str] | None:
    texts = [_text(item) for item in value] if isinstance(value, list) else []
    present = [text for text in texts if text is not None]
    return present if present and len(present) == len(texts) else None


def _pattern(value: Any) -> re.Pattern[str] | None:
    """The pattern as CloudFormation's (Java's) engine reads it in ASCII; None where Python's cannot."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Python warns where it may come to differ from Java, as in [a&&b]
        try:
            return re.compile(value, re.ASCII) if isinstance(value, str) else None
        except (re.error, Warning):
            return None


def _float(value: Any) -> float | None:
    text = _text(value)
    return float(text) if text is not None and _NUMBER.fullmatch(text) else None


def _whole(value: Any) -> int | None:
    text = _text(value)
    return int(text) if text is not None and _INTEGER.fullmatch(text) else None


def _number(text: str) -> int | float | str:
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) and str(float(text)) == text else text


def _within(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def _range(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f" from {_short(low)} to {_short(high)}"
    if low is not None:
        return f" of at least {_short(low)}"
    return f" of at most {_short(high)}" if high is not None else ""


def _short(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)
