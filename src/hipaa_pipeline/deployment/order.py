"""What a deployment or destruction is asked to do, what it works with, and what comes out of it."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hipaa_pipeline import findings as judged
from hipaa_pipeline.ask import Asker
from hipaa_pipeline.aws.leftovers import Leftover
from hipaa_pipeline.aws.session import Session
from hipaa_pipeline.aws.stacks import OWNER_TAG, DeployedStack
from hipaa_pipeline.clock import Clock
from hipaa_pipeline.deployment.changes import Summary
from hipaa_pipeline.deployment.failure import Cause
from hipaa_pipeline.deployment.states import foreign
from hipaa_pipeline.deployment.watch import Progress
from hipaa_pipeline.errors import ExitCode, UserError
from hipaa_pipeline.findings import Finding
from hipaa_pipeline.stack import Resource

TIMEOUT_SECONDS = 7200.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Order:
    """What the user asked for. `template_body` is the text CloudFormation gets, `resources` what it makes, resolved.

    `accept_unknown` deploys although preflight could not tell everything, `accept_warnings` although CloudFormation's
    own validation warns. `options` are those that every further command needs to meet the same stack (`--region`,
    `--profile`).
    """

    environment: str
    stack_name: str
    template_body: str = ""
    parameters: Mapping[str, str] = dataclasses.field(default_factory=dict)
    tags: Mapping[str, str] = dataclasses.field(default_factory=dict)
    resources: Mapping[str, Resource] = dataclasses.field(default_factory=dict)
    protected: bool = True
    allow_replace: frozenset[str] = frozenset()
    attempts: int = 1
    timeout_seconds: float = TIMEOUT_SECONDS
    wait_if_busy: bool = True
    accept_unknown: bool = False
    accept_warnings: bool = False
    options: str = ""

    @property
    def stack_tags(self) -> dict[str, str]:
        """The tags of the stack and, by CloudFormation, of everything in it: the user's and the one that says whose."""
        return {**self.tags, OWNER_TAG: self.environment}

    @property
    def deploy_command(self) -> str:
        """What to type to deploy, or to pick up a running deployment."""
        return self.command("deploy")

    @property
    def destroy_command(self) -> str:
        """What to type to destroy."""
        return self.command("destroy")

    def command(self, target: str, extra: str = "") -> str:
        """What to type for another step with this environment, in the same place."""
        arguments = " ".join(word for word in (self.options, extra) if word)
        return f"make {target} ENV={self.environment}" + (f' ARGS="{arguments}"' if arguments else "")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tools:
    """What the work is done with: every effect is an argument."""

    session: Session
    clock: Clock
    ask: Asker
    progress: Callable[[], Progress]
    say: Callable[[str], None]
    unique: Callable[[], str]

    def token(self) -> str:
        """A unique name for a change set or an operation: when, and something random."""
        return f"hipaa-pipeline-{self.clock.now():%Y%m%d-%H%M%S}-{self.unique()}"


class Result(enum.StrEnum):
    """How it ended."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DESTROYED = "destroyed"
    ABSENT = "absent"
    REFUSED = "refused"
    FAILED = "failed"
    RUNNING = "still running"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came out: told as text, JSON or JUnit, and as an exit code. `cost` is that of `created` while it was."""

    result: Result
    stack_name: str
    stack_id: str = ""
    message: str = ""
    next_command: str = ""
    summary: Summary | None = None
    outputs: Mapping[str, str] = dataclasses.field(default_factory=dict)
    cause: Cause | None = None
    created: Sequence[str] = ()
    cost: str = ""
    left: Sequence[Leftover] = ()
    findings: Sequence[Finding] = ()
    seconds: float = 0.0

    @property
    def exit_code(self) -> ExitCode:
        """0 only when it was done and nothing read back says otherwise."""
        match self.result:
            case Result.RUNNING:
                return ExitCode.UNKNOWN
            case Result.REFUSED if judged.exit_code(self.findings) is ExitCode.UNKNOWN:
                return ExitCode.UNKNOWN
            case Result.REFUSED | Result.FAILED:
                return ExitCode.FAILED
        return judged.exit_code(self.findings)

    def as_dict(self) -> dict[str, Any]:
        """The outcome as plain JSON."""
        return {
            "result": str(self.result),
            "stack_name": self.stack_name,
            "stack_id": self.stack_id,
            "message": self.message,
            "next_command": self.next_command,
            "seconds": round(self.seconds, 1),
            "outputs": dict(self.outputs),
            "cause": self.cause.as_dict() if self.cause else None,
            "created": list(self.created),
            "cost": self.cost,
            "left": [one.as_dict() for one in self.left],
            **(self.summary.as_dict() if self.summary else {"changes": [], "parameters": []}),
            "findings": [finding.as_dict() for finding in self.findings],
        }


class GoesOnError(UserError):
    """Nobody watches any more, but the operation goes on in AWS."""

    def __init__(self, message: str, next_command: str) -> None:
        super().__init__(message, next_command, ExitCode.UNKNOWN)


def require_ours(stack: DeployedStack) -> None:
    """Raise UserError for a stack that this tool did not make: it is neither changed nor deleted."""
    if not stack.ours:
        raise UserError(
            foreign(stack.name),
            f"aws cloudformation describe-stacks --stack-name {stack.name}",
            ExitCode.FAILED,
        )
