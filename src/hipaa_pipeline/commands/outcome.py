"""Print an outcome in the format that was asked for."""

from __future__ import annotations

from collections.abc import Sequence

from hipaa_pipeline import console, report
from hipaa_pipeline.deployment import wording
from hipaa_pipeline.deployment.order import Outcome, Result
from hipaa_pipeline.findings import Finding, Status, count

_GONE = {Result.DESTROYED, Result.ABSENT}


def print_next(outcome: Outcome) -> None:
    """What to type now, as the last line."""
    if outcome.next_command:
        console.note(f"next:  {outcome.next_command}")


def print_outcome(outcome: Outcome, output_format: str) -> None:
    """The outcome on standard output; as text with only those findings that somebody has to look at."""
    if output_format == "json":
        console.result_json(outcome.as_dict())
        return
    if output_format == "junit":
        console.result(report.render(wording.outcome_findings(outcome), "junit", title=outcome.stack_name))
        return
    console.result("\n".join(wording.outcome_lines(outcome)))
    bad = [finding for finding in outcome.findings if finding.status in {Status.FAIL, Status.UNKNOWN}]
    if bad:
        console.result(report.render(bad, "text", title=wording.findings_title(outcome)))
    elif outcome.findings and outcome.result not in {Result.REFUSED, Result.FAILED}:
        console.result(good_news(outcome.result, outcome.findings))


def good_news(result: Result, findings: Sequence[Finding]) -> str:
    """What a read-back without failures and unknown answers says of itself: a failure that is waived stays one.

    What finishes a deployment is counted with it, so that `verify`, which only reads back, asks fewer.
    """
    looked = "read back" if result in _GONE else "finishing and read-back"
    waived = count(findings)[Status.WAIVED]
    accepted = f"{waived} {'failure is' if waived == 1 else 'failures are'} accepted (waived), nothing else fails"
    return f"{looked}: {accepted if waived else 'nothing fails'}, nothing is unknown ({len(findings)} asked)"
