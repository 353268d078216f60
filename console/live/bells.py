"""Who is to look again: one Redis subscription per process, one bell per open page.

A bell says nothing but "look". Many rings before somebody looks are one ring, so a slow reader
holds nothing up. While Redis is away `connected` is False and pages look by themselves.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from django.conf import settings
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from executions import bus

SHORTEST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 10.0
logger = logging.getLogger(__name__)


class Bells:
    """All bells of this process. The first page starts the subscription; it then stays."""

    def __init__(self) -> None:
        self.connected = False
        self.rings = 0  # of any bell; two reads between which it stood still may be one
        self._bells: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._subscription: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def hang(self, execution_id: str) -> AsyncIterator[asyncio.Event]:
        """A bell that is set whenever the execution has news, or may have had some unheard."""
        bell = asyncio.Event()
        self._bells[execution_id].add(bell)
        if self._subscription is None or self._subscription.done():
            self._subscription = asyncio.create_task(self._subscribe(), name="live subscription")
        try:
            yield bell
        finally:
            self._bells[execution_id].discard(bell)
            if not self._bells[execution_id]:
                del self._bells[execution_id]

    def ring(self, execution_id: str) -> None:
        """Set the bells of one execution."""
        self.rings += 1
        for bell in self._bells.get(execution_id, ()):
            bell.set()

    def _ring_all(self) -> None:
        for execution_id in self._bells:
            self.ring(execution_id)

    async def _subscribe(self) -> None:
        pause = SHORTEST_PAUSE
        while True:
            try:
                await self._listen()
            except (RedisError, OSError) as error:
                pause = SHORTEST_PAUSE if self.connected else min(pause * 2, LONGEST_PAUSE)
                logger.warning("Live pages ask the database, Redis is away: %s", error)
            self.connected = False
            self._ring_all()  # whoever waits for Redis must stop waiting
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - spreads load only

    async def _listen(self) -> None:
        # No retries inside the client: it would hide that rings were lost.
        client = Redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0)
        )
        async with client, client.pubsub() as subscription:
            await subscription.psubscribe(bus.live_channel("*"))
            async for message in subscription.listen():
                if message["type"] == "psubscribe":
                    self.connected = True
                    self._ring_all()  # for what was published before
                elif message["type"] == "pmessage":
                    self.ring(message["channel"].decode().removeprefix(bus.live_channel("")))
