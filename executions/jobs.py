"""What RQ calls: one function without arguments; and what workers do without being called."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import DatabaseError, close_old_connections

from executions import admission, clock, engine, queue, store

logger = logging.getLogger(__name__)


def drain() -> None:
    """Claim whatever is due, advance it, and claim the next, until nothing is due."""
    with _patience():
        _drain()


def sweep() -> None:
    """The same, after giving away the slots that a worker has freed and died."""
    with _patience():
        admission.refill_all()
        _drain()


@contextmanager
def _patience() -> Iterator[None]:
    close_old_connections()
    try:
        yield
    except DatabaseError as error:
        logger.warning("The database is out of reach, the work waits in it: %s", error)


def _drain() -> None:
    until = clock.now() + settings.DRAIN_TIME
    while not queue.stopping.is_set() and (execution := store.claim()) is not None:
        lease, held = store.Lease(execution.id, execution.epoch), execution.slot
        try:
            engine.advance(execution)
        except store.Fenced:
            logger.warning("%s was taken over by another worker.", execution.id)
        except Exception:
            logger.exception("%s: the turn broke off.", execution.id)
            store.release(lease, clock.now() + settings.RETRY_DELAY)
        else:
            if execution.slot != held:
                admission.refill(execution.account_id)
        if clock.now() > until:
            queue.ring()
            break
