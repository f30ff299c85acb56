"""The fleet file: which accounts or organisational units, which Regions, and how carefully to go about it.

TOML, one `[fleet]` table, an optional `[operation]` table and one `[[targets]]` table for each set of parameter
overrides; `docs/scale.md` has an example. Whatever is not understood is an error with its place.
"""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hipaa_pipeline.configuration import DEFAULT_REGION, TEMPLATE_PATH, show
from hipaa_pipeline.errors import UserError
from hipaa_pipeline.fleet.operation import Operation, Share

ACCOUNT = re.compile(r"[0-9]{12}")
UNIT = re.compile(r"ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}|r-[a-z0-9]{4,32}")
REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-[0-9]+")
SET_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")
ROLE_NAME = re.compile(r"[\w+=,.@/-]{1,512}")
ROLE_ARN = re.compile(r"arn:[a-z-]+:iam::[0-9]{12}:role/.+")


@dataclasses.dataclass(frozen=True)
class Group:
    """Targets that share their parameter overrides: accounts or organisational units, each in each of the Regions.

    With units, `accounts` narrows them to these accounts.
    """

    accounts: tuple[str, ...]
    units: tuple[str, ...]
    regions: tuple[str, ...]
    overrides: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Fleet:
    """A stack set and where its stacks go. `service_managed` is its permission model, `delegated` who manages it."""

    path: Path
    name: str
    region: str
    environment: str
    template: Path
    service_managed: bool
    delegated: bool
    auto_deployment: bool
    administration_role: str
    execution_role: str
    read_role: str
    operation: Operation
    groups: tuple[Group, ...]

    @property
    def call_as(self) -> dict[str, str]:
        """The argument that tells StackSets as whom the caller acts; only service-managed sets take it."""
        return {"CallAs": "DELEGATED_ADMIN" if self.delegated else "SELF"} if self.service_managed else {}

    @property
    def read_role_arn(self) -> str:
        """The role to read target accounts with, `{account}` standing for the account; empty where none is given."""
        return f"arn:{{partition}}:iam::{{account}}:role/{self.read_role}" if self.read_role else ""


def load_fleet(path: Path) -> Fleet:
    """The fleet in a file. Raises UserError with the place of what is wrong."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.", f"ls {path.parent}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid TOML: {error}.", show(path)) from error
    return _Reader(path).fleet(document)


@dataclasses.dataclass(frozen=True)
class _Reader:
    """Reads tables of one file; every problem is a UserError that names the file and the key."""

    path: Path

    def fleet(self, document: Mapping[str, Any]) -> Fleet:
        self._only(document, "the file", ("fleet", "operation", "targets"))
        told = self._table(document.get("fleet"), "fleet")
        known = (
            "name", "region", "environment", "template", "permissions", "delegated_administrator", "auto_deployment",
            "administration_role_arn", "execution_role_name", "read_role_name",
        )  # fmt: skip
        self._only(told, "fleet", known)
        permissions = self._text(told, "fleet.permissions", "self-managed")
        if permissions not in {"self-managed", "service-managed"}:
            raise self._wrong("fleet.permissions", permissions, "self-managed or service-managed")
        fleet = Fleet(
            path=self.path,
            name=self._text(told, "fleet.name", pattern=SET_NAME),
            region=self._text(told, "fleet.region", DEFAULT_REGION, pattern=REGION),
            environment=self._text(told, "fleet.environment"),
            template=Path(self._text(told, "fleet.template", str(TEMPLATE_PATH))),
            service_managed=permissions == "service-managed",
            delegated=self._flag(told, "fleet.delegated_administrator"),
            auto_deployment=self._flag(told, "fleet.auto_deployment"),
            administration_role=self._text(told, "fleet.administration_role_arn", "", pattern=ROLE_ARN),
            execution_role=self._text(told, "fleet.execution_role_name", "", pattern=ROLE_NAME),
            read_role=self._text(told, "fleet.read_role_name", "", pattern=ROLE_NAME),
            operation=self._operation(document.get("operation", {})),
            groups=self._groups(document.get("targets")),
        )
        self._consistent(fleet)
        return fleet

    def _operation(self, value: Any) -> Operation:
        told = self._table(value, "operation")
        known = ("max_concurrent", "failure_tolerance", "region_order", "regions_in_parallel", "soft_failure_tolerance")
        self._only(told, "operation", known)
        return Operation(
            max_concurrent=self._share(told, "operation.max_concurrent", Share(1), least=1),
            failure_tolerance=self._share(told, "operation.failure_tolerance", Share(0), least=0),
            region_order=self._texts(told, "operation.region_order", REGION),
            in_parallel=self._flag(told, "operation.regions_in_parallel"),
            soft=self._flag(told, "operation.soft_failure_tolerance"),
        )

    def _groups(self, value: Any) -> tuple[Group, ...]:
        if not isinstance(value, list) or not value:
            raise self._error("it has no [[targets]]: say which accounts or organisational units, and which Regions")
        return tuple(self._group(each, f"targets[{position}]") for position, each in enumerate(value))

    def _group(self, value: Any, place: str) -> Group:
        told = self._table(value, place)
        self._only(told, place, ("accounts", "organizational_units", "regions", "parameters"))
        group = Group(
            accounts=self._texts(told, f"{place}.accounts", ACCOUNT),
            units=self._texts(told, f"{place}.organizational_units", UNIT),
            regions=self._texts(told, f"{place}.regions", REGION),
            overrides=self._overrides(told.get("parameters", {}), f"{place}.parameters"),
        )
        if not group.regions:
            raise self._error(f"{place} has no regions")
        if not group.accounts and not group.units:
            raise self._error(f"{place} has neither accounts nor organizational_units")
        return group

    def _consistent(self, fleet: Fleet) -> None:
        """What StackSets would refuse much later: units and accounts by permission model, roles, Region order."""
        for position, group in enumerate(fleet.groups):
            if fleet.service_managed and not group.units:
                raise self._error(f"targets[{position}]: a service-managed fleet goes to organizational_units")
            if group.units and not fleet.service_managed:
                raise self._error(f"targets[{position}]: organizational_units need permissions = 'service-managed'")
        if not fleet.service_managed and (fleet.delegated or fleet.auto_deployment):
            name = "delegated_administrator" if fleet.delegated else "auto_deployment"
            raise self._error(f"fleet.{name} needs permissions = 'service-managed'")
        if fleet.service_managed and (fleet.administration_role or fleet.execution_role):
            raise self._error("a service-managed fleet has no administration_role_arn and no execution_role_name")
        regions = {region for group in fleet.groups for region in group.regions}
        if surplus := [region for region in fleet.operation.region_order if region not in regions]:
            raise self._error(f"operation.region_order names {surplus[0]}, where nothing goes")

    def _overrides(self, value: Any, place: str) -> dict[str, str]:
        told = self._table(value, place)
        for name, each in told.items():
            if not isinstance(each, str):
                raise self._wrong(f"{place}.{name}", each, "a text: CloudFormation takes texts, so write it in quotes")
        return dict(told)

    def _share(self, told: Mapping[str, Any], place: str, default: Share, *, least: int) -> Share:
        value = told.get(place.rpartition(".")[2], None)
        if value is None:
            return default
        if isinstance(value, int) and not isinstance(value, bool) and value >= least:
            return Share(value)
        percent = re.fullmatch(r"([0-9]{1,3})%", value) if isinstance(value, str) else None
        if percent and least <= int(percent[1]) <= 100:
            return Share(int(percent[1]), percent=True)
        raise self._wrong(place, value, f"a number from {least}, or a percentage like '25%'")

    def _texts(self, told: Mapping[str, Any], place: str, pattern: re.Pattern[str]) -> tuple[str, ...]:
        value = told.get(place.rpartition(".")[2], [])
        if not isinstance(value, list):
            raise self._wrong(place, value, "a list of texts")
        for each in value:
            if not isinstance(each, str) or not pattern.fullmatch(each):
                raise self._wrong(place, each, _MEANINGS[pattern])
        if twice := next((each for each in value if value.count(each) > 1), None):
            raise self._error(f"{place} names {twice} twice")
        return tuple(value)

    def _text(
        self, told: Mapping[str, Any], place: str, default: str | None = None, pattern: re.Pattern[str] | None = None
    ) -> str:
        name = place.rpartition(".")[2]
        value = told.get(name, default)
        if value is None:
            raise self._error(f"{place} is missing")
        if name not in told:
            return str(value)
        if not isinstance(value, str) or not value:
            raise self._wrong(place, value, "a text")
        if pattern and not pattern.fullmatch(value):
            raise self._wrong(place, value, _MEANINGS[pattern])
        return value

    def _flag(self, told: Mapping[str, Any], place: str) -> bool:
        value = told.get(place.rpartition(".")[2], False)
        if not isinstance(value, bool):
            raise self._wrong(place, value, "true or false")
        return value

    def _table(self, value: Any, place: str) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self._error(f"it has no [{place}] table" if value is None else f"{place} is not a table")
        return value

    def _only(self, told: Mapping[str, Any], place: str, known: Sequence[str]) -> None:
        if surplus := sorted(set(told) - set(known)):
            raise self._error(f"{place} knows {', '.join(known)}, not {surplus[0]}")

    def _wrong(self, place: str, value: Any, expected: str) -> UserError:
        return self._error(f"{place} is {value!r}, not {expected}")

    def _error(self, what: str) -> UserError:
        return UserError(f"{self.path}: {what}.", f"$EDITOR {self.path}")


_MEANINGS = {
    ACCOUNT: "an account ID of 12 digits",
    UNIT: "an organisational unit like 'ou-ab12-cd34ef56'",
    REGION: "a Region like 'eu-central-1'",
    SET_NAME: "a stack set name: letters, digits and hyphens, at most 128, the first a letter",
    ROLE_NAME: "a role name",
    ROLE_ARN: "the ARN of a role",
}
