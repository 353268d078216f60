"""POST /aws/: an ASGI branch beside Django's pages, without sessions, cookies and templates."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from uuid import uuid4

from django.conf import settings
from django.db import close_old_connections
from django.http.request import split_domain_port, validate_host

from console.api.gate import Answer, answer
from console.api.protocol import CONTENT_TYPE, MOST_BYTES, ApiError, write_error
from console.api.sigv4 import Received
from console.live.stream import Receive, Send

PATH: Final = "/aws/"
# A client that is given the endpoint without its last slash asks without it.
PATHS: Final = frozenset({PATH, PATH.rstrip("/")})
MOST_HEADER_BYTES: Final = 32 * 1024
MOST_READ_BYTES: Final = 64 * MOST_BYTES
# Few threads: each keeps a database connection, and SQLite has one writer.
THREADS: Final = 4
_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="api")


def is_ours(path: str) -> bool:
    """Whether a request is for this API; below its path there is nothing, and we say so."""
    return path in PATHS or path.startswith(PATH)


async def api(scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
    """Answer one request of the SSM API."""
    try:
        received = await _receive(scope, receive)
    except ApiError as refusal:
        result = Answer(refusal.status, write_error(refusal), str(uuid4()))
    else:
        loop = asyncio.get_running_loop()
        result = await loop.run_in_executor(_threads, _answer, received)
    await _send(send, result)


def _answer(received: Received) -> Answer:
    close_old_connections()
    return answer(received)


async def _receive(scope: Mapping[str, Any], receive: Receive) -> Received:
    """The whole request; ApiError for what is no request of this API."""
    headers = _headers(scope)
    target, method = _target(scope), scope["method"]
    if target not in PATHS or method != "POST":
        raise ApiError(
            "UnknownOperationException", f"The API is POST {PATH}, without a query.", 404
        )
    hosts = headers.get("host", [])
    if len(hosts) != 1 or not _is_our_host(hosts[0]):
        raise ApiError("ValidationException", "This is no host of Countersign (ALLOWED_HOSTS).")
    return Received(method, target, headers, await _body(receive))


def _is_our_host(host: str) -> bool:
    name, _ = split_domain_port(host)
    return bool(name) and validate_host(name, settings.ALLOWED_HOSTS)


def _target(scope: Mapping[str, Any]) -> str:
    """The request target as it was sent: what is signed is the raw path."""
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    return (path + (b"?" + query if query else b"")).decode("latin-1")


def _headers(scope: Mapping[str, Any]) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    if sum(len(name) + len(value) for name, value in scope["headers"]) > MOST_HEADER_BYTES:
        raise _too_large("headers", MOST_HEADER_BYTES)
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return headers


async def _body(receive: Receive) -> bytes:
    """The whole body; of one that is too long, the rest is read too, or nobody hears our answer."""
    parts: list[bytes] = []
    size, more = 0, True
    while more and size <= MOST_READ_BYTES:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        parts = [*parts, part] if size <= MOST_BYTES else []
        more = message.get("more_body", False)
    if size > MOST_BYTES:
        raise _too_large("body", MOST_BYTES)
    return b"".join(parts)


def _too_large(what: str, most: int) -> ApiError:
    return ApiError("RequestEntityTooLargeException", f"{what}: {most} bytes at most.", 413)


async def _send(send: Send, result: Answer) -> None:
    headers = [
        (b"content-type", CONTENT_TYPE.encode()),
        (b"content-length", str(len(result.body)).encode()),
        (b"x-amzn-requestid", result.request_id.encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": result.status, "headers": headers})
    await send({"type": "http.response.body", "body": result.body})
