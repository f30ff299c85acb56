"""Generating the template, beside importing its libraries and beside cfn-lint on the result. CPU seconds, best of N."""

from __future__ import annotations

import sys
from pathlib import Path

from measuring import command_processor_seconds

from hipaa_pipeline import console

BIN = Path(sys.executable).parent
LIMIT = 1.6  # times the import


def main() -> int:
    """Print the table; 1 when generating takes more than 1.6 times the import."""
    python = sys.executable
    imports = command_processor_seconds([python, "-c", "import troposphere, awacs"], 15)
    rows = {
        "import troposphere, awacs": imports,
        "python generate.py --check": command_processor_seconds([python, "generate.py", "--check"], 15),
        "hipaa-pipeline --help": command_processor_seconds([str(BIN / "hipaa-pipeline"), "--help"], 5),
        "cfn-lint templates/hipaa-pipeline.yaml": command_processor_seconds(
            [str(BIN / "cfn-lint"), "templates/hipaa-pipeline.yaml"], 1
        ),
    }
    console.result("CPU time in ms, best of several runs")
    for name, seconds in rows.items():
        console.result(f"  {name:40} {seconds * 1000:8.0f}   {seconds / imports:5.2f} x import")
    ratio = rows["python generate.py --check"] / imports
    console.result(f"  generating takes {ratio:.2f} times the import (at most {LIMIT})")
    return int(ratio > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
