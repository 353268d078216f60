"""What the monkey does, and when: decided by the seed alone, so that it can be told again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import cycle
from random import Random
from typing import Any, Final


class Deed(StrEnum):
    """One thing that is done to a process. What stops something is followed by what ends that."""

    KILL_WORKER = "kill worker"  # -9, and another one is started
    STOP_WORKER = "stop worker"  # SIGTERM, as at every new release
    PAUSE_WORKER = "pause worker"  # for longer than its leases, as a host that is moved
    RESUME_WORKER = "resume worker"
    KILL_CLOCK = "kill clock"
    FLUSH_REDIS = "flush redis"
    STOP_REDIS = "stop redis"
    START_REDIS = "start redis"
    STOP_DATABASE = "stop database"  # at once, in the middle of whatever it does
    START_DATABASE = "start database"
    LOCK_DATABASE = "lock database"  # another program writes to SQLite, and takes its time
    UNLOCK_DATABASE = "unlock database"


@dataclass(frozen=True, slots=True)
class Blow:
    """A deed, so many seconds after the beginning; `number` says to which of several."""

    at: float
    deed: Deed
    number: int = 0


@dataclass(frozen=True, slots=True)
class Habit:
    """Something that happens again and again: after how many seconds, and for how many."""

    deed: Deed
    after: tuple[float, float]
    ended_by: Deed | None = None
    lasts: tuple[float, float] = (0, 0)


ALWAYS: Final = (
    Habit(Deed.KILL_WORKER, (2, 8)),
    Habit(Deed.STOP_WORKER, (20, 30)),
    Habit(Deed.PAUSE_WORKER, (12, 25), Deed.RESUME_WORKER, (9, 14)),
    Habit(Deed.KILL_CLOCK, (10, 20)),
    Habit(Deed.FLUSH_REDIS, (10, 25)),
    Habit(Deed.STOP_REDIS, (20, 40), Deed.START_REDIS, (1, 5)),
)
# The pattern of DBOS's hourly chaos test: PostgreSQL is away for up to two seconds.
TO_DATABASE: Final = {
    "postgres": Habit(Deed.STOP_DATABASE, (5, 40), Deed.START_DATABASE, (0, 2)),
    "sqlite": Habit(Deed.LOCK_DATABASE, (5, 40), Deed.UNLOCK_DATABASE, (1, 5)),
}
CLOCKS: Final = 2

# What goes wrong at AWS with a call, whichever it is. The engine waits two seconds for an answer:
# the long delays cost the answer, and the last two let a request arrive when nobody waits for it.
FAULTS: Final[tuple[Mapping[str, Any], ...]] = (
    {"kind": "throttle"},
    {"kind": "error"},
    {"kind": "error_after"},
    {"kind": "reset_before"},
    {"kind": "reset_after"},
    {"kind": "delay", "seconds": 0.5},
    {"kind": "delay", "seconds": 3},
    {"kind": "delay_before", "seconds": 1},
    {"kind": "delay_before", "seconds": 3.5},
)


def plan(seed: int, seconds: float, database: str, workers: int) -> list[Blow]:
    """All blows in order. What was stopped is started again before the end."""
    habits = (*ALWAYS, TO_DATABASE[database])
    blows = [
        blow
        for habit in habits
        for blow in _repeat(habit, Random(f"{seed} {habit.deed}"), seconds, workers)  # noqa: S311
    ]
    return sorted(blows, key=lambda blow: blow.at)


def _repeat(habit: Habit, chance: Random, seconds: float, workers: int) -> Iterator[Blow]:
    """The first comes early, so that a minute has some of each."""
    at = chance.uniform(*habit.after) / 2
    while at < seconds:
        number = chance.randrange(CLOCKS if habit.deed == Deed.KILL_CLOCK else workers)
        yield Blow(at, habit.deed, number)
        if habit.ended_by:
            at = min(at + chance.uniform(*habit.lasts), seconds)
            yield Blow(at, habit.ended_by, number)
        at += chance.uniform(*habit.after)


def faults(seed: int) -> Iterator[Mapping[str, Any]]:
    """Faults without end, every kind equally often, in an order of the seed."""
    order = list(FAULTS)
    Random(f"{seed} faults").shuffle(order)  # noqa: S311 - no secret
    return cycle(order)
