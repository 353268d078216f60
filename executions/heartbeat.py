"""Holding a lease for as long as a script runs: the one work of a worker that takes minutes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from django.conf import settings
from django.db import DatabaseError, connections

from executions import store
from executions.turn import STOPS

BEATS: Final = 3  # in the time of a lease; after two that missed the work is ended
logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Pulse:
    """`abort` is set when the work should end: the lease is lost, or somebody asked to stop."""

    lease: store.Lease
    abort: threading.Event = field(default_factory=threading.Event)
    is_lost: bool = False
    _ended: threading.Event = field(default_factory=threading.Event)

    def beat(self) -> None:
        """Renew until the work has ended. The thread's own connection is closed in the end."""
        pause = settings.LEASE.total_seconds() / BEATS
        renewed = time.monotonic()
        try:
            while not self._ended.wait(pause):
                if self._renew():
                    renewed = time.monotonic()
                elif time.monotonic() - renewed > pause * (BEATS - 1):
                    self._lose()
        finally:
            connections.close_all()

    def end(self) -> None:
        """The work has ended; no more beats."""
        self._ended.set()

    def _renew(self) -> bool:
        """Whether the lease was renewed. One that another worker has is lost at once."""
        try:
            if store.renew(self.lease) in STOPS:
                self.abort.set()
        except store.Fenced:
            self._lose()
        except DatabaseError as error:
            logger.warning("%s: the lease was not renewed: %s", self.lease.execution_id, error)
            connections.close_all()
            return False
        return True

    def _lose(self) -> None:
        self.is_lost = True
        self.abort.set()
        self._ended.set()


@contextmanager
def keep(lease: store.Lease) -> Iterator[threading.Event]:
    """Renew the lease while the block runs, which should end when the event is set.

    Raises Fenced at its end if the lease was lost meanwhile.
    """
    pulse = Pulse(lease)
    thread = threading.Thread(target=pulse.beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield pulse.abort
    finally:
        pulse.end()
        thread.join()
    if pulse.is_lost:
        raise store.Fenced
