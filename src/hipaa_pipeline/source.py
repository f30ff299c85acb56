"""CloudFormation templates as people write them: YAML or JSON in, the long-form body with line numbers out.

Every short intrinsic form becomes its long one (`!Sub x` is `{"Fn::Sub": "x"}`, `!GetAtt A.B` is
`{"Fn::GetAtt": ["A", "B"]}`), so that the rest of the project knows one form only. Bodies are for reading: values that
came from one YAML anchor are one object.
"""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path
from typing import Any

from hipaa_pipeline.errors import UserError
from hipaa_pipeline.syntax import json_text, yaml_text
from hipaa_pipeline.syntax.values import Lines, MalformedError, Parsed, PathStep

SECTIONS = ("Metadata", "Parameters", "Rules", "Mappings", "Conditions", "Resources", "Outputs")
TemplatePath = tuple[PathStep, ...]


@dataclasses.dataclass(frozen=True)
class Template:
    """A template's long-form body, with where it came from; `path` is empty for a text that is no file."""

    body: dict[str, Any]
    path: str
    text: str
    lines: Lines = dataclasses.field(repr=False, compare=False)

    def line_of(self, path: TemplatePath) -> int:
        """The line of the value at a path of the body; that of its nearest existing ancestor when there is none."""
        found = self.lines
        for step in path:
            if step not in found.children:
                break
            found = found.children[step]
        return found.line

    def place(self, path: TemplatePath) -> str:
        """Where a value stands, for messages: `template.yaml:12`."""
        return _place(self.path, self.line_of(path))

    def show(self, path: TemplatePath) -> str:
        """The command that shows a value and the lines around it; empty for a text that is no file."""
        return _show(self.path, self.line_of(path))


def load_template(path: str | Path) -> Template:
    """The template in a file. Raises UserError for anything that is not a readable CloudFormation template."""
    file = Path(path)
    quoted = shlex.quote(str(file))
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except IsADirectoryError as error:
        raise UserError(f"{file} is a directory, not a template.", f"ls {quoted}") from error
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}.", f"ls {shlex.quote(str(file.parent))}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{file} is not UTF-8 text, so it is no template.", f"file {quoted}") from error
    if "\0" in text:
        raise UserError(f"{file} is a binary file, not a template.", f"file {quoted}")
    return parse_template(text, str(file))


def parse_template(text: str, path: str = "") -> Template:
    """The template in a text; `path` is only for messages. Raises UserError with the line of what is wrong."""
    try:
        parsed = json_text.parse(text) if json_text.is_json(text) else yaml_text.parse(text)
        _require_sections(parsed)
    except MalformedError as error:
        raise UserError(f"{_place(path, error.line)}: {error.problem}.", _show(path, error.line)) from error
    return Template(body=parsed.value, path=path, text=text, lines=parsed.lines)


def _require_sections(parsed: Parsed) -> None:
    body, lines = parsed.value, parsed.lines
    if not isinstance(body, dict):
        raise MalformedError(lines.line, "a template is a mapping with a Resources section, not this")
    if "Resources" not in body:
        raise MalformedError(lines.line, "there is no Resources section, so this is no CloudFormation template")
    for section in SECTIONS:
        if not isinstance(body.get(section, {}), dict):
            raise MalformedError(lines.children[section].line, f"{section} must be a mapping")
    if not body["Resources"]:
        raise MalformedError(lines.children["Resources"].line, "Resources must have at least one member")


def _place(path: str, line: int) -> str:
    return f"{path}:{line}" if path else f"line {line}"


def _show(path: str, line: int) -> str:
    return f"sed -n '{max(line - 2, 1)},{line + 2}p' {shlex.quote(path)}" if path else ""
