"""The errors a user can cause or must know about: what happened, why, and the next command to type."""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """What a command's exit code means, for every command."""

    GOOD = 0
    FAILED = 1
    USAGE = 2
    UNKNOWN = 3


class UserError(Exception):
    """Something foreseeable stopped a command; printed as two sentences, never as a traceback.

    `message` says what happened and why, `next_command` what to type now (may be empty).
    """

    def __init__(self, message: str, next_command: str = "", exit_code: ExitCode = ExitCode.USAGE) -> None:
        super().__init__(message)
        self.message = message
        self.next_command = next_command
        self.exit_code = exit_code
