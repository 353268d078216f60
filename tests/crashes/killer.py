"""A worker that dies where it is told to: before and after every commit, claim and call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper

from executions import store


class WorkerDied(BaseException):
    """The process is gone: no handler of the product may run on."""


class Killer:
    """Counts the points that a worker passes, and kills it at one of them."""

    def __init__(self) -> None:
        self.passed: list[str] = []
        self._dies_at: int | None = None
        self._armed = False

    @contextmanager
    def watch(self, dies_at: int | None = None) -> Iterator[None]:
        """Count what a worker does inside; it dies at the point of that number."""
        self.passed, self._dies_at, self._armed = [], dies_at, True
        try:
            yield
        finally:
            self._armed = False

    def point(self, name: str) -> None:
        """The worker is here."""
        if not self._armed:
            return
        self.passed.append(name)
        if len(self.passed) - 1 == self._dies_at:
            self._armed = False
            raise WorkerDied(name)

    def install(self, monkeypatch: pytest.MonkeyPatch, call: Callable[..., Any]) -> None:
        """Stand around the database's commits, the engine's claim, and AWS."""
        commit, claim = BaseDatabaseWrapper.commit, store.claim

        def commit_between(connection: BaseDatabaseWrapper) -> None:
            try:
                self.point("before commit")
            except WorkerDied:
                connection.connection.rollback()  # as the database does when its client is gone
                raise
            commit(connection)
            self.point("after commit")

        def claim_then() -> Any:
            claimed = claim()
            self.point("after claim")
            return claimed

        def call_between(*args: Any) -> Any:
            self.point("before call")
            answer = call(*args)
            self.point("after call")
            return answer

        monkeypatch.setattr(BaseDatabaseWrapper, "commit", commit_between)
        monkeypatch.setattr(store, "claim", claim_then)
        monkeypatch.setattr("executions.aws.call", call_between)
