"""How long a call is repeated, by what went wrong with it; no time passes but the clock's own."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from hipaa_pipeline.aws.patient import FIRST_CONTACT_SECONDS, PATIENCE_SECONDS, UNREADABLE_SECONDS, PatientSession
from hipaa_pipeline.aws.session import AwsError, Connection, ErrorKind
from hipaa_pipeline.deployment.pace import LONGEST_SECONDS, SHORTEST_SECONDS, pauses

CONNECTION = Connection("eu-central-1", None, "http://127.0.0.1:1", "a", "b")


class CountedClock:
    """A clock that only counts."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> datetime.datetime:
        return datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)

    def elapsed(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        self.passed += seconds


def failing(session: PatientSession, code: str, times: int, then: dict[str, Any] | None = None) -> Stubber:
    """The session's STS client, which fails so often, and then answers."""
    stub = Stubber(session.client("sts", session.region))
    for _ in range(times):
        stub.add_client_error("get_caller_identity", service_error_code=code, service_message="no")
    if then is not None:
        stub.add_response("get_caller_identity", then)
    return stub


@pytest.mark.parametrize("code", ["Throttling", "RequestLimitExceeded", "InternalFailure", "ServiceUnavailable", "500"])
def test_what_passes_is_waited_for(code: str) -> None:
    clock = CountedClock()
    session = PatientSession(CONNECTION, clock, max_attempts=1)
    with failing(session, code, 3, {"Account": "1"}):
        assert session.call("sts", "get_caller_identity") == {"Account": "1"}
    assert clock.passed == 1 + 2 + 4


def test_patience_ends() -> None:
    clock = CountedClock()
    session = PatientSession(CONNECTION, clock, max_attempts=1)
    with failing(session, "Throttling", 100), pytest.raises(AwsError) as caught:
        session.call("sts", "get_caller_identity")
    assert caught.value.kind is ErrorKind.THROTTLED
    assert PATIENCE_SECONDS - 20 < clock.passed <= PATIENCE_SECONDS


@pytest.mark.parametrize("code", ["AccessDenied", "ValidationError", "ExpiredToken", "SomethingElse"])
def test_what_does_not_pass_is_told_at_once(code: str) -> None:
    clock = CountedClock()
    session = PatientSession(CONNECTION, clock, max_attempts=1)
    with failing(session, code, 1), pytest.raises(AwsError):
        session.call("sts", "get_caller_identity")
    assert clock.passed == 0


def test_an_endpoint_that_never_answered_is_taken_for_a_wrong_one() -> None:
    """Port 1 of the loopback answers nobody."""
    clock = CountedClock()
    session = PatientSession(CONNECTION, clock, max_attempts=1)
    with pytest.raises(AwsError) as caught:
        session.call("sts", "get_caller_identity")
    assert caught.value.kind is ErrorKind.UNREACHABLE
    assert clock.passed <= FIRST_CONTACT_SECONDS


def test_an_endpoint_that_answered_once_is_waited_for() -> None:
    clock = CountedClock()
    session = PatientSession(CONNECTION, clock, max_attempts=1)
    with failing(session, "", 0, {"Account": "1"}):
        session.call("sts", "get_caller_identity")
    with pytest.raises(AwsError) as caught:
        session.call("sts", "get_caller_identity")
    assert caught.value.kind is ErrorKind.UNREACHABLE
    assert clock.passed > PATIENCE_SECONDS - 20


def test_pages_are_read_again_as_a_whole() -> None:
    clock = CountedClock()
    session = PatientSession(CONNECTION, clock, max_attempts=1)
    client = session.client("cloudformation", session.region)
    first = {"StackResourceSummaries": [], "NextToken": "2"}
    with Stubber(client) as stub:
        stub.add_response("list_stack_resources", first)
        stub.add_client_error("list_stack_resources", service_error_code="Throttling")
        stub.add_response("list_stack_resources", {"StackResourceSummaries": []})
        assert session.pages("cloudformation", "list_stack_resources", "StackResourceSummaries", StackName="s") == []
    assert clock.passed == 1


def test_a_page_of_a_proxy_is_not_waited_for_as_long() -> None:
    error = AwsError(ErrorKind.OTHER, "sts", "get_caller_identity", "ResponseParserError", "no XML")
    session = PatientSession(CONNECTION, CountedClock())
    assert session._patience(error) == UNREADABLE_SECONDS


@given(st.floats(0, 10_000))
def test_pauses_grow_stay_in_bounds_and_end(timeout: float) -> None:
    clock = CountedClock()
    seen = []
    for pause in pauses(clock, timeout):
        seen.append(pause)
        clock.sleep(pause)
    assert seen == sorted(seen)
    assert all(SHORTEST_SECONDS <= pause <= LONGEST_SECONDS for pause in seen)
    assert clock.passed >= timeout
    assert clock.passed <= timeout + LONGEST_SECONDS
