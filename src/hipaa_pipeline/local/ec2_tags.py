"""Tags of EC2's resources: one store for all, as MiniStack keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hipaa_pipeline.local.additions import Properties, tag_list


def set_tags(resource_id: str, properties: Properties) -> None:
    """Let a resource have the tags of a template's properties, and no other."""
    from ministack.services import ec2

    ec2._tags[resource_id] = tag_list(properties.get("Tags"))


def tags(resource_id: str) -> list[dict[str, str]]:
    """A resource's tags."""
    from ministack.services import ec2

    return list(ec2._tags.get(resource_id) or [])


def requested(request: Mapping[str, Any], resource_type: str) -> list[dict[str, str]]:
    """The tags that a request gives to what it makes."""
    specifications = request.get("TagSpecifications") or ()
    return [tag for each in specifications if each["ResourceType"] == resource_type for tag in each["Tags"]]


def filters(tags: list[dict[str, str]]) -> dict[str, Any]:
    """What the tag filters of the Describe operations compare."""
    return {f"tag:{tag['Key']}": tag["Value"] for tag in tags} | {"tag-key": [tag["Key"] for tag in tags]}
