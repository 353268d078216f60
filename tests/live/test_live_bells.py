"""The bells: rung by Redis, and by its coming and going."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from console.live.bells import Bells
from executions import bus
from tests.live.web import DEADLINE, Server


async def wait_for(bell: asyncio.Event) -> None:
    async with asyncio.timeout(DEADLINE):
        await bell.wait()
    bell.clear()


async def wait_for_link(bells: Bells, bell: asyncio.Event, *, connected: bool) -> None:
    """Wait for rings until the link to Redis is as wanted."""
    while bells.connected is not connected:
        await wait_for(bell)


def test_bell_rings_for_its_execution_only(redis_server: Server) -> None:
    async def scenario() -> None:
        bells, mine, other = Bells(), str(uuid4()), str(uuid4())
        async with bells.hang(mine) as bell, bells.hang(other) as silent:
            await wait_for_link(bells, bell, connected=True)
            silent.clear()
            bus.publish(bus.live_channel(mine), 1)
            await wait_for(bell)
            assert not silent.is_set()

    asyncio.run(scenario())


def test_who_waits_is_woken_when_redis_goes_and_comes(redis_server: Server) -> None:
    async def scenario() -> None:
        bells = Bells()
        async with bells.hang(str(uuid4())) as bell:
            await wait_for_link(bells, bell, connected=True)
            bell.clear()
            redis_server.kill()
            await wait_for(bell)
            assert not bells.connected
            redis_server.start()
            await wait_for_link(bells, bell, connected=True)

    asyncio.run(scenario())


def test_no_bell_is_kept_for_who_has_left(redis_server: Server) -> None:
    async def scenario() -> None:
        bells, mine = Bells(), str(uuid4())
        async with bells.hang(mine) as left:
            await wait_for_link(bells, left, connected=True)
            left.clear()
        async with bells.hang(mine) as bell:
            bus.publish(bus.live_channel(mine), 1)
            await wait_for(bell)
        assert not left.is_set()
        assert not bells._bells

    asyncio.run(scenario())
