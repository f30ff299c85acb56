from __future__ import annotations

import re
import tomllib
from pathlib import Path

from hipaa_pipeline.documents.scale import scale_document
from hipaa_pipeline.fleet.file import load_fleet
from hipaa_pipeline.fleet.state import Standing

TEXT = scale_document()


def test_the_example_is_a_fleet_file(tmp_path: Path) -> None:
    example = re.search(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    assert example
    path = tmp_path / "fleet.toml"
    path.write_text(example[1], encoding="utf-8")

    fleet = load_fleet(path)

    assert [group.accounts for group in fleet.groups] == [("111111111111", "222222222222"), ("333333333333",)]
    assert set(tomllib.loads(example[1])) == {"fleet", "operation", "targets"}


def test_every_way_to_stand_is_explained() -> None:
    assert all(f"| {standing} | " in TEXT for standing in Standing)


def test_the_requests_are_in_it() -> None:
    assert "| plan or status, all current | 12 | 102 | 1,011 |" in TEXT


def test_it_is_the_same_every_time() -> None:
    assert scale_document() == TEXT
