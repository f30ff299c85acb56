"""The running stack, read back through the service APIs into the shape that the controls judge.

CloudFormation is asked only which resources there are (`ListStackResources`) and for what nobody else knows: the
deletion policies, which are its own. What a resource is like comes from the service that runs it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from hipaa_pipeline.aws import stacks
from hipaa_pipeline.aws.live import (
    access,
    backup,
    database,
    encryption,
    handed_in,
    log_groups,
    monitoring,
    network,
    routing,
    security_groups,
    stream,
)
from hipaa_pipeline.aws.live.identifiers import Identifiers, Identity
from hipaa_pipeline.aws.live.reader import (
    MissingError,
    Part,
    Physical,
    Reader,
    ResourceReader,
    all_unknown,
)
from hipaa_pipeline.aws.session import AwsError, Session, gather
from hipaa_pipeline.source import parse_template
from hipaa_pipeline.stack import NOT_REPORTED, Resource, Stack

_RANDOM = re.compile(r"[A-Za-z0-9]{8,13}")
_POLICIES = ("DeletionPolicy", "UpdateReplacePolicy", "DependsOn")

READERS: dict[str, ResourceReader] = {
    **encryption.READERS,
    **network.READERS,
    **security_groups.READERS,
    **database.READERS,
    **backup.READERS,
    **stream.READERS,
    **log_groups.READERS,
    **monitoring.READERS,
    **access.READERS,
}
"""How to read each resource type; `tests/test_live_readers.py` holds it against the template's types."""


SERVICES = ("ec2", "rds", "iam", "logs", "kms", "cloudwatch", "sns", "kinesis", "backup", "secretsmanager")
"""The services that the readers ask, those with the largest models first."""


WORKERS = 64
"""How many questions may wait for an answer at once: more than a service allows are slowed down by its throttling."""


@dataclasses.dataclass(frozen=True)
class Failure:
    """Properties of a resource that could not be read, and why."""

    logical_id: str
    properties: tuple[str, ...]
    reason: str


@dataclasses.dataclass(frozen=True)
class LiveRead:
    """A read-back: the stack, and what is not in it.

    `missing` are resources that CloudFormation remembers and their service does not know, `unreadable` those of a
    type that no reader exists for, `failures` what was asked for in vain.
    """

    stack: Stack
    identifiers: Identifiers
    failures: tuple[Failure, ...]
    missing: tuple[Physical, ...]
    unreadable: tuple[Physical, ...]


@dataclasses.dataclass(frozen=True)
class _Outcome:
    """What one part came to: its properties, or the reason they are unknown, or that there is no such resource."""

    properties: Mapping[str, Any]
    reason: str = ""
    gone: bool = False


@dataclasses.dataclass(frozen=True)
class _Found:
    """What was read of some resources: what each part came to, what they are called, and what stands beside them."""

    physical: Mapping[str, Physical]
    answered: Mapping[str, Sequence[tuple[Part, _Outcome]]]
    identities: Sequence[Identity]
    default_groups: Mapping[str, Mapping[str, Any]]
    beside: Sequence[Resource]


def open_reader(session: Session, stack_name: str) -> Reader:
    """A reader that knows what the stack holds. Raises AwsError when CloudFormation does not say.

    While CloudFormation is asked, the clients of the services that will be asked next are made: that is work for the
    processor, not for the network.
    """
    tasks: list[Callable[[], Any]] = [
        functools.partial(_description, session, stack_name),
        functools.partial(stacks.resources, session, stack_name),
        *(functools.partial(session.client, service, session.region) for service in SERVICES),
    ]
    description, listed, *_ = gather(tasks)
    alive = [one for one in listed if one.status != "DELETE_COMPLETE" and one.physical_id]
    physical = [Physical(one.logical_id, one.type, one.physical_id) for one in alive]
    return Reader(
        session, description, {one.logical_id: one for one in sorted(physical, key=lambda one: one.logical_id)}
    )


def _description(session: Session, stack_name: str) -> dict[str, Any]:
    found: dict[str, Any] = session.call("cloudformation", "describe_stacks", StackName=stack_name)["Stacks"][0]
    return found


def read_with(reader: Reader, stack_name: str) -> LiveRead:
    """The live stack through a reader that may serve other questions too, so that nothing is asked twice."""
    tasks: list[Callable[[], Any]] = [
        functools.partial(deletion_policies, reader, stack_name),
        functools.partial(_read, reader, functools.partial(routing.read, reader)),
        functools.partial(_read_handed_in, reader),
    ]
    policies, own, handed = gather(tasks)
    return _assembled(reader, stack_name, policies, own, handed)


def _read_handed_in(reader: Reader) -> _Found:
    try:
        network = handed_in.network(reader)
    except AwsError as error:
        return _Found({}, {}, (), {}, handed_in.unread(reader, error.reason))
    except KeyError as error:
        return _Found({}, {}, (), {}, handed_in.unread(reader, f"the service's answer lacks {error}"))
    return _read(network.reader, functools.partial(handed_in.routes, network))


def _read(reader: Reader, beside: Callable[[], Sequence[Resource]]) -> _Found:
    """Everything of the reader's resources, asked for at the same time."""
    asked = [
        (physical, part)
        for physical in reader.physical.values()
        if physical.type in READERS
        for part in READERS[physical.type].parts
    ]
    tasks: list[Callable[[], Any]] = [
        beside,
        functools.partial(security_groups.default_groups, reader),
        *(functools.partial(_identity, reader, physical) for physical in reader.physical.values()),
        *(functools.partial(_answer, reader, physical, part) for physical, part in asked),
    ]
    others, default_groups, *rest = gather(tasks, WORKERS)
    identities: list[Identity] = rest[: len(reader.physical)]
    outcomes: list[_Outcome] = rest[len(reader.physical) :]
    answered: dict[str, list[tuple[Part, _Outcome]]] = {}
    for (physical, part), outcome in zip(asked, outcomes, strict=True):
        answered.setdefault(physical.logical_id, []).append((part, outcome))
    return _Found(reader.physical, answered, identities, default_groups, others)


def _answer(reader: Reader, physical: Physical, part: Part) -> _Outcome:
    try:
        return _Outcome(part.read(reader, physical))
    except MissingError:
        return _Outcome({}, "the service does not show it", gone=True)
    except AwsError as error:
        if error.names_nothing:
            return _Outcome({}, str(error), gone=True)
        return _Outcome({}, error.reason)
    except KeyError as error:
        return _Outcome({}, f"the service's answer lacks {error}")


def _identity(reader: Reader, physical: Physical) -> Identity:
    """Without the attributes that cannot be read: the parts that need the same answer tell why."""
    attributes: dict[str, Any] = {}
    if physical.type in READERS:
        reads = READERS[physical.type]
        attributes |= reads.attributes(reader, physical)
        with contextlib.suppress(AwsError, MissingError, KeyError):
            attributes |= reads.asked_attributes(reader, physical)
    return Identity(physical.logical_id, physical.type, physical.id, attributes)


def deletion_policies(reader: Reader, stack_name: str) -> Mapping[str, Mapping[str, Any]]:
    """`DeletionPolicy` and its like by logical ID, from the template CloudFormation holds: they live nowhere else."""
    try:
        answer = reader.call("cloudformation", "get_template", StackName=stack_name, TemplateStage="Processed")
    except AwsError as error:
        reason = error.reason
        return {name: all_unknown(_POLICIES, reason) for name in reader.physical}
    body = answer["TemplateBody"]
    resources = (parse_template(body).body if isinstance(body, str) else body).get("Resources", {})
    return {
        name: {key: value for key, value in resource.items() if key not in ("Type", "Properties", "Metadata")}
        for name, resource in resources.items()
    }


def _joined(*attributes: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    joined: dict[str, dict[str, Any]] = {}
    for by_name in attributes:
        for name, values in by_name.items():
            joined.setdefault(name, {}).update(values)
    return joined


def _assembled(
    reader: Reader, stack_name: str, policies: Mapping[str, Mapping[str, Any]], own: _Found, handed: _Found
) -> LiveRead:
    identifiers = Identifiers({identity.logical_id: identity for identity in (*own.identities, *handed.identities)})
    # The first part of a reader describes the resource; when that finds nothing, there is nothing.
    missing = [reader.physical[name] for name, parts in own.answered.items() if parts[0][1].gone]
    found = [
        *_resources(own, identifiers, _joined(policies, own.default_groups)),
        *(
            dataclasses.replace(resource, handed_in=True)
            for resource in _resources(handed, identifiers, handed.default_groups)
        ),
    ]
    gone = {physical.logical_id for physical in missing}
    resources = {resource.logical_id: resource for resource in found if resource.logical_id not in gone}
    return LiveRead(
        stack=Stack(
            resources=resources,
            region=reader.region,
            account_id=reader.account_id,
            partition=reader.partition,
            name=stack_name,
            parameters=reader.parameters,
            outputs=reader.outputs,
        ),
        identifiers=identifiers,
        failures=tuple(_failures({**own.answered, **handed.answered}, missing)),
        missing=tuple(missing),
        unreadable=tuple(physical for name, physical in reader.physical.items() if physical.type not in READERS),
    )


def _resources(
    found: _Found, identifiers: Identifiers, attributes: Mapping[str, Mapping[str, Any]]
) -> Iterator[Resource]:
    for name, physical in found.physical.items():
        yield _resource(physical, found.answered.get(name, ()), identifiers, attributes.get(name, {}))
    for other in found.beside:
        yield dataclasses.replace(other, properties=identifiers.references(other.properties))


def _resource(
    physical: Physical,
    parts: Sequence[tuple[Part, _Outcome]],
    identifiers: Identifiers,
    attributes: Mapping[str, Any],
) -> Resource:
    properties: dict[str, Any] = {}
    for part, outcome in parts:
        properties |= outcome.properties if not outcome.reason else all_unknown(part.names, outcome.reason)
    if physical.type in READERS:
        properties |= all_unknown(READERS[physical.type].unreported, NOT_REPORTED)
    referring = identifiers.references(properties, own=physical.logical_id)
    settings = {
        name: value for name, value in referring.items() if not is_generated_name(name, value, physical.logical_id)
    }
    return Resource(physical.logical_id, physical.type, settings, attributes)


def is_generated_name(property_name: str, value: Any, logical_id: str) -> bool:
    """Whether a value is a name that CloudFormation made because the template gives none.

    Such a name (`<stack>-<logical ID>-<random>`, cut where names must be short) is no setting to be judged.
    """
    if not property_name.endswith("Name") or not isinstance(value, str):
        return False
    stem, _, random = value.rpartition("-")
    return bool(_RANDOM.fullmatch(random)) and logical_id[:8].lower() in stem.lower()


def _failures(
    answered: Mapping[str, Sequence[tuple[Part, _Outcome]]], missing: Iterable[Physical]
) -> Iterator[Failure]:
    gone = {physical.logical_id for physical in missing}
    for name, parts in answered.items():
        for part, outcome in parts:
            if outcome.reason and name not in gone:
                yield Failure(name, part.names, outcome.reason)
