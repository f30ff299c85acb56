"""A change set's description -> a summary a person can judge, and the data-loss guard. Pure.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html
"""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hipaa_pipeline.masking import MASK, hides

STATEFUL_TYPES = frozenset(
    {
        "AWS::RDS::DBInstance",
        "AWS::Kinesis::Stream",
        "AWS::KMS::Key",
        "AWS::Logs::LogGroup",
        "AWS::Backup::BackupVault",
    }
)
"""What holds data, or what data cannot be read without. A topic is not among them: only its subscriptions are lost."""


class Kind(enum.StrEnum):
    """What will happen to a resource, in the order of danger, which is also the order of display."""

    REPLACE = "replace"
    DELETE = "delete"
    MAY_REPLACE = "may replace"
    MODIFY = "modify"
    IMPORT = "import"
    ADD = "add"


@dataclasses.dataclass(frozen=True)
class PropertyChange:
    """One property that changes; `before` and `after` are None where CloudFormation did not tell them."""

    path: str
    before: str | None
    after: str | None
    recreation: str
    cause: str


@dataclasses.dataclass(frozen=True)
class ResourceChange:
    """One resource that changes. `policy_action` says what becomes of the old one: Delete, Retain, Snapshot, …

    `keeps_name` says that it has an explicit name, which this change leaves as it is.
    """

    logical_id: str
    type: str
    physical_id: str
    kind: Kind
    policy_action: str
    properties: tuple[PropertyChange, ...]
    keeps_name: bool = False

    @property
    def impossible(self) -> bool:
        """Whether CloudFormation would refuse this change during the update: the new resource needs the old one's name.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
        """
        return self.kind is Kind.REPLACE and self.keeps_name

    @property
    def stateful(self) -> bool:
        """Whether the resource holds data or the means to read it."""
        return self.type in STATEFUL_TYPES

    @property
    def endangers_data(self) -> bool:
        """Whether this change may lose data."""
        return self.stateful and self.kind in {Kind.REPLACE, Kind.DELETE, Kind.MAY_REPLACE}


@dataclasses.dataclass(frozen=True)
class ParameterChange:
    """A parameter whose value differs from the running stack's; None where the stack has no such parameter yet."""

    name: str
    before: str | None
    after: str | None


@dataclasses.dataclass(frozen=True)
class Summary:
    """Everything a change set will do, the dangerous first, then by logical ID."""

    changes: tuple[ResourceChange, ...]
    parameters: tuple[ParameterChange, ...] = ()

    def of_kind(self, *kinds: Kind) -> tuple[ResourceChange, ...]:
        """The changes of these kinds, in order."""
        return tuple(change for change in self.changes if change.kind in kinds)

    def as_dict(self) -> dict[str, Any]:
        """The summary as plain JSON."""
        return {
            "changes": [
                {
                    **dataclasses.asdict(change),
                    "kind": str(change.kind),
                    "endangers_data": change.endangers_data,
                    "impossible": change.impossible,
                }
                for change in self.changes
            ],
            "parameters": [dataclasses.asdict(parameter) for parameter in self.parameters],
        }


def summarise(
    plain: Sequence[Mapping[str, Any]],
    with_values: Sequence[Mapping[str, Any]],
    parameters: Iterable[ParameterChange] = (),
    naming: Mapping[str, str] | None = None,
) -> Summary:
    """The summary of a change set read twice, without and with property values: every resource that either names.

    `naming` tells, by logical ID, the property that names a resource explicitly.
    """
    merged = {change["LogicalResourceId"]: change for change in (*plain, *with_values)}
    changes = [_resource_change(change, (naming or {}).get(name, "")) for name, change in merged.items()]
    order = list(Kind)
    return Summary(
        tuple(sorted(changes, key=lambda change: (order.index(change.kind), change.logical_id))), tuple(parameters)
    )


def parameter_changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[ParameterChange]:
    """The parameters whose values differ, by name; AWS shows a NoEcho value as asterisks, which says nothing."""
    return [
        ParameterChange(name, before.get(name), after.get(name))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name) and set(before.get(name, "")) != {"*"}
    ]


def endangered(summary: Summary, allowed: Iterable[str] = ()) -> tuple[ResourceChange, ...]:
    """The data-loss guard: changes that may lose data and were not allowed by logical ID."""
    named = set(allowed)
    return tuple(change for change in summary.changes if change.endangers_data and change.logical_id not in named)


def impossible(summary: Summary) -> str:
    """Why CloudFormation would refuse the change set during the update, and what to do; empty when it would not."""
    told = "; ".join(
        f"{change.logical_id} ({change.type}), by {_forced_by(change)}"
        for change in summary.changes
        if change.impossible
    )
    if not told:
        return ""
    return (
        f"CloudFormation cannot replace a resource that keeps its explicit name: {told}. Put that back to what is "
        "deployed, or deploy a new environment beside this one."
    )


def stack_policy(resources: Mapping[str, str], allowed: Iterable[str] = ()) -> str:
    """A stack policy that denies replacing and deleting the stateful resources, except those allowed for one update.

    `resources` are types by logical ID. Statements are evaluated as in IAM: a deny wins.
    """
    named = set(allowed)
    kept = sorted(name for name, kind in resources.items() if kind in STATEFUL_TYPES and name not in named)
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"},
    ]
    if kept:
        statements.append(
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": ["Update:Replace", "Update:Delete"],
                "Resource": [f"LogicalResourceId/{name}" for name in kept],
            }
        )
    return json.dumps({"Statement": statements}, indent=2)


def _forced_by(change: ResourceChange) -> str:
    """The properties that force the replacement, each with the parameter or resource it comes from."""
    forcing = [one for one in change.properties if one.recreation == "Always"] or change.properties
    return ", ".join(f"{one.path} ({one.cause})" if one.cause else one.path for one in forcing) or "an unknown property"


def _resource_change(change: Mapping[str, Any], name_property: str) -> ResourceChange:
    properties = _property_changes(change.get("Details", ()))
    return ResourceChange(
        logical_id=change["LogicalResourceId"],
        type=change.get("ResourceType", ""),
        physical_id=change.get("PhysicalResourceId", ""),
        kind=_kind(change),
        policy_action=change.get("PolicyAction", ""),
        properties=properties,
        keeps_name=bool(name_property) and all(one.path != name_property for one in properties),
    )


def _kind(change: Mapping[str, Any]) -> Kind:
    """An action this code does not know (`Dynamic`, `SyncWithActual`) may be anything, a replacement included."""
    match change["Action"], change.get("Replacement", ""):
        case "Add", _:
            return Kind.ADD
        case "Remove", _:
            return Kind.DELETE
        case "Import", _:
            return Kind.IMPORT
        case "Modify", "True":
            return Kind.REPLACE
        case "Modify", "Conditional":
            return Kind.MAY_REPLACE
        case "Modify", _:
            return Kind.MODIFY
    return Kind.MAY_REPLACE


def _property_changes(details: Iterable[Mapping[str, Any]]) -> tuple[PropertyChange, ...]:
    """One entry per property: CloudFormation lists one detail per cause, the direct one without a cause."""
    found: dict[str, PropertyChange] = {}
    for detail in details:
        change = _property_change(detail)
        known = found.get(change.path)
        if known is None or (not known.cause and change.cause):
            found[change.path] = change
    return tuple(found[path] for path in sorted(found))


def _property_change(detail: Mapping[str, Any]) -> PropertyChange:
    target = detail.get("Target", {})
    path = _path(target)
    return PropertyChange(
        path=path,
        before=_shown(path, target.get("BeforeValue")),
        after=_shown(path, target.get("AfterValue")),
        recreation=target.get("RequiresRecreation", "Never"),
        cause=detail.get("CausingEntity", ""),
    )


def _path(target: Mapping[str, Any]) -> str:
    """`StreamEncryption.KeyId` for a property, the attribute's own name (`Tags`, `DeletionPolicy`) for the others."""
    if target.get("Attribute") != "Properties":
        return str(target.get("Attribute", ""))
    path = str(target.get("Path", "")).removeprefix("/Properties/").replace("/", ".")
    return path or str(target.get("Name", ""))


def _shown(path: str, value: Any) -> str | None:
    """A value for the eye: secrets masked, None left out. A boolean is no secret (`ManageMasterUserPassword`)."""
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value)
    return MASK if hides(path, text) else text
