"""Every question that a verification asks, in one list: evidence and docs/controls.md both count from it."""

from __future__ import annotations

from typing import Protocol

from hipaa_pipeline import waivers
from hipaa_pipeline.controls import CHECKS, Paragraph
from hipaa_pipeline.verification.live_checks import Question
from hipaa_pipeline.verification.verify import QUESTIONS


class Asked(Protocol):
    """What controls and the questions of verification have in common."""

    @property
    def slug(self) -> str:
        """The name that findings carry as `control`."""
        ...

    @property
    def service(self) -> str:
        """The AWS service it is about."""
        ...

    @property
    def title(self) -> str:
        """What holds when it passes."""
        ...

    @property
    def remedy(self) -> str:
        """What to do when it does not."""
        ...

    @property
    def citations(self) -> tuple[str, ...]:
        """The paragraphs it serves."""
        ...


WAIVERS = Question(
    slug=waivers.CONTROL,
    service="Waivers",
    severity="medium",
    title="Every waiver is allowed, needed, known, of one thing, and neither over nor too long",
    expected="a waiver in force of a control that fails",
    remedy=f"Correct {waivers.WAIVERS_PATH}.",
    citations=(waivers.RISK_MANAGEMENT,),
)
"""What `apply_waivers` answers, where there is something to say."""

ASKED: tuple[Asked, ...] = (*CHECKS, *QUESTIONS, WAIVERS)
"""Every question of a verification."""


def serving(paragraph: Paragraph) -> list[Asked]:
    """The questions that serve a paragraph."""
    return [one for one in ASKED if paragraph.citation in one.citations]
