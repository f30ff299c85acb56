from __future__ import annotations

import pytest

from hipaa_pipeline.fleet.plan import Action, Found, Plan, Row, removal
from hipaa_pipeline.fleet.protection import doomed, protections
from hipaa_pipeline.fleet.state import Instance, StackSet, Standing

TEMPLATE = """
Parameters:
  DeletionProtection: {Type: String, Default: 'true'}
Resources:
  Topic: {Type: AWS::SNS::Topic}
"""
WITHOUT = "Resources: {Topic: {Type: AWS::SNS::Topic}}"
STACK = "arn:aws:cloudformation:r1:1:stack/StackSet-x-1/1"


def current(**overrides: str) -> Instance:
    return Instance("1", "r1", stack_id=STACK, overrides=overrides)


@pytest.mark.parametrize(
    ("template", "parameters", "instance", "protected"),
    [
        (TEMPLATE, {"DeletionProtection": "true"}, current(), True),
        (TEMPLATE, {"DeletionProtection": "false"}, current(), False),
        (TEMPLATE, {"DeletionProtection": "false"}, current(DeletionProtection="true"), True),
        (TEMPLATE, {"DeletionProtection": "true"}, current(DeletionProtection="false"), False),
        (TEMPLATE, {}, current(), True),
        (WITHOUT, {}, current(), None),
        ("not a template", {}, current(), None),
        ("not a template", {}, current(DeletionProtection="false"), False),
        (TEMPLATE, {"DeletionProtection": "false"}, Instance("1", "r1", status="OUTDATED", overrides={}), False),
        (
            TEMPLATE,
            {"DeletionProtection": "false"},
            Instance("1", "r1", status="OUTDATED", stack_id=STACK, overrides={}),
            None,
        ),
        (TEMPLATE, {"DeletionProtection": "false"}, Instance("1", "r1", stack_id=STACK), None),
    ],
)
def test_a_stack_is_as_protected_as_it_was_deployed(
    template: str, parameters: dict[str, str], instance: Instance, protected: bool | None
) -> None:
    stack_set = StackSet(template, parameters, {}, service_managed=False)

    assert protections(stack_set, [instance]) == [protected]


def test_what_a_plan_deletes() -> None:
    found = Found(StackSet(WITHOUT, {}, {}, service_managed=False), (Instance("1", "r1"), Instance("2", "r1")))
    rows = (Row("1", "r1", Standing.CURRENT, Action.UPDATE), Row("2", "r1", Standing.SURPLUS, Action.DELETE))

    assert doomed(Plan((), rows), found) == [Instance("2", "r1")]
    assert doomed(removal(found), found) == list(found.instances)
