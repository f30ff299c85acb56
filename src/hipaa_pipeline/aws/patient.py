"""A session for operations that go on in AWS whether or not anybody can see them.

Throttling and broken connections must never fail a deployment that CloudFormation carries on with, so calls are
repeated for minutes. Every call made through it must therefore bear repetition: reads do, and the writes in
`aws/stacks.py` and `aws/changes.py` carry tokens or unique names and say how they take their own echo.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from hipaa_pipeline.aws.session import MAX_ATTEMPTS, AwsError, Connection, ErrorKind, Session
from hipaa_pipeline.clock import Clock

T = TypeVar("T")

PATIENCE_SECONDS = 900.0
FIRST_CONTACT_SECONDS = 3.0
UNREADABLE_SECONDS = 30.0
_LONGEST_PAUSE_SECONDS = 20.0
_SERVER_ERRORS = frozenset(
    {"InternalFailure", "InternalError", "InternalServerError", "InternalServiceException", "ServiceUnavailable",
     "ServiceUnavailableException", "Unavailable", "500", "502", "503", "504"}
)  # fmt: skip


class PatientSession(Session):
    """Repeats calls that AWS throttled, lost or failed to serve until its patience ends, then raises the last AwsError.

    Until AWS has answered once, an endpoint that does not answer is taken for a wrong one after seconds.
    """

    def __init__(self, connection: Connection, clock: Clock, *, max_attempts: int = MAX_ATTEMPTS) -> None:
        super().__init__(connection, max_attempts=max_attempts)
        self._clock = clock
        self._reached = False

    def call(
        self, service: str, operation: str, /, *, in_region: str | None = None, **arguments: Any
    ) -> dict[str, Any]:
        """As Session.call."""
        call = super().call
        return self._patiently(lambda: call(service, operation, in_region=in_region, **arguments))

    def pages(
        self, service: str, operation: str, key: str, /, *, in_region: str | None = None, **arguments: Any
    ) -> list[Any]:
        """As Session.pages; all pages are read again when one of them was lost."""
        pages = super().pages
        return self._patiently(lambda: pages(service, operation, key, in_region=in_region, **arguments))

    def _patiently(self, attempt: Callable[[], T]) -> T:
        started, pause = self._clock.elapsed(), 1.0
        while True:
            try:
                answer = attempt()
            except AwsError as error:
                if self._clock.elapsed() - started + pause > self._patience(error):
                    raise
                self._clock.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            else:
                self._reached = True
                return answer

    def _patience(self, error: AwsError) -> float:
        """For how many seconds a call that failed like this is repeated."""
        if error.kind is ErrorKind.UNREACHABLE:
            return PATIENCE_SECONDS if self._reached else FIRST_CONTACT_SECONDS
        if error.code == "ResponseParserError":  # a proxy's page, or an endpoint that is not AWS at all
            return UNREADABLE_SECONDS
        passing = error.kind is ErrorKind.THROTTLED or error.code in _SERVER_ERRORS
        return PATIENCE_SECONDS if passing else 0.0
