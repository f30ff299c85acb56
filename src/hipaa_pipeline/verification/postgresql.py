"""One question to a PostgreSQL server, in its own protocol: does it let a client in without TLS?

No driver and no password: a server that demands TLS refuses the start-up message before it asks who is there.
https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

from __future__ import annotations

import dataclasses
import socket
import struct

PROTOCOL_VERSION = 196608  # 3.0
SSL_REQUEST = 80877103
TIMEOUT_SECONDS = 5.0
_MAX_MESSAGE_BYTES = 10_000


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a server says: whether it offers TLS, and to a start-up message in the clear.

    `plaintext` is `refused` (with the server's SQLSTATE and message) or `accepted`: it went on to authentication.
    """

    tls: bool
    plaintext: str
    sqlstate: str = ""
    message: str = ""


def ask(host: str, port: int, user: str, database: str, timeout: float = TIMEOUT_SECONDS) -> Answer:
    """Try both ways in. Raises OSError when the server cannot be reached or does not speak PostgreSQL's protocol."""
    with socket.create_connection((host, port), timeout) as connection:
        connection.sendall(struct.pack("!ii", 8, SSL_REQUEST))
        offered = _receive(connection, 1) == b"S"
    with socket.create_connection((host, port), timeout) as connection:
        connection.sendall(startup_message(user, database))
        kind, body = _message(connection)
    if kind == b"E":
        fields = error_fields(body)
        return Answer(offered, "refused", fields.get("C", ""), fields.get("M", ""))
    if kind == b"R":
        return Answer(offered, "accepted")
    raise ConnectionError(f"{host}:{port} answered {kind!r}, which is not PostgreSQL's protocol")


def startup_message(user: str, database: str) -> bytes:
    """The first message of a client that does not ask for TLS."""
    pairs = b"".join(text.encode() + b"\0" for text in ("user", user, "database", database))
    return struct.pack("!ii", len(pairs) + 9, PROTOCOL_VERSION) + pairs + b"\0"


def error_fields(body: bytes) -> dict[str, str]:
    """The fields of an ErrorResponse by their one-letter codes: C is the SQLSTATE, M the message."""
    fields = (field for field in body.split(b"\0") if field)
    return {field[:1].decode("ascii", "replace"): field[1:].decode("utf-8", "replace") for field in fields}


def _message(connection: socket.socket) -> tuple[bytes, bytes]:
    kind = _receive(connection, 1)
    (length,) = struct.unpack("!i", _receive(connection, 4))
    if not 4 <= length <= _MAX_MESSAGE_BYTES:
        raise ConnectionError(f"a message of {length} bytes, which is not PostgreSQL's protocol")
    return kind, _receive(connection, length - 4)


def _receive(connection: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        more = connection.recv(count - len(received))
        if not more:
            raise ConnectionError("the server closed the connection without an answer")
        received += more
    return received
