"""Parameter files and where they are: every way of being wrong is a sentence with what to type."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hipaa_pipeline import configuration
from hipaa_pipeline.configuration import (
    TEMPLATE_PATH,
    check_region,
    environments,
    load_environment,
    load_file,
    require_repository,
)
from hipaa_pipeline.errors import ExitCode, UserError

ROOT = Path(__file__).parents[1]


@pytest.fixture
def pythons_own_recursion_limit() -> Iterator[None]:
    """As the program runs; test libraries raise it in this process."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.parametrize(
    ("text", "message", "command"),
    [
        ("[", "is not valid JSON: Expecting value at line 1, column 2.", "python3 -m json.tool"),
        ('{"Parameters": ' + "[" * 5000, "is nested too deeply.", "cat"),
        ('{"Parameters": {"A": ' + "9" * 5000 + "}}", "holds a number with too many digits.", "cat"),
        ('{"Parameters": {"A": "1", "B": "2", "A": "3"}}', "'A' is there twice.", "cat"),
        ('{"Tags": {}, "Tags": {}}', "'Tags' is there twice.", "cat"),
        ("[]", "must hold a JSON object with Parameters and Tags.", "cat"),
        ('{"Other": {}}', "only Parameters and Tags belong here, not Other.", "cat"),
        ('{"Parameters": []}', "Parameters must be a JSON object of names and texts.", "cat"),
        ('{"Tags": {"A": 1}}', "Tags.A is 1; CloudFormation takes texts there, so write it in quotes.", "cat"),
        ('{"Tags": {"A": [1]}}', "Tags.A is a list; CloudFormation takes texts there, so write it in quotes.", "cat"),
        ('{"Tags": {"A": {}}}', "Tags.A is an object; CloudFormation takes texts there, so write it in quotes.", "cat"),
    ],
    ids=lambda value: value[:30],
)
@pytest.mark.usefixtures("pythons_own_recursion_limit")
def test_a_malformed_file_is_told(tmp_path: Path, text: str, message: str, command: str) -> None:
    path = tmp_path / "dev 1.json"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        load_file(path)
    assert caught.value.message.removeprefix(str(path)).lstrip(": ") == message
    assert caught.value.next_command == f"{command} '{path}'"
    assert caught.value.exit_code is ExitCode.USAGE


def test_a_file_that_is_well_formed(tmp_path: Path) -> None:
    path = tmp_path / "dev.json"
    path.write_text('{"Parameters": {"A": "1"}, "Tags": {"A": "2"}}')
    loaded = load_file(path)
    assert (loaded.environment, loaded.parameters, loaded.tags) == ("dev", {"A": "1"}, {"A": "2"})
    assert loaded.stack_name == "hipaa-pipeline-dev"


def test_the_environments_are_the_json_files(tmp_path: Path) -> None:
    for name in ("prod.json", "dev.json", "waivers.toml", ".json"):
        (tmp_path / name).touch()
    assert environments(tmp_path) == ["dev", "prod"]


def test_a_directory_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A link that leads to itself stands for what root, who runs tests, is never refused."""
    link = tmp_path / "parameters"
    link.symlink_to(link)
    with pytest.raises(UserError) as caught:
        load_environment("dev", link)
    assert caught.value.message == f"{link} cannot be read: Too many levels of symbolic links."
    assert caught.value.next_command == f"ls -ld {link}"


def test_an_unknown_environment_is_told(tmp_path: Path) -> None:
    (tmp_path / "dev.json").write_text("{}")
    with pytest.raises(UserError) as caught:
        load_environment("", tmp_path)
    assert caught.value.message == f"There is no environment '': {tmp_path}/.json does not exist (known: dev)."
    assert caught.value.next_command == "make deploy ENV=dev"


def test_another_directory_is_told_with_the_way_to_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for ask in (require_repository, environments, lambda: load_environment("dev")):
        with pytest.raises(UserError) as caught:
            ask()
        assert caught.value.message == "There is no folder parameters/ here: this is not the repository."
        assert caught.value.next_command == f"cd {Path(configuration.__file__).parents[2]}"
    (tmp_path / "parameters").mkdir()
    with pytest.raises(UserError, match=f"There is no folder {TEMPLATE_PATH.parent}/ here"):
        require_repository()
    monkeypatch.chdir(ROOT)
    require_repository()


@pytest.mark.parametrize("region", ["", "xx", "mars-1", "us-east", "ap-southeast-1 ", "AP-SOUTHEAST-1"])
def test_what_no_region_is_called(region: str) -> None:
    with pytest.raises(UserError) as caught:
        check_region(region)
    assert caught.value.message == f"{region!r} is no AWS Region; one is named like ap-southeast-1."
    assert caught.value.next_command == "Run it again with --region ap-southeast-1."


def write(directory: Path, name: str, tags: dict[str, str]) -> Path:
    """A parameter file with these tags."""
    path = directory / f"{name}.json"
    path.write_text(json.dumps({"Parameters": {}, "Tags": tags}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("tags", "told"),
    [
        ({f"tag{number}": "x" for number in range(80)},
         "80 tags are too many; CloudFormation takes 49 besides the one that deploy adds."),
        ({"aws:x": "x"}, "tag aws:x: keys that begin with aws: are AWS's own."),
        ({"AWS:x": "x"}, "tag AWS:x: keys that begin with aws: are AWS's own."),
        ({"": "x"}, "the key of tag '' has 0 characters, not 1 to 128."),
        ({"k" * 129: "x"}, f"the key of tag '{'k' * 129}' has 129 characters, not 1 to 128."),
        ({"k": "v" * 257}, "the value of tag k has 257 characters, not 1 to 256."),
        ({"k": ""}, "the value of tag k has 0 characters, not 1 to 256."),
        ({"k": "", "aws:x": "x"},
         "the value of tag k has 0 characters, not 1 to 256; tag aws:x: keys that begin with aws: are AWS's own."),
    ],
)  # fmt: skip
def test_tags_that_cloudformation_would_refuse(tmp_path: Path, tags: dict[str, str], told: str) -> None:
    path = write(tmp_path, "dev", tags)
    with pytest.raises(UserError) as caught:
        load_file(path)
    assert (caught.value.message, caught.value.exit_code) == (f"{path}: {told}", ExitCode.USAGE)
    assert caught.value.next_command == f"cat {path}"


def test_as_many_and_as_long_tags_as_cloudformation_takes(tmp_path: Path) -> None:
    tags = {"k" * 128: "v" * 256, "awsome": "x", **{f"tag{number}": "x" for number in range(47)}}
    assert load_file(write(tmp_path, "dev", tags)).tags == tags


@pytest.mark.parametrize("name", ["u_x", "a b", "ü", "x" * 114])
def test_an_environment_that_no_stack_can_be_named_after(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name, {})
    with pytest.raises(UserError) as caught:
        load_environment(name, tmp_path)
    assert caught.value.message == (
        f"{path} names an environment that no stack can be named after: hipaa-pipeline-{name} must be letters, digits "
        "and hyphens, at most 128."
    )


@pytest.mark.parametrize("name", ["u-x", "2", "Prod", "x" * 113])
def test_an_environment_that_a_stack_can_be_named_after(tmp_path: Path, name: str) -> None:
    write(tmp_path, name, {})
    assert load_environment(name, tmp_path).stack_name == f"hipaa-pipeline-{name}"
