"""The grants are complete and hold nothing more, by CloudFormation's schemas and by the project's own code."""

from __future__ import annotations

import ast
import functools
import json
import re
from pathlib import Path
from typing import Any

import botocore.session
import cfnlint
import pytest
from botocore import xform_name

from hipaa_pipeline.documents.permissions import permission_documents
from hipaa_pipeline.permissions.grants import GRANTS, LEFT_OUT, left_out, needed_by
from hipaa_pipeline.permissions.policy import MAX_CHARACTERS, deployer_policies
from hipaa_pipeline.permissions.updates import ONLY_FOR_UPDATES
from hipaa_pipeline.preflight import operations
from hipaa_pipeline.preflight.resource_types import RESOURCE_TYPES

SOURCE = Path("src/hipaa_pipeline")
SCHEMAS = Path(cfnlint.__file__).parent / "data" / "schemas"
# Files that call AWS for other commands than the six: fleets have their own document.
OTHER_COMMANDS = {"stacksets.py", "assume.py"}
GRANTED = {action for grant in GRANTS for action in grant.actions}
# boto3's name of a service -> IAM's.
IAM_NAMES = {"service-quotas": "servicequotas", "resourcegroupstaggingapi": "tag"}


@functools.cache
def handler_actions(*handlers: str) -> frozenset[str]:
    """Everything that these handlers of the template's types may call; all but `list` unless told."""
    provider = json.loads((SCHEMAS / "providers" / "ap-southeast-1.json").read_text())
    found: set[str] = set()
    for name in RESOURCE_TYPES:
        schema = json.loads((SCHEMAS / "resources" / f"{provider[name]}.json").read_text())
        for handler, described in schema.get("handlers", {}).items():
            if handler in (handlers or ("create", "read", "update", "delete")):
                found |= set(described["permissions"])
    return frozenset(found)


@functools.cache
def operation_names(service: str) -> dict[str, str]:
    model = botocore.session.get_session().get_service_model(service)
    return {xform_name(name): name for name in model.operation_names}


def own_calls() -> set[str]:
    """The IAM actions of every API operation that the project's code names, in the files that talk to AWS."""
    services = ["sts", "iam", "ec2", "rds", "kinesis", "kms", "logs", "sns", "secretsmanager", "backup", "cloudwatch"]
    services += ["cloudformation", "service-quotas", "resourcegroupstaggingapi"]
    found = set()
    for path in (SOURCE / "aws").rglob("*.py"):
        if path.name in OTHER_COMMANDS:
            continue
        texts = {
            node.value
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        for service in texts & set(services):
            known = operation_names(service)
            found |= {f"{IAM_NAMES.get(service, service)}:{known[text]}" for text in texts & known.keys()}
    return found


def lower(actions: Any) -> set[str]:
    """IAM compares actions without regard to case."""
    return {action.lower() for action in actions}


def test_what_cloudformation_calls_is_granted_or_left_out_with_a_reason() -> None:
    assert lower(handler_actions()) - lower(GRANTED) - lower(left_out()) == set()


def test_what_is_left_out_is_something_that_cloudformation_would_call() -> None:
    assert lower(left_out()) <= lower(handler_actions())
    assert lower(left_out()).isdisjoint(lower(GRANTED))
    assert all(LEFT_OUT)


def test_what_only_updates_need() -> None:
    only = handler_actions("update") - handler_actions("create", "read", "delete")
    assert only & GRANTED == ONLY_FOR_UPDATES


def test_what_the_project_calls_is_granted() -> None:
    called = own_calls()
    assert "cloudformation:ExecuteChangeSet" in called  # the search finds calls at all
    assert lower(called) - lower(GRANTED) == set()


def test_what_the_preflight_reads_is_granted() -> None:
    granted = lower(action for grant in GRANTS if "preflight" in grant.commands for action in grant.actions)
    assert lower(operation.action for operation in operations.ALL) <= granted


def test_nothing_is_granted_that_nobody_calls() -> None:
    used = lower(handler_actions()) | lower(own_calls()) | lower(operation.action for operation in operations.ALL)
    # CloudFormation tags the stack and detects drift resource by resource, EC2 names endpoints: for other actions.
    implied = {"cloudformation:tagresource", "cloudformation:untagresource", "cloudformation:detectstackresourcedrift"}
    implied |= {"route53:associatevpcwithhostedzone"}
    assert lower(GRANTED) - used - implied == set()


def test_operations_are_named_as_iam_names_them() -> None:
    for operation in operations.ALL:
        service = IAM_NAMES.get(operation.service, operation.service)
        assert operation.action == f"{service}:{operation_names(operation.service)[operation.name]}"


def test_grants_are_told_apart() -> None:
    assert len({grant.sid for grant in GRANTS}) == len(GRANTS)
    for grant in GRANTS:
        assert len(set(grant.actions)) == len(grant.actions)
        assert re.fullmatch(r"[A-Za-z0-9]+", grant.sid)


def test_a_stack_needs_only_the_grants_of_its_types() -> None:
    sids = {grant.sid for grant in needed_by(["AWS::SNS::Topic"])}
    assert "ManageTopic" in sids
    assert {"ManageDatabase", "ManageStream", "CreateNetwork"}.isdisjoint(sids)
    assert {"Stacks", "ReadNetwork"} <= sids


@pytest.mark.parametrize("place", [{}, {"partition": "aws-us-gov", "region": "us-gov-west-1", "account": "1" * 12}])
def test_the_policies_are_valid_and_small_enough(place: dict[str, str]) -> None:
    statements = []
    for document in deployer_policies(**place):
        text = document.to_json()
        assert len("".join(text.split())) <= MAX_CHARACTERS
        statements += json.loads(text)["Statement"]
    assert [statement["Sid"] for statement in statements] == [grant.sid for grant in GRANTS]
    assert {action for statement in statements for action in statement["Action"]} == GRANTED
    assert "{" not in json.dumps([statement["Resource"] for statement in statements])


def test_writing_everywhere_is_bound_to_the_region_or_to_our_tag() -> None:
    """Where IAM knows no resource to name, a statement that changes something carries a condition instead."""
    open_ended = {
        "DeliverFlowLogs",
        "MountVault",
        "NameEndpoints",
        "Quotas",
    }  # neither has a resource nor a Region key to hold on to
    for document in deployer_policies(region="ap-southeast-1"):
        for statement in json.loads(document.to_json())["Statement"]:
            reads = all(re.match(r"[\w-]+:(Describe|Get|List|Simulate)", action) for action in statement["Action"])
            if statement["Resource"] == ["*"] and not reads:
                assert "Condition" in statement or statement["Sid"] in open_ended, statement["Sid"]


def test_the_documents_name_every_action() -> None:
    documents = permission_documents()
    text = documents[Path("docs/permissions.md")]
    assert all(f"`{action}`" in text for action in GRANTED | left_out())
    assert {path.name for path in documents} == {
        "permissions.md",
        *(f"deployer-policy-{number}.json" for number in range(1, len(deployer_policies()) + 1)),
    }
