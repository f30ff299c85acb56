"""A flattened stack is a template that resolves to the same stack."""

from __future__ import annotations

import pytest

from hipaa_pipeline.flatten import as_template, unknown_values
from hipaa_pipeline.stack import Resource, Stack, unknown


def stack(**properties: object) -> Stack:
    attributes = {"DeletionPolicy": "Delete", "DependsOn": ["Key"], "Metadata": {"Why": "because"}}
    resource = Resource("Stream", "AWS::Kinesis::Stream", properties, attributes)
    return Stack({"Stream": resource}, region="us-east-1", account_id="111122223333", name="pipeline")


def test_properties_references_and_the_attributes_that_matter_are_kept() -> None:
    template = as_template(stack(StreamEncryption={"KeyId": {"Fn::GetAtt": ["Key", "Arn"]}}, ShardCount=2))
    assert template == {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "pipeline as resolved for us-east-1",
        "Resources": {
            "Stream": {
                "Type": "AWS::Kinesis::Stream",
                "DeletionPolicy": "Delete",
                "DependsOn": ["Key"],
                "Properties": {"StreamEncryption": {"KeyId": {"Fn::GetAtt": ["Key", "Arn"]}}, "ShardCount": 2},
            }
        },
    }


def test_an_unknown_value_is_refused_with_its_place() -> None:
    with pytest.raises(ValueError, match=r"Stream\.Tags\[1\]\.Value is unknown"):
        as_template(stack(Tags=[{"Value": "x"}, {"Value": unknown("no default")}]))


def test_unknown_values_are_found_at_any_depth() -> None:
    value = {"A": unknown("x"), "B": [{"C": unknown("y")}, 1], "D": "Unknown"}
    assert list(unknown_values(value)) == ["A", "B[0].C"]
