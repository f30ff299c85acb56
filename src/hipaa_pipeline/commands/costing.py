"""What a change costs, for `plan` and `deploy`: an estimate from the price lock, and silence where it has no prices."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from decimal import Decimal
from typing import TYPE_CHECKING

from hipaa_pipeline.cost import Difference, Estimate, difference, estimate, load_lock

if TYPE_CHECKING:
    from hipaa_pipeline.aws.session import Session
    from hipaa_pipeline.aws.stacks import DeployedStack
    from hipaa_pipeline.stack import Stack

_HOURS_OF_A_MONTH = Decimal(730)


def cost_difference(session: Session, running: DeployedStack | None, expected: Stack) -> Difference | None:
    """What `expected` costs a month, against the running stack; None for a Region without prices."""
    after = _estimate(expected)
    if after is None:
        return None
    return difference(_estimate(_as_deployed(session, running, expected)) if running else None, after)


def hourly(expected: Stack, names: Collection[str]) -> str:
    """What these resources of a stack cost while they are there, in words; empty for a Region without prices."""
    some = {name: resource for name, resource in expected.resources.items() if name in names}
    estimated = _estimate(dataclasses.replace(expected, resources=some))
    return f"about {estimated.monthly / _HOURS_OF_A_MONTH:.2f} USD an hour while it was there" if estimated else ""


def _estimate(stack: Stack) -> Estimate | None:
    lock = load_lock()
    return estimate(stack, lock.in_region(stack.region)) if stack.region in lock.regions else None


def _as_deployed(session: Session, running: DeployedStack, expected: Stack) -> Stack:
    """The running stack from the template and parameters that CloudFormation keeps of it."""
    from hipaa_pipeline.resolve import resolve
    from hipaa_pipeline.source import parse_template

    body = session.call("cloudformation", "get_template", StackName=running.stack_id, TemplateStage="Original")
    text = body["TemplateBody"]
    return resolve(
        parse_template(text) if isinstance(text, str) else text,
        running.parameters,
        region=expected.region,
        account_id=expected.account_id,
        partition=expected.partition,
        stack_name=running.name,
        strict=False,
    )
