"""What a change costs, for `plan` and `deploy`: an estimate from the price lock, or why there is none."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hipaa_pipeline.cost import Difference, Estimate, difference, estimate, load_lock
from hipaa_pipeline.errors import UserError

if TYPE_CHECKING:
    from hipaa_pipeline.aws.session import Session
    from hipaa_pipeline.aws.stacks import DeployedStack
    from hipaa_pipeline.stack import Stack

_HOURS_OF_A_MONTH = Decimal(730)


@dataclasses.dataclass(frozen=True)
class CostOfChange:
    """What a change does to the monthly bill; where that cannot be told, `unknown` is the reason, a sentence."""

    difference: Difference | None = None
    unknown: str = ""

    def lines(self) -> list[str]:
        """The cost for a person who reads the plan."""
        from hipaa_pipeline.deployment import wording

        if self.difference is None:
            return [f"  Monthly cost: not known. {self.unknown}"]
        return list(wording.cost_lines(self.difference))

    def as_dict(self) -> dict[str, Any]:
        """The cost as plain JSON, beside the changes of a plan."""
        return {"cost": self.difference.as_dict() if self.difference else None, "cost_unknown": self.unknown}


def cost_of_change(session: Session, running: DeployedStack | None, expected: Stack) -> CostOfChange:
    """What `expected` costs a month, against the running stack. It is for display, so that nothing stops for it."""
    from hipaa_pipeline.aws.explain import explain
    from hipaa_pipeline.aws.session import AwsError

    try:
        after = _estimate(expected)
        if after is None:
            return CostOfChange(unknown=f"There are no prices for {expected.region}.")
        before = _estimate(_as_deployed(session, running, expected)) if running else None
    except AwsError as error:
        return CostOfChange(unknown=explain(error).message)
    except UserError as error:
        return CostOfChange(unknown=error.message)
    return CostOfChange(difference(before, after))


def hourly(expected: Stack, names: Collection[str]) -> str:
    """What these resources of a stack cost while they are there, in words; empty where no prices can be had.

    It is told of a deployment that failed, whose cause matters more than a price lock that cannot be read.
    """
    some = {name: resource for name, resource in expected.resources.items() if name in names}
    try:
        estimated = _estimate(dataclasses.replace(expected, resources=some))
    except UserError:
        return ""
    return f"about {estimated.monthly / _HOURS_OF_A_MONTH:.2f} USD an hour while it was there" if estimated else ""


def _estimate(stack: Stack) -> Estimate | None:
    lock = load_lock()
    return estimate(stack, lock.in_region(stack.region)) if stack.region in lock.regions else None


def _as_deployed(session: Session, running: DeployedStack, expected: Stack) -> Stack:
    """The running stack from the template and parameters that CloudFormation keeps. Raises AwsError, UserError."""
    from hipaa_pipeline.resolve import resolve
    from hipaa_pipeline.source import parse_template

    body = session.call("cloudformation", "get_template", StackName=running.stack_id, TemplateStage="Original")
    text = body["TemplateBody"]
    return resolve(
        parse_template(text, "The deployed template") if isinstance(text, str) else text,
        running.parameters,
        region=expected.region,
        account_id=expected.account_id,
        partition=expected.partition,
        stack_name=running.name,
        strict=False,
    )
