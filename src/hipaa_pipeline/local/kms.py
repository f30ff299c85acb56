"""KMS: numbers of a key that arrive as text, as every stack parameter does.

CloudFormation turns them into what the type's schema asks for; MiniStack 1.5.33 hands on the text and fails on it.
"""

from __future__ import annotations

from typing import Any

from hipaa_pipeline.local.additions import Additions, boolean

_NUMBERS = ("PendingWindowInDays", "RotationPeriodInDays")
_SWITCHES = ("Enabled", "EnableKeyRotation", "MultiRegion")


def additions() -> Additions:
    """What this module adds to the account."""
    return Additions(normal_forms={"AWS::KMS::Key": key_properties})


def key_properties(properties: dict[str, Any]) -> dict[str, Any]:
    """A key's properties with numbers as numbers and switches as booleans."""
    numbers = {name: int(properties[name]) for name in _NUMBERS if name in properties}
    switches = {name: boolean(properties[name]) for name in _SWITCHES if name in properties}
    return {**properties, **numbers, **switches}
