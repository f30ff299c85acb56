"""A resolved stack written back as a CloudFormation template, for tools that cannot resolve one themselves.

No parameters, conditions or mappings are left in it: what a scanner reads is what CloudFormation would create.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hipaa_pipeline.stack import Stack, is_unknown

# Attributes by which CloudFormation treats a resource; what else a stack may keep (Metadata) is for people.
_ATTRIBUTES = ("DeletionPolicy", "UpdateReplacePolicy", "DependsOn", "UpdatePolicy", "CreationPolicy")


def as_template(stack: Stack) -> dict[str, Any]:
    """The stack's resources as a template. Raises ValueError where a value is unknown: a template cannot say that."""
    for name, resource in stack.resources.items():
        for path in unknown_values(resource.properties):
            raise ValueError(f"{name}.{path} is unknown, so the stack cannot be written as a template")
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"{stack.name or 'A stack'} as resolved for {stack.region}",
        "Resources": {
            name: {
                "Type": resource.type,
                **{key: resource.attributes[key] for key in _ATTRIBUTES if key in resource.attributes},
                "Properties": resource.properties,
            }
            for name, resource in stack.resources.items()
        },
    }


def unknown_values(value: Any, path: str = "") -> Iterator[str]:
    """The dotted paths of the unknown values inside a value."""
    if is_unknown(value):
        yield path
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from unknown_values(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from unknown_values(item, f"{path}[{index}]")
