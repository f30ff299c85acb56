"""YAML as CloudFormation reads it: version 1.1 with short intrinsic forms, dates left as texts, keys always texts.

Built from the parser's events rather than its nodes: PyYAML's own composer recurses in C and crashes the interpreter
on a text of a few hundred thousand brackets, and an alias to what is not finished yet is simply undefined here, so that
nothing can contain itself.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import yaml

from hipaa_pipeline.syntax.values import MAX_DEPTH, Key, MalformedError, Parsed, mapping, scalar, sequence, wrapped

LONG_FORMS = {"!Ref": "Ref", "!Condition": "Condition"}  # every other tag `!X` is the function `Fn::X`
_STANDARD = "tag:yaml.org,2002:"
_LEFT_AS_TEXT = {f"{_STANDARD}timestamp", f"{_STANDARD}value"}


def parse(text: str) -> Parsed:
    """The one document in a text. Raises MalformedError."""
    try:
        return _Reader(_loader_class()(text)).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = min(mark.line, text.count("\n")) + 1 if mark else 1  # the parser counts on beyond the end
        raise MalformedError(line, f"not valid YAML: {error.problem or error.context}") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise MalformedError(line, f"not valid YAML: {error.reason}") from error


@functools.cache
def _loader_class() -> Any:
    """PyYAML's loader, the C one where it was built, which takes dates and `=` for texts."""
    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    resolvers = {
        first: [(tag, pattern) for tag, pattern in known if tag not in _LEFT_AS_TEXT]
        for first, known in base.yaml_implicit_resolvers.items()
    }
    return type("TemplateLoader", (base,), {"yaml_implicit_resolvers": resolvers})


class _Reader:
    """Reads one event after another; `loader` gives events, resolves plain scalars' types and converts them."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader
        self._anchors: dict[str, Parsed] = {}

    def document(self) -> Parsed:
        self._loader.get_event()  # the stream's start
        if self._loader.check_event(yaml.StreamEndEvent):
            raise MalformedError(1, "the template is empty")
        self._loader.get_event()  # the document's start
        parsed = self._value(self._loader.get_event(), 0)
        self._loader.get_event()  # the document's end
        if not self._loader.check_event(yaml.StreamEndEvent):
            raise MalformedError(
                _line(self._loader.get_event()), "a template is one YAML document, and here is another"
            )
        return parsed

    def _value(self, event: Any, depth: int) -> Parsed:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if depth > MAX_DEPTH:
            raise MalformedError(_line(event), f"nested more than {MAX_DEPTH} levels deep")
        name = _function(event.tag)
        parsed = self._content(event, depth, as_text=bool(name))
        parsed = wrapped(name, _split_attribute(name, parsed)) if name else parsed
        if event.anchor:
            self._anchors[event.anchor] = parsed
        return parsed

    def _alias(self, event: Any) -> Parsed:
        if event.anchor not in self._anchors:
            raise MalformedError(_line(event), f"alias {event.anchor!r} is undefined, or stands within its own anchor")
        return self._anchors[event.anchor]

    def _content(self, event: Any, depth: int, *, as_text: bool) -> Parsed:
        match event:
            case yaml.MappingStartEvent():
                return mapping(list(self._entries(depth)), _line(event))
            case yaml.SequenceStartEvent():
                return sequence(list(self._items(yaml.SequenceEndEvent, depth)), _line(event))
            case _:
                return scalar(event.value if as_text else self._scalar(event), _line(event))

    def _items(self, end: type[yaml.Event], depth: int) -> Iterator[Parsed]:
        while not self._loader.check_event(end):
            yield self._value(self._loader.get_event(), depth + 1)
        self._loader.get_event()

    def _entries(self, depth: int) -> Iterator[tuple[Key, Parsed]]:
        while not self._loader.check_event(yaml.MappingEndEvent):
            key = self._key(self._loader.get_event())
            yield key, self._value(self._loader.get_event(), depth + 1)
        self._loader.get_event()

    def _key(self, event: Any) -> Key:
        if not isinstance(event, yaml.ScalarEvent) or _function(event.tag):
            raise MalformedError(_line(event), "a key must be a plain text")
        return Key(event.value, _line(event), merges=event.value == "<<" and event.implicit[0])

    def _scalar(self, event: Any) -> Any:
        tag = event.tag or self._loader.resolve(yaml.ScalarNode, event.value, event.implicit)
        kind = tag.removeprefix(_STANDARD)
        if kind not in {"int", "float", "bool", "null"}:
            return event.value
        try:
            return getattr(self._loader, f"construct_yaml_{kind}")(yaml.ScalarNode(tag, event.value))
        except (ValueError, KeyError, IndexError) as error:
            raise MalformedError(_line(event), f"{event.value!r} is not of the type {kind}") from error


def _function(tag: str | None) -> str:
    """The long name of a short intrinsic form's tag; empty for YAML's own tags."""
    if tag is None or not tag.startswith("!") or tag == "!":
        return ""
    return LONG_FORMS.get(tag, f"Fn::{tag[1:]}")


def _split_attribute(name: str, argument: Parsed) -> Parsed:
    if name != "Fn::GetAtt" or not isinstance(argument.value, str):
        return argument
    return argument._replace(value=argument.value.split(".", 1))


def _line(event: Any) -> int:
    line: int = event.start_mark.line
    return line + 1
