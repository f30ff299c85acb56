"""What a test needs from the machine: skipped where it is absent, a failure where everything must be there (CI)."""

from __future__ import annotations

import os

import pytest

REQUIRE_ALL = "HIPAA_REQUIRE_ALL"


def need(present: bool, what: str, install: str) -> None:
    """Go on only when it is present; otherwise skip with the command that installs it, or fail in CI."""
    if present:
        return
    message = f"{what} is needed: {install}"
    if os.environ.get(REQUIRE_ALL):
        pytest.fail(message)
    pytest.skip(message)
