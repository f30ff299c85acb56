"""Answers of checks, kept by exactly what each check looked at.

A check is a pure function of its resource and of the stack. The resolver makes equal resources the same object, and a
check can look at the rest of the stack only through `Stack`'s fields; so while a check runs, every look is recorded as
a question with its answer. Asked again about the same resource, the recorded questions are put to the new stack in the
same order; when every answer is the same, the check cannot but come to the same result, which is taken from memory.
As soon as one answer differs, the check runs. Nothing is declared by hand, so nothing can be forgotten.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from hipaa_pipeline.controls.check import ANY, STACK, Check
from hipaa_pipeline.findings import Status
from hipaa_pipeline.stack import Resource, Stack

Question = tuple[str, Any]
Trace = dict[Question, Hashable]
Bad = frozenset[Status]
BAD: Bad = frozenset({Status.FAIL, Status.UNKNOWN})
_NOTHING: Bad = frozenset()
_BY_IDENTITY = ("resources", "outputs")  # the resolver makes equal ones the same object; others are compared by text


@dataclasses.dataclass
class _Node:
    """The next question, and what follows from each answer: another node, or what is bad."""

    question: Question
    answers: dict[Hashable, _Node | Bad] = dataclasses.field(default_factory=dict)


class Facts:
    """One stack, ready to answer recorded questions; resources are compared by identity."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._kept: dict[Question, Hashable] = {}
        self._by_type: dict[str, list[Resource]] = {}
        for resource in stack.resources.values():
            self._by_type.setdefault(resource.type, []).append(resource)

    def subjects(self, type_: str) -> list[Resource]:
        """The resources a check of this type is asked of."""
        if type_ == ANY:
            return list(self.stack.resources.values())
        return self._by_type.get(type_, [])

    def answer(self, question: Question) -> Hashable:
        """The answer to a question, as something that can be compared."""
        if question not in self._kept:
            self._kept[question] = self._answer(*question)
        return self._kept[question]

    def _answer(self, field: str, key: Any) -> Hashable:
        if field == "of_type":
            return tuple(map(id, self.stack.of_type(*key)))
        values: Mapping[str, Any] = getattr(self.stack, field)
        if key is None:
            return tuple(values)
        if key not in values:
            return None
        return id(values[key]) if field in _BY_IDENTITY else repr(values[key])

    def compared_by_identity(self) -> Iterator[Any]:
        """The values that answers stand for by their identity."""
        return itertools.chain.from_iterable(getattr(self.stack, field).values() for field in _BY_IDENTITY)


class Memory:
    """What is bad by each check, for stacks of one compiled template in one Region and account."""

    def __init__(self) -> None:
        self._trees: dict[str, dict[int, _Node | Bad]] = {}
        self._alone: dict[tuple[str, Hashable], Bad] = {}  # of checks that looked at their own resources only
        self._seen: dict[int, Any] = {}  # keeps what ids stand for alive, so that no id is used twice

    def bad(self, check: Check, facts: Facts) -> Bad:
        """Which of `BAD` the check answers in the stack; nothing when it holds."""
        trees = self._trees.setdefault(check.slug, {})
        if STACK in check.types:
            return self._ask(check, None, facts, trees)
        subjects = [subject for type_ in check.types for subject in facts.subjects(type_)]
        key = (check.slug, tuple(map(id, subjects)))
        if key not in self._alone:
            bad = _NOTHING.union(*(self._ask(check, subject, facts, trees) for subject in subjects))
            if any(isinstance(trees[id(subject)], _Node) for subject in subjects):
                return bad
            self._alone[key] = bad
        return self._alone[key]

    def _ask(self, check: Check, resource: Resource | None, facts: Facts, trees: dict[int, _Node | Bad]) -> Bad:
        """What the check answers about a resource, None for the stack itself."""
        found = trees.get(id(resource))
        while isinstance(found, _Node):
            found = found.answers.get(facts.answer(found.question))
        if found is not None:
            return found
        trace: Trace = {}
        stack = _watched(facts, trace)
        result = BAD.intersection(verdict.status for verdict in check.judge(resource or _itself(stack), stack))
        self._seen.update((id(each), each) for each in (resource, *facts.compared_by_identity()))
        trees[id(resource)] = _grown(trees.get(id(resource)), trace, result)
        return result


def _grown(tree: _Node | Bad | None, trace: Trace, result: Bad) -> _Node | Bad:
    """The tree with one more way through it; equal answers so far mean the same next question."""
    grown: _Node | Bad = result
    for question, answer in reversed(trace.items()):
        grown = _Node(question, {answer: grown})
    return grown if tree is None else _joined(tree, grown)


def _joined(tree: _Node | Bad, way: _Node | Bad) -> _Node | Bad:
    if not isinstance(tree, _Node) or not isinstance(way, _Node) or tree.question != way.question:
        raise AssertionError("a check is no pure function: it asked differently, or answered differently")
    [(answer, rest)] = way.answers.items()
    tree.answers[answer] = _joined(tree.answers[answer], rest) if answer in tree.answers else rest
    return tree


def _itself(stack: Stack) -> Resource:
    """The stack as the resource that checks of `STACK` are asked of, as `controls.judge` makes it."""
    return Resource(stack.name or "Stack", STACK, {"Parameters": stack.parameters, "Outputs": stack.outputs})


class _Watch(Mapping[str, Any]):
    """One of a stack's mappings; every look at it, at its keys (None) or at one value, is written into the trace."""

    def __init__(self, field: str, facts: Facts, trace: Trace) -> None:
        self._field = field
        self._facts = facts
        self._values: Mapping[str, Any] = getattr(facts.stack, field)
        self._trace = trace

    def __getitem__(self, key: str) -> Any:
        self._look(key)
        return self._values[key]

    def __contains__(self, key: object) -> bool:
        self._look(key)
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        self._look(None)
        return iter(self._values)

    def __len__(self) -> int:
        self._look(None)
        return len(self._values)

    def _look(self, key: Any) -> None:
        question = (self._field, key)
        self._trace[question] = self._facts.answer(question)


@dataclasses.dataclass(frozen=True)
class _WatchedStack(Stack):
    """A stack whose looks at resources of some types are one question, not one for each resource."""

    look: Any = None

    def of_type(self, *types: str) -> tuple[Resource, ...]:
        return self.look(types)  # type: ignore[no-any-return]


def _watched(facts: Facts, trace: Trace) -> Stack:
    def of_type(types: tuple[str, ...]) -> tuple[Resource, ...]:
        trace["of_type", types] = facts.answer(("of_type", types))
        return facts.stack.of_type(*types)

    fields = {name: _Watch(name, facts, trace) for name in ("resources", "parameters", "outputs", "conditions")}
    stack = facts.stack
    return _WatchedStack(
        **fields,
        region=stack.region,
        account_id=stack.account_id,
        partition=stack.partition,
        name=stack.name,
        unresolved=stack.unresolved,
        look=of_type,
    )
