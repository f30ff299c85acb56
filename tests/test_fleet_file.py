from __future__ import annotations

from pathlib import Path

import pytest

from hipaa_pipeline.aws.session import known_regions
from hipaa_pipeline.errors import UserError
from hipaa_pipeline.fleet.file import Group, load_fleet
from hipaa_pipeline.fleet.operation import Operation, Share

SMALL = """
[fleet]
name = "hipaa-pipeline"
environment = "prod"

[[targets]]
accounts = ["111111111111"]
regions = ["eu-central-1"]
"""
LARGE = """
[fleet]
name = "clinics"
region = "eu-central-1"
environment = "prod"
template = "other.yaml"
permissions = "service-managed"
delegated_administrator = true
auto_deployment = true
read_role_name = "audit/reader"

[operation]
max_concurrent = "25%"
failure_tolerance = 2
region_order = ["eu-central-1"]
regions_in_parallel = true
soft_failure_tolerance = true

[[targets]]
organizational_units = ["ou-ab12-cd34ef56", "r-ab12"]
accounts = ["111111111111"]
regions = ["eu-central-1", "us-east-1"]
parameters = {DatabaseInstanceClass = "db.t4g.small"}
"""


def written(directory: Path, text: str) -> Path:
    path = directory / "fleet.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_least_that_a_file_must_say(tmp_path: Path) -> None:
    fleet = load_fleet(written(tmp_path, SMALL))

    assert (fleet.name, fleet.region, fleet.environment) == ("hipaa-pipeline", "ap-southeast-1", "prod")
    assert fleet.template == Path("templates/hipaa-pipeline.yaml")
    assert fleet.groups == (Group(("111111111111",), (), ("eu-central-1",), {}),)
    assert fleet.operation == Operation(Share(1), Share(0))
    assert fleet.call_as == {}
    assert fleet.read_role_arn == ""


def test_every_region_of_aws_may_be_a_target(tmp_path: Path) -> None:
    regions = tuple(sorted(known_regions()))
    named = ", ".join(f'"{region}"' for region in regions)

    fleet = load_fleet(written(tmp_path, SMALL.replace('"eu-central-1"', named)))

    assert fleet.groups[0].regions == regions


def test_everything_that_a_file_can_say(tmp_path: Path) -> None:
    fleet = load_fleet(written(tmp_path, LARGE))

    assert fleet.service_managed
    assert fleet.auto_deployment
    assert fleet.call_as == {"CallAs": "DELEGATED_ADMIN"}
    assert fleet.template == Path("other.yaml")
    assert fleet.read_role_arn.format(partition="aws", account="1") == "arn:aws:iam::1:role/audit/reader"
    assert fleet.operation == Operation(Share(25, percent=True), Share(2), ("eu-central-1",), True, True)
    assert fleet.groups == (
        Group(
            ("111111111111",),
            ("ou-ab12-cd34ef56", "r-ab12"),
            ("eu-central-1", "us-east-1"),
            {"DatabaseInstanceClass": "db.t4g.small"},
        ),
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "hipaa-pipeline"', "", "fleet.name is missing"),
        ('name = "hipaa-pipeline"', 'name = "1x"', "fleet.name is '1x', not a stack set name"),
        ('name = "hipaa-pipeline"', "name = 7", "fleet.name is 7, not a text"),
        ('environment = "prod"', "", "fleet.environment is missing"),
        ('environment = "prod"', 'environment = "prod"\nregion = "Frankfurt"', "'Frankfurt', not a Region like"),
        ('environment = "prod"', 'environment = "prod"\ncolour = "red"', "fleet knows name, .*, not colour"),
        ('environment = "prod"', 'environment = "prod"\npermissions = "all"', "'all', not self-managed or"),
        ('environment = "prod"', 'environment = "prod"\ndelegated_administrator = 1', "is 1, not true or false"),
        ('environment = "prod"', 'environment = "prod"\nauto_deployment = true', "auto_deployment needs permissions"),
        (
            'environment = "prod"',
            'environment = "prod"\ndelegated_administrator = true',
            "delegated_.* needs permissions",
        ),
        ('environment = "prod"', 'environment = "prod"\nadministration_role_arn = "admin"', "not the ARN of a role"),
        ("[fleet]", "[fleets]", r"the file knows fleet, operation, targets, not fleets"),
        ("[[targets]]", "[operation]", r"operation knows .*, not accounts"),
        ("[[targets]]", "[[targets]]\nnote = 1", r"targets\[0\] knows accounts, .*, not note"),
        ('"111111111111"', '"1111"', r"targets\[0\].accounts is '1111', not an account ID of 12 digits"),
        ('"111111111111"', "111111111111", r"accounts is 111111111111, not an account ID"),
        ('["111111111111"]', '"111111111111"', r"accounts is '111111111111', not a list of texts"),
        ('"111111111111"', '"111111111111", "111111111111"', r"accounts names 111111111111 twice"),
        ('["eu-central-1"]', "[]", r"targets\[0\] has no regions"),
        ('accounts = ["111111111111"]', "", r"targets\[0\] has neither accounts nor organizational_units"),
        ("accounts", "organizational_units", "is '111111111111', not an organisational unit"),
        (
            'accounts = ["111111111111"]',
            'organizational_units = ["r-ab12"]',
            "units need permissions = 'service-managed'",
        ),
        ('["eu-central-1"]', '["eu-central-1"]\nparameters = {A = 1}', "parameters.A is 1, not a text: CloudFormation"),
        ('["eu-central-1"]', '["eu-central-1"]\nparameters = 1', r"parameters is not a table"),
        ("[[targets]]", "[operation]\nmax_concurrent = 0\n[[targets]]", "max_concurrent is 0, not a number from 1"),
        ("[[targets]]", "[operation]\nmax_concurrent = true\n[[targets]]", "max_concurrent is True, not a number"),
        ("[[targets]]", '[operation]\nmax_concurrent = "0%"\n[[targets]]', "max_concurrent is '0%'"),
        (
            "[[targets]]",
            "[operation]\nfailure_tolerance = -1\n[[targets]]",
            "failure_tolerance is -1, not a number from 0",
        ),
        ("[[targets]]", '[operation]\nfailure_tolerance = "101%"\n[[targets]]', "failure_tolerance is '101%'"),
        (
            "[[targets]]",
            '[operation]\nregion_order = ["us-east-1"]\n[[targets]]',
            "region_order names us-east-1, where nothing goes",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in SMALL

    with pytest.raises(UserError, match=message) as caught:
        load_fleet(written(tmp_path, SMALL.replace(old, new, 1)))
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"it has no \[fleet\] table"),
        ("fleet = 1", "fleet is not a table"),
        ('[fleet]\nname = "x"\nenvironment = "prod"', r"it has no \[\[targets\]\]"),
        (SMALL.replace("[fleet]", '[fleet]\npermissions = "service-managed"'), "goes to organizational_units"),
        (
            LARGE.replace("[operation]", 'execution_role_name = "x"\n[operation]'),
            "a service-managed fleet has no administration_role_arn and no execution_role_name",
        ),
        ("[fleet", "is not valid TOML"),
    ],
)
def test_a_file_that_makes_no_fleet(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_fleet(written(tmp_path, text))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read: No such file"):
        load_fleet(tmp_path / "fleet.toml")
    (tmp_path / "latin.toml").write_bytes(b"\xff")
    with pytest.raises(UserError, match="is not valid TOML"):
        load_fleet(tmp_path / "latin.toml")
