"""Checking a template, beside its imports and beside checkov on the same stack; the matrix on one core. CPU seconds."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from measuring import command_processor_seconds

from hipaa_pipeline import console, matrix
from hipaa_pipeline.configuration import DEFAULT_REGION, TEMPLATE_PATH, environments, load_environment
from hipaa_pipeline.controls import CHECKS
from hipaa_pipeline.flatten import as_template
from hipaa_pipeline.matrix.tally import Tally
from hipaa_pipeline.resolve import resolve
from hipaa_pipeline.source import load_template

MOST_SECONDS = 0.6  # of `check --env prod` beyond the interpreter and imports
LEAST_RATE = 100  # judged stacks a second on one core
IMPORTS = (
    "import hipaa_pipeline.cli, hipaa_pipeline.commands.check, hipaa_pipeline.checking, hipaa_pipeline.waivers,"
    " hipaa_pipeline.report.text, hipaa_pipeline.clock"
)
CHECKOV = Path(".venv-audit/bin/checkov")


def main() -> int:
    """Print the table; 1 when a bound is not kept."""
    imports = command_processor_seconds([sys.executable, "-c", IMPORTS], 7)
    check = command_processor_seconds(
        [str(Path(sys.executable).parent / "hipaa-pipeline"), "check", "--env", "prod"], 7
    )
    tally, seconds = matrix_tally()
    rate = tally.judged / seconds
    console.result(f"check --env prod: {len(CHECKS)} checks (CPU seconds, best of 7)")
    console.result(f"  interpreter and imports        {imports:7.2f}")
    console.result(
        f"  hipaa-pipeline check           {check:7.2f}   {check - imports:.2f} beyond imports (at most {MOST_SECONDS})"
    )
    console.result(f"  checkov on the resolved stack  {checkov()}")
    console.result(
        f"matrix of one Region, on one core: {tally.judged:,} stacks judged, {tally.refused:,} parameter sets refused"
    )
    console.result(f"  {seconds:.1f} s, so {rate:,.0f} stacks a second (at least {LEAST_RATE})")
    return int(check - imports > MOST_SECONDS or rate < LEAST_RATE)


def matrix_tally() -> tuple[Tally, float]:
    """The matrix of one Region in this process alone, and the seconds it took."""
    bases = [load_environment(environment).parameters for environment in environments()]
    started = time.process_time()
    tally = matrix.judge_share(load_template(TEMPLATE_PATH), (DEFAULT_REGION,), bases, 1, 0)
    return tally, time.process_time() - started


def checkov() -> str:
    """The seconds of checkov on the same stack, or how to install it."""
    if not CHECKOV.exists():
        return "      -   (make audit installs it)"
    stack = resolve(load_template(TEMPLATE_PATH), load_environment("prod").parameters, region=DEFAULT_REGION)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "prod.json"
        path.write_text(json.dumps(as_template(stack)), encoding="utf-8")
        command = [str(CHECKOV), "-f", str(path), "--framework", "cloudformation", "--quiet"]
        return f"{command_processor_seconds(command, 1):7.2f}"


if __name__ == "__main__":
    sys.exit(main())
