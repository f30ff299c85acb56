"""Personal and secret texts are masked wherever they stand, and nothing else is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hipaa_pipeline.masking import hides, masked

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIE+/abc=\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("write to a.b+c@d.example.com now", "write to ****@d.example.com now"),
        ("AKIAABCDEFGHIJKLMNOP", "****"),
        (f"key: {PEM} end", "key: **** end"),
        ("see https://user:hush@host.example/x", "see ****host.example/x"),
        ({"MasterUserPassword": "hunter2"}, {"MasterUserPassword": "****"}),
        ({"SecretString": "hush"}, {"SecretString": "****"}),
        ({"Passphrase": "hush"}, {"Passphrase": "****"}),
        ({"private_key": "hush"}, {"private_key": "****"}),
        ({"Pin": {"Password": 4711}}, {"Pin": {"Password": "****"}}),
        ({"AuthToken": ["one", "two"]}, {"AuthToken": ["****", "****"]}),
        ([{"Key": "db-password", "Value": "hush"}], [{"Key": "db-password", "Value": "****"}]),
        (
            {"ParameterKey": "DbPassword", "ParameterValue": "hush"},
            {"ParameterKey": "DbPassword", "ParameterValue": "****"},
        ),
        (
            {"Path": "/Properties/Auth/AccessToken", "BeforeValue": "hush", "AfterValue": "hush"},
            {"Path": "/Properties/Auth/AccessToken", "BeforeValue": "****", "AfterValue": "****"},
        ),
        (json.dumps({"Properties": {"Password": "hush"}}), json.dumps({"Properties": {"Password": "****"}})),
        ({"ManageMasterUserPassword": True}, {"ManageMasterUserPassword": True}),
        ({"ManageMasterUserPassword": "true"}, {"ManageMasterUserPassword": "true"}),
        ({"ClientSecret": "arn:aws:secretsmanager:x"}, {"ClientSecret": "arn:aws:secretsmanager:x"}),
        ({"Password": "{{resolve:ssm-secure:x}}"}, {"Password": "{{resolve:ssm-secure:x}}"}),
        ({"MasterUserSecret": {"KmsKeyId": "k"}}, {"MasterUserSecret": {"KmsKeyId": "k"}}),
        ({"MinimumPasswordLength": 14}, {"MinimumPasswordLength": 14}),
        (["x@y.example", 1, None], ["****@y.example", 1, None]),
        ("{not JSON", "{not JSON"),
        ('{"a":1}', '{"a":1}'),
        ("user@host", "user@host"),
    ],
)
def test_masking(value: Any, shown: Any) -> None:
    assert masked(value) == shown


@pytest.mark.parametrize(
    ("name", "text", "hidden"),
    [
        ("Auth.AccessToken", "x", True),
        ("Auth/Pass_Phrase", "x", True),
        ("Password.Length", "x", False),
        ("Password", "", False),
        ("Password", "****", False),
    ],
)
def test_the_last_step_of_a_path_counts(name: str, text: str, hidden: bool) -> None:
    assert hides(name, text) is hidden
