"""What the deployment scenarios share: an order for the small template, and tools that wait for nothing.

The tools are the real ones, over real HTTP, but for time and people: the clock's seconds pass at once, and
questions are answered from a list. The session makes each call once, so that every injected fault reaches the
project's own code.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import functools
import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hipaa_pipeline.aws.patient import PatientSession
from hipaa_pipeline.aws.session import Connection, Session
from hipaa_pipeline.aws.stacks import DeployedStack
from hipaa_pipeline.deployment.deploy import Hooks, deploy
from hipaa_pipeline.deployment.destroy import Farewell, destroy
from hipaa_pipeline.deployment.events import Event
from hipaa_pipeline.deployment.order import Order, Outcome, Tools
from hipaa_pipeline.deployment.proposal import Proposal
from hipaa_pipeline.findings import Finding
from hipaa_pipeline.local.server import LocalAccount
from hipaa_pipeline.resolve import resolve
from hipaa_pipeline.source import Template, load_template, parse_template

_WRITTEN = load_template(Path(__file__).parent / "data" / "small.yaml")
SMALL = parse_template(json.dumps(_WRITTEN.body, separators=(",", ":")))  # JSON is read ten times faster
ENVIRONMENT = "test"
STACK = f"hipaa-pipeline-{ENVIRONMENT}"
_UNIQUE = itertools.count(1)


class QuickClock:
    """A clock whose seconds pass when somebody sleeps, a thousand times faster than they should."""

    def __init__(self) -> None:
        self._passed = 0.0

    def now(self) -> datetime.datetime:
        return datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=self._passed)

    def elapsed(self) -> float:
        return self._passed

    def sleep(self, seconds: float) -> None:
        self._passed += seconds
        time.sleep(min(seconds / 1000, 0.01))


class Answers:
    """Answers given in order; once they are used up, the safe one, as nobody would be asked so often."""

    def __init__(self, *answers: bool | str) -> None:
        self.questions: list[str] = []
        self._answers = list(answers)

    def confirm(self, question: str) -> bool:
        return self._answer(question, False) is True

    def type_name(self, question: str, name: str) -> bool:
        return self._answer(question, False) in {True, name}

    def choose(self, question: str, options: Mapping[str, str], default: str) -> str:
        answer = str(self._answer(question, default))
        assert answer in options
        return answer

    def _answer(self, question: str, safe: bool | str) -> bool | str:
        self.questions.append(question)
        return self._answers.pop(0) if self._answers else safe


class Yes(Answers):
    """Yes to every question, the default for every choice; remembers the questions."""

    def _answer(self, question: str, safe: bool | str) -> bool | str:
        self.questions.append(question)
        return True if safe is False else safe


class Watcher:
    """Progress that is remembered; `interrupt_at` raises what Ctrl-C raises when that many events were shown."""

    def __init__(self, on_events: Callable[[int], None] = lambda _count: None) -> None:
        self.lines: list[str] = []
        self._on_events = on_events

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, events: Sequence[Event], fresh: Sequence[Event]) -> None:
        self.lines.extend(f"{event.status} {event.logical_id}" for event in fresh)
        self._on_events(len(events))


@dataclasses.dataclass
class Scenario:
    """One account, one environment, and everything that was said."""

    connection: Connection
    template: Template = SMALL
    ask: Answers = dataclasses.field(default_factory=Yes)
    watcher: Watcher = dataclasses.field(default_factory=Watcher)
    said: list[str] = dataclasses.field(default_factory=list)
    shown: list[Proposal | Farewell] = dataclasses.field(default_factory=list)
    base_parameters: Mapping[str, str] = dataclasses.field(default_factory=lambda: {"EnvironmentSuffix": ENVIRONMENT})

    @property
    def tools(self) -> Tools:
        """Tools as `deploy` gets them."""
        clock, session = time_and_session(self.connection)
        return Tools(
            session=session,
            clock=clock,
            ask=self.ask,
            progress=lambda: self.watcher,
            say=self.said.append,
            unique=lambda: f"{next(_UNIQUE):08}",
        )

    def order(self, parameters: Mapping[str, str] | None = None, **rest: Any) -> Order:
        """An order for the template with these parameters."""
        values = {**self.base_parameters, **(parameters or {})}
        expected = resolve(self.template, values, region=self.connection.region, stack_name=STACK)
        return Order(
            environment=ENVIRONMENT,
            stack_name=STACK,
            template_body=self.template.text,
            parameters=values,
            tags={"Project": "hipaa-pipeline"},
            resources=expected.resources,
            protected=values.get("DeletionProtection") == "true",
            **rest,
        )

    def deploy(self, parameters: Mapping[str, str] | None = None, **rest: Any) -> Outcome:
        """Deploy, without a read-back: that is `verify`'s and has tests of its own."""
        return deploy(self.order(parameters, **rest), self.tools, self.hooks)

    @property
    def hooks(self) -> Hooks:
        """Hooks that remember what is shown."""
        return Hooks(show=lambda proposal, _stack: self.shown.append(proposal), read_back=_no_read_back)

    def destroy(self, **rest: Any) -> Outcome:
        """Destroy."""
        return destroy(self.order(**rest), self.tools, self.shown.append)

    @property
    def session(self) -> Session:
        """A session for looking at what is there."""
        return time_and_session(self.connection)[1]

    def stack(self) -> dict[str, Any]:
        """CloudFormation's description of the stack."""
        answer = self.session.call("cloudformation", "describe_stacks", StackName=STACK)
        found: dict[str, Any] = answer["Stacks"][0]
        return found


@functools.cache
def time_and_session(connection: Connection) -> tuple[QuickClock, PatientSession]:
    """One session for all scenarios of an account: making its clients takes longer than a deployment."""
    clock = QuickClock()
    return clock, PatientSession(connection, clock, max_attempts=1)


def _no_read_back(_stack: DeployedStack) -> Sequence[Finding]:
    return ()


def remaining(account: LocalAccount) -> dict[str, list[str]]:
    """What is in the account but for keys that wait for their deletion, which nobody can delete at once."""
    return {kind: names for kind, names in account.inventory().items() if kind != "kms.key_pending_deletion"}


@contextlib.contextmanager
def called(session: Session) -> Iterator[dict[str, int]]:
    """The API operations (`rds:CreateDBSnapshot`) sent through a session during the block, in order, and how often."""
    seen: dict[str, int] = {}

    def note(model: Any, **_: object) -> None:
        name = f"{model.service_model.service_name}:{model.name}"
        seen[name] = seen.get(name, 0) + 1

    clients = [session.client(service, session.region) for service in _CALLED_SERVICES]
    for client in clients:
        client.meta.events.register("before-call", note)
    yield seen
    for client in clients:
        client.meta.events.unregister("before-call", note)


_CALLED_SERVICES = (
    "cloudformation",
    "ec2",
    "rds",
    "kms",
    "kinesis",
    "logs",
    "iam",
    "sns",
    "backup",
    "resourcegroupstaggingapi",
)
