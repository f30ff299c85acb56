"""AWS's own endpoints are told from what stands in for them, and no credential in a URL is kept."""

from __future__ import annotations

import pytest

from hipaa_pipeline.aws.endpoints import foreign
from hipaa_pipeline.aws.session import Connection, Session


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://rds.ap-southeast-1.amazonaws.com", ()),
        ("https://rds-fips.us-east-1.amazonaws.com", ()),
        ("https://iam.amazonaws.com", ()),
        ("https://kms.cn-north-1.amazonaws.com.cn", ()),
        ("https://ec2.eu-central-1.api.aws", ()),
        ("https://vpce-1-a.kms.us-east-1.vpce.amazonaws.com:443", ()),
        ("http://127.0.0.1:4566", ("http://127.0.0.1:4566",)),
        ("http://rds.ap-southeast-1.amazonaws.com", ("http://rds.ap-southeast-1.amazonaws.com",)),
        ("https://amazonaws.com.example.com", ("https://amazonaws.com.example.com",)),
        ("https://notamazonaws.com", ("https://notamazonaws.com",)),
        ("https://me:hush@aws.example:8443/path?token=hush", ("https://aws.example:8443",)),
        ("https://evil@sts.amazonaws.com@aws.example", ("https://aws.example",)),
        ("http://[::1]:4566", ("http://[::1]:4566",)),
    ],
)
def test_endpoints(url: str, told: tuple[str, ...]) -> None:
    assert foreign([url]) == told


def test_each_is_told_once_in_order() -> None:
    assert foreign(["http://b/1", "http://a", "http://b/2", "https://sts.amazonaws.com"]) == ("http://a", "http://b")


def test_the_endpoints_are_those_of_the_clients_however_they_were_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL_RDS", "http://127.0.0.1:1")
    session = Session(Connection("eu-central-1", None, None, "a", "b"))
    assert session.connection.clients.endpoint_urls() == []
    session.client("kms", "eu-central-1")
    session.client("rds", "eu-central-1")
    assert foreign(session.connection.clients.endpoint_urls()) == ("http://127.0.0.1:1",)
