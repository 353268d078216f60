"""A soak from the first start to the verdict."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from console.demo.options import ROOT
from tests.soak import evidence, monkey, promises
from tests.soak.crowd import Crowd, patiently
from tests.soak.evidence import Watch
from tests.soak.judge import Judge
from tests.soak.monkey import Deed
from tests.soak.stage import Stage, worker
from tests.stack.running import wait_until

STUCK: Final = 60.0  # seconds in which nothing happens although something should
FULL: Final = "AutomationExecutionLimitExceededException"  # the queue, which is made so small
LOOK: Final = 0.2


@dataclass(frozen=True, slots=True)
class Terms:
    """What a soak is told."""

    minutes: float = 1.0
    seed: int = 1
    database: str = "postgres"
    workers: int = 4

    @property
    def command(self) -> str:
        """What repeats it."""
        return (
            f"./test soak --minutes {self.minutes:g} --seed {self.seed}"
            f" --database {self.database} --workers {self.workers}"
        )


def carry_out(terms: Terms, stage: Stage) -> tuple[dict[str, Any], list[str]]:
    """The figures, and the promises that are broken, as sentences."""
    judge = Judge(stage.plan.aws_endpoint, terms.seed)
    crowd = Crowd(terms.seed, judge.instances(), judge.was_published)
    crowd.prepare()
    watch = Watch()
    with _at_work(crowd, judge):
        _let_loose(terms, stage, watch)
        crowd.closing.set()
        judge.calm()
        rested = _drain(stage, watch, crowd)
    judge.end()
    broken = [*rested, *_judge(crowd, judge), *_verify(stage)]
    return _report(terms, stage, (crowd, judge, watch)), broken


@contextmanager
def _at_work(crowd: Crowd, judge: Judge) -> Iterator[None]:
    """With everybody at it; what breaks one of them off breaks the soak off."""
    with ThreadPoolExecutor() as threads:
        work = [threads.submit(act) for act in (crowd.start, crowd.live, judge.watch)]
        try:
            yield
        finally:
            for event in (crowd.closing, crowd.leaving, judge.leaving):
                event.set()
    for one in work:
        one.result()


def _let_loose(terms: Terms, stage: Stage, watch: Watch) -> None:
    """The monkey does what it has planned, from this thread: what it starts ends with it."""
    began = time.monotonic()
    for blow in monkey.plan(terms.seed, terms.minutes * 60, terms.database, terms.workers):
        while (left := began + blow.at - time.monotonic()) > 0:
            patiently(watch.look)
            stage.revive()
            time.sleep(min(left, LOOK))  # until the plan says so
        patiently(partial(watch.before, blow.deed))
        before = stage.process(worker(blow.number))
        stage.strike(blow)
        if blow.deed == Deed.KILL_WORKER:
            patiently(partial(watch.lost, before))


def _drain(stage: Stage, watch: Watch, crowd: Crowd) -> list[str]:
    """Wait until all have ended but those that nobody answers, for as long as that gets on."""

    def got_on() -> bool:
        stage.revive()
        patiently(watch.look)
        told = patiently(evidence.count_events)
        return _rests(crowd) or (told is not None and told > known)

    while not _rests(crowd):
        known = patiently(evidence.count_events) or 0
        try:
            wait_until(got_on, "something happens", STUCK)
        except AssertionError:
            left = evidence.count_open(crowd.ignored)
            return [f"{left} runs are open, and for {STUCK:.0f} seconds nothing happened"]
    return []


def _rests(crowd: Crowd) -> bool:
    left = patiently(partial(evidence.count_open, crowd.ignored))
    return left == 0 and not crowd.is_sending


def _judge(crowd: Crowd, judge: Judge) -> Iterator[str]:
    yield from promises.unequal(crowd.accepted, evidence.runs())
    yield from promises.doubled(evidence.deeds(), judge.effects())
    yield from promises.unannounced(judge.arrivals(), evidence.announced())
    yield from (f"starts were refused: {code}" for code in crowd.refused if code != FULL)


def _verify(stage: Stage) -> Iterator[str]:
    """What manage.py verify_history has to say."""
    done = subprocess.run(
        [sys.executable, "manage.py", "verify_history"],
        cwd=ROOT,
        env=stage.plan.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        yield f"manage.py verify_history ends with {done.returncode}: {done.stderr.strip()}"


def _report(terms: Terms, stage: Stage, seen: tuple[Crowd, Judge, Watch]) -> dict[str, Any]:
    crowd, judge, watch = seen
    return {
        "soak": terms.command,
        "seed": terms.seed,
        "minutes": terms.minutes,
        "database": terms.database,
        "workers": terms.workers,
        "started": len(crowd.accepted),
        **promises.count(evidence.runs()),
        "refused": dict(crowd.refused),
        "asked_persons": evidence.count_events(kind="step:unknown"),
        "monkey": dict(sorted(stage.done.items())),
        "people": dict(sorted(crowd.done.items())),
        "calls": len(judge.calls),
        "faults": dict(sorted(judge.struck.items())),
        "proved": {
            "steps": sum(1 for _ in evidence.deeds()),
            "effects": sum(judge.effects().values()),
            "arrivals": sum(1 for _ in judge.arrivals()),
        },
        "in_progress": dict(sorted(watch.in_progress.items())),
        "most_queued": watch.most_queued,
        "takeovers": len(watch.takeovers),
        "takeover_p95_s": promises.percentile(watch.takeovers, 95),
        "takeover_max_s": promises.percentile(watch.takeovers, 100),
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.release()}",
    }
