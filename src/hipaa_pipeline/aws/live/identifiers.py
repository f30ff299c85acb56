"""Identifiers that belong to the stack, turned back into references, and references into identifiers.

Identifiers that AWS made (ARNs, `vpc-...`, key IDs) are recognised wherever they stand, inside a longer text too.
Names that people chose (`healthcare-database-dev`) are recognised only where a property can hold nothing else, since
the same text may occur by chance.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hipaa_pipeline.stack import Resource, is_reference, is_unknown

_GENERATED = re.compile(
    r"arn:.+|alias/.+|[a-z]+-[0-9a-f]{8,17}|db-[A-Z0-9]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\S+\.\S+\.rds\.\S+"
)
_SUB_REFERENCE = re.compile(r"\$\{([^!}.]+)(?:\.([^}]+))?\}")
_NAMED_BY = {
    "DBSubnetGroupName": "AWS::RDS::DBSubnetGroup",
    "DBParameterGroupName": "AWS::RDS::DBParameterGroup",
    "LogGroupName": "AWS::Logs::LogGroup",
    "TargetBackupVault": "AWS::Backup::BackupVault",
    "Roles": "AWS::IAM::Role",
}
_DIMENSIONS = {
    "DBInstanceIdentifier": "AWS::RDS::DBInstance",
    "StreamName": "AWS::Kinesis::Stream",
    "LogGroupName": "AWS::Logs::LogGroup",
}


@dataclasses.dataclass(frozen=True)
class Identity:
    """What one resource is called: its logical ID and type, its physical ID and its attributes."""

    logical_id: str
    type: str
    physical_id: str
    attributes: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Identifiers:
    """All identities of a stack, ready to be looked up either way."""

    identities: Mapping[str, Identity]

    def references(self, value: Any, own: str = "") -> Any:
        """The value with identifiers of the stack's resources as references; those of resource `own` stay."""
        if isinstance(value, str):
            return self._reference_of(value, own)
        if is_unknown(value) or is_reference(value):
            return value
        if isinstance(value, Mapping):
            return {key: self._item(key, item, value, own) for key, item in value.items()}
        return [self.references(item, own) for item in value] if isinstance(value, Sequence) else value

    def physical(self, value: Any) -> Any:
        """The value with references as the identifiers they stand for; what is not known stays a reference."""
        if is_reference(value):
            return self._resolved(value)
        if isinstance(value, Mapping):
            return {key: self.physical(item) for key, item in value.items()}
        if isinstance(value, Sequence) and not isinstance(value, str):
            return [self.physical(item) for item in value]
        return value

    def restated(self, resource: Resource) -> Any:
        """A template's properties in the words of the read-back: what they refer to, as `references` puts it."""
        return self.references(self.physical(resource.properties), own=resource.logical_id)

    def unread(self, value: Any) -> list[str]:
        """The attributes that a template's value refers to and that could not be read (`Role.Arn`)."""
        return sorted(
            f"{name}.{attribute}"
            for name, attribute in _attributes_of(value)
            if name in self.identities and attribute not in self.identities[name].attributes
        )

    def _item(self, key: str, item: Any, holder: Mapping[str, Any], own: str) -> Any:
        type_ = _NAMED_BY.get(key) or (_DIMENSIONS.get(str(holder.get("Name"))) if key == "Value" else None)
        if type_ is None:
            return self.references(item, own)
        if isinstance(item, str):
            return self._named(type_, item, own)
        return [self._named(type_, name, own) for name in item] if isinstance(item, list) else item

    def _named(self, type_: str, name: str, own: str) -> Any:
        owner = self._names.get((type_, name))
        return {"Ref": owner} if owner not in (None, own) else name

    def _reference_of(self, text: str, own: str) -> Any:
        # CloudWatch Logs writes a group's ARN with and without the streams that end it in a GetAtt.
        known = text if text in self._generated else f"{text}:*"
        if known in self._generated:
            owner, reference = self._generated[known]
            return text if owner == own else reference
        return self._substituted(text, own)

    def _substituted(self, text: str, own: str) -> Any:
        if not self._generated:
            return text

        def replace(found: re.Match[str]) -> str:
            owner, reference = self._generated[found.group()]
            return found.group() if owner == own else _as_sub(reference)

        escaped = text.replace("${", "${!")
        replaced = self._pattern.sub(replace, escaped)
        return {"Fn::Sub": replaced} if replaced != escaped else text

    def _resolved(self, reference: Mapping[str, Any]) -> Any:
        match dict(reference):
            case {"Ref": str(name)}:
                return self._text(name, None, reference)
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                return self._text(name, attribute, reference)
            case {"Fn::Sub": str(text)}:
                return self._filled(text, reference)
        return reference

    def _text(self, name: str, attribute: str | None, otherwise: Any) -> Any:
        identity = self.identities.get(name)
        if identity is None:
            return otherwise
        return identity.physical_id if attribute is None else identity.attributes.get(attribute, otherwise)

    def _filled(self, text: str, otherwise: Mapping[str, Any]) -> Any:
        parts = {
            found.group(): self._text(found.group(1), found.group(2), None) for found in _SUB_REFERENCE.finditer(text)
        }
        if any(part is None for part in parts.values()):
            return otherwise
        return _SUB_REFERENCE.sub(lambda found: str(parts[found.group()]), text).replace("${!", "${")

    @functools.cached_property
    def _generated(self) -> dict[str, tuple[str, dict[str, Any]]]:
        """Generated identifier -> (owner, reference); the physical ID goes before an attribute of the same text."""
        table: dict[str, tuple[str, dict[str, Any]]] = {}
        for name, identity in self.identities.items():
            for attribute, text in ((None, identity.physical_id), *identity.attributes.items()):
                if _GENERATED.fullmatch(text):
                    reference = {"Ref": name} if attribute is None else {"Fn::GetAtt": [name, attribute]}
                    table.setdefault(text, (name, reference))
        return table

    @functools.cached_property
    def _names(self) -> dict[tuple[str, str], str]:
        return {(identity.type, identity.physical_id): name for name, identity in self.identities.items()}

    @functools.cached_property
    def _pattern(self) -> re.Pattern[str]:
        longest_first = sorted(self._generated, key=len, reverse=True)
        return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, longest_first))})(?![\w-])")


def _attributes_of(value: Any) -> Iterator[tuple[str, str]]:
    """Every attribute that a value refers to: (logical ID, attribute)."""
    if isinstance(value, Mapping):
        match dict(value):
            case {"Fn::GetAtt": [str(name), str(attribute)], **rest} if not rest:
                yield name, attribute
            case {"Fn::Sub": str(text), **rest} if not rest:
                yield from ((name, attribute) for name, attribute in _SUB_REFERENCE.findall(text) if attribute)
            case mapping:
                for item in mapping.values():
                    yield from _attributes_of(item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from _attributes_of(item)


def _as_sub(reference: Mapping[str, Any]) -> str:
    match dict(reference):
        case {"Ref": name}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"${{{name}.{attribute}}}"
    raise ValueError(f"not a reference to one resource: {reference}")
