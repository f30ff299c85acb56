"""Addresses at the domains that RFC 2606 reserves, and others that only look like them."""

from __future__ import annotations

import pytest

from hipaa_pipeline.addresses import is_reserved


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("security@example.com", True),
        ("security@EXAMPLE.net", True),
        ("security@mail.example.org", True),
        ("security@clinic.example", True),
        ("security@clinic.invalid", True),
        ("security@clinic.test", True),
        ("security@localhost", True),
        ("security@example.com.", True),
        ("security@example.co", False),
        ("security@myexample.com", False),
        ("security@test.com", False),
        ("example.com@clinic.internal", False),
        ("", False),
    ],
)
def test_reserved_domains(address: str, expected: bool) -> None:
    assert is_reserved(address) is expected
