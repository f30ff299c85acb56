"""The control matrix: each paragraph of the Security Rule, the questions that serve it, and what they found."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from hipaa_pipeline.asked import Asked
from hipaa_pipeline.controls.hipaa import Paragraph
from hipaa_pipeline.findings import Finding, Status

NOT_ASSESSED = "not-assessed"
"""What is told of a paragraph that nothing here was asked about: it may well apply."""

_WORST_FIRST = (Status.FAIL, Status.UNKNOWN, Status.WAIVED, Status.PASS, Status.NOT_APPLICABLE)


@dataclasses.dataclass(frozen=True)
class Answer:
    """One finding, with the `pointer` that leads to it in `findings.json` (RFC 6901)."""

    finding: Finding
    pointer: str


@dataclasses.dataclass(frozen=True)
class Question:
    """One question with all its answers, worst first."""

    slug: str
    title: str
    service: str
    citations: tuple[str, ...]
    status: Status
    answers: tuple[Answer, ...]

    @property
    def applies(self) -> bool:
        """Whether it arises in this stack."""
        return self.status is not Status.NOT_APPLICABLE


@dataclasses.dataclass(frozen=True)
class Row:
    """One paragraph with the questions that serve it, worst first.

    `status` is of their answers, not of the whole paragraph: a duty remains whatever they say.
    """

    paragraph: Paragraph
    status: Status
    questions: tuple[Question, ...]

    @property
    def applicable(self) -> list[Question]:
        """The questions that arise in this stack."""
        return [question for question in self.questions if question.applies]

    @property
    def covered(self) -> bool:
        """Whether something about the paragraph was assessed."""
        return bool(self.applicable)

    @property
    def assessment(self) -> str:
        """The status as a text, where something was assessed."""
        return self.status.value if self.covered else NOT_ASSESSED


def questions(asked: Iterable[Asked], findings: Sequence[Finding]) -> list[Question]:
    """Every question with its answers, those that serve no paragraph too.

    Raises ValueError for a finding that none of them made: it would be lost.
    """
    answers: dict[str, list[Answer]] = {one.slug: [] for one in asked}
    for number, finding in enumerate(findings):
        if finding.control not in answers:
            raise ValueError(f"no question made the finding of {finding.control}")
        answers[finding.control].append(Answer(finding, f"/{number}"))
    return [_question(one, answers[one.slug]) for one in asked]


def matrix(paragraphs: Iterable[Paragraph], asked: Sequence[Question]) -> list[Row]:
    """Every paragraph in the regulation's order."""
    return [_row(paragraph, [one for one in asked if paragraph.citation in one.citations]) for paragraph in paragraphs]


def beyond(paragraphs: Iterable[Paragraph], asked: Iterable[Question]) -> list[Question]:
    """The questions that serve none of the paragraphs: checks that HIPAA is not the reason of."""
    citations = {paragraph.citation for paragraph in paragraphs}
    return [one for one in asked if citations.isdisjoint(one.citations)]


def worst(statuses: Iterable[Status]) -> Status:
    """The status that decides: failed before unknown before waived before passed before not applicable."""
    return min(statuses, key=_WORST_FIRST.index, default=Status.NOT_APPLICABLE)


def _row(paragraph: Paragraph, serving: Sequence[Question]) -> Row:
    ordered = sorted(serving, key=lambda question: _WORST_FIRST.index(question.status))
    return Row(paragraph, worst(question.status for question in serving), tuple(ordered))


def _question(asked: Asked, answers: Iterable[Answer]) -> Question:
    ordered = sorted(answers, key=lambda answer: _WORST_FIRST.index(answer.finding.status))
    status = worst(answer.finding.status for answer in ordered)
    return Question(asked.slug, asked.title, asked.service, asked.citations, status, tuple(ordered))
