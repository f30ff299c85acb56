"""Write the committed template: `python generate.py`, or compare only with `--check`.

`hipaa-pipeline template` does the same and writes the generated documents too; this script imports nothing but the
template, so that it feels instant.
"""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

from hipaa_pipeline.template import template_text

TEMPLATE = Path(__file__).parent / "templates" / "hipaa-pipeline.yaml"


def main(arguments: list[str]) -> int:
    """Write or compare; 0 when up to date, 1 with a diff when not, 2 for arguments it does not know."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python generate.py [--check]\n")
        return 2
    text = template_text()
    if not arguments:
        TEMPLATE.write_text(text, encoding="utf-8")
        return 0
    committed = TEMPLATE.read_text(encoding="utf-8") if TEMPLATE.exists() else ""
    lines = difflib.unified_diff(committed.splitlines(True), text.splitlines(True), "committed", "generated")
    sys.stdout.writelines(lines)
    return int(committed != text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
