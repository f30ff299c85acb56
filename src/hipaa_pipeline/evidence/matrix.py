"""The control matrix: each paragraph of the Security Rule, the questions that serve it, and what they found."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from hipaa_pipeline.controls.hipaa import Nature, Paragraph
from hipaa_pipeline.evidence import Asked
from hipaa_pipeline.findings import Finding, Status

_WORST_FIRST = (Status.FAIL, Status.UNKNOWN, Status.WAIVED, Status.PASS, Status.NOT_APPLICABLE)


@dataclasses.dataclass(frozen=True)
class Answer:
    """What one question found about one resource: the worst of its findings, and how many there are.

    `pointer` leads to that finding in `findings.json` (RFC 6901).
    """

    resource: str
    status: Status
    finding: Finding
    pointer: str
    count: int


@dataclasses.dataclass(frozen=True)
class Question:
    """One question under a paragraph, with its answers by resource, worst first."""

    slug: str
    title: str
    service: str
    status: Status
    answers: tuple[Answer, ...]


@dataclasses.dataclass(frozen=True)
class Row:
    """One paragraph. `covered` is whether any question serves it; without one its status is not applicable."""

    paragraph: Paragraph
    status: Status
    questions: tuple[Question, ...]

    @property
    def applicable(self) -> list[Question]:
        """The questions that arise in this stack."""
        return [question for question in self.questions if question.status is not Status.NOT_APPLICABLE]

    @property
    def covered(self) -> bool:
        """Whether something about the paragraph was assessed."""
        return bool(self.applicable)


def matrix(paragraphs: Iterable[Paragraph], asked: Sequence[Asked], findings: Sequence[Finding]) -> list[Row]:
    """Every paragraph in the regulation's order."""
    answers = dict(zip((one.slug for one in asked), questions(asked, findings), strict=True))
    return [
        _row(paragraph, [answers[one.slug] for one in asked if paragraph.citation in one.citations])
        for paragraph in paragraphs
    ]


def questions(asked: Iterable[Asked], findings: Sequence[Finding]) -> list[Question]:
    """Every question with its answers, those that serve no paragraph too."""
    return [_question(one, findings) for one in asked]


def worst(statuses: Iterable[Status]) -> Status:
    """The status that decides: failed before unknown before waived before passed before not applicable."""
    return min(statuses, key=_WORST_FIRST.index, default=Status.NOT_APPLICABLE)


def _row(paragraph: Paragraph, serving: Sequence[Question]) -> Row:
    ordered = sorted(serving, key=lambda question: _WORST_FIRST.index(question.status))
    return Row(paragraph, worst(question.status for question in serving), tuple(ordered))


def _question(asked: Asked, findings: Sequence[Finding]) -> Question:
    own = [(number, finding) for number, finding in enumerate(findings) if finding.control == asked.slug]
    resources = dict.fromkeys(finding.resource for _, finding in own)
    answers = [_answer(name, [one for one in own if one[1].resource == name]) for name in resources]
    answers.sort(key=lambda answer: _WORST_FIRST.index(answer.status))
    status = worst(answer.status for answer in answers)
    return Question(asked.slug, asked.title, asked.service, status, tuple(answers))


def _answer(resource: str, found: Sequence[tuple[int, Finding]]) -> Answer:
    status = worst(finding.status for _, finding in found)
    number, finding = next(one for one in found if one[1].status is status)
    return Answer(resource, status, finding, f"/{number}", sum(one.status is status for _, one in found))


def uncovered(rows: Iterable[Row]) -> list[Row]:
    """The paragraphs that nothing here assesses, wholly or in part somebody's duty."""
    return [row for row in rows if not row.covered]


def shared_duty(rows: Iterable[Row]) -> list[Row]:
    """The paragraphs that are assessed in part: the rest is somebody's duty too."""
    return [row for row in rows if row.covered and row.paragraph.nature is not Nature.TECHNICAL]
