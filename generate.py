"""Write the committed template: `python generate.py`, or compare only with `--check`.

`hipaa-pipeline template` does the same and writes the generated documents too; this script imports nothing but the
template, so that it feels instant.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

gc.disable()  # a short run that only builds up: collecting garbage would be a tenth of it

from hipaa_pipeline.template import template_text  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

TEMPLATE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "templates", "hipaa-pipeline.yaml")


def main(arguments: list[str]) -> int:
    """Write or compare; 0 when up to date, 1 with a diff when not, 2 for arguments it does not know."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python generate.py [--check]\n")
        return 2
    text = template_text()
    if not arguments:
        with open(TEMPLATE, "w", encoding="utf-8") as file:
            file.write(text)
        return 0
    try:
        with open(TEMPLATE, encoding="utf-8") as file:
            committed = file.read()
    except FileNotFoundError:
        sys.stderr.write(f"There is no {TEMPLATE} yet. Next: make template\n")
        return 1
    if committed != text:
        sys.stdout.writelines(_difference(committed, text))
    return int(committed != text)


def _difference(committed: str, text: str) -> Iterator[str]:
    import difflib  # only when there is one

    return difflib.unified_diff(committed.splitlines(True), text.splitlines(True), "committed", "generated")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
