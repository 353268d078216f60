"""POST /aws/: an ASGI branch beside Django's pages, without sessions, cookies and templates."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from uuid import uuid4

from django.conf import settings
from django.db import close_old_connections
from django.http.request import validate_host

from console.api.gate import Answer, answer
from console.api.protocol import CONTENT_TYPE, MOST_BYTES, ApiError, write_error
from console.api.sigv4 import Received
from console.live.stream import Receive, Send

PATH: Final = "/aws/"
# Few threads: each keeps a database connection, and SQLite has one writer.
THREADS: Final = 4
_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="api")


class TooLarge(Exception):
    """More bytes than any request of this API has."""


async def api(scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
    """Answer one request of the SSM API."""
    try:
        received = Received(
            scope["method"], _target(scope), _headers(scope), await _body(scope, receive)
        )
        refusal = _misdirected(received)
    except TooLarge:
        refusal = ApiError(
            "RequestEntityTooLargeException", f"A request has at most {MOST_BYTES} bytes.", 413
        )
    if refusal is None:
        loop = asyncio.get_running_loop()
        result = await loop.run_in_executor(_threads, _answer, received)
    else:
        result = Answer(refusal.status, write_error(refusal))
    await _send(send, result)


def _answer(received: Received) -> Answer:
    close_old_connections()
    return answer(received)


def _misdirected(received: Received) -> ApiError | None:
    """What is no request of this API at all."""
    if received.target != PATH:
        return ApiError("UnknownOperationException", f"The API is at {PATH}, without a query.", 404)
    if received.method != "POST":
        return ApiError("UnknownOperationException", "The API takes POST only.", 405)
    hosts = received.headers.get("host", [])
    if len(hosts) != 1 or not validate_host(_name(hosts[0]), settings.ALLOWED_HOSTS):
        return ApiError("ValidationException", "This is no host of Countersign (ALLOWED_HOSTS).")
    return None


def _name(host: str) -> str:
    """The host without its port."""
    return host.rsplit(":", 1)[0] if not host.endswith("]") else host


def _target(scope: Mapping[str, Any]) -> str:
    """The request target as it was sent: what is signed is the raw path."""
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    return (path + (b"?" + query if query else b"")).decode("latin-1")


def _headers(scope: Mapping[str, Any]) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return headers


async def _body(scope: Mapping[str, Any], receive: Receive) -> bytes:
    """The whole body, read no further than a request can be long."""
    length = dict(scope["headers"]).get(b"content-length", b"0")
    if not length.isdigit() or int(length) > MOST_BYTES:
        raise TooLarge
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size > MOST_BYTES:
            raise TooLarge
        parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts)


async def _send(send: Send, result: Answer) -> None:
    headers = [
        (b"content-type", CONTENT_TYPE.encode()),
        (b"content-length", str(len(result.body)).encode()),
        (b"x-amzn-requestid", str(uuid4()).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": result.status, "headers": headers})
    await send({"type": "http.response.body", "body": result.body})
