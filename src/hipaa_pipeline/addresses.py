"""E-mail addresses that nobody reads: their domains are reserved for examples and tests (RFC 2606)."""

from __future__ import annotations

_RESERVED = ("example.com", "example.net", "example.org", "example", "invalid", "localhost", "test")


def is_reserved(address: str) -> bool:
    """Whether the address is at a reserved domain or at one below it."""
    domain = address.rpartition("@")[2].lower().rstrip(".")
    return any(domain == reserved or domain.endswith(f".{reserved}") for reserved in _RESERVED)
