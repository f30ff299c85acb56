"""Moto's stack sets over HTTP, and the one thing they lack: an instance that fails while the others succeed.

Moto creates every instance at once and calls all of them CURRENT. `Trouble` makes it report some as StackSets would
after a failed operation, and stops doing so when a test says that the cause is gone.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

ADMINISTRATOR = "123456789012"
REASON = "Account 333333333333: ResourceLimitExceeded: the quota of VPCs is used up"


@dataclasses.dataclass
class Trouble:
    """Accounts whose instances fail, with the detailed status StackSets gives them; a status for the operations.

    With `own_stacks` an instance tells the stack that moto made for it, and not another that does not exist.
    """

    accounts: dict[str, str] = dataclasses.field(default_factory=dict)
    drifted: set[str] = dataclasses.field(default_factory=set)
    own_stacks: bool = False


@dataclasses.dataclass(frozen=True)
class Moto:
    """A running moto server."""

    url: str
    trouble: Trouble

    def client(self, service: str, region: str = "ap-southeast-1", **credentials: str) -> Any:
        """A client of the administrator account, or of other credentials."""
        import boto3

        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", **credentials}
        return boto3.client(service, region_name=region, endpoint_url=self.url, **keys)

    def in_account(self, account: str, service: str, region: str = "ap-southeast-1") -> Any:
        """A client of a target account, through a role there."""
        role = f"arn:aws:iam::{account}:role/reader"
        told = self.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        credentials = {
            "aws_access_key_id": told["AccessKeyId"],
            "aws_secret_access_key": told["SecretAccessKey"],
            "aws_session_token": told["SessionToken"],
        }
        return self.client(service, region, **credentials)


@contextlib.contextmanager
def moto_server() -> Iterator[str]:
    """Moto on a free loopback port: its address."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def empty_moto(url: str, monkeypatch: pytest.MonkeyPatch) -> Moto:
    """A running moto with nothing in it, hampered by trouble, and the AWS environment variables leading to it."""
    from moto.core.models import DEFAULT_ACCOUNT_ID
    from moto.moto_api._internal.models import moto_api_backend

    assert DEFAULT_ACCOUNT_ID == ADMINISTRATOR
    moto_api_backend.reset()
    moto = Moto(url, Trouble())
    _hamper(monkeypatch, moto.trouble)
    for name, value in {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "ap-southeast-1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    return moto


def _hamper(monkeypatch: pytest.MonkeyPatch, trouble: Trouble) -> None:
    """Put what `trouble` says between moto's stack sets and their answers."""
    from moto.cloudformation import models, responses

    told = models.StackInstance.to_dict
    listed = responses.CloudFormationResponse.list_stack_set_operation_results
    created = models.StackSet._create_operation

    def to_dict(instance: Any) -> dict[str, Any]:
        answer = told(instance)
        if trouble.own_stacks:
            answer["StackId"] = instance.stack.stack_id
        drift = "DRIFTED" if instance.account_id in trouble.drifted else "IN_SYNC"
        detailed = trouble.accounts.get(instance.account_id)
        if detailed is None:
            return {**answer, "DriftStatus": drift}
        status = "INOPERABLE" if detailed == "INOPERABLE" else "OUTDATED"
        failed = {"Status": status, "StatusReason": REASON, "StackInstanceStatus": {"DetailedStatus": detailed}}
        return {**answer, **failed, "DriftStatus": "NOT_CHECKED"}

    def results(response: Any) -> Any:
        answer = listed(response)
        for each in answer.result["Summaries"]:
            if each["Account"] in trouble.accounts:
                each.update({"Status": "FAILED", "StatusReason": REASON})
        return answer

    def operation(stack_set: Any, *arguments: Any, **named: Any) -> Any:
        made = created(stack_set, *arguments, **named)
        accounts = {account for instance in made["Instances"] for account in instance}
        if accounts & set(trouble.accounts):
            made["Status"] = "FAILED"
        return made

    monkeypatch.setattr(models.StackInstance, "to_dict", to_dict)
    monkeypatch.setattr(responses.CloudFormationResponse, "list_stack_set_operation_results", results)
    monkeypatch.setattr(models.StackSet, "_create_operation", operation)
