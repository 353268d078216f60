"""Django for the pages, a few at once: each has a thread, and the thread a database connection."""

from __future__ import annotations

import asyncio
from typing import Final

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.db import connections
from django.http import HttpRequest, HttpResponseBase

AT_ONCE: Final = 16  # in one process; PostgreSQL has 100 connections for all, unless told otherwise


class Pages(ASGIHandler):
    """Lets requests wait for each other, not fail for want of a connection.

    A request has been read whole before its turn, and is answered after it: nobody who is slow
    keeps others out. No middleware could do this: they run in the request's thread.
    """

    def __init__(self) -> None:
        super().__init__()
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """The answer, for which no connection is held any more."""
        async with self._turns:
            try:
                return await super().get_response_async(request)
            finally:
                await sync_to_async(connections.close_all)()
