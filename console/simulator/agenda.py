"""What the simulated account does later: work in steps, each due at its time."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

# Work that yields the seconds, at time scale 1, until it wants to go on.
Work = Iterator[float]


@dataclass(order=True)
class _Entry:
    due: float
    number: int
    work: Work = field(compare=False)


class Agenda:
    """Work under way, carried on when somebody looks.

    Nothing runs in the background: every request first calls settle(), so what
    is due has happened before anyone can see that it had not. Callers hold the
    simulator's lock.
    """

    def __init__(self, scale: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._scale = scale
        self._clock = clock
        self._entries: list[_Entry] = []
        self._numbers = itertools.count()

    def begin(self, work: Work) -> None:
        """Do the first step now, the next ones when they are due."""
        self._advance(work, self._clock())

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Call `act` once, after so many seconds at time scale 1."""

        def wait() -> Work:
            yield seconds
            act()

        self.begin(wait())

    def settle(self) -> None:
        """Do every step whose time has come, in the order of their times."""
        now = self._clock()
        while self._entries and self._entries[0].due <= now:
            entry = heapq.heappop(self._entries)
            self._advance(entry.work, entry.due)

    def _advance(self, work: Work, at: float) -> None:
        seconds = next(work, None)
        if seconds is not None:
            entry = _Entry(at + seconds * self._scale, next(self._numbers), work)
            heapq.heappush(self._entries, entry)
