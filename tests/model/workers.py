"""Workers of one process after the other: each stops, dies or goes on where it is told to.

One acts at a time. A worker that pauses is a thread that waits, on the same connection as all, so
that an interleaving is the same whenever it is tried.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pytest
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from executions import jobs, store

# Where no transaction is open: in one, nobody else could do anything meanwhile.
PAUSES: Final = frozenset(
    {"after claim", "before write", "after write", "before call", "after call"}
)
PATIENCE: Final = 60  # seconds of the real clock, should a thread be lost


class WorkerDied(BaseException):
    """The process is gone: no handler of the product may run on."""


class Worker:
    """A process that looks for work: a few turns, until it dies or pauses at a boundary."""

    def __init__(self, name: str, turns: int, dies_at: int = -1, pauses_at: int = -1) -> None:
        self.name = name
        self.turns = turns
        self.dies_at = dies_at
        self.pauses_at = pauses_at
        self.passed = 0
        self.died = False
        self.call: Any = None  # the intent that it has committed, and not yet acted on
        self.claimed: Any = None  # id and epoch of the execution that it took last
        self._go = threading.Semaphore(0)
        self._stands = threading.Semaphore(0)
        self._thread: threading.Thread | None = None

    @property
    def is_paused(self) -> bool:
        """Whether it waits in the middle of a turn."""
        return self._thread is not None

    def run(self) -> None:
        """Act until the turns are done, or it dies or pauses."""
        if self.pauses_at < 0:
            self._live()
            return
        shared = connections["default"]
        shared.inc_thread_sharing()
        self._thread = threading.Thread(target=self._live_beside, args=(shared,), daemon=True)
        self._thread.start()
        self._await()

    def go_on(self, *, dies: bool = False) -> None:
        """Come back from the pause, or be killed in it."""
        self.pauses_at, self.died = -1, dies
        self._go.release()
        self._await()

    def point(self, name: str) -> None:
        """It is here."""
        self.passed += 1
        if self.passed == self.dies_at:
            self.died = True
            raise WorkerDied(name)
        may_pause = name in PAUSES and not connection.in_atomic_block
        if 0 <= self.pauses_at < self.passed and may_pause:
            self._stands.release()
            assert self._go.acquire(timeout=PATIENCE)
            if self.died:
                raise WorkerDied(name)

    def _await(self) -> None:
        assert self._stands.acquire(timeout=PATIENCE)
        if self.pauses_at < 0 and self._thread is not None:
            self._thread.join(PATIENCE)
            self._thread = None
            connections["default"].dec_thread_sharing()

    def _live(self) -> None:
        try:
            jobs.sweep()
        except WorkerDied:
            self.died = True

    def _live_beside(self, shared: BaseDatabaseWrapper) -> None:
        connections["default"] = shared
        try:
            self._live()
        finally:
            self.pauses_at = -1
            self._stands.release()


class Crew:
    """All workers there have been, and which of them acts now (none: a person does)."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.acts: Worker | None = None
        self.paused: list[Worker] = []
        self.dead: list[Worker] = []
        self.count = 0
        self._patch = patch

    def reset(self) -> None:
        """No worker is left, also none that is paused."""
        for worker in self.paused:
            self._let(worker, partial(worker.go_on, dies=True))
        self.paused, self.dead, self.count = [], [], 0

    def work(self, turns: int = 1, dies_at: int = -1, pauses_at: int = -1) -> Worker:
        """A new worker acts."""
        self.count += 1
        worker = Worker(f"worker-{self.count}", turns, dies_at, pauses_at)
        self._let(worker, worker.run)
        if worker.is_paused:
            self.paused.append(worker)
        if worker.died:
            self.dead.append(worker)
        return worker

    def come_back(self, worker: Worker) -> None:
        """One that is paused goes on."""
        self.paused.remove(worker)
        self._let(worker, worker.go_on)

    def point(self, name: str) -> None:
        """Whoever acts is here."""
        if self.acts is not None:
            self.acts.point(name)

    def _let(self, worker: Worker, act: Callable[[], None]) -> None:
        with self._patch.context() as patch:
            patch.setattr(store, "OWNER", worker.name)
            self.acts = worker
            try:
                act()
            finally:
                self.acts = None
