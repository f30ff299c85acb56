"""Parameter files: CloudFormation template configuration files (`Parameters`, `Tags`), one per environment.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/continuous-delivery-codepipeline-cfn-artifacts.html
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hipaa_pipeline.errors import UserError

DEFAULT_REGION = "ap-southeast-1"
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
        return f"hipaa-pipeline-{self.environment}"


def check_region(region: str) -> str:
    """The Region as given. Raises UserError when no Region can have that name; new ones need no list to be kept."""
    if not _REGION.fullmatch(region):
        raise UserError(
            f"{region!r} is no AWS Region; one is named like {DEFAULT_REGION}.", f"--region {DEFAULT_REGION}"
        )
    return region


def environments(directory: Path = PARAMETERS_DIRECTORY) -> list[str]:
    """The environments that have a parameter file, sorted."""
    return sorted(path.stem for path in directory.glob("*.json"))


def load_environment(environment: str, directory: Path = PARAMETERS_DIRECTORY) -> Configuration:
    """The configuration of a named environment. Raises UserError for an unknown one or a malformed file."""
    path = directory / f"{environment}.json"
    known = environments(directory)
    if environment not in known:
        listed = ", ".join(known) or "none"
        raise UserError(
            f"There is no environment {environment!r}: {path} does not exist (known: {listed}).",
            f"make deploy ENV={known[0]}" if known else "git checkout -- parameters",
        )
    return load_file(path)


def load_file(path: Path) -> Configuration:
    """The configuration in a file, named after it. Raises UserError with the place when it is malformed."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.", f"ls {path.parent}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text.", f"file {path}") from error
    except json.JSONDecodeError as error:
        raise UserError(
            f"{path} is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}.",
            f"python -m json.tool {path}",
        ) from error
    if not isinstance(document, dict):
        raise UserError(f"{path} must hold a JSON object with Parameters and Tags.", f"git diff -- {path}")
    surplus = sorted(set(document) - {"Parameters", "Tags"})
    if surplus:
        raise UserError(
            f"{path}: only Parameters and Tags belong here, not {', '.join(surplus)}.", f"git diff -- {path}"
        )
    return Configuration(
        environment=path.stem,
        parameters=_texts(document.get("Parameters", {}), path, "Parameters"),
        tags=_texts(document.get("Tags", {}), path, "Tags"),
    )


def _texts(section: Any, path: Path, name: str) -> dict[str, str]:
    if not isinstance(section, dict):
        raise UserError(f"{path}: {name} must be a JSON object of names and texts.", f"git diff -- {path}")
    for key, value in section.items():
        if not isinstance(value, str):
            written = json.dumps(value)
            raise UserError(
                f"{path}: {name}.{key} is {written}; CloudFormation takes texts there, so write it in quotes.",
                f"git diff -- {path}",
            )
    return dict(section)
