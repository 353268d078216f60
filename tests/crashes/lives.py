"""A worker's life: a process of its own, forked from the test's, that really dies by SIGKILL.

It inherits what the test has loaded, its clock and its settings, and opens its own connections.
What it passes it writes into a pipe, so that the names outlive it.
"""

from __future__ import annotations

import os
import secrets
import select
import signal
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from django.db import connections

from executions import jobs, store
from tests.conftest import HandClock
from tests.crashes import boundaries
from tests.engine.runs import next_wake

ROUNDS_AT_MOST: Final = 400
# A life goes on for that long by its clock, if something is due; then it is the turn of people.
PATIENCE: Final = timedelta(minutes=5)


# The name of a boundary, and how often a worker passes it before it dies there.
Place: TypeAlias = tuple[str, int]


@dataclass(frozen=True, slots=True)
class End:
    """Which signal a worker gets, and where; it may be nowhere."""

    at: Place | None = None
    signal: signal.Signals = signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Life:
    """What a worker passed, in this order, and whether it died at the last of it."""

    passed: Sequence[str]
    died: bool

    @property
    def requests(self) -> list[str]:
        """Those that have left, by their names."""
        return [name for name in self.passed if name.startswith("sent ")]

    @property
    def died_in(self) -> str:
        """The call that was announced and whose outcome was not committed, if it died in one."""
        if not self.died:
            return ""
        committed = [name for name in self.passed if name.startswith("committed ")]
        _, _, call = (committed[-1] if committed else "").partition("step:call ")
        return call.partition(",")[0]


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that works, until it is gone or stands still."""

    hand: HandClock
    pid: int
    pipe: int

    def await_stop(self) -> None:
        """Wait until it stands still, in the middle of its work."""
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)

    def go_on(self) -> None:
        """Let one that stands still work on."""
        os.kill(self.pid, signal.SIGCONT)

    def end(self) -> Life:
        """Wait until it is gone. The clock is then where it left it, or where it was.

        AssertionError if it ended by an exception.
        """
        with os.fdopen(self.pipe, encoding="utf-8") as pipe:
            lines = pipe.read().splitlines()
        _, status = os.waitpid(self.pid, 0)
        troubles = [line.replace("\\n", "\n") for line in lines if line.startswith("trouble ")]
        assert troubles == [], troubles[0]
        moments = [_moment(line) for line in lines if line.startswith("clock ")]
        self.hand.now = max([self.hand.now, *moments])
        passed = [line.removeprefix("point ") for line in lines if line.startswith("point ")]
        processes = [line.removeprefix("process ") for line in lines]
        _await_end([int(process) for process in processes if process.isdigit()])
        return Life(passed, os.WIFSIGNALED(status))


def begin(hand: HandClock, end: End, plant: Callable[[], None] | None = None) -> Worker:
    """A worker begins. plant: changes the product in this life alone, for controls."""
    connections.close_all()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _be(hand, writing, end, plant)
    os.close(writing)
    return Worker(hand, pid, reading)


def _moment(line: str) -> datetime:
    return datetime.fromisoformat(line.removeprefix("clock "))


def _be(hand: HandClock, writing: int, end: End, plant: Callable[[], None] | None) -> None:
    """The child: it does not come back from here."""
    passed: list[str] = []

    def say(word: str, text: str) -> None:
        os.write(writing, f"{word} {text}\n".encode())

    def point(name: str) -> None:
        say("point", name)
        if end.at == (name, passed.count(name)):
            os.kill(os.getpid(), end.signal)
        passed.append(name)

    try:
        setattr(store, "OWNER", f"life-{os.getpid()}-{secrets.token_hex(4)}")  # noqa: B010 - Final
        if plant is not None:
            plant()
        boundaries.install(point, lambda process: say("process", str(process)))
        _work(hand, lambda: say("clock", hand.now.isoformat()))
    except BaseException:  # noqa: BLE001 - the test is told, which is another process
        say("trouble", traceback.format_exc().replace("\n", "\\n"))
    finally:
        os._exit(0)  # never back into the test


def _work(hand: HandClock, tell: Callable[[], None]) -> None:
    """As a worker and the clock do, with a jump to when the next thing is due."""
    until = hand.now + PATIENCE
    for _ in range(ROUNDS_AT_MOST):
        tell()
        jobs.sweep()
        wake = next_wake()
        if wake > until:
            return
        hand.now = max(hand.now, wake)
    raise AssertionError("the runs do not come to rest")


def _await_end(processes: Sequence[int]) -> None:
    """Scripts end with their worker; until they have, they might still do something."""
    for process in processes:
        with suppress(ProcessLookupError):
            known = os.pidfd_open(process)
            select.select([known], [], [])
            os.close(known)
