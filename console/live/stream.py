"""The event stream of one page: Server-Sent Events from a raw ASGI application.

It stands beside Django's handler and not in it, because that keeps a thread, and the thread its
database connection, until the response ends: one of each per open page.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any, Final
from urllib.parse import parse_qs
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature
from django.db import DatabaseError

from console.live.bells import Bells
from console.live.feed import ask, read_together
from console.live.tickets import Ticket, read_token

# Seconds.
LIFETIME = 15 * 60
CHECK = 30  # how long a right that was taken away may go on working
PING = 15  # proxies close what is silent
LOOK = 2  # how often to ask the database while Redis is away

PER_USER = 6
PER_PROCESS = 500

PATH: Final = re.compile(r"/live/executions/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
SEQ: Final = re.compile(r"[0-9]{1,18}")
Message = dict[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

logger = logging.getLogger(__name__)
bells = Bells()
_open: Counter[int] = Counter()


class Refusal(Exception):
    """A stream that is not given."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def live(scope: Message, receive: Receive, send: Send) -> None:
    """Answer GET /live/executions/<uuid>?after=<seq>&token=<token> with its events after `seq`.

    The answer is JSON with a message and 400, 403, 404, 405, 429 or 503 when it is refused.
    """
    try:
        ticket, after = _read_request(scope)
        with _slot(ticket.user_id):
            await _require(ticket)
            await _stream(ticket, after, receive, send)
    except Refusal as refusal:
        await _refuse(send, refusal)
    except DatabaseError:
        logger.exception("No live stream without the database")
        await _refuse(send, Refusal(503, "The database cannot be reached; try again."))


def _read_request(scope: Message) -> tuple[Ticket, int]:
    """The ticket and the cursor, or a Refusal."""
    if scope["method"] != "GET":
        raise Refusal(405, "A stream is asked for with GET.")
    path = PATH.fullmatch(scope["path"])
    if path is None:
        raise Refusal(404, "There is no such stream.")
    query = parse_qs(scope["query_string"].decode("latin-1"))
    after = query.get("after", ["0"])[0]
    if not SEQ.fullmatch(after):
        raise Refusal(400, "after is the number of the last event that you have.")
    try:
        return read_token(query.get("token", [""])[0], UUID(path[1])), int(after)
    except BadSignature:
        raise Refusal(403, "The token is not valid here or not any more.") from None


async def _require(ticket: Ticket) -> None:
    if not await ask(ticket.holds)():
        raise Refusal(403, "You may not see this execution, or not any more.")


@contextmanager
def _slot(user_id: int) -> Iterator[None]:
    """A place among the streams of this process, or a Refusal."""
    if _open[user_id] >= PER_USER:
        raise Refusal(429, f"You have {PER_USER} live pages open; close one.")
    if _open.total() >= PER_PROCESS:
        raise Refusal(503, "Too many live pages are open.")
    _open[user_id] += 1
    try:
        yield
    finally:
        _open[user_id] -= 1
        if not _open[user_id]:
            del _open[user_id]


async def _stream(ticket: Ticket, after: int, receive: Receive, send: Send) -> None:
    """Send until all is told, the right is gone, its time is over or the browser has left."""
    await send(_start(200, b"text/event-stream; charset=utf-8"))
    await _write(send, b"retry: 1000\n\n")
    with suppress(TimeoutError):
        async with asyncio.timeout(LIFETIME) as life:
            leaving = asyncio.create_task(_end_when_left(receive, life))
            try:
                await _follow(ticket, after, send)
            except DatabaseError:
                # The browser comes back with its cursor.
                logger.exception("A live stream ended")
            finally:
                leaving.cancel()
    await send({"type": "http.response.body"})


async def _end_when_left(receive: Receive, life: asyncio.Timeout) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    life.reschedule(asyncio.get_running_loop().time())


async def _follow(ticket: Ticket, after: int, send: Send) -> None:
    checked = told = monotonic()
    # The bell first: what is committed from here on is heard, what was before is read.
    async with bells.hang(str(ticket.execution_id)) as bell:
        while True:
            bell.clear()
            if monotonic() - checked >= CHECK:
                if not await ask(ticket.holds)():
                    return
                checked = monotonic()
            batch = await read_together(ticket.execution_id, after, bells.rings)
            if batch.fragments:
                await _write(send, batch.message)
                after, told = batch.seq, monotonic()
            if batch.over:
                await _write(send, b"event: end\ndata: {}\n\n")
                return
            if monotonic() - told >= PING:
                await _write(send, b": ping\n\n")
                told = monotonic()
            if not batch.fragments:
                patience = PING if bells.connected else LOOK
                await _wait(bell, min(patience, checked + CHECK - monotonic()))


async def _wait(bell: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await bell.wait()


async def _write(send: Send, data: bytes) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": True})


async def _refuse(send: Send, refusal: Refusal) -> None:
    body = json.dumps({"message": str(refusal)}).encode()
    later = [(b"retry-after", b"10")] if refusal.status in {429, 503} else []
    await send(_start(refusal.status, b"application/json", *later))
    await send({"type": "http.response.body", "body": body})


def _start(status: int, content_type: bytes, *extra: tuple[bytes, bytes]) -> Message:
    """The head of a response, with what Django's middleware adds to all others."""
    headers = [
        (b"content-type", content_type),
        (b"cache-control", b"no-cache, no-transform"),
        (b"x-accel-buffering", b"no"),  # nginx would hold the events back
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", settings.X_FRAME_OPTIONS.encode()),
        (b"referrer-policy", settings.SECURE_REFERRER_POLICY.encode()),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
        *extra,
    ]
    if settings.SECURE_HSTS_SECONDS:
        age = f"max-age={settings.SECURE_HSTS_SECONDS}".encode()
        headers.append((b"strict-transport-security", age))
    return {"type": "http.response.start", "status": status, "headers": headers}
