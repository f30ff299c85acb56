"""The front of the local account: every request passes here on its way to an addition of ours or to MiniStack.

In this order: the admin endpoints under `/_hipaa/`, injected faults, the refusals and operations that `extend` adds,
and then MiniStack itself.
"""

from __future__ import annotations

import asyncio
import dataclasses
import traceback
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from hipaa_pipeline.local import admin, wire
from hipaa_pipeline.local.wire import Answer, ApiError

if TYPE_CHECKING:
    from hipaa_pipeline.local.extend import Account

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


@dataclasses.dataclass(frozen=True)
class Call:
    """A request, read completely and understood as far as its signature and protocol tell."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    client: tuple[str, int]
    service: str
    operation: str

    def parameters(self) -> dict[str, Any]:
        """What the caller passed to boto3."""
        return wire.parse(self.service, self.operation, self.path, self.query, self.body)


class Gateway:
    """The ASGI application that the account's process serves."""

    def __init__(self, account: Account, stop: Callable[[], None], ready: Callable[[], None]) -> None:
        self.account = account
        self.stop = stop
        self.ready = ready

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection event as ASGI asks."""
        if scope["type"] == "lifespan":
            await self.account.ministack(scope, receive, self._announcing(send))
        elif scope["type"] == "http":
            await self._answer(scope, await _read_body(receive), receive, send)

    def _announcing(self, send: Send) -> Send:
        async def announce(message: Mapping[str, Any]) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                self.ready()

        return announce

    async def _answer(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        call = _call(scope, body)
        if call.path.startswith(admin.PREFIX):
            await _send(send, self._admin(call))
            return
        self.account.calls.append(f"{call.service}.{call.operation}")
        fault = self.account.faults.take_for_call(call.service, call.operation)
        await asyncio.sleep(self.account.faults.latency_seconds(call.service, call.operation))
        if fault and fault.action == "drop-before":
            _hang_up(call.client)
            return
        if fault and fault.action == "malformed":
            await _send(send, (200, {"content-type": "text/html"}, b"<html>502 Bad Gateway"))
            return
        if fault and fault.error:
            await _send(send, wire.error_answer(call.service, call.headers, fault.error))
            return
        if fault and fault.action == "drop-after":
            await self._serve(call, scope, receive, _discard)
            _hang_up(call.client)
            return
        await self._serve(call, scope, receive, send)

    async def _serve(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        key = f"{call.service}.{call.operation}"
        operation = self.account.operations.get(key)
        try:
            with self.account.scope(call.headers):
                if refuse := self.account.refusals.get(key):
                    refuse(call.parameters())
                if operation:
                    await _send(send, wire.serialize(call.service, call.operation, operation(call.parameters())))
                    return
        except ApiError as error:
            await _send(send, wire.error_answer(call.service, call.headers, error))
            return
        except Exception:  # noqa: BLE001 - a server answers whatever happens, and says so in its log
            traceback.print_exc()
            failure = ApiError("InternalFailure", traceback.format_exc(limit=-1), 500)
            await _send(send, wire.error_answer(call.service, call.headers, failure))
            return
        follow = self.account.follow_ups.get(key)
        messages: list[Mapping[str, Any]] = []
        await self.account.ministack(scope, _replay(call.body, receive), _keeping(messages) if follow else send)
        if follow:
            with self.account.scope(call.headers):
                follow()
        for message in messages:
            await send(message)

    def _admin(self, call: Call) -> Answer:
        if call.path == f"{admin.PREFIX}stop":
            asyncio.get_running_loop().call_later(0.05, self.stop)
            return 200, {"content-type": "application/json"}, b"{}"
        with self.account.scope(call.headers):
            return admin.answer(self.account, call.method, call.path, call.body)


def _call(scope: Scope, body: bytes) -> Call:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    service = wire.service_of(headers)
    path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0]
    return Call(
        method=scope["method"],
        path=path,
        query=scope.get("query_string", b"").decode("latin-1"),
        headers=headers,
        body=body,
        client=scope.get("client") or ("", 0),
        service=service,
        operation=wire.operation_of(service, scope["method"], path, headers, body),
    )


async def _read_body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """The request's body once more, and then whatever else the server has to say."""
    pending = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Mapping[str, Any]:
        return pending.pop() if pending else await receive()

    return replayed


def _keeping(messages: list[Mapping[str, Any]]) -> Send:
    """Keep an answer until what follows the operation is done, so that its caller never looks too early."""

    async def keep(message: Mapping[str, Any]) -> None:
        messages.append(message)

    return keep


async def _discard(message: Mapping[str, Any]) -> None:
    """Send nothing: the caller will never learn that the action took effect."""


async def _send(send: Send, answer: Answer) -> None:
    status, headers, body = answer
    fields = [(name.encode(), value.encode()) for name, value in headers.items()]
    fields.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


def _hang_up(client: tuple[str, int]) -> None:
    from hipaa_pipeline.local.connections import abort

    abort(client)
