"""Facts: what AWS answered to which read, and how a question asks for one without calling anything.

A question of the preflight is a plain function of `Facts`. It asks for what it needs, `facts(DESCRIBE_VPCS())`, and
where the answer is not there yet, `NotAskedYet` ends it; whoever runs the question asks AWS and calls it again
(`aws.facts.answer`; a dictionary in the tests). So a question reads top to bottom, touches nothing, and independent
reads of all questions go out at once. The price: a question may run several times, so it must stay cheap.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Operation:
    """One AWS API operation that the preflight may use: boto3's names, what is taken from it, and what for.

    `key` names the list to collect over all pages of the answer, a dotted path (`EngineDefaults.Parameters`); where
    it is empty, the answer is taken whole.
    `action` is the IAM action that allows it. Calling the operation makes a `Read`; nothing is sent.
    """

    service: str
    name: str
    action: str
    purpose: str
    key: str = ""

    def __call__(self, *, in_region: str = "", **arguments: Any) -> Read:
        """The read of this operation with boto3's arguments, in the session's Region unless another is named."""
        return Read(self, json.dumps(arguments, sort_keys=True), in_region)


@dataclasses.dataclass(frozen=True)
class Read:
    """One call as a value: equal reads are asked once."""

    operation: Operation
    arguments_json: str
    in_region: str = ""

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments as boto3 takes them."""
        arguments: dict[str, Any] = json.loads(self.arguments_json)
        return arguments


@dataclasses.dataclass(frozen=True)
class Problem:
    """Why a read has no answer: the kind (`denied`, `throttled`, `unreachable`, …), AWS's words, the IAM action."""

    kind: str
    action: str
    code: str = ""
    message: str = ""

    @property
    def reason(self) -> str:
        """The reason as a sentence; a denied call names the action that is missing."""
        if self.kind == "denied":
            return f"{self.action} is denied"
        return f"{self.action}: {self.kind}" + (f" ({self.message or self.code})" if self.message or self.code else "")

    @property
    def remedy(self) -> str:
        """What to do about it."""
        if self.kind == "denied":
            return f"allow {self.action} (docs/permissions.md), or go on with --accept-unknown"
        return "run the preflight again, or go on with --accept-unknown"


class NotAskedYet(Exception):  # noqa: N818 - not an error: the question goes on when the reads are answered
    """The reads a question waits for."""

    def __init__(self, reads: frozenset[Read]) -> None:
        super().__init__(", ".join(sorted(f"{read.operation.action}" for read in reads)))
        self.reads = reads


class Unanswered(Exception):  # noqa: N818 - the question's answer is `unknown`, with this reason
    """A read a question cannot do without has no answer."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.reason)
        self.problem = problem


class Facts:
    """The answers so far. `facts(read)` is the answer itself, `facts.each(...)` answers or `Problem`s.

    The mapping of answers may grow while this object lives, but an answer never changes.
    """

    def __init__(self, answers: Mapping[Read, Any]) -> None:
        self._answers = answers
        self._results: dict[Hashable, Any] = {}

    def __call__(self, read: Read) -> Any:
        """The answer of a read. Raises NotAskedYet, or Unanswered where AWS gave none."""
        answer = self.each(read)[0]
        if isinstance(answer, Problem):
            raise Unanswered(answer)
        return answer

    def each(self, *reads: Read) -> list[Any]:
        """The answers of several independent reads, a `Problem` where there is none. Raises NotAskedYet."""
        missing = frozenset(read for read in reads if read not in self._answers)
        if missing:
            raise NotAskedYet(missing)
        return [self._answers[read] for read in reads]

    def maybe(self, read: Read) -> Any:
        """The answer, or None where AWS says that there is no such thing. Raises NotAskedYet or Unanswered."""
        answer = self.each(read)[0]
        if isinstance(answer, Problem):
            if absent(answer):
                return None
            raise Unanswered(answer)
        return answer

    def once(self, name: Hashable, compute: Callable[[], T]) -> T:
        """The result of a question that is asked again and again, computed once. Raises what `compute` raises."""
        if name not in self._results:
            self._results[name] = compute()
        result: T = self._results[name]
        return result


def absent(problem: Problem) -> bool:
    """Whether AWS said that the thing asked for does not exist.

    CloudFormation says it as a ValidationError ("Stack with id … does not exist").
    """
    return problem.kind == "not-found" or "does not exist" in problem.message


def together(*questions: Callable[[], Any]) -> list[Any]:
    """The results of several questions, whose reads go out together: all are tried before any waits."""
    results: list[Any] = []
    missing: frozenset[Read] = frozenset()
    for question in questions:
        try:
            results.append(question())
        except NotAskedYet as waiting:
            missing |= waiting.reads
    if missing:
        raise NotAskedYet(missing)
    return results
