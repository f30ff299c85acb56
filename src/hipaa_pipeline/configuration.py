"""Parameter files: CloudFormation template configuration files (`Parameters`, `Tags`), one per environment.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/continuous-delivery-codepipeline-cfn-artifacts.html
"""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hipaa_pipeline.errors import UserError

DEFAULT_REGION = "ap-southeast-1"
STACK_PREFIX = "hipaa-pipeline-"
# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html (StackName, Tags) and
# API_Tag.html. A stack takes 50 tags, of which `deploy` gives it one.
MOST_TAGS = 49
LONGEST_TAG_KEY = 128
LONGEST_TAG_VALUE = 256
LONGEST_STACK_NAME = 128
_STACK_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]*")
PARAMETERS_DIRECTORY = Path("parameters")
TEMPLATE_PATH = Path("templates/hipaa-pipeline.yaml")
_REGION = re.compile(
    r"(af|ap|ca|cn|eu|eu-isoe|eusc-de|il|me|mx|sa|us|us-gov|us-iso|us-isob|us-isof)"
    r"-(central|(north|south)?(east|west)|north|south)-[1-9][0-9]?"
)


@dataclasses.dataclass(frozen=True)
class Configuration:
    """What a user chose for one environment: parameter values as CloudFormation takes them (texts), and stack tags."""

    environment: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str]

    @property
    def stack_name(self) -> str:
        """The name of the environment's stack in every account."""
        return f"{STACK_PREFIX}{self.environment}"


def check_region(region: str) -> str:
    """The Region as given. Raises UserError when no Region can have that name; new ones need no list to be kept."""
    if not _REGION.fullmatch(region):
        raise UserError(
            f"{region!r} is no AWS Region; one is named like {DEFAULT_REGION}.",
            f"Run it again with --region {DEFAULT_REGION}.",
        )
    return region


def require_repository() -> None:
    """Raise UserError unless the working directory has the folders that make it the repository."""
    for folder in (PARAMETERS_DIRECTORY, TEMPLATE_PATH.parent):
        if not folder.is_dir():
            raise _elsewhere(folder)


def environments(directory: Path = PARAMETERS_DIRECTORY) -> list[str]:
    """The environments that have a parameter file, sorted. Raises UserError when the directory cannot be read."""
    try:
        return sorted(path.stem for path in directory.iterdir() if path.suffix == ".json")
    except FileNotFoundError as error:
        raise _elsewhere(directory) from error
    except OSError as error:
        raise UserError(
            f"{directory} cannot be read: {error.strerror}.", f"ls -ld {shlex.quote(str(directory))}"
        ) from error


def load_environment(environment: str, directory: Path = PARAMETERS_DIRECTORY) -> Configuration:
    """The configuration of a named environment. Raises UserError for an unknown one or a malformed file."""
    path = directory / f"{environment}.json"
    known = environments(directory)
    if environment not in known:
        listed = ", ".join(known) or "none"
        raise UserError(
            f"There is no environment {environment!r}: {path} does not exist (known: {listed}).",
            f"make deploy ENV={known[0]}" if known else f"git checkout -- {directory}",
        )
    configuration = load_file(path)
    name = configuration.stack_name
    if not _STACK_NAME.fullmatch(name) or len(name) > LONGEST_STACK_NAME:
        raise UserError(
            f"{path} names an environment that no stack can be named after: {name} must be letters, digits and "
            f"hyphens, at most {LONGEST_STACK_NAME}.",
            f"ls {shlex.quote(str(directory))}",
        )
    return configuration


def load_file(path: Path) -> Configuration:
    """The configuration in a file, named after it. Raises UserError with the place when it is malformed."""
    quoted = shlex.quote(str(path))
    try:
        document = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_without_repetition)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.", f"ls {shlex.quote(str(path.parent))}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text.", f"file {quoted}") from error
    except json.JSONDecodeError as error:
        raise UserError(
            f"{path} is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}.",
            f"python3 -m json.tool {quoted}",
        ) from error
    except RecursionError as error:
        raise UserError(f"{path} is nested too deeply.", show(path)) from error
    except _RepeatedError as error:
        raise UserError(f"{path}: {str(error)!r} is there twice.", show(path)) from error
    except ValueError as error:  # Python reads no whole number of thousands of digits
        raise UserError(f"{path} holds a number with too many digits.", show(path)) from error
    if not isinstance(document, dict):
        raise UserError(f"{path} must hold a JSON object with Parameters and Tags.", show(path))
    surplus = sorted(set(document) - {"Parameters", "Tags"})
    if surplus:
        raise UserError(f"{path}: only Parameters and Tags belong here, not {', '.join(surplus)}.", show(path))
    return Configuration(
        environment=path.stem,
        parameters=_texts(document.get("Parameters", {}), path, "Parameters"),
        tags=_tags(document.get("Tags", {}), path),
    )


class _RepeatedError(ValueError):
    """A name is there twice in one JSON object: whichever was taken could be the wrong one."""


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        raise _RepeatedError(next(name for name in names if names.count(name) > 1))
    return members


def _tags(section: Any, path: Path) -> dict[str, str]:
    """The stack's tags, within CloudFormation's limits, which it tells only when a change set is asked for."""
    tags = _texts(section, path, "Tags")
    wrong = [told for key, value in tags.items() if (told := _wrong_tag(key, value))]
    if len(tags) > MOST_TAGS:
        wrong.append(
            f"{len(tags)} tags are too many; CloudFormation takes {MOST_TAGS} besides the one that deploy adds"
        )
    if wrong:
        raise UserError(f"{path}: {'; '.join(wrong)}.", show(path))
    return tags


def _wrong_tag(key: str, value: str) -> str:
    """What CloudFormation would refuse of a tag; empty when nothing."""
    if not 1 <= len(key) <= LONGEST_TAG_KEY:
        return f"the key of tag {key!r} has {len(key)} characters, not 1 to {LONGEST_TAG_KEY}"
    if key.lower().startswith("aws:"):
        return f"tag {key}: keys that begin with aws: are AWS's own"
    if not 1 <= len(value) <= LONGEST_TAG_VALUE:
        return f"the value of tag {key} has {len(value)} characters, not 1 to {LONGEST_TAG_VALUE}"
    return ""


def _texts(section: Any, path: Path, name: str) -> dict[str, str]:
    if not isinstance(section, dict):
        raise UserError(f"{path}: {name} must be a JSON object of names and texts.", show(path))
    for key, value in section.items():
        if not isinstance(value, str):
            written = "a list" if isinstance(value, list) else "an object" if isinstance(value, dict) else ""
            raise UserError(
                f"{path}: {name}.{key} is {written or json.dumps(value)}; CloudFormation takes texts there, "
                "so write it in quotes.",
                show(path),
            )
    return dict(section)


def show(path: Path) -> str:
    """The command that shows a file, wherever it is: Git only knows those of the repository."""
    return f"cat {shlex.quote(str(path))}"


def _elsewhere(folder: Path) -> UserError:
    """The working directory is not the repository; an editable installation knows where that is."""
    checkout = Path(__file__).resolve().parents[2]
    known = (checkout / TEMPLATE_PATH).is_file()
    return UserError(
        f"There is no folder {folder}/ here: this is not the repository.",
        f"cd {shlex.quote(str(checkout)) if known else 'hipaa-pipeline'}",
    )
