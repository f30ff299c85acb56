"""The template as YAML for people: AWS's section order, `Type` first, short intrinsics, a heading per topic.

A small emitter of its own, because the layout is the point (what fits on a line stays on one, lists of names are
wrapped, texts are folded) and because PyYAML's takes longer than building the template. A property-based test holds
that whatever it writes, a YAML parser reads back as it was.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any

SECTIONS = (
    "AWSTemplateFormatVersion", "Description", "Metadata", "Parameters",
    "Rules", "Mappings", "Conditions", "Resources", "Outputs",
)  # fmt: skip
RESOURCE_KEYS = ("Type", "Metadata", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Properties")
SPACED_SECTIONS = {"Parameters", "Resources", "Outputs"}
SHORT_FUNCTIONS = {  # those with a documented short form; functions of Rules have none
    "And", "Base64", "Cidr", "Equals", "FindInMap", "GetAZs", "If", "ImportValue",
    "Join", "Not", "Or", "Select", "Split", "Sub", "Transform",
}  # fmt: skip
BLOCK_KEYS = {"Type", "Description", "Assert", "RuleCondition", "Properties", "Sid"}  # entries told line by line
WIDTH = 124

# What YAML 1.1 reads as this very text without quotes: no indicator, number, date, boolean or null.
_PLAIN = re.compile(r"(?![-?:,\[\]{}#&*!|>'\"%@`=<~+.\d\s])(?!.*(:\s|\s#|:$|\s$))[\x20-\x7e]+")
_PLAIN_IN_FLOW = re.compile(r"[^,\[\]{}:]+")
_WORDS = {"true", "false", "yes", "no", "on", "off", "y", "n", "null"}


def render(body: Mapping[str, Any], headings: Mapping[str, str]) -> str:
    """The whole template; `headings` gives the comment that stands above a resource, by logical ID.

    Raises ValueError for a section or a resource attribute that has no place in the order.
    """
    _refuse(set(body) - set(SECTIONS))
    return "\n".join(_section(name, body[name], headings) for name in SECTIONS if name in body)


def _section(name: str, content: Any, headings: Mapping[str, str]) -> str:
    in_conditions = name in {"Conditions", "Rules"}
    if not isinstance(content, dict) or name == "Metadata":
        return _text(_entry(name, content, 0, conditions=in_conditions))
    entries = []
    for logical_id, value in content.items():
        heading = [f"  # {headings[logical_id]}"] if name == "Resources" and logical_id in headings else []
        ordered = _ordered(value) if name == "Resources" else value
        entries.append(_text([*heading, *_entry(logical_id, ordered, 2, conditions=in_conditions)]))
    return f"{name}:\n" + ("\n" if name in SPACED_SECTIONS else "").join(entries)


def _ordered(resource: Mapping[str, Any]) -> dict[str, Any]:
    _refuse(set(resource) - set(RESOURCE_KEYS))
    return {key: resource[key] for key in RESOURCE_KEYS if key in resource}


def _refuse(surplus: set[str]) -> None:
    if surplus:
        raise ValueError(f"no place in the order for {sorted(surplus)}")


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _entry(key: str, value: Any, indent: int, *, conditions: bool = False) -> list[str]:
    """The lines of `key: value` in a block mapping."""
    return _after(f"{' ' * indent}{_scalar(key)}:", value, indent, conditions=conditions)


def _after(head: str, value: Any, indent: int, *, conditions: bool) -> list[str]:
    """The lines of a value behind `key:` or `key: !Function`: on the same line where it fits, else below it."""
    flow = _flow(value, conditions=conditions)
    if flow is not None and len(head) + 1 + len(flow) <= WIDTH:
        return [f"{head} {flow}"]
    function, argument = _function(value, conditions=conditions)
    if function and not isinstance(argument, str):
        return _after(f"{head} !{function}", argument, indent, conditions=conditions)
    if isinstance(value, dict) and not function:
        return [head, *_mapping(value, indent + 2, conditions=conditions)]
    if isinstance(value, list) and not all(isinstance(item, str) for item in value):
        return [head, *_sequence(value, indent, conditions=conditions)]
    if isinstance(value, list):
        return _wrapped(
            head, [f"{item}," for item in map(_flow_scalar, value[:-1])] + [_flow_scalar(value[-1])], indent
        )
    return _folded(head, flow or "", indent)


def _mapping(value: Mapping[str, Any], indent: int, *, conditions: bool) -> list[str]:
    return [line for key, item in value.items() for line in _entry(key, item, indent, conditions=conditions)]


def _sequence(items: list[Any], indent: int, *, conditions: bool) -> list[str]:
    lines: list[str] = []
    for item in items:
        head = f"{' ' * indent}-"
        if isinstance(item, dict) and not _function(item, conditions=conditions)[0]:
            flow = _flow(item, conditions=conditions)
            fits = flow is not None and len(head) + 1 + len(flow) <= WIDTH
            nested = [f"{head} {flow}"] if fits else _mapping(item, indent + 2, conditions=conditions)
            lines += [f"{head} {nested[0].lstrip()}" if not fits else nested[0], *nested[1:]]
        else:
            lines += _after(head, item, indent + 2, conditions=conditions)
    return lines


def _wrapped(head: str, words: list[str], indent: int) -> list[str]:
    return _fill(f"{head} [", [*words[:-1], f"{words[-1]}]"], indent)


def _folded(head: str, text: str, indent: int) -> list[str]:
    return [f"{head} {text}"] if "  " in text else _fill(f"{head} ", text.split(" "), indent)


def _fill(start: str, words: list[str], indent: int) -> list[str]:
    lines, line = [], start + words[0]
    for word in words[1:]:
        if len(line) + 1 + len(word) > WIDTH:
            lines.append(line)
            line = " " * (indent + 2) + word
        else:
            line += f" {word}"
    return [*lines, line]


def _flow(value: Any, *, conditions: bool) -> str | None:
    """A value on one line, or None for what is always told line by line. A scalar stands as in a block."""
    function, argument = _function(value, conditions=conditions)
    if isinstance(argument, str):
        return f"!{function} {_scalar(argument)}"
    return _scalar(value) if isinstance(value, str) else _flow_item(value, conditions=conditions)


def _flow_item(value: Any, *, conditions: bool) -> str | None:
    if isinstance(value, str):
        return _flow_scalar(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    function, argument = _function(value, conditions=conditions)
    if function:
        text = _flow_item(argument, conditions=conditions)
        return None if text is None else f"!{function} {text}"
    if isinstance(value, dict):
        if not BLOCK_KEYS.isdisjoint(value):
            return None
        texts = [_flow_item(item, conditions=conditions) for item in value.values()]
        if None in texts:
            return None
        return f"{{{', '.join(f'{_flow_scalar(key)}: {text}' for key, text in zip(value, texts, strict=True))}}}"
    texts = [_flow_item(item, conditions=conditions) for item in value]
    return None if None in texts else f"[{', '.join(filter(None, texts))}]"


def _function(value: Any, *, conditions: bool) -> tuple[str, Any]:
    """The short name and the argument of an intrinsic function; an empty name for anything else."""
    if isinstance(value, dict) and len(value) == 1:
        ((key, argument),) = value.items()
        if key == "Fn::GetAtt":
            return "GetAtt", ".".join(argument)
        short = key.removeprefix("Fn::")
        if key == "Ref" or short in SHORT_FUNCTIONS or (conditions and key == "Condition"):
            return short, argument
    return "", None


@functools.cache
def _scalar(text: str) -> str:
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS else _quoted(text)


@functools.cache
def _flow_scalar(text: str) -> str:
    return _scalar(text) if _PLAIN_IN_FLOW.fullmatch(text) else _quoted(text)


def _quoted(text: str) -> str:
    if not text.isprintable():
        raise ValueError(f"a template text must be printable: {text!r}")
    return "'" + text.replace("'", "''") + "'"
