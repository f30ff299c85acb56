"""Which stacks are protected, by what is deployed: the fleet file may have been changed since."""

from __future__ import annotations

from collections.abc import Sequence

from hipaa_pipeline.errors import UserError
from hipaa_pipeline.fleet.plan import Action, Found, Plan
from hipaa_pipeline.fleet.state import Instance, StackSet
from hipaa_pipeline.source import parse_template
from hipaa_pipeline.stack import PROTECTION, protected


def doomed(proposed: Plan, found: Found) -> list[Instance]:
    """The instances that a plan deletes."""
    places = {(row.owner, row.region) for row in proposed.rows if row.action == Action.DELETE}
    return [instance for instance in found.instances if instance.place in places]


def protections(stack_set: StackSet, instances: Sequence[Instance]) -> list[bool | None]:
    """Whether each instance's stack is protected, None where StackSets cannot tell.

    A current stack has its own overrides and the stack set's parameters; one that is behind may have had others.
    """
    common = _common(stack_set)
    return [_protection(instance, common) for instance in instances]


def _protection(instance: Instance, common: str | None) -> bool | None:
    if not instance.stack_id:
        return False  # there is no stack
    if instance.status != "CURRENT" or instance.overrides is None:
        return None
    value = instance.overrides.get(PROTECTION, common)
    return None if value is None else protected({PROTECTION: value})


def _common(stack_set: StackSet) -> str | None:
    """The parameter of stacks without overrides; None for a template without one, and when it cannot be read."""
    if PROTECTION in stack_set.parameters:
        return stack_set.parameters[PROTECTION]
    try:
        declared = parse_template(stack_set.template_body).body.get("Parameters", {})
    except UserError:
        return None
    default = declared.get(PROTECTION, {}).get("Default")
    return None if default is None else str(default)
