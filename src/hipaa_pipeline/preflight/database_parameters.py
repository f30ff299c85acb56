"""The settings of a new or changed DB parameter group: does its family have each of them, and allow the value?

CloudFormation's handler looks the names up as well ("Invalid / Unmodifiable / Unsupported DB Parameter"), and RDS
refuses the values: both when the group is created, minutes into the deployment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.preflight import operations as aws
from hipaa_pipeline.preflight.allowed_values import is_allowed
from hipaa_pipeline.preflight.existing import existing_stack
from hipaa_pipeline.preflight.facts import Facts, Problem, Read, together
from hipaa_pipeline.preflight.subject import Subject
from hipaa_pipeline.stack import Resource, is_reference, is_unknown

CONTROL = "database_parameters"


def database_parameters(subject: Subject, facts: Facts) -> list[Finding]:
    """Every parameter of the stack's DB parameter groups can be set to its value."""
    groups = [group for group in subject.stack.of_type("AWS::RDS::DBParameterGroup") if _values(group)]
    # Asked together, even for groups that turn out to be there and to stay as they are.
    existing, _ = together(
        lambda: existing_stack(subject.stack, facts), lambda: facts.each(*(_read(group) for group in groups))
    )
    found: list[Finding] = []
    for group in groups:
        reason = existing.change_unknown(group.logical_id)
        if reason:
            found.append(_finding(group, Status.UNKNOWN, reason=reason))
        elif _settings(existing.old(group.logical_id)) != _settings(group):
            found.extend(_group(group, facts))
    nothing = Finding(control=CONTROL, status=Status.NOT_APPLICABLE, reason="no parameter is set anew")
    return found or [nothing]


def _settings(group: Resource | None) -> tuple[Any, Any] | None:
    return (group.get("Family"), group.get("Parameters")) if group else None


def _values(group: Resource) -> dict[str, Any]:
    return dict(group.get("Parameters") or {})


def _read(group: Resource) -> Read:
    """The read of just these parameters: a whole family takes half a dozen pages, one after the other."""
    names = {"Name": "parameter-name", "Values": sorted(_values(group))}
    return aws.DESCRIBE_ENGINE_DEFAULTS(DBParameterGroupFamily=group.get("Family"), Filters=[names])


def _group(group: Resource, facts: Facts) -> list[Finding]:
    answer = facts.each(_read(group))[0]
    if isinstance(answer, Problem):
        return [_finding(group, Status.UNKNOWN, reason=answer.reason, remedy=answer.remedy)]
    known = {each["ParameterName"]: each for each in answer}
    judged = [_parameter(group, name, value, known) for name, value in _values(group).items()]
    troubles = [finding for finding in judged if finding is not None]
    family, count = group.get("Family"), len(judged)
    return troubles or [_finding(group, Status.PASS, actual=f"{count} parameters, as {family} has and allows them")]


def _parameter(group: Resource, name: str, value: Any, known: Mapping[str, Mapping[str, Any]]) -> Finding | None:
    """What is wrong with one parameter; None where nothing is.

    A name with a dot belongs to an extension (`pgaudit.log`), and whether RDS lists the parameters of an extension is
    not documented: where the answer has none of it, that says nothing of this one.
    """
    place, family = f"Parameters.{name}", group.get("Family")
    if name not in known:
        extension, dot, _ = name.partition(".")
        if dot and not any(each.startswith(f"{extension}.") for each in known):
            reason = f"rds:DescribeEngineDefaultParameters lists no parameter of {extension} for {family}"
            return _finding(group, Status.UNKNOWN, place, reason=reason)
        return _finding(group, Status.FAIL, place, f"a parameter of {family}", "no such parameter", f"leave {name} out")
    if is_unknown(value) or is_reference(value):
        return _finding(group, Status.UNKNOWN, place, reason=f"the value of {name} is not known before the deployment")
    return _value(group, name, str(value), known[name])


def _value(group: Resource, name: str, value: str, parameter: Mapping[str, Any]) -> Finding | None:
    place, allowed = f"Parameters.{name}", str(parameter.get("AllowedValues") or "")
    if not parameter["IsModifiable"] and value != parameter.get("ParameterValue"):
        return _finding(group, Status.FAIL, place, "a parameter that can be modified", value, f"leave {name} out")
    if is_allowed(allowed, value, is_list=parameter.get("DataType") == "list") is False:
        return _finding(group, Status.FAIL, place, allowed, value, f"set {name} to a value among: {allowed}")
    return None


def _finding(
    group: Resource,
    status: Status,
    place: str = "",
    expected: str = "",
    actual: str = "",
    remedy: str = "",
    reason: str = "",
) -> Finding:
    return Finding(
        control=CONTROL,
        status=status,
        resource=group.logical_id,
        property=place,
        expected=expected,
        actual=actual,
        remedy=remedy,
        reason=reason,
    )
