"""Does RDS offer this database here: version, class, storage, Multi-AZ, encryption, zones?"""

from __future__ import annotations

from typing import Any

from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.preflight import operations as aws
from hipaa_pipeline.preflight.facts import Facts, Problem
from hipaa_pipeline.preflight.resource_types import amount_of, is_true
from hipaa_pipeline.preflight.subject import Subject, parameter_of, passed_or_failed
from hipaa_pipeline.stack import Resource, Stack

CONTROL = "database_orderable"
MIN_ZONES = 2

# Property of the instance -> what an orderable option must then support.
_FEATURES = {
    "StorageEncrypted": "SupportsStorageEncryption",
    "MultiAZ": "MultiAZCapable",
    "EnableIAMDatabaseAuthentication": "SupportsIAMDatabaseAuthentication",
    "EnablePerformanceInsights": "SupportsPerformanceInsights",
}


def database_orderable(subject: Subject, facts: Facts) -> list[Finding]:
    """RDS can be asked for every database instance of the stack as it is described."""
    return [
        finding
        for instance in subject.stack.of_type("AWS::RDS::DBInstance")
        for finding in _judge(instance, subject.stack, facts)
    ]


def _judge(instance: Resource, stack: Stack, facts: Facts) -> list[Finding]:
    engine, version, kind = (instance.get(path) for path in ("Engine", "EngineVersion", "DBInstanceClass"))
    read = aws.DESCRIBE_ORDERABLE_OPTIONS(Engine=engine, EngineVersion=version, DBInstanceClass=kind, Vpc=True)
    options = [] if _is_unheard_of(facts.each(read)[0]) else facts(read)
    wanted = f"{engine} {version} on {kind}"
    if not options:
        return [_not_offered(instance, stack, facts, wanted)]
    storage = instance.get("StorageType", "gp2")
    fitting = [option for option in options if option.get("StorageType", storage) == storage]
    if not fitting:
        offered = ", ".join(sorted({option["StorageType"] for option in options}))
        return [_finding(instance, "storage_type", False, storage, offered)]
    return [
        Finding(control=CONTROL, rule="offered", status=Status.PASS, resource=instance.logical_id, actual=wanted),
        *_features(instance, fitting),
        _storage_size(instance, fitting, stack),
        _zones(instance, fitting),
    ]


def _is_unheard_of(answer: Any) -> bool:
    """Whether RDS says that there is no such version or class ("Cannot find version 15.3 for postgres")."""
    return isinstance(answer, Problem) and answer.code.startswith("InvalidParameter")


def _not_offered(instance: Resource, stack: Stack, facts: Facts, wanted: str) -> Finding:
    """No option at all: is it the version or the class? And which versions are there?"""
    engine, version = instance.get("Engine"), str(instance.get("EngineVersion"))
    answer = facts.each(aws.DESCRIBE_ENGINE_VERSIONS(Engine=engine))[0]
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
        expected=f"{wanted} is offered in {stack.region}",
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


def _zones(instance: Resource, options: list[Any]) -> Finding:
    """A subnet group needs two zones, and a Multi-AZ standby needs a second one that offers the class."""
    zones = sorted({zone["Name"] for option in options for zone in option.get("AvailabilityZones", [])})
    held = len(zones) >= MIN_ZONES if zones else None
    return _finding(instance, "zones", held, f"offered in {MIN_ZONES} zones or more", ", ".join(zones))


def _any(answers: list[Any]) -> bool | None:
    known = [bool(answer) for answer in answers if answer is not None]
    return any(known) if known else None


def _finding(instance: Resource, rule: str, held: bool | None, expected: Any, actual: Any, path: str = "") -> Finding:
    return Finding(
        control=CONTROL,
        rule=rule,
        status=passed_or_failed(held),
        resource=instance.logical_id,
        property=path,
        expected=expected,
        actual=actual,
        reason="rds:DescribeOrderableDBInstanceOptions does not say" if held is None else "",
        remedy="choose another class or change the property" if held is False else "",
    )
