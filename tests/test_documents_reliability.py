"""docs/reliability.md says what the tests try, no more and no less."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hipaa_pipeline.documents.reliability import FAULTS, Fault, fault, reliability_document

TESTS = Path(__file__).parent
SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in sorted(TESTS.glob("test_*.py")))


@pytest.mark.parametrize("row", FAULTS, ids=lambda row: row.slug)
def test_each_row_is_tried_by_tests_of_its_name(row: Fault) -> None:
    by_slug = re.findall(rf'fault\("{row.slug}"\)\.points|"{row.slug}": {{"action"', SOURCES)
    by_name = re.findall(rf"^def test_{row.slug}_(\w+)\(", SOURCES, re.MULTILINE)
    by_name += re.findall(rf"^def test_{row.slug}\(", SOURCES, re.MULTILINE)
    assert by_slug or len(by_name) == len(row.points), (by_slug, by_name)


def test_the_slugs_are_unique() -> None:
    assert len({row.slug for row in FAULTS}) == len(FAULTS)


def test_the_document_has_every_row_and_every_point() -> None:
    text = reliability_document()
    for row in FAULTS:
        assert f"| {row.happens} | {row.sees} | {row.left} | {len(row.points)} |" in text
        assert row.points
        assert all(point in text for point in row.points)


def test_the_committed_document_is_up_to_date() -> None:
    committed = TESTS.parent / "docs" / "reliability.md"
    assert committed.read_text(encoding="utf-8") == reliability_document()


def test_an_unknown_slug_is_a_mistake() -> None:
    with pytest.raises(StopIteration):
        fault("no_such_row")
