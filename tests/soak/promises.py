"""What must be true when the monkey has gone: pure judgement of what was started and what is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

ENDS: Final = {
    "Success": "success",
    "Failed": "failed",
    "Cancelled": "cancelled",
    "TimedOut": "timed_out",
}


@dataclass(frozen=True, slots=True)
class Run:
    """An execution as the database has it. `waits_for` says which person could move it, if any:
    an approver, whoever resumes, or whoever says what became of a call (`verdict`)."""

    status: str
    waits_for: str = ""

    @property
    def place(self) -> str:
        """Its term of the equation; empty if it has none."""
        if self.status in ENDS:
            return ENDS[self.status]
        return {"": "", "verdict": "unknown"}.get(self.waits_for, "waiting")


@dataclass(frozen=True, slots=True)
class Deed:
    """A step that is to have one effect on AWS for each attempt at most.

    `key` names the effect. `is_shown` says that its success means an effect, which is not so for
    an instance that was stopped already. `doubted` is a step that says it may have taken effect.
    """

    run: str
    step: str
    key: str
    status: str
    attempts: int = 1
    is_shown: bool = True
    doubted: bool = False

    def __str__(self) -> str:
        return f"step {self.step} of {self.run} ({self.key})"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A call that may change something, as it arrived at AWS: of which run, and its hash."""

    run: str
    call: str
    sha256: str


def count(runs: Mapping[str, Run]) -> dict[str, int]:
    """The right side of the equation, with what belongs nowhere."""
    found = Counter(run.place or "lost" for run in runs.values())
    return {place: found[place] for place in (*ENDS.values(), "waiting", "unknown", "lost")}


def unequal(started: Collection[str], runs: Mapping[str, Run]) -> Iterator[str]:
    """Why `started = success + failed + cancelled + timed out + waiting on a person + unknown`
    does not hold."""
    for run in sorted(set(started) - set(runs)):
        yield f"run {run} was accepted, and is not there"
    for run in sorted(set(runs) - set(started)):
        yield f"run {run} is there, and nobody was told that it was accepted"
    for run, found in sorted(runs.items()):
        if not found.place:
            yield f"run {run} is {found.status}, and waits for nobody"


def doubled(deeds: Iterable[Deed], effects: Mapping[str, int]) -> Iterator[str]:
    """Effects that there are too many or too few of."""
    deeds = list(deeds)
    for deed in deeds:
        seen = effects.get(deed.key, 0)
        if seen > deed.attempts:
            yield f"{deed} took effect {seen} times in {deed.attempts} attempts"
        if deed.is_shown and deed.status == "Success" and not seen:
            yield f"{deed} succeeded without an effect"
        if deed.is_shown and deed.status == "Failed" and seen and not deed.doubted:
            yield f"{deed} is said to have failed, and took effect"
    for key in sorted(set(effects) - {deed.key for deed in deeds}):
        yield f"AWS was changed by nobody's step: {key}"


def unannounced(
    arrivals: Iterable[Arrival], announced: Collection[tuple[str, str]]
) -> Iterator[str]:
    """Calls that reached AWS although no run had written down before that it would make them."""
    for arrival in arrivals:
        if (arrival.run, arrival.sha256) not in announced:
            yield f"{arrival.call} of run {arrival.run} was made, and not announced"


def percentile(seconds: Sequence[float], hundredth: int) -> float:
    """Of so many in a hundred, rounded; 0 without any."""
    found = sorted(seconds)
    return round(found[min(len(found) * hundredth // 100, len(found) - 1)], 1) if found else 0.0
