"""Findings written for whoever reads them: a person (text), a program (JSON), code scanning (SARIF), CI (JUnit).

Pure: findings in, one string out. Every format carries every field of every finding, except that text folds a control
whose findings are all good into one line, and only counts what does not apply.
"""

from __future__ import annotations

from collections.abc import Sequence

from hipaa_pipeline.findings import Finding

FORMATS = ("text", "json", "sarif", "junit")


def render(
    findings: Sequence[Finding],
    format: str,  # noqa: A002 - the name of the option
    *,
    template_path: str | None = None,
    title: str = "findings",
    colour: bool = False,
    width: int | None = None,
) -> str:
    """The findings in one of `FORMATS`, without a trailing newline.

    `template_path` is the file that line numbers point into, `title` names what was judged. `colour` and `width` (in
    columns; None never wraps) only matter for text. Raises ValueError for an unknown format.
    """
    if format == "text":
        from hipaa_pipeline.report import text

        return text.render(findings, template_path=template_path, title=title, colour=colour, width=width)
    if format == "json":
        import json

        return json.dumps([finding.as_dict() for finding in findings], indent=2, default=str)
    if format == "sarif":
        from hipaa_pipeline.report import sarif

        return sarif.render(findings, template_path=template_path)
    if format == "junit":
        from hipaa_pipeline.report import junit

        return junit.render(findings, template_path=template_path, title=title)
    raise ValueError(f"{format!r} is not one of {', '.join(FORMATS)}")
