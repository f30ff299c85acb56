"""Root causes: messages as AWS words them, and the event that came first."""

from __future__ import annotations

import datetime
import itertools

import pytest

from hipaa_pipeline.deployment.events import Event
from hipaa_pipeline.deployment.failure import Kind, cause_of, classify, root_cause

STACK_ID = "arn:aws:cloudformation:ap-southeast-1:111122223333:stack/s/1"
_NUMBERS = itertools.count()


def event(logical_id: str, status: str, reason: str = "", *, stack: bool = False) -> Event:
    number = next(_NUMBERS)
    return Event(
        event_id=str(number),
        logical_id=logical_id,
        physical_id=STACK_ID if stack else logical_id.lower(),
        type="AWS::CloudFormation::Stack" if stack else "AWS::EC2::VPC",
        status=status,
        reason=reason,
        time=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(seconds=number),
        stack_id=STACK_ID,
    )


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        # Quotas
        (("The maximum number of VPCs has been reached. (Service: Ec2, Status Code: 400, Request ID: x) "
         "(RequestToken: y, HandlerErrorCode: ServiceLimitExceeded)"), Kind.QUOTA),
        (("The maximum number of VPCs has been reached. (Service: AmazonEC2; Status Code: 400; "
         "Error Code: VpcLimitExceeded)"), Kind.QUOTA),
        (("Cannot exceed quota for RolesPerAccount: 1000 (Service: Iam, Status Code: 409, HandlerErrorCode: "
         "ServiceLimitExceeded)"), Kind.QUOTA),
        ("Resource handler returned message: \"Shard limit exceeded for account\" (HandlerErrorCode: InvalidRequest)",
         Kind.QUOTA),
        ("DBInstance quota exceeded", Kind.QUOTA),
        # Permissions
        (("User: arn:aws:iam::1:user/u is not authorized to perform: kms:CreateKey on resource: * because no "
         "identity-based policy allows the kms:CreateKey action (HandlerErrorCode: AccessDenied)"), Kind.PERMISSION),
        ("API: ec2:CreateVpc You are not authorized to perform this operation.", Kind.PERMISSION),
        ("... with an explicit deny in a service control policy", Kind.PERMISSION),
        # Names
        ("healthcare-stream-dev already exists in stack arn:aws:cloudformation:…", Kind.NAME_TAKEN),
        (("Resource of type 'AWS::Logs::LogGroup' with identifier 'x' already exists."
         " (HandlerErrorCode: AlreadyExists)"), Kind.NAME_TAKEN),
        (("CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename db and update "
         "the stack again."), Kind.NAME_TAKEN),
        # Capacity
        ("We currently do not have sufficient db.t4g.small capacity in the Availability Zone you requested",
         Kind.CAPACITY),
        ("Cannot create a database instance because no sufficient capacity: InsufficientDBInstanceCapacity",
         Kind.CAPACITY),
        # Transient
        ("Rate exceeded (Service: Kms, Status Code: 400) (HandlerErrorCode: Throttling)", Kind.TRANSIENT),
        ("LimitExceededException: Rate exceeded", Kind.TRANSIENT),
        ("Internal Failure", Kind.TRANSIENT),
        ("Resource handler returned message: \"null\" (HandlerErrorCode: InternalFailure)", Kind.TRANSIENT),
        ("Service Unavailable. Please try again later.", Kind.TRANSIENT),
        ("A conflicting operation is in progress (HandlerErrorCode: ResourceConflict)", Kind.TRANSIENT),
        # Invalid
        ("Cannot find version 15.99 for postgres (Service: Rds, Status Code: 400) (HandlerErrorCode: InvalidRequest)",
         Kind.INVALID),
        ("Properties validation failed for resource Stream with message: #/ShardCount: 0 is not greater", Kind.INVALID),
        ("Action denied by stack policy: Statement [#1] does not allow [Update:Replace] for resource [X]",
         Kind.INVALID),
        # Dependency
        ("resource sg-1 has a dependent object (Service: Ec2; Error Code: DependencyViolation)", Kind.DEPENDENCY),
        ("Backup vault cannot be deleted as it contains recovery points.", Kind.DEPENDENCY),
        ("Cannot delete protected DB Instance, please disable deletion protection and try again.", Kind.DEPENDENCY),
        # Unknown
        ("Something nobody has seen before", Kind.UNKNOWN),
        ("Exceeded attempts to wait (HandlerErrorCode: NotStabilized)", Kind.UNKNOWN),
        ("", Kind.UNKNOWN),
    ],
)  # fmt: skip
def test_classify(reason: str, kind: Kind) -> None:
    assert classify(reason) is kind


def test_the_first_failure_with_a_reason_of_its_own_is_the_cause() -> None:
    events = [
        event("s", "CREATE_IN_PROGRESS", "User Initiated", stack=True),
        event("Role", "CREATE_FAILED", "Resource creation cancelled"),
        event("Vpc", "CREATE_FAILED", "The maximum number of VPCs has been reached."),
        event("Key", "CREATE_FAILED", "Resource creation Cancelled"),
        event("s", "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [Vpc, Role].", stack=True),
        event("Stream", "DELETE_FAILED", "Rate exceeded"),
    ]
    cause = root_cause(events)
    assert cause is not None
    assert (cause.logical_id, cause.kind) == ("Vpc", Kind.QUOTA)
    assert "Existing" in cause.remedy


def test_a_stack_may_fail_by_itself() -> None:
    events = [
        event("s", "CREATE_FAILED", "Requested attribute X does not exist in schema", stack=True),
        event("Key", "DELETE_FAILED", "Internal Failure"),
    ]
    cause = root_cause(events)
    assert cause is not None
    assert cause.logical_id == "s"


def test_no_failure_no_cause() -> None:
    assert root_cause([event("Vpc", "CREATE_COMPLETE")]) is None
    assert root_cause([event("s", "UPDATE_ROLLBACK_FAILED", "The following resource(s) failed to update: [A].",
                             stack=True)]) is None  # fmt: skip


@pytest.mark.parametrize(
    "reason",
    [
        "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename db.",
        f"records already exists in stack {STACK_ID}",
    ],
)
def test_in_an_update_nobody_is_told_to_remove_what_has_the_name(reason: str) -> None:
    """It may be the live database of this very stack."""
    cause = root_cause([event("Database", "UPDATE_FAILED", reason)], update=True)
    assert cause is not None
    assert cause.kind is Kind.NAME_TAKEN
    assert cause.remedy == (
        "Undo the change of this resource, or deploy a new environment beside this one. Do not remove what has the "
        "name: it may be part of this very stack."
    )


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_a_remedy(kind: Kind) -> None:
    examples = {
        Kind.QUOTA: "limit exceeded",
        Kind.PERMISSION: "not authorized",
        Kind.NAME_TAKEN: "already exists",
        Kind.CAPACITY: "no capacity",
        Kind.INVALID: "invalid",
        Kind.DEPENDENCY: "is in use",
        Kind.TRANSIENT: "throttled",
        Kind.UNKNOWN: "?",
    }
    cause = cause_of("X", "T", examples[kind])
    assert cause.kind is kind
    assert cause.remedy.endswith(".")
    assert cause.as_dict()["kind"] == str(kind)
