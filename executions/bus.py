"""News over Redis: best effort, after the commit, never waited for.

Whoever misses one loses time and nothing else: pages ask again, the clock looks by itself.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from uuid import UUID

import redis
from django.conf import settings

CLOCK = "countersign:clock"
logger = logging.getLogger(__name__)


def live_channel(execution_id: UUID | str) -> str:
    """The channel on which an execution's new event numbers are told."""
    return f"countersign:live:{execution_id}"


@lru_cache(maxsize=1)
def connection() -> redis.Redis:
    """This process's connection for publishing; short time-outs, since nobody may wait on it."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=0.5, socket_timeout=0.5, retry=None
    )


def publish(channel: str, message: str | int) -> None:
    """Tell whoever listens."""
    try:
        connection().publish(channel, message)
    except redis.RedisError as error:
        logger.warning("Redis did not take a message for %s: %s", channel, error)
