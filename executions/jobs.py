"""What RQ calls: one function without arguments."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import DatabaseError, close_old_connections

from executions import clock, engine, queue, store

logger = logging.getLogger(__name__)


def drain() -> None:
    """Claim whatever is due, advance it, and claim the next, until nothing is due."""
    close_old_connections()
    try:
        _drain()
    except DatabaseError as error:
        logger.warning("The database is out of reach, the work waits in it: %s", error)


def _drain() -> None:
    until = clock.now() + settings.DRAIN_TIME
    while not queue.stopping.is_set() and (execution := store.claim()) is not None:
        lease = store.Lease(execution.id, execution.epoch)
        try:
            engine.advance(execution)
        except store.Fenced:
            logger.warning("%s was taken over by another worker.", execution.id)
        except Exception:
            logger.exception("%s: the turn broke off.", execution.id)
            store.release(lease, clock.now() + settings.RETRY_DELAY)
        if clock.now() > until:
            queue.ring()
            break
