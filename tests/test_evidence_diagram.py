"""The picture of the architecture: well-formed, complete, honest, and always the same."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from hipaa_pipeline.evidence.diagram import architecture_picture, description
from hipaa_pipeline.stack import Resource, Stack
from test_live_readers import expected

SVG = "{http://www.w3.org/2000/svg}"


def texts(stack: Stack) -> list[str]:
    picture = ElementTree.fromstring(architecture_picture(stack))
    return [str(text.text) for text in picture.iter(f"{SVG}text")]


@pytest.mark.parametrize("environment", ["local", "dev", "prod"])
def test_a_picture_is_an_image_with_a_name_and_words(environment: str) -> None:
    picture = ElementTree.fromstring(architecture_picture(expected(environment)))
    assert picture.get("role") == "img"
    title, words = picture.find(f"{SVG}title"), picture.find(f"{SVG}desc")
    assert title is not None
    assert words is not None
    assert picture.get("aria-labelledby") == f"{title.get('id')} {words.get('id')}"
    assert title.text == f"Architecture of hipaa-pipeline-{environment}"


def test_nothing_runs_over_the_edge() -> None:
    picture = ElementTree.fromstring(architecture_picture(expected("prod")))
    width, height = (int(picture.get(name, "0")) for name in ("width", "height"))
    for rectangle in picture.iter(f"{SVG}rect"):
        x, y, wide, high = (int(rectangle.get(name, "0")) for name in ("x", "y", "width", "height"))
        assert x >= 0
        assert y >= 0
        assert x + wide <= width
        assert y + high <= height


def test_every_storing_resource_is_drawn() -> None:
    stack = expected("prod")
    drawn = " ".join(texts(stack))
    kinds = ("AWS::RDS::DBInstance", "AWS::Kinesis::Stream", "AWS::KMS::Key", "AWS::Logs::LogGroup", "AWS::EC2::Subnet",
             "AWS::Backup::BackupVault", "AWS::IAM::Role", "AWS::EC2::SecurityGroup")  # fmt: skip
    assert [one.logical_id for one in stack.of_type(*kinds) if one.logical_id not in drawn] == []


def test_the_picture_follows_the_parameters() -> None:
    assert "two Availability Zones" in texts(expected("prod"))
    assert "one Availability Zone" in texts(expected("dev"))
    assert not any("Interface endpoints" in text for text in texts(expected("dev")))


def test_the_picture_does_not_praise_what_is_not_there() -> None:
    database = Resource("Database", "AWS::RDS::DBInstance", {"PubliclyAccessible": True})
    key = Resource("Key", "AWS::KMS::Key", {})
    drawn = " ".join(texts(Stack({"Database": database, "Key": key}, "eu-central-1", "1")))
    assert "encrypted with" not in drawn
    assert "not public" not in drawn
    assert "does not rotate" in drawn


def test_an_empty_stack_has_a_picture_too() -> None:
    assert "Producers" in texts(Stack({}, "eu-central-1", "1"))


def test_texts_are_escaped() -> None:
    stack = Stack({"A": Resource("A<&>", "AWS::EC2::SecurityGroup", {})}, "r", "1", name="<script>")
    assert "A<&>" in texts(stack)
    assert "<script>" not in architecture_picture(stack)


def test_the_same_stack_has_the_same_picture() -> None:
    assert architecture_picture(expected("prod")) == architecture_picture(expected("prod"))


def test_the_words_say_what_the_picture_shows() -> None:
    words = description(expected("prod"))
    for text in ("Vpc 10.20.0.0/16", "RecordStream: Kinesis", "Interface endpoints", "encrypted with Key"):
        assert text in words
