"""Open connections by client address, so that an injected fault can cut one without an answer.

Hypercorn gives an ASGI application no way to close its connection; this keeps hold of the transports.
"""

from __future__ import annotations

import asyncio
import weakref
from typing import Any

_transports: weakref.WeakValueDictionary[tuple[str, int], asyncio.Transport] = weakref.WeakValueDictionary()


def track() -> None:
    """Have Hypercorn's server note each connection. Called once, before serving."""
    from hypercorn.asyncio.tcp_server import TCPServer

    original = TCPServer.run

    async def run(server: Any) -> None:
        transport = server.writer.transport
        address = transport.get_extra_info("peername")
        if address:
            _transports[tuple(address[:2])] = transport
        await original(server)

    TCPServer.run = run


def abort(client: tuple[str, int]) -> None:
    """Cut a client's connection at once: it sees the connection closed, and no byte of an answer."""
    transport = _transports.get(tuple(client))  # type: ignore[arg-type]
    if transport is not None:
        transport.abort()
