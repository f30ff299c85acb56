"""The template as YAML for people: AWS's section order, `Type` first, short intrinsics, a heading per topic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

SECTIONS = (
    "AWSTemplateFormatVersion", "Description", "Metadata", "Parameters",
    "Rules", "Mappings", "Conditions", "Resources", "Outputs",
)  # fmt: skip
RESOURCE_KEYS = ("Type", "Metadata", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Properties")
BLOCK_KEYS = {
    "AWSTemplateFormatVersion",
    "Type",
    "Description",
    "Assert",
    "RuleCondition",
    "Properties",
    "Sid",
}  # entries of their own, line by line
FLOW_LENGTH = 118
WIDTH = 128


def render(body: Mapping[str, Any], headings: Mapping[str, str]) -> str:
    """The whole template; `headings` gives the comment that stands above a resource, by logical ID."""
    surplus = set(body) - set(SECTIONS)
    if surplus:
        raise ValueError(f"no place for {sorted(surplus)}")
    return "\n".join(_section(name, body[name], headings) for name in SECTIONS if name in body)


def _section(name: str, content: Any, headings: Mapping[str, str]) -> str:
    if not isinstance(content, Mapping) or name == "Metadata":
        return _dump({name: content})
    entries = []
    for logical_id, entry in content.items():
        value = _ordered(entry) if name == "Resources" else entry
        heading = f"# {headings[logical_id]}\n" if name == "Resources" and logical_id in headings else ""
        entries.append(f"{heading}{_entry(logical_id, value, in_conditions=name in {'Conditions', 'Rules'})}")
    between = "\n" if name in {"Resources", "Parameters", "Outputs"} else ""
    return f"{name}:\n" + _indented(between.join(entries))


def _entry(logical_id: str, value: Any, *, in_conditions: bool) -> str:
    text = _dump(value, in_conditions=in_conditions)
    return f"{logical_id}: {text}" if text.startswith(("!", "{")) else f"{logical_id}:\n{_indented(text)}"


def _ordered(resource: Mapping[str, Any]) -> dict[str, Any]:
    surplus = set(resource) - set(RESOURCE_KEYS)
    if surplus:
        raise ValueError(f"no place for {sorted(surplus)}")
    return {key: resource[key] for key in RESOURCE_KEYS if key in resource}


def _indented(text: str) -> str:
    return "".join(f"  {line}" if line.strip() else line for line in text.splitlines(keepends=True))


def _dump(value: Any, *, in_conditions: bool = False) -> str:
    dumper = _ConditionDumper if in_conditions else _Dumper
    text: str = yaml.dump(value, Dumper=dumper, sort_keys=False, width=WIDTH, allow_unicode=True)
    return text


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Intrinsic functions in short form; what fits on a line on one line."""

    functions_only = True

    def ignore_aliases(self, data: Any) -> bool:
        return True  # CloudFormation reads no YAML aliases

    def represent_short(self, function: str, value: Any) -> yaml.Node:
        """An intrinsic function as a tagged node: `!Ref Key`, `!GetAtt Key.Arn`, `!If [A, B, C]`."""
        node: yaml.Node
        if function == "GetAtt":
            node = self.represent_scalar("!GetAtt", ".".join(value))
        elif isinstance(value, str):
            node = self.represent_scalar(f"!{function}", value)
        else:
            node = self.represent_sequence(f"!{function}", value, flow_style=_fits(value))
        return node

    def represent_mapping_or_function(self, data: dict[str, Any]) -> yaml.Node:
        """A mapping, or the function it stands for."""
        function = _function(data, conditions=not self.functions_only)
        if function:
            return self.represent_short(function, next(iter(data.values())))
        flow = not BLOCK_KEYS & set(data) and _flat_length(data) <= FLOW_LENGTH
        node: yaml.Node = self.represent_mapping("tag:yaml.org,2002:map", data, flow_style=flow)
        return node

    def represent_items(self, data: list[Any]) -> yaml.Node:
        """A list, on one line where it fits."""
        node: yaml.Node = self.represent_sequence(
            "tag:yaml.org,2002:seq", data, flow_style=_fits(data) or all(isinstance(item, str) for item in data)
        )
        return node


class _ConditionDumper(_Dumper):
    """Conditions and rules, where `Condition` is a function too."""

    functions_only = False


_Dumper.add_representer(dict, _Dumper.represent_mapping_or_function)
_Dumper.add_representer(list, _Dumper.represent_items)
_ConditionDumper.add_representer(dict, _Dumper.represent_mapping_or_function)
_ConditionDumper.add_representer(list, _Dumper.represent_items)


def _function(data: Mapping[str, Any], *, conditions: bool) -> str:
    if len(data) != 1:
        return ""
    key = next(iter(data))
    is_function = key == "Ref" or key.startswith("Fn::") or (conditions and key == "Condition")
    return key.removeprefix("Fn::") if is_function else ""


def _fits(items: list[Any]) -> bool:
    return _flat_length(items) <= FLOW_LENGTH


def _flat_length(value: Any) -> int:
    """About how long a value is on one line."""
    if isinstance(value, list):
        return 2 + sum(_flat_length(item) + 2 for item in value)
    if isinstance(value, dict):
        return sum(len(key) + 4 + _flat_length(item) for key, item in value.items())
    return len(str(value))
