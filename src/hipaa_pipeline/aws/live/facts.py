"""What only a running account can tell, observed: states, grants, shares, subscriptions, drift.

Each function answers one or two questions of `live_checks.LIVE_CHECKS`; a call that gives no answer becomes an
observation that nothing is known, with the reason.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from hipaa_pipeline.aws.live import database, encryption, monitoring, network, stream
from hipaa_pipeline.aws.live.reader import MissingError, Physical, Reader, document
from hipaa_pipeline.aws.session import AwsError, ErrorKind, gather
from hipaa_pipeline.stack import protected, unknown
from hipaa_pipeline.verification.live_checks import Observation

REACH = "sns_alarms_reach_somebody"
NOBODY = "nobody"
_SERVICE = ".amazonaws.com"

Observe = Callable[[Reader, Physical], Iterable[Observation]]


def read_facts(reader: Reader) -> tuple[Observation, ...]:
    """All observations about the stack, in the order of its resources. Raises nothing that AWS can cause."""
    tasks = [
        functools.partial(_observed, checks, observe, reader, physical)
        for physical in reader.physical.values()
        for checks, observe in OBSERVERS.get(physical.type, ())
    ]
    tasks.append(functools.partial(_foreign_topics, reader))
    return (*_of_the_stack(reader), *(observation for observations in gather(tasks) for observation in observations))


def _of_the_stack(reader: Reader) -> Iterator[Observation]:
    yield Observation("cloudformation_stack_settled", "Stack", "StackStatus", reader.description["StackStatus"])
    if protected(reader.parameters):
        enabled = reader.description.get("EnableTerminationProtection", False)
        yield Observation("cloudformation_termination_protected", "Stack", "EnableTerminationProtection", enabled)


def _observed(checks: tuple[str, ...], observe: Observe, reader: Reader, physical: Physical) -> list[Observation]:
    try:
        return list(observe(reader, physical))
    except MissingError:
        return []  # the comparison reports what is gone
    except AwsError as error:
        if error.names_nothing:
            return []
        reason = unknown(error.reason)
    except KeyError as error:
        reason = unknown(f"the service's answer lacks {error}")
    return [Observation(check, physical.logical_id, "", reason) for check in checks]


def _key_state(reader: Reader, physical: Physical) -> Iterator[Observation]:
    state = encryption.metadata(reader, physical.id)["KeyState"]
    yield Observation("kms_key_usable", physical.logical_id, "KeyState", state)


def _key_grants(reader: Reader, physical: Physical) -> Iterator[Observation]:
    grants = reader.pages("kms", "list_grants", "Grants", KeyId=physical.id)
    foreign = sorted({grantee for grantee in map(_grantee, grants) if not is_own(reader, grantee)})
    yield Observation("kms_grants_in_account", physical.logical_id, "GranteePrincipal", foreign)


def _grantee(grant: Mapping[str, Any]) -> str:
    """A grant to a service names it apart: https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantListEntry.html"""
    return str(grant.get("GranteePrincipal") or grant.get("GranteeServicePrincipal") or "nobody that KMS names")


def is_own(reader: Reader, principal: str) -> bool:
    """Whether a principal or an ARN is a service's own (`rds.amazonaws.com`) or of this account."""
    if ":" not in principal:
        return _SERVICE in principal or principal == reader.account_id
    return principal.split(":")[4:5] == [reader.account_id]


def _instance(reader: Reader, physical: Physical) -> Iterator[Observation]:
    found = database.instance(reader, physical.id)
    name = physical.logical_id
    yield Observation("rds_available", name, "DBInstanceStatus", found["DBInstanceStatus"])
    for group in found.get("DBParameterGroups", ()):
        yield Observation(
            "rds_parameter_group_in_sync", name, group["DBParameterGroupName"], group["ParameterApplyStatus"]
        )
    pending = {key: str(value) for key, value in (found.get("PendingModifiedValues") or {}).items() if value}
    yield Observation("rds_nothing_pending", name, "PendingModifiedValues", pending)
    until = (found.get("CertificateDetails") or {}).get("ValidTill")
    if until is not None:
        yield Observation("rds_certificate_current", name, "CertificateDetails.ValidTill", until.isoformat())


def _snapshots(reader: Reader, physical: Physical) -> Iterator[Observation]:
    snapshots = reader.pages(
        "rds", "describe_db_snapshots", "DBSnapshots", DBInstanceIdentifier=physical.id, SnapshotType="manual"
    )
    for snapshot in snapshots:
        identifier = snapshot["DBSnapshotIdentifier"]
        answer = reader.call("rds", "describe_db_snapshot_attributes", DBSnapshotIdentifier=identifier)
        attributes = answer["DBSnapshotAttributesResult"]["DBSnapshotAttributes"]
        shared = [
            account
            for attribute in attributes
            if attribute["AttributeName"] == "restore"
            for account in attribute.get("AttributeValues", ())
        ]
        yield Observation("rds_snapshots_private", physical.logical_id, identifier, sorted(shared))


def _secret(reader: Reader, physical: Physical) -> Iterator[Observation]:
    secret = (database.instance(reader, physical.id).get("MasterUserSecret") or {}).get("SecretArn")
    if secret:
        answer = reader.call("secretsmanager", "get_resource_policy", SecretId=secret)
        others = admitted(reader, document(answer.get("ResourcePolicy")))
        yield Observation("secretsmanager_secret_private", physical.logical_id, "ResourcePolicy", others)


def admitted(reader: Reader, policy: Any) -> list[str]:
    """The principals outside the account that a resource policy allows anything."""
    statements = (policy or {}).get("Statement", [])
    principals = [
        principal
        for statement in (statements if isinstance(statements, list) else [statements])
        if statement.get("Effect") == "Allow"
        for principal in _principals(statement)
    ]
    return sorted({principal for principal in principals if not is_own(reader, principal)})


def _principals(statement: Mapping[str, Any]) -> list[str]:
    """Whom a statement names; "everybody but" names everybody."""
    principal = "*" if "NotPrincipal" in statement else statement.get("Principal", {})
    if isinstance(principal, str):
        return [principal]
    found: list[str] = []
    for value in principal.values():
        found.extend(value if isinstance(value, list) else [value])
    return found


def _service_log_groups(reader: Reader, physical: Physical) -> Iterator[Observation]:
    """RDS makes a group, without a key, for each kind of log of the instance that has none.

    `RDSOSMetrics`, which Enhanced Monitoring makes for all databases of the account, is not this stack's to judge: it
    holds figures of the operating system and no statements (docs/limits.md).
    """
    own = set(reader.ids("AWS::Logs::LogGroup"))
    prefix = f"/aws/rds/instance/{physical.id}/"
    for group in reader.pages("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=prefix):
        if group["logGroupName"] not in own:
            key = group.get("kmsKeyId", "")
            yield Observation("logs_service_groups_encrypted", group["logGroupName"], "KmsKeyId", key)


def _log_subscriptions(reader: Reader, physical: Physical) -> Iterator[Observation]:
    filters = reader.pages("logs", "describe_subscription_filters", "subscriptionFilters", logGroupName=physical.id)
    foreign = sorted(item["destinationArn"] for item in filters if not is_own(reader, item["destinationArn"]))
    yield Observation("logs_stay_in_account", physical.logical_id, "SubscriptionFilters", foreign)


def _stream_policy(reader: Reader, physical: Physical) -> Iterator[Observation]:
    arn = stream.summary(reader, physical.id)["StreamARN"]
    try:
        text = reader.call("kinesis", "get_resource_policy", ResourceARN=arn).get("Policy", "")
    except AwsError as error:
        if error.kind is not ErrorKind.NOT_FOUND:
            raise
        text = ""
    statements = (document(text) or {}).get("Statement", [])
    yield Observation("kinesis_stream_not_shared", physical.logical_id, "ResourcePolicy", statements)


def _flow_log(reader: Reader, physical: Physical) -> Iterator[Observation]:
    found = network.flow_log(reader, physical)
    names = ("FlowLogStatus", "DeliverLogsStatus", "DeliverLogsErrorMessage")
    state = {"FlowLogStatus": found["FlowLogStatus"], **{name: found[name] for name in names if found.get(name)}}
    yield Observation("vpc_flow_log_delivering", physical.logical_id, "DeliverLogsStatus", state)


def _endpoint(reader: Reader, physical: Physical) -> Iterator[Observation]:
    state = str(network.endpoint(reader, physical)["State"]).lower()
    yield Observation("vpc_endpoints_available", physical.logical_id, "State", state)


def _subscriptions(reader: Reader, physical: Physical) -> Iterator[Observation]:
    """Each subscription. That there is none is told of a protected environment only."""
    found = _subscribed(reader, physical.id)
    if not found and protected(reader.parameters):
        yield Observation(REACH, physical.logical_id, "Subscriptions", NOBODY)
    for number, subscription in enumerate(found):
        place = f"Subscriptions[{number}]"
        confirmed = _confirmed(reader, subscription["SubscriptionArn"])
        yield Observation(REACH, physical.logical_id, place, confirmed)
        protocol = subscription["Protocol"]
        yield Observation("sns_subscriptions_encrypted", physical.logical_id, f"{place}.Protocol", protocol)


def _subscribed(reader: Reader, arn: str) -> list[Any]:
    """The subscriptions to a topic; none to one that is gone."""
    try:
        return reader.pages("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=arn)
    except AwsError as error:
        if error.kind is ErrorKind.NOT_FOUND:
            return []
        raise


def _foreign_topics(reader: Reader) -> list[Observation]:
    """The topics outside the stack that its alarms notify: handed in by `ExistingAlarmTopicArn`.

    That there is no topic at all is told of a protected environment only.
    """
    own, topics, unread = reader.ids("AWS::SNS::Topic"), set(), []
    for physical in reader.physical.values():
        if physical.type == "AWS::CloudWatch::Alarm":
            try:
                topics |= _topics(monitoring.alarm(reader, physical.id))
            except MissingError:
                continue  # the comparison reports what is gone
            except AwsError as error:
                unread.append(Observation(REACH, physical.logical_id, "AlarmActions", unknown(error.reason)))
    if not (own or topics or unread) and protected(reader.parameters):
        return [Observation(REACH, "Stack", "AlarmActions", NOBODY)]
    reached = [
        Observation(REACH, arn, "SubscriptionsConfirmed", _reached(reader, arn))
        for arn in sorted(topics)
        if arn not in own
    ]
    return [*reached, *unread]


def _topics(alarm: Mapping[str, Any]) -> set[str]:
    return {str(action) for action in alarm.get("AlarmActions", ()) if ":sns:" in str(action)}


def _reached(reader: Reader, arn: str) -> Any:
    """Whether a topic has a subscriber who confirmed; one that is gone reaches nobody."""
    try:
        confirmed = int(monitoring.topic(reader, arn).get("SubscriptionsConfirmed", "0"))
    except AwsError as error:
        return NOBODY if error.kind is ErrorKind.NOT_FOUND else unknown(error.reason)
    return "confirmed" if confirmed else NOBODY


def _confirmed(reader: Reader, arn: str) -> str:
    """SNS shows `PendingConfirmation` in the place of the ARN until somebody follows the link."""
    if not arn.startswith("arn:"):
        return "pending confirmation"
    pending = monitoring.subscription(reader, arn).get("PendingConfirmation", "false")
    return "pending confirmation" if pending == "true" else "confirmed"


OBSERVERS: dict[str, tuple[tuple[tuple[str, ...], Observe], ...]] = {
    "AWS::KMS::Key": ((("kms_key_usable",), _key_state), (("kms_grants_in_account",), _key_grants)),
    "AWS::RDS::DBInstance": (
        (
            (
                "rds_available",
                "rds_parameter_group_in_sync",
                "rds_nothing_pending",
                "rds_certificate_current",
            ),
            _instance,
        ),
        (("rds_snapshots_private",), _snapshots),
        (("secretsmanager_secret_private",), _secret),
        (("logs_service_groups_encrypted",), _service_log_groups),
    ),
    "AWS::Logs::LogGroup": ((("logs_stay_in_account",), _log_subscriptions),),
    "AWS::Kinesis::Stream": ((("kinesis_stream_not_shared",), _stream_policy),),
    "AWS::EC2::FlowLog": ((("vpc_flow_log_delivering",), _flow_log),),
    "AWS::EC2::VPCEndpoint": ((("vpc_endpoints_available",), _endpoint),),
    "AWS::SNS::Topic": (((REACH, "sns_subscriptions_encrypted"), _subscriptions),),
}
"""Resource type -> which checks are answered by which function."""
