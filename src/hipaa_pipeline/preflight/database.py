"""Does RDS offer this database here, and does it take the change: version, class, storage, Multi-AZ, encryption?

Of a database that is there only what changes is asked: CloudFormation's handler sends ModifyDBInstance the properties
that differ from the deployed template, and no others. So a version that RDS has withdrawn since stops no other update,
and one that RDS has raised by itself (AutoMinorVersionUpgrade) stays.
https://github.com/aws-cloudformation/aws-cloudformation-resource-providers-rds (aws-rds-dbinstance, Translator)
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.preflight import operations as aws
from hipaa_pipeline.preflight.existing import Existing, existing_stack, replaced
from hipaa_pipeline.preflight.facts import Facts, Problem, Read, together
from hipaa_pipeline.preflight.names import literal_name
from hipaa_pipeline.preflight.resource_types import amount_of, is_true
from hipaa_pipeline.preflight.subject import Subject, parameter_of, passed_or_failed, warning
from hipaa_pipeline.stack import Resource, Stack

CONTROL = "database_orderable"
VERSION = "version_change"

# Property of the instance -> what an orderable option must then support.
_FEATURES = {
    "StorageEncrypted": "SupportsStorageEncryption",
    "MultiAZ": "MultiAZCapable",
    "EnableIAMDatabaseAuthentication": "SupportsIAMDatabaseAuthentication",
    "EnablePerformanceInsights": "SupportsPerformanceInsights",
}
_PLACE = ("Engine", "EngineVersion", "DBInstanceClass", "StorageType", "MultiAZ")


@dataclasses.dataclass(frozen=True)
class Change:
    """An instance as wanted; `old`, as it is deployed (None: it is created); `running`, the version RDS runs it on."""

    instance: Resource
    old: Resource | None = None
    running: str = ""

    def differs(self, *paths: str) -> bool:
        """Whether one of these properties is new to RDS."""
        old = self.old
        return old is None or any(old.get(path) != self.instance.get(path) for path in paths)

    @property
    def is_placed(self) -> bool:
        """Whether RDS looks for a place for the instance: where version, class, storage type or Multi-AZ change."""
        return self.differs(*_PLACE)

    @property
    def version(self) -> str:
        """The version that the instance will run on: the one it runs on already, where none is sent."""
        return self.running if self.running and not self.differs("EngineVersion") else self._property("EngineVersion")

    @property
    def wanted(self) -> str:
        """Engine, version and class as a sentence's part."""
        return f"{self._property('Engine')} {self.version} on {self._property('DBInstanceClass')}"

    @property
    def orderable(self) -> Read:
        """The read of what RDS offers of this engine, version and class."""
        engine, kind = self.instance.get("Engine"), self.instance.get("DBInstanceClass")
        return aws.DESCRIBE_ORDERABLE_OPTIONS(Engine=engine, EngineVersion=self.version, DBInstanceClass=kind, Vpc=True)

    def _property(self, path: str) -> str:
        return str(self.instance.get(path))


def database_orderable(subject: Subject, facts: Facts) -> list[Finding]:
    """RDS can be asked for every database instance of the stack as it is described."""
    stack = subject.stack
    existing = existing_with(stack, facts)
    found: list[Finding] = []
    for instance in stack.of_type("AWS::RDS::DBInstance"):
        reason = existing.change_unknown(instance.logical_id)
        if reason:
            found.append(_unknown(instance, reason))
        else:
            found.extend(_judge(change_of(instance, stack, existing, facts), stack, facts))
    return found


def existing_with(stack: Stack, facts: Facts) -> Existing:
    """The deployed stack, asked for together with what RDS offers, of which it may then turn out to need nothing."""
    instances = stack.of_type("AWS::RDS::DBInstance")
    reads = [Change(instance).orderable for instance in instances]
    reads += [_described(name) for instance in instances if (name := literal_name(instance, "DBInstanceIdentifier"))]
    existing: Existing = together(lambda: existing_stack(stack, facts), lambda: facts.each(*reads))[0]
    return existing


def change_of(instance: Resource, stack: Stack, existing: Existing, facts: Facts) -> Change:
    """What the deployment does to an instance. Raises Unanswered when RDS does not say which version one runs on."""
    old = None if instance.logical_id in replaced(stack, existing) else existing.old(instance.logical_id)
    name = literal_name(instance, "DBInstanceIdentifier")
    described = facts.maybe(_described(name)) if old is not None and name else None
    return Change(instance, old, str(described[0].get("EngineVersion", "")) if described else "")


def fitting(change: Change, facts: Facts) -> list[Any]:
    """The options that RDS offers of the wanted engine, version, class and storage type."""
    storage = change.instance.get("StorageType", "gp2")
    return [option for option in _options(change, facts) if option.get("StorageType", storage) == storage]


def _described(name: str) -> Read:
    return aws.DESCRIBE_DB_INSTANCES(DBInstanceIdentifier=name)


def _options(change: Change, facts: Facts) -> list[Any]:
    read = change.orderable
    return [] if _is_unheard_of(facts.each(read)[0]) else list(facts(read))


def _is_unheard_of(answer: Any) -> bool:
    """Whether RDS says that there is no such version or class ("Cannot find version 15.3 for postgres")."""
    return isinstance(answer, Problem) and answer.code.startswith("InvalidParameter")


def _judge(change: Change, stack: Stack, facts: Facts) -> list[Finding]:
    return [*_versions(change, stack), *_offers(change, stack, facts)]


def _versions(change: Change, stack: Stack) -> list[Finding]:
    """RDS takes the change of version; or, where none is sent, the running version is the one of the template."""
    instance, old, wanted = change.instance, change.old, str(change.instance.get("EngineVersion"))
    if old is None:
        return []
    before = str(old.get("EngineVersion"))
    now, parameter = change.running or before, parameter_of(stack, wanted) or "EngineVersion"
    if not change.differs("EngineVersion"):
        return [_ahead(instance, wanted, now, parameter)] if _step(now, wanted) < 0 else []
    held, expected = _step(now, wanted) >= 0, f"{now} or newer"
    remedy = f"leave {parameter} at {before}, or set it to {now} or newer: RDS goes back to no earlier version"
    if held and _is_major(instance, now, wanted):
        held = is_true(instance.get("AllowMajorVersionUpgrade"))
        expected = f"the major version of {now}: RDS refuses another without AllowMajorVersionUpgrade"
        remedy = f"leave {parameter} at {before}, or move to a new environment as docs/deploying.md says"
    return [_finding(instance, VERSION, held, expected, f"{now} to {wanted}", "EngineVersion", remedy)]


def _ahead(instance: Resource, wanted: str, now: str, parameter: str) -> Finding:
    return warning(
        CONTROL,
        f"RDS has raised the version by itself to {now}; this deployment leaves it there",
        rule=VERSION,
        resource=instance.logical_id,
        property="EngineVersion",
        expected=wanted,
        actual=now,
        remedy=f"when you next change {parameter}, set it to {now} or newer: RDS goes back to no earlier version",
    )


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]


def _step(now: str, wanted: str) -> int:
    """1 when the wanted version is newer, -1 when it is older; 0 when it is the same or no more precise ("17")."""
    pairs = zip(_numbers(now), _numbers(wanted), strict=False)
    return next((1 if new > old else -1 for old, new in pairs if new != old), 0)


def _is_major(instance: Resource, now: str, wanted: str) -> bool:
    """PostgreSQL's major version is its first number, that of the other engines the first two (8.0 to 8.4)."""
    count = 1 if "postgres" in str(instance.get("Engine")) else 2
    return _numbers(now)[:count] != _numbers(wanted)[:count]


def _offers(change: Change, stack: Stack, facts: Facts) -> list[Finding]:
    instance = change.instance
    if not change.is_placed and not change.differs(*_FEATURES, "AllocatedStorage"):
        reason = "the database is there, and nothing of it changes that RDS would have to offer"
        return [_not_asked(instance, reason)]
    options = _options(change, facts)
    if not options and not change.is_placed:
        return [_unknown(instance, f"RDS offers no new {change.wanted}, so it does not say what that can be given")]
    if not options:
        return [_not_offered(change, stack, facts)]
    suitable = fitting(change, facts)
    if not suitable:
        offered = ", ".join(sorted({option["StorageType"] for option in options}))
        return [_finding(instance, "storage_type", False, instance.get("StorageType", "gp2"), offered)]
    return [
        Finding(
            control=CONTROL, rule="offered", status=Status.PASS, resource=instance.logical_id, actual=change.wanted
        ),
        *_features(instance, suitable),
        _storage_size(instance, suitable, stack),
    ]


def _not_offered(change: Change, stack: Stack, facts: Facts) -> Finding:
    """No option at all: is it the version or the class? And which versions are there?"""
    instance, version = change.instance, change.version
    answer = facts.each(aws.DESCRIBE_ENGINE_VERSIONS(Engine=instance.get("Engine")))[0]
    versions = [] if isinstance(answer, Problem) else [each["EngineVersion"] for each in answer]
    if version in versions or not versions:
        kind = str(instance.get("DBInstanceClass"))
        remedy = f"set {parameter_of(stack, kind) or 'the instance class'} to another class"
    else:
        major = version.split(".")[0]
        others = [each for each in versions if each.split(".")[0] == major] or versions
        remedy = f"set {parameter_of(stack, version) or 'the engine version'} to one of {', '.join(others[-3:])}"
    return Finding(
        control=CONTROL,
        rule="offered",
        status=Status.FAIL,
        resource=instance.logical_id,
        expected=f"{change.wanted} is offered in {stack.region}",
        actual="not offered",
        remedy=remedy,
    )


def _features(instance: Resource, options: list[Any]) -> list[Finding]:
    findings = []
    for path, feature in _FEATURES.items():
        if is_true(instance.get(path)):
            answers = [option.get(feature) for option in options]
            findings.append(_finding(instance, feature, _any(answers), True, _any(answers), path))
    return findings


def _storage_size(instance: Resource, options: list[Any], stack: Stack) -> Finding:
    size = amount_of(instance.get("AllocatedStorage"))
    smallest = [option["MinStorageSize"] for option in options if "MinStorageSize" in option]
    largest = [option["MaxStorageSize"] for option in options if "MaxStorageSize" in option]
    if size is None or not smallest or not largest:
        return _finding(instance, "storage_size", None, "within the limits of the class", size, "AllocatedStorage")
    name = parameter_of(stack, str(size)) or "AllocatedStorage"
    held = min(smallest) <= size <= max(largest)
    return _finding(instance, "storage_size", held, f"{min(smallest)} to {max(largest)} GiB ({name})", size)


def _any(answers: list[Any]) -> bool | None:
    known = [bool(answer) for answer in answers if answer is not None]
    return any(known) if known else None


def _unknown(instance: Resource, reason: str) -> Finding:
    return Finding(control=CONTROL, status=Status.UNKNOWN, resource=instance.logical_id, reason=reason)


def _not_asked(instance: Resource, reason: str) -> Finding:
    return Finding(control=CONTROL, status=Status.NOT_APPLICABLE, resource=instance.logical_id, reason=reason)


def _finding(
    instance: Resource,
    rule: str,
    held: bool | None,
    expected: Any,
    actual: Any,
    path: str = "",
    remedy: str = "choose another class or change the property",
) -> Finding:
    return Finding(
        control=CONTROL,
        rule=rule,
        status=passed_or_failed(held),
        resource=instance.logical_id,
        property=path,
        expected=expected,
        actual=actual,
        reason="rds:DescribeOrderableDBInstanceOptions does not say" if held is None else "",
        remedy=remedy if held is False else "",
    )
