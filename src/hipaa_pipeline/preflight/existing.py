"""The stack as it stands in the account, and which of its resources the update would replace."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from hipaa_pipeline.aws.stacks import OWNER_TAG
from hipaa_pipeline.deployment.states import Standing, standing
from hipaa_pipeline.errors import UserError
from hipaa_pipeline.preflight import operations
from hipaa_pipeline.preflight.facts import Facts, Unanswered
from hipaa_pipeline.preflight.resource_types import RESOURCE_TYPES
from hipaa_pipeline.stack import Resource, Stack, references

# Statuses of a resource that is not there (any more).
_GONE = frozenset({"DELETE_COMPLETE", "CREATE_FAILED"})


@dataclasses.dataclass(frozen=True)
class Existing:
    """What is deployed: the stack's status (None: no such stack), and of its resources the physical IDs.

    `foreign` says that the stack does not carry this tool's tag; one in review carries none yet.
    `before` is the deployed template with its parameters, resolved; None where there is none or it could not be read,
    and `before_unknown` then says why.
    """

    status: str | None = None
    physical_ids: Mapping[str, str] = dataclasses.field(default_factory=dict)
    before: Stack | None = None
    before_unknown: str = ""
    foreign: bool = False

    @property
    def standing(self) -> Standing:
        """What can be done with the stack."""
        return standing(self.status)

    def old(self, logical_id: str) -> Resource | None:
        """The resource as it was deployed, where that is known and it still exists."""
        if self.before is None or logical_id not in self.physical_ids:
            return None
        return self.before.resources.get(logical_id)

    def change_unknown(self, logical_id: str) -> str:
        """Why it is not known what an update changes of a resource; empty where it is known, and of a new one."""
        if not self.before_unknown or logical_id not in self.physical_ids:
            return ""
        return f"{self.before_unknown}: what changes is not known"


def existing_stack(stack: Stack, facts: Facts) -> Existing:
    """The deployed stack of the same name. Raises Unanswered when CloudFormation does not tell."""
    return facts.once("existing_stack", lambda: _existing(stack, facts))


def described_stack(stack: Stack, facts: Facts) -> Mapping[str, Any] | None:
    """CloudFormation's description of the stack of the same name, None without one. Raises Unanswered."""
    described = facts.maybe(operations.DESCRIBE_STACKS(StackName=stack.name))
    if not described or described[0]["StackStatus"] == "DELETE_COMPLETE":
        return None
    found: Mapping[str, Any] = described[0]
    return found


def _existing(stack: Stack, facts: Facts) -> Existing:
    described = described_stack(stack, facts)
    if described is None:
        return Existing()
    status = str(described["StackStatus"])
    foreign = all(tag["Key"] != OWNER_TAG for tag in described.get("Tags", ()))
    if standing(status) is Standing.IN_REVIEW:
        return Existing(status)
    listed = operations.LIST_STACK_RESOURCES(StackName=stack.name)
    template = operations.GET_TEMPLATE(StackName=stack.name, TemplateStage="Processed")
    facts.each(listed, template)  # asked together
    physical_ids = {
        summary["LogicalResourceId"]: summary["PhysicalResourceId"]
        for summary in facts(listed)
        if summary.get("PhysicalResourceId") and summary["ResourceStatus"] not in _GONE
    }
    try:
        before = _resolved(facts(template)["TemplateBody"], stack, described)
    except Unanswered as unanswered:
        return Existing(status, physical_ids, None, unanswered.problem.reason, foreign)
    except UserError as error:
        unknown = f"the deployed template cannot be resolved ({error.message})"
        return Existing(status, physical_ids, None, unknown, foreign)
    return Existing(status, physical_ids, before, foreign=foreign)


def _resolved(body: Any, stack: Stack, described: Mapping[str, Any]) -> Stack:
    from hipaa_pipeline.resolve import resolve
    from hipaa_pipeline.source import parse_template

    parameters = {each["ParameterKey"]: each.get("ParameterValue", "") for each in described.get("Parameters", [])}
    return resolve(
        parse_template(body).body if isinstance(body, str) else body,
        parameters,
        region=stack.region,
        account_id=stack.account_id,
        partition=stack.partition,
        stack_name=stack.name,
        strict=False,
    )


def replaced(stack: Stack, existing: Existing) -> frozenset[str]:
    """The logical IDs that exist and that this update replaces: created anew before the old ones are deleted.

    A resource is replaced when its type changed, when a property differs that cannot be changed in place, or when such
    a property refers to a resource that is itself replaced.
    """
    candidates = {name: old for name in stack.resources if (old := existing.old(name)) is not None}
    found: frozenset[str] = frozenset()
    while True:
        more = frozenset(name for name, old in candidates.items() if _is_replaced(old, stack.resources[name], found))
        if more == found:
            return found
        found = more


def _is_replaced(old: Resource, new: Resource, replaced_already: frozenset[str]) -> bool:
    if old.type != new.type:
        return True
    known = RESOURCE_TYPES.get(new.type)
    if known is None:
        return False
    return any(
        old.get(path) != new.get(path) or not replaced_already.isdisjoint(references(new.get(path)))
        for path in known.replaced_by
    )
