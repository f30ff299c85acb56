"""Sessions over one connection share its clients, which are made once each."""

from __future__ import annotations

import pytest

from hipaa_pipeline.aws.session import AwsError, Connection, ErrorKind, Session, gather

REGION = "ap-southeast-1"


def connection(**fields: str) -> Connection:
    given = {"region": REGION, "endpoint_url": "http://127.0.0.1:9", "access_key_id": "x", "secret_access_key": "y"}
    return Connection(**{**given, **fields})


def test_sessions_over_one_connection_share_its_clients() -> None:
    shared = connection()
    reading, writing = Session(shared, read_only=True), Session(shared)
    assert reading.client("sts", REGION) is writing.client("sts", REGION)


@pytest.mark.parametrize(
    ("service", "region", "max_attempts"), [("sns", REGION, 5), ("sts", "us-east-1", 5), ("sts", REGION, 2)]
)
def test_another_service_region_or_number_of_attempts_is_another_client(
    service: str, region: str, max_attempts: int
) -> None:
    shared = connection()
    client = Session(shared).client("sts", REGION)
    other = Session(shared, max_attempts=max_attempts).client(service, region)
    assert other is not client
    assert (other.meta.service_model.service_name, other.meta.region_name) == (service, region)
    assert other.meta.config.retries["total_max_attempts"] == max_attempts


def test_equal_connections_have_clients_of_their_own() -> None:
    one, other = connection(), connection()
    assert one == other
    assert Session(one).client("sts", REGION) is not Session(other).client("sts", REGION)


def test_a_client_is_made_once_however_many_ask_for_it_at_the_same_time() -> None:
    session = Session(connection())
    assert len({id(client) for client in gather([lambda: session.client("sts", REGION)] * 16)}) == 1


def test_an_endpoint_that_is_no_url_is_unreachable() -> None:
    session = Session(connection(endpoint_url="nowhere"))
    with pytest.raises(AwsError) as caught:
        session.call("sts", "get_caller_identity")
    assert caught.value.kind is ErrorKind.UNREACHABLE
    assert caught.value.message == "Invalid endpoint: nowhere"


def test_a_secret_is_in_no_representation() -> None:
    shown = repr(connection(secret_access_key="kept", session_token="kept too"))
    assert "kept" not in shown
