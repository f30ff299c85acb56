"""Live facts: ask AWS what the preflight's questions ask for, many reads at once, each only once.

The session must be read-only: a preflight changes nothing, by construction.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from hipaa_pipeline.aws.session import MAX_WORKERS, AwsError, Session
from hipaa_pipeline.preflight.facts import Facts, NotAskedYet, Problem, Read

T = TypeVar("T")

Question = Callable[[Facts], T]


def answer(session: Session, questions: Sequence[Question[T]]) -> list[T]:
    """The results of the questions, in their order; their reads go out as soon as somebody asks for them.

    Raises ValueError for a session that may write, and whatever a question itself raises.
    """
    if not session.read_only:
        raise ValueError("facts are only read through a read-only session")
    answers: dict[Read, Any] = {}
    facts = Facts(answers)
    results: dict[int, T] = {}
    waiting: dict[int, frozenset[Read]] = dict.fromkeys(range(len(questions)), frozenset())
    with _no_collections(), concurrent.futures.ThreadPoolExecutor(MAX_WORKERS) as pool:
        calls: dict[concurrent.futures.Future[Any], Read] = {}
        while True:
            asked = _advance(questions, facts, answers, waiting, results)
            for read in asked - set(calls.values()):
                calls[pool.submit(_ask, session, read)] = read
            if not waiting:
                return [results[number] for number in range(len(questions))]
            done, _ = concurrent.futures.wait(calls, return_when=concurrent.futures.FIRST_COMPLETED)
            answers.update({calls.pop(call): call.result() for call in done})


@contextlib.contextmanager
def _no_collections() -> Iterator[None]:
    """Spare the garbage collector: a dozen service models are built meanwhile, and walking them takes 0.15 s of 0.8."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _advance(
    questions: Sequence[Question[T]],
    facts: Facts,
    answers: Mapping[Read, Any],
    waiting: dict[int, frozenset[Read]],
    results: dict[int, T],
) -> set[Read]:
    """Go on with every question of whose reads one is answered; the reads that are still wanted."""
    ready = [number for number, reads in waiting.items() if not reads or not reads.isdisjoint(answers)]
    for number in ready:
        try:
            results[number] = questions[number](facts)
            del waiting[number]
        except NotAskedYet as more:
            waiting[number] = more.reads
    return {read for reads in waiting.values() for read in reads if read not in answers}


def _ask(session: Session, read: Read) -> Any:
    """The answer to one read, all its pages; a `Problem` where AWS gave none."""
    operation, region = read.operation, read.in_region or None
    try:
        if operation.key:
            return session.pages(operation.service, operation.name, operation.key, in_region=region, **read.arguments)
        return session.call(operation.service, operation.name, in_region=region, **read.arguments)
    except AwsError as error:
        return Problem(str(error.kind), operation.action, error.code, error.message)
