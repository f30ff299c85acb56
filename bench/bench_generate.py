"""Generating the template, beside importing its libraries and beside cfn-lint on the result. CPU seconds, best of N."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
LIMIT = 1.6  # times the import


def best(command: list[str], runs: int) -> float:
    """The least CPU time (s) of some runs of a command."""
    return min(_cpu_seconds(command) for _ in range(runs))


def _cpu_seconds(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own commands
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    """Print the table; 1 when generating takes more than 1.6 times the import."""
    python = sys.executable
    imports = best([python, "-c", "import troposphere, awacs"], 15)
    rows = {
        "import troposphere, awacs": imports,
        "python generate.py --check": best([python, "generate.py", "--check"], 15),
        "hipaa-pipeline --help": best([str(BIN / "hipaa-pipeline"), "--help"], 5),
        "cfn-lint templates/hipaa-pipeline.yaml": best([str(BIN / "cfn-lint"), "templates/hipaa-pipeline.yaml"], 1),
    }
    sys.stdout.write("CPU time in ms, best of several runs\n")
    for name, seconds in rows.items():
        sys.stdout.write(f"  {name:40} {seconds * 1000:8.0f}   {seconds / imports:5.2f} x import\n")
    ratio = rows["python generate.py --check"] / imports
    sys.stdout.write(f"  generating takes {ratio:.2f} times the import (at most {LIMIT})\n")
    return int(ratio > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
