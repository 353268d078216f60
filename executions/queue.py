"""The one door to RQ. A bell carries nothing: it says that there may be work in the database.

Losing every bell costs seconds, since the clock and each worker also look by themselves, and a
job that somebody forged asks for nothing: a worker does not read what a job says.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

import django_rq
import redis
from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker import WorkerStatus

JOB = "executions.jobs.drain"
NAME = "engine"
PATIENCE = 1.0  # seconds between two tries to reach Redis
logger = logging.getLogger(__name__)


class Bell(Job):
    """A job of which only the id is believed."""

    def restore(self, raw_data: Mapping[str, Any]) -> None:
        """Leave whatever Redis holds unread."""


# Set when this process was told to stop: what runs is ended at the next boundary, and released.
stopping = threading.Event()


class Worker(SimpleWorker):
    """Drains the database at each bell, in this process: to fork costs 2.4 times as much."""

    job_class = Bell

    def request_stop(self, signum: Any, frame: Any) -> None:
        """Begin no further turn, and leave what takes too long to other workers."""
        _stop()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]  # RQ has no types here

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Take the bell away, then look for work."""
        self.connection.lrem(queue.intermediate_queue_key, 1, job.id)
        self.connection.delete(job.key)
        drain: Callable[[], None] = import_string(JOB)
        # Else RQ would take a signal to stop by raising, in the middle of whatever is being done.
        self._state = WorkerStatus.BUSY
        try:
            drain()
        finally:
            self._state = WorkerStatus.IDLE

    def set_shutdown_requested_date(self) -> None:
        """Write nothing: this is called in the middle of a turn, and Redis may be away."""


def _stop(*_: Any) -> None:
    stopping.set()
    limit = threading.Timer(settings.STOP_TIME.total_seconds(), _leave)
    limit.daemon = True
    limit.start()


def _leave() -> None:
    logger.warning("Told to stop, and a call goes on: another worker takes over from its record.")
    os._exit(1)  # a thread cannot be ended otherwise; to die is always allowed


def ring() -> None:
    """Ring after the commit. No more bells wait than there are workers; Redis may be away."""
    transaction.on_commit(_ring)


def _ring() -> None:
    try:
        queue = _queue(_bell_rope(settings.REDIS_URL))
        if queue.count < settings.WORKERS:
            queue.enqueue(JOB, result_ttl=0, failure_ttl=0)
    except redis.RedisError as error:
        logger.warning("No bell was rung, the clock will look by itself: %s", error)


@lru_cache(maxsize=2)
def _bell_rope(url: str) -> redis.Redis:
    """The connection of this process for ringing, kept: to connect costs more than to ring."""
    return redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=5)


def _queue(connection: redis.Redis | None = None) -> Queue:
    connection = connection or django_rq.get_connection(NAME)
    return Queue(NAME, connection=connection, serializer=JSONSerializer)


def work() -> None:
    """Serve bells until told to stop (SIGTERM: after the current step, or STOP_TIME at most).

    RQ's worker ends when it cannot reach Redis at its start or between two bells. This process
    then goes on for the work that it finds by itself, and tries again.
    """
    while not stopping.is_set():
        signal.signal(signal.SIGTERM, _stop)
        signal.signal(signal.SIGINT, _stop)
        with suppress(StopRequested):
            _serve()
        stopping.wait(PATIENCE)


def _serve() -> None:
    try:
        queue = _queue()
        worker = Worker([queue], connection=queue.connection, serializer=JSONSerializer)
        worker.work(logging_level="WARNING", with_scheduler=False)
    except redis.RedisError as error:
        logger.warning("There are no bells to serve, work is looked for without: %s", error)
