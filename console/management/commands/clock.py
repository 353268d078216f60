"""manage.py clock: rings when something falls due. Several may run; each only looks and rings."""

from __future__ import annotations

import logging
import signal
import threading
from datetime import timedelta
from types import FrameType
from typing import Any

import redis
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections

from console import durability
from executions import admission, bus, clock, queue
from executions.models import Execution
from executions.states import NEVER

logger = logging.getLogger(__name__)
SOONEST = timedelta(milliseconds=1)


class Command(BaseCommand):
    """Sleeps until the next due row, and is woken when an earlier one is written."""

    help = "Run the clock: it finds due and orphaned executions and rings for them."

    def handle(self, *args: Any, **options: Any) -> None:
        """Until SIGTERM or SIGINT."""
        durability.wait_for_database()
        stop = threading.Event()

        def told(signum: int, frame: FrameType | None) -> None:
            stop.set()

        signal.signal(signal.SIGTERM, told)
        signal.signal(signal.SIGINT, told)
        alarm = Alarm()
        while not stop.is_set():
            close_old_connections()
            try:
                pause = look()
            except DatabaseError as error:
                logger.warning("The database cannot be read: %s", error)
                pause = settings.CLOCK_LONGEST_SLEEP
            alarm.wait(pause, stop)


def look() -> timedelta:
    """Ring for what is due; how long until something else is, a few seconds at most.

    A claimed row falls due at its lease's end, so this finds the work of lost workers too; first,
    slots that they had freed are given away.
    """
    admission.refill_all()
    due = Execution.objects.due().count()
    for _ in range(min(due, settings.WORKERS)):
        queue.ring()
    now = clock.now()
    upcoming = Execution.objects.filter(wake_at__gt=now, wake_at__lt=NEVER)
    first = upcoming.order_by("wake_at").values_list("wake_at", flat=True).first()
    longest: timedelta = settings.CLOCK_LONGEST_SLEEP
    return min(longest, max(first - now, SOONEST)) if first else longest


class Alarm:
    """A sleep that a message on the clock's channel ends; without Redis, a plain sleep."""

    def __init__(self) -> None:
        self._listener: Any = None  # redis-py gives its PubSub no types

    def wait(self, pause: timedelta, stop: threading.Event) -> None:
        """Sleep for the pause, or until there is news."""
        try:
            listener = self._listener or self._listen()
            listener.get_message(timeout=pause.total_seconds())
        except redis.RedisError:
            self._listener = None
            stop.wait(pause.total_seconds())

    def _listen(self) -> Any:
        connection: Any = redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1)
        listener = connection.pubsub(ignore_subscribe_messages=True)
        listener.subscribe(bus.CLOCK)
        self._listener = listener
        return listener
