"""Whether a running stack still is what the template promised, judged from what was read back.

Pure but for `run`, which reads. Three questions, one list of findings: the controls asked of the live stack, each
property that the template sets compared with the live one, and what only a running account can tell.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from hipaa_pipeline.controls import judge
from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.stack import NOT_REPORTED, UNKNOWN, Resource, Stack, is_unknown
from hipaa_pipeline.verification import comparison, live_checks
from hipaa_pipeline.verification.live_checks import Observation, Question

if TYPE_CHECKING:
    from hipaa_pipeline.aws.live import LiveRead
    from hipaa_pipeline.aws.live.reader import Reader
    from hipaa_pipeline.aws.session import Session
    from hipaa_pipeline.clock import Clock

Observe: TypeAlias = "Callable[[Reader], Iterable[Observation]]"

EXISTS = Question(
    slug="live_resource_exists",
    service="CloudFormation",
    severity="high",
    title="Each resource of the template exists in the account",
    expected="exists",
    remedy="Deploy the stack.",
    citations=("164.308(a)(8)", "164.312(c)(1)"),
    waivable=True,
)
# A plain change set compares templates only, so that it finds nothing to do; a drift-aware one asks the services.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html
_RECREATE = (
    "Deploying again does not bring it back. Create and execute a change set of the same template, parameters and tags "
    "with --deployment-mode REVERT_DRIFT (aws cloudformation create-change-set); what it held comes from a backup."
)
MATCHES = Question(
    slug="live_property_matches",
    service="CloudFormation",
    severity="medium",
    title="Each property the template sets has that value in the account",
    expected="as in the template",
    remedy="Put the property back, or change the template and deploy.",
    citations=("164.308(a)(8)", "164.312(c)(1)"),
    waivable=True,
)
KNOWN = Question(
    slug="live_resource_known",
    service="CloudFormation",
    severity="medium",
    title="The stack holds nothing that the template does not know",
    expected="in the template",
    remedy="Deploy this template, or check out the one that was deployed.",
    citations=("164.308(a)(8)",),
    waivable=True,
)
COMPARED = (EXISTS, MATCHES, KNOWN)
"""What compares the account with the template; waived for one resource at a time only."""
QUESTIONS: tuple[Question, ...] = (*COMPARED, *live_checks.LIVE_CHECKS)
"""All that verification asks besides the controls."""


@dataclasses.dataclass(frozen=True)
class Verification:
    """What was read, what was observed, and what follows from both; `description` is CloudFormation's of the stack."""

    description: Mapping[str, Any]
    read: LiveRead
    observations: tuple[Observation, ...]
    findings: tuple[Finding, ...]


def run(session: Session, expected: Stack, *, clock: Clock, also: Sequence[Observe] = ()) -> Verification:
    """Read the stack named as `expected` is back, and judge it.

    `also` are further observers, which run at the same time: drift detection and the drill need a session that may
    write. Raises AwsError when CloudFormation does not tell what the stack holds.
    """
    from hipaa_pipeline.aws import live
    from hipaa_pipeline.aws.live import facts
    from hipaa_pipeline.aws.session import gather

    reader = live.open_reader(session, expected.name)
    tasks: list[Callable[[], Any]] = [
        functools.partial(live.read_with, reader, expected.name),
        functools.partial(facts.read_facts, reader),
        *(functools.partial(observe, reader) for observe in also),
    ]
    read, *observed = gather(tasks)
    observations = tuple(observation for found in observed for observation in found)
    return Verification(
        reader.description, read, observations, tuple(verify(expected, read, observations, clock.now()))
    )


def verify(
    expected: Stack, read: LiveRead, observations: Iterable[Observation], now: datetime.datetime
) -> Iterator[Finding]:
    """The findings about a live stack: controls first, then the comparison, then what only a live account tells."""
    yield from _controls(expected, read)
    yield from _existing(expected, read)
    yield from _matching(expected, read)
    yield from _known(expected, read)
    yield from live_checks.judge_observations(observations, now)


def _controls(expected: Stack, read: LiveRead) -> Iterator[Finding]:
    """The controls' answers. A failure that what could not be read might explain is unknown.

    To tell the two apart the controls are asked again of the best case: the live stack with every gap filled in as the
    template wants it. What fails there too fails whatever the gaps hold.
    """
    gaps = list(_gaps(read.stack))
    found = [_asked_live(finding) for finding in judge(read.stack)]
    if not gaps:
        yield from found
        return
    best = judge(_best_case(expected, read))
    failing = {(finding.control, finding.resource) for finding in best if finding.status is Status.FAIL}
    reason = "not everything could be read: " + "; ".join(dict.fromkeys(gaps))
    for finding in found:
        doubtful = finding.status is Status.FAIL and (finding.control, finding.resource) not in failing
        yield dataclasses.replace(finding, status=Status.UNKNOWN, reason=reason) if doubtful else finding


def _asked_live(finding: Finding) -> Finding:
    """A control on a value that no API gives back does not apply to a live stack; the template answers it."""
    if finding.status is Status.UNKNOWN and finding.reason == NOT_REPORTED:
        return dataclasses.replace(finding, status=Status.NOT_APPLICABLE)
    return finding


def _gaps(stack: Stack) -> Iterator[str]:
    """The reasons of all values that could not be read."""
    for resource in stack.resources.values():
        for value in (*resource.properties.values(), *resource.attributes.values()):
            if _is_gap(value):
                yield str(value[UNKNOWN])


def _is_gap(value: Any) -> bool:
    return is_unknown(value) and value[UNKNOWN] != NOT_REPORTED


def _best_case(expected: Stack, read: LiveRead) -> Stack:
    resources = {name: _filled(resource, expected, read) for name, resource in read.stack.resources.items()}
    return dataclasses.replace(read.stack, resources=resources)


def _filled(resource: Resource, expected: Stack, read: LiveRead) -> Resource:
    wanted = expected.resources.get(resource.logical_id)
    properties = read.identifiers.restated(wanted) if wanted else {}
    return dataclasses.replace(
        resource,
        properties=_without_gaps(resource.properties, properties),
        attributes=_without_gaps(resource.attributes, wanted.attributes if wanted else {}),
    )


def _without_gaps(seen: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    filled = {name: wanted.get(name) if _is_gap(value) else value for name, value in seen.items()}
    return {name: value for name, value in filled.items() if value is not None}


def _existing(expected: Stack, read: LiveRead) -> Iterator[Finding]:
    unreadable = {physical.logical_id: physical.type for physical in read.unreadable}
    for name, resource in expected.resources.items():
        if name in unreadable:
            reason = f"there is no reader for {unreadable[name]}"
            yield _finding(EXISTS, name, status=Status.UNKNOWN, reason=reason)
        elif name in read.stack.resources:
            yield _finding(EXISTS, name, status=Status.PASS, actual="exists")
        else:
            told = any(physical.logical_id == name for physical in read.missing)
            actual = f"gone, though the stack still lists it ({resource.type})" if told else "not in the stack"
            finding = _finding(EXISTS, name, status=Status.FAIL, actual=actual)
            yield dataclasses.replace(finding, remedy=_RECREATE) if told else finding


def _matching(expected: Stack, read: LiveRead) -> Iterator[Finding]:
    for compared in comparison.compare(expected, read.stack, read.identifiers.restated):
        wanted = expected.resources[compared.logical_id].get(compared.property.partition(".")[0])
        unread = read.identifiers.unread(wanted) if compared.differs else []
        if unread:
            compared = dataclasses.replace(compared, differs=False, unknown=f"{', '.join(unread)} could not be read")
        place = {"resource": compared.logical_id, "name": compared.property}
        values = {"expected": compared.expected, "actual": compared.actual}
        if compared.unknown == NOT_REPORTED:
            yield _finding(MATCHES, **place, **values, status=Status.NOT_APPLICABLE, reason=compared.unknown)
        elif compared.unknown:
            yield _finding(MATCHES, **place, **values, status=Status.UNKNOWN, reason=compared.unknown)
        else:
            actual = "not set" if compared.differs and compared.actual is None else compared.actual
            status = Status.FAIL if compared.differs else Status.PASS
            yield _finding(MATCHES, **place, expected=compared.expected, actual=actual, status=status)


def _known(expected: Stack, read: LiveRead) -> Iterator[Finding]:
    listed = {name: resource for name, resource in read.stack.resources.items() if not resource.handed_in}
    for name, resource in listed.items():
        unread = next((value[UNKNOWN] for value in resource.properties.values() if is_unknown(value)), "")
        if name in expected.resources:
            yield _finding(KNOWN, name, status=Status.PASS, actual="in the template")
        elif unread:
            yield _finding(KNOWN, name, status=Status.UNKNOWN, actual=resource.type, reason=str(unread))
        else:
            yield _finding(KNOWN, name, status=Status.FAIL, actual=resource.type)


def _finding(
    question: Question,
    resource: str,
    name: str = "",
    *,
    status: Status,
    expected: Any = None,
    actual: Any = None,
    reason: str = "",
) -> Finding:
    return Finding(
        control=question.slug,
        status=status,
        resource=resource,
        property=name,
        expected=question.expected if expected is None else expected,
        actual=actual,
        citation=", ".join(question.citations),
        remedy=question.remedy,
        severity=question.severity,
        reason=reason,
    )
