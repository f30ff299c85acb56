"""From a subject to the facts of a bundle: the verification, the last deployment, the cost, the versions."""

from __future__ import annotations

import importlib.metadata
import platform
from typing import Any

from hipaa_pipeline import __version__
from hipaa_pipeline.aws import last_deployment
from hipaa_pipeline.aws.endpoints import foreign
from hipaa_pipeline.aws.explain import explain
from hipaa_pipeline.aws.session import AwsError
from hipaa_pipeline.clock import Clock
from hipaa_pipeline.commands.subjects import Subject
from hipaa_pipeline.commands.verifying import verified
from hipaa_pipeline.errors import ExitCode, UserError
from hipaa_pipeline.evidence import Evidence
from hipaa_pipeline.stack import Stack

_DEPENDENCIES = ("awacs", "boto3", "botocore", "click", "jinja2", "pyyaml", "rich", "troposphere")


def collect(subject: Subject, clock: Clock, *, drift: bool, drill: bool) -> Evidence:
    """Everything that a bundle holds, as of now. Raises UserError when it cannot be had whole."""
    verification = verified(subject, clock, drift=drift, drill=drill)
    description = verification.description
    try:
        change_set = last_deployment.change_set(subject.reading, description)
        events = last_deployment.events(subject.reading, description["StackId"])
    except AwsError as error:
        explained = explain(error, subject.reading.connection)
        raise UserError(explained.message, explained.next_command, ExitCode.UNKNOWN) from error
    environment = subject.configuration.environment
    return Evidence(
        environment=environment,
        collected=clock.now(),
        caller=subject.identity.arn,
        foreign=foreign(subject.reading.connection.clients.endpoint_urls()),
        template_text=subject.template.text,
        parameters=subject.configuration.parameters,
        tags=subject.configuration.tags,
        expected=subject.expected,
        live=verification.read.stack,
        findings=verification.findings,
        waivers=tuple(waiver for waiver in subject.waivers if waiver.environment == environment),
        events=events,
        change_set=change_set,
        cost=cost(subject.expected),
        versions=versions(),
    )


def cost(stack: Stack) -> dict[str, Any]:
    """The estimate of a month as plain JSON; empty for a Region that the price lock does not know."""
    from hipaa_pipeline.cost.estimate import estimate
    from hipaa_pipeline.cost.lock import load_lock

    lock = load_lock()
    return estimate(stack, lock.in_region(stack.region)).as_dict() if stack.region in lock.regions else {}


def versions() -> dict[str, str]:
    """The versions of this tool, of Python, and of what it depends on."""
    dependencies = {name: importlib.metadata.version(name) for name in _DEPENDENCIES}
    return {"hipaa-pipeline": __version__, "python": platform.python_version(), **dependencies}
