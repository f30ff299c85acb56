"""`evidence`: the dated bundle for the auditor, written or checked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hipaa_pipeline import console
from hipaa_pipeline.commands.options import (
    aws_options,
    drift_option,
    drill_option,
    environment_option,
    format_option,
    yes_option,
)

if TYPE_CHECKING:
    from hipaa_pipeline.evidence import Evidence

DIRECTORY = Path("evidence")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


def _as_digest(_context: click.Context, _parameter: click.Parameter, text: str | None) -> str | None:
    """A variable that was not set would otherwise compare with nothing, and pass."""
    if text is not None and not _SHA256.fullmatch(text):
        raise click.BadParameter("it has 64 hexadecimal digits, as `evidence` printed them.")
    return text.lower() if text else text


@click.command(name="evidence")
@environment_option
@aws_options
@format_option("text", "json")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help=f"Where to write it; a dated directory in {DIRECTORY}/ unless said.",
)
@drift_option
@drill_option
@yes_option
@click.option("--verify", "bundle", type=click.Path(path_type=Path), metavar="DIR", help="Check a bundle instead.")
@click.option("--sha256", callback=_as_digest, metavar="HASH", help="With --verify: the manifest's SHA-256, as noted.")
def command(
    environment: str,
    region: str | None,
    profile: str | None,
    output_format: str,
    output: Path | None,
    drift: bool,
    drill: bool,
    yes: bool,
    bundle: Path | None,
    sha256: str | None,
) -> int:
    """Write the evidence bundle of an environment, or check that one is as it was written.

    Exit code of writing: that of `verify`, since the bundle is written whatever was found. Exit code of checking: 1
    when a byte was changed, removed or added.
    """
    if sha256 and bundle is None:
        raise click.UsageError("--sha256 goes with --verify.")
    if bundle is not None:
        if output or drill:
            raise click.UsageError("--verify checks a bundle and writes none: --output and --drill do not go with it.")
        return _check(bundle, sha256, output_format)
    from hipaa_pipeline import bundles
    from hipaa_pipeline.clock import SystemClock
    from hipaa_pipeline.commands.collecting import collect
    from hipaa_pipeline.commands.subjects import subject_of
    from hipaa_pipeline.commands.verifying import agreed_to_drill
    from hipaa_pipeline.evidence.bundle import bundle as bundle_of
    from hipaa_pipeline.evidence.manifest import MANIFEST, digest
    from hipaa_pipeline.findings import exit_code

    subject = subject_of(environment, region, profile)
    drill = drill and agreed_to_drill(subject, yes=yes)
    evidence = collect(subject, SystemClock(), drift=drift, drill=drill)
    files = bundle_of(evidence)
    directory = output or DIRECTORY / _dated(evidence)
    bundles.write(directory, files)
    _tell(evidence, directory, digest(files[MANIFEST]), output_format)
    return exit_code(evidence.findings)


def _dated(evidence: Evidence) -> str:
    return f"{evidence.environment}-{evidence.collected:%Y%m%dT%H%M%SZ}"


def _tell(evidence: Evidence, directory: Path, sha256: str, output_format: str) -> None:
    from hipaa_pipeline.findings import count

    counts = {str(status): number for status, number in count(evidence.findings).items()}
    if output_format == "json":
        console.result_json({"directory": str(directory), "manifest_sha256": sha256, "findings": counts})
        return
    console.result(f"{directory / 'report.html'}")
    console.result(", ".join(f"{number} {status}" for status, number in counts.items()))
    console.result(f"manifest.json has SHA-256 {sha256}: keep that elsewhere.")


def _check(directory: Path, sha256: str | None, output_format: str) -> int:
    from hipaa_pipeline import bundles
    from hipaa_pipeline.errors import ExitCode
    from hipaa_pipeline.evidence.manifest import tampering

    problems = tampering(bundles.read(directory), sha256 or "")
    if output_format == "json":
        console.result_json({"directory": str(directory), "problems": problems})
    elif problems:
        console.result("\n".join(problems))
    else:
        console.result(f"{directory} is as {'it was written' if sha256 else 'its manifest says'}.")
        if not sha256:
            console.note("That nobody wrote the manifest anew is shown by its own SHA-256: --sha256 HASH, as noted.")
    return ExitCode.FAILED if problems else ExitCode.GOOD
