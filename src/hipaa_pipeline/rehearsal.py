"""The rehearsal: the founding failure replayed in a local account, and its three ways out, with the real deployment.

The first attempt to build this pipeline died of two quotas, five of five VPCs and a thousand of a thousand roles, after
it had created a key and a parameter group. Four acts, in an account that enforces these quotas:

    a  without preflight   it fails as it did then, and nothing is left
    b  with preflight      it is blocked before anything is created, and the ways out are named
    c  handed in           with the VPC and the roles that (b) named, the same account deploys
    d  increased           after an approved increase, so does the original

Each act makes claims; the rehearsal went as told when every claim of every act holds.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from hipaa_pipeline import preflight
from hipaa_pipeline.ask import Yes
from hipaa_pipeline.aws import increases
from hipaa_pipeline.aws.identity import identify
from hipaa_pipeline.aws.patient import PatientSession
from hipaa_pipeline.aws.session import Session
from hipaa_pipeline.checking import check_environment
from hipaa_pipeline.clock import Clock
from hipaa_pipeline.configuration import TEMPLATE_PATH, Configuration, load_environment
from hipaa_pipeline.deployment.deploy import Hooks, deploy
from hipaa_pipeline.deployment.destroy import destroy
from hipaa_pipeline.deployment.events import Event
from hipaa_pipeline.deployment.failure import Kind
from hipaa_pipeline.deployment.order import Order, Outcome, Result, Tools
from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.local.server import LocalAccount
from hipaa_pipeline.preflight.exits import Exit, desired_value
from hipaa_pipeline.preflight.ledger import Row
from hipaa_pipeline.preflight.subject import Subject
from hipaa_pipeline.resolve import resolve
from hipaa_pipeline.source import Template, load_template
from hipaa_pipeline.stack import Stack
from hipaa_pipeline.waivers import load_waivers

ENVIRONMENT = "dev"
VPCS, ROLES = "vpc/L-F678F1CE", "iam/L-FE177D64"
FULL = {VPCS: 5, ROLES: 1000}
PENDING_KEYS = "kms.key_pending_deletion"


@dataclasses.dataclass(frozen=True)
class Claim:
    """One thing that the story says happened, and whether it did."""

    text: str
    held: bool


@dataclasses.dataclass(frozen=True)
class Act:
    """One act: what was tried, the claims about what happened, and details worth reading."""

    title: str
    claims: Sequence[Claim]
    details: Sequence[str] = ()
    seconds: float = 0.0

    @property
    def as_told(self) -> bool:
        """Whether every claim held."""
        return all(claim.held for claim in self.claims)

    def as_dict(self) -> dict[str, Any]:
        """The act as plain JSON."""
        claims = [dataclasses.asdict(claim) for claim in self.claims]
        return {
            "title": self.title,
            "as_told": self.as_told,
            "seconds": round(self.seconds, 1),
            "claims": claims,
            "details": list(self.details),
        }


@dataclasses.dataclass
class Stage:
    """Where the acts play: the account and how it is called, the environment's files, and time."""

    account: LocalAccount
    clock: Clock
    configuration: Configuration
    template: Template
    reading: Session
    writing: PatientSession
    # The stage's and not a deployment's: two deployments of the same second need change sets of different names.
    numbers: Iterator[int] = dataclasses.field(default_factory=itertools.count)

    @classmethod
    def of(cls, account: LocalAccount, clock: Clock, environment: str = ENVIRONMENT) -> Stage:
        """The stage of an environment's own files. Raises UserError when there is no such environment."""
        return cls(
            account,
            clock,
            load_environment(environment),
            load_template(TEMPLATE_PATH),
            Session(account.connection, read_only=True),
            PatientSession(account.connection, clock),
        )

    def stack(self, changes: Mapping[str, str] | None = None) -> Stack:
        """The stack to deploy, with parameters changed as given."""
        identity = identify(self.reading)
        return resolve(
            self.template,
            {**self.configuration.parameters, **(changes or {})},
            region=self.account.region,
            account_id=identity.account_id,
            stack_name=self.configuration.stack_name,
        )

    def order(self, changes: Mapping[str, str] | None = None) -> Order:
        """What `make deploy` would order."""
        stack = self.stack(changes)
        return Order(
            environment=self.configuration.environment,
            stack_name=self.configuration.stack_name,
            template_body=self.template.text,
            parameters={**self.configuration.parameters, **(changes or {})},
            tags=self.configuration.tags,
            resources=stack.resources,
            protected=False,
        )

    def tools(self) -> Tools:
        """The tools of `make deploy`, with a silent progress and yes to every question."""
        return Tools(
            session=self.writing,
            clock=self.clock,
            ask=Yes(),
            progress=Silence,
            say=lambda _text: None,
            unique=lambda: f"{next(self.numbers):08x}",
        )

    def preflight(self, changes: Mapping[str, str] | None = None) -> preflight.Result:
        """What `make preflight` would say."""
        return preflight.run(self.reading, self.judged(changes))

    def judged(self, changes: Mapping[str, str] | None = None) -> Subject:
        """What a preflight judges."""
        parameters = {**self.configuration.parameters, **(changes or {})}
        chosen = dataclasses.replace(self.configuration, parameters=parameters)
        now, region = self.clock.now(), self.account.region
        controls = check_environment(self.template, chosen, load_waivers(), region=region, today=now.date())
        return Subject(self.stack(changes), len(self.template.text.encode()), now, controls=controls)

    def deploy(
        self,
        changes: Mapping[str, str] | None = None,
        *,
        foresee: bool,
        accept_unknown: bool = False,
        accept_warnings: bool = False,
    ) -> Outcome:
        """`make deploy`, with or without its preflight."""
        findings: Callable[[], Sequence[Finding]] = (lambda: self.preflight(changes).findings) if foresee else tuple
        hooks = Hooks(show=lambda _proposal, _stack: None, read_back=lambda _stack: (), preflight=findings)
        order = dataclasses.replace(self.order(changes), accept_unknown=accept_unknown, accept_warnings=accept_warnings)
        return deploy(order, self.tools(), hooks)

    def inventory(self) -> dict[str, list[str]]:
        """What is in the account, but for keys that wait for their deletion: nobody can delete those at once."""
        return {kind: names for kind, names in self.account.inventory().items() if kind != PENDING_KEYS}

    def pending_keys(self) -> int:
        """How many keys wait for their deletion."""
        return len(self.account.inventory().get(PENDING_KEYS, ()))


class Silence:
    """Progress that nobody watches."""

    def __enter__(self) -> Silence:
        """Nothing to prepare."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def show(self, events: Sequence[Event], fresh: Sequence[Event]) -> None:
        """Nothing to show."""


def rehearse(account: LocalAccount, clock: Clock, environment: str = ENVIRONMENT) -> Iterator[Act]:
    """The four acts, one after the other, in an account that is filled up first.

    Raises UserError for an environment that does not exist and when the local account does not answer.
    """
    account.fill(FULL)
    stage = Stage.of(account, clock, environment)
    offered: dict[str, str] = {}
    acts: tuple[Callable[[], Act], ...] = (
        lambda: without_preflight(stage),
        lambda: with_preflight(stage, offered),
        lambda: with_what_exists(stage, offered),
        lambda: after_an_increase(stage),
    )
    for act in acts:
        started = clock.elapsed()
        played = act()
        yield dataclasses.replace(played, seconds=clock.elapsed() - started)


def without_preflight(stage: Stage) -> Act:
    """Deploy straight away: it fails in the middle, of a quota, and cleans up after itself."""
    before, keys_before = stage.inventory(), stage.pending_keys()
    outcome = stage.deploy(foresee=False, accept_warnings=True)  # nobody read CloudFormation's warnings then
    cause = outcome.cause
    made = {"Key", "DatabaseParameterGroup"}
    return Act(
        "Without preflight: as it was then",
        (
            Claim("the deployment fails of a quota", bool(cause and cause.kind is Kind.QUOTA)),
            Claim("after it created a key and a parameter group", made <= set(outcome.created)),
            Claim("nothing of it is left", stage.inventory() == before),
            Claim("but the key, which waits for its deletion", stage.pending_keys() == keys_before + 1),
        ),
        (f"{cause.logical_id}: {_quota_words(cause.reason)}" if cause else outcome.message,),
    )


def with_preflight(stage: Stage, offered: dict[str, str]) -> Act:
    """Deploy with preflight: blocked before anything exists. What it offers to hand in is put into `offered`."""
    before = stage.account.inventory()
    result = stage.preflight()
    outcome = stage.deploy(foresee=True)
    blocked = [row for row in result.rows if row.status is Status.FAIL]
    ways = {"request_increase", "existing_vpc", "existing_roles"}
    offered.update(_handed_in(result))
    return Act(
        "With preflight: blocked before anything is created",
        (
            Claim("both quotas are blocked", {row.quota.key for row in blocked} == set(FULL)),
            Claim("make deploy does nothing", outcome.result is Result.REFUSED),
            Claim("the account is as it was", stage.account.inventory() == before),
            Claim("every way out is named", ways <= {way.slug for way in result.exits}),
        ),
        (*(_numbers(row) for row in blocked), *(f"{way.title}" for way in _one_of_each(result.exits))),
    )


def with_what_exists(stage: Stage, offered: Mapping[str, str]) -> Act:
    """Deploy into the VPC and with the roles that preflight named, then remove it for the next act."""
    foreseen = stage.preflight(offered)
    outcome = stage.deploy(offered, foresee=True)
    gone = destroy(stage.order(offered), stage.tools(), lambda _farewell: None)
    return Act(
        "With the VPC and the roles that preflight offered, in the same full account",
        (
            Claim("preflight finds nothing in the way", not foreseen.with_status(Status.FAIL)),
            Claim(f"it deploys, {len(stage.stack(offered).resources)} resources", _is_created(outcome)),
            Claim("make destroy removes it again", gone.result is Result.DESTROYED),
        ),
        tuple(f"{name}={value}" for name, value in offered.items()),
    )


def after_an_increase(stage: Stage) -> Act:
    """Ask for more of both quotas, have it approved, and deploy the original."""
    blocked = [row for row in stage.preflight().rows if row.status is Status.FAIL]
    asked = [_ask(stage, row) for row in blocked]
    again = [_ask(stage, row) for row in blocked]
    stage.account.approve_increases()
    foreseen = stage.preflight()
    outcome = stage.deploy(foresee=True)
    return Act(
        "After an approved increase",
        (
            Claim("both increases are asked for", [each.asked_now for each in asked] == [True] * len(FULL)),
            Claim("asked once more, it waits for the same requests", not any(each.asked_now for each in again)),
            Claim("once approved, preflight finds nothing in the way", not foreseen.with_status(Status.FAIL)),
            Claim(f"it deploys, {len(stage.stack().resources)} resources", _is_created(outcome)),
        ),
        (", ".join(f"{each.quota.name}: {each.desired:,}" for each in asked),),
    )


def _ask(stage: Stage, row: Row) -> increases.Increase:
    region = row.quota.region(stage.account.region, "aws")
    return increases.request_increase(stage.writing, row.quota, desired_value(row) or 0, region, support_case=False)


def _handed_in(result: preflight.Result) -> dict[str, str]:
    """The parameters of the best VPC and of the roles that preflight offers to hand in."""
    chosen: dict[str, str] = {}
    for way in result.exits:
        if chosen.keys().isdisjoint(way.parameters):
            chosen.update(way.parameters)
    return chosen


def _one_of_each(exits: Sequence[Exit]) -> list[Exit]:
    """The ways out without the second and third VPC that would do as well."""
    return list({(way.slug, way.solves): way for way in reversed(exits)}.values())[::-1]


def _numbers(row: Row) -> str:
    return f"{row.quota.name}: {row.used.value} of {row.limit.value} used, {row.needed} needed"


def _quota_words(reason: str) -> str:
    """CloudFormation's reason without the request's numbers."""
    return reason.split(" (Service:")[0].removeprefix('Resource handler returned message: "')


def _is_created(outcome: Outcome) -> bool:
    return outcome.result is Result.CREATED and outcome.exit_code == 0
