"""The preflight when every AWS answer takes 100 ms: calls, time, and its longest chain of calls that need each other.

Three accounts: an empty one, one with everything deployed, and a full one (5 of 5 VPCs, 1,000 of 1,000 roles), in which
the ways out are looked for as well. Each run makes its own clients, as a command does; boto3 is imported before. The
promise: at most 1.5 s, and at most 3 times the longest chain, which is timed one call after the other, with its own
clients too.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from measuring import seconds

from hipaa_pipeline import console, preflight
from hipaa_pipeline.aws import facts as live
from hipaa_pipeline.aws.session import Session
from hipaa_pipeline.clock import SystemClock
from hipaa_pipeline.local.server import LocalAccount, local_account
from hipaa_pipeline.preflight.facts import Facts, NotAskedYet, Read
from hipaa_pipeline.preflight.run import questions
from hipaa_pipeline.rehearsal import FULL, Stage

ENVIRONMENT = "prod"
LATENCY_MS = 100
ROUNDS = 7
MOST_SECONDS = 1.5
MOST_CHAINS = 3.0


def main() -> int:
    """Print the table; 1 when a bound is not kept."""
    console.result(
        f"preflight of {ENVIRONMENT}, {LATENCY_MS} ms in every answer (wall-clock seconds, best of {ROUNDS})"
    )
    console.result(f"  {'account':<10}{'calls':>6}{'seconds':>9}{'chain':>8}  {'times':>5}  the longest chain")
    kept = True
    with local_account() as account:
        stage = Stage.of(account, SystemClock(), ENVIRONMENT)
        for name, prepare in {"empty": empty, "deployed": deployed, "full": full}.items():
            account.reset()
            prepare(stage)
            calls, seconds, chain, path = measured(account, subject(stage))
            kept = kept and seconds <= MOST_SECONDS and seconds <= MOST_CHAINS * chain
            console.result(
                f"  {name:<10}{calls:>6}{seconds:>9.2f}{chain:>8.2f}  {seconds / chain:>5.1f}  {' > '.join(path)}"
            )
    console.result(f"  at most {MOST_SECONDS} s and {MOST_CHAINS:.0f} chains: {'kept' if kept else 'NOT KEPT'}")
    return int(not kept)


def empty(_stage: Stage) -> None:
    """Nothing is there."""


def deployed(stage: Stage) -> None:
    """The stack is there, so this is an update."""
    stage.deploy(foresee=False)


def full(stage: Stage) -> None:
    """Others have used up two quotas."""
    stage.account.fill(FULL)


def subject(stage: Stage) -> preflight.Subject:
    """What is judged."""
    return stage.judged()


def measured(account: LocalAccount, judged: preflight.Subject) -> tuple[int, float, float, list[str]]:
    """Calls and seconds of a preflight, seconds of its longest chain, and that chain's actions."""
    path = longest_path(Session(account.connection, read_only=True), judged)
    fault = account.add_fault(action="latency", milliseconds=LATENCY_MS)
    runs = [preflight.run(Session(account.connection, read_only=True), judged).cost for _ in range(ROUNDS)]
    chain = min(seconds(lambda: one_by_one(account, path)) for _ in range(ROUNDS))
    account.clear_faults(fault)
    return runs[0].calls, min(run.seconds for run in runs), chain, [read.operation.action for read in path]


def longest_path(session: Session, judged: preflight.Subject) -> list[Read]:
    """Of all questions the one that asks most often in turn: of each round its slowest read."""
    return max((path(session, question) for question in questions(judged)), key=len)


def path(session: Session, question: Callable[[Facts], Any]) -> list[Read]:
    """The slowest read of each round that a question asks for."""
    answers: dict[Read, Any] = {}
    slowest: list[Read] = []
    while True:
        try:
            question(Facts(answers))
            return slowest
        except NotAskedYet as waiting:
            took = []
            for read in waiting.reads:
                started = time.perf_counter()
                answers[read] = ask(session, read)
                took.append((time.perf_counter() - started, read))
            slowest.append(max(took, key=lambda pair: pair[0])[1])


def ask(session: Session, read: Read) -> Any:
    """The answer to a read, asked for by itself."""
    return live.answer(session, [lambda facts: facts.each(read)[0]])[0]


def one_by_one(account: LocalAccount, reads: list[Read]) -> None:
    """Make these calls one after the other, as a script would."""
    session = Session(account.connection, read_only=True)
    for read in reads:
        ask(session, read)


if __name__ == "__main__":
    sys.exit(main())
