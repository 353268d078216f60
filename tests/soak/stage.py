"""The processes of a whole Countersign, and what the monkey does to them."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import redis

from console.demo import ports
from console.demo.child import WITH_US, Program
from console.demo.options import ROOT, Options
from console.demo.plan import MANAGE, Plan, make_plan
from tests.soak.monkey import CLOCKS, Blow, Deed
from tests.stack.running import OURS, wait_until

# The engine's numbers are for AWS; here a minute has to show what takes an hour there. They keep
# their proportions: the quiet time is more than twice as long as a call can take.
NUMBERS: Final = {
    "COUNTERSIGN_LEASE_SECONDS": "4",
    "COUNTERSIGN_QUIET_SECONDS": "8",
    "COUNTERSIGN_AWS_CONNECT_SECONDS": "1",
    "COUNTERSIGN_AWS_READ_SECONDS": "2",
    "COUNTERSIGN_POLL_SECONDS": "0.5",
    "COUNTERSIGN_RETRY_SECONDS": "0.5",
    "COUNTERSIGN_STOP_SECONDS": "3",
    "COUNTERSIGN_TIME_SCALE": "0.05",
    # So few that there is a queue, which is full at times.
    "COUNTERSIGN_MOST_RUNNING": "8",
    "COUNTERSIGN_MOST_BLOCKED": "8",
    "COUNTERSIGN_MOST_QUEUED": "24",
    "LOG_LEVEL": "WARNING",
}
PATIENCE: Final = 30.0  # seconds in which a process that was told to end does


@dataclass(slots=True)
class Stage:
    """Programs by name, with the process that runs now; `done` counts what was done to them."""

    plan: Plan
    folder: Path
    programs: dict[str, Program]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    leaving: list[subprocess.Popen[bytes]] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    _lock: sqlite3.Connection | None = None

    def start(self, name: str) -> None:
        """Start a program; what it says is added to its log."""
        program = self.programs[name]
        with (self.folder / f"{name}.log").open("ab") as output:
            self.processes[name] = subprocess.Popen(
                [*WITH_US, *program.command],
                cwd=ROOT,
                env=self.plan.environment,
                stdout=output,
                stderr=output,
            )

    def start_ready(self, name: str) -> None:
        """Start a program, and wait until it serves."""
        self.start(name)
        wait_until(self.programs[name].ready, f"{name} is ready")

    def finish(self, program: Program) -> None:
        """Run a program that ends by itself; CalledProcessError if it fails."""
        with (self.folder / f"{program.name}.log").open("wb") as output:
            environment = self.plan.environment
            subprocess.run(program.command, cwd=ROOT, env=environment, stdout=output, check=True)

    def process(self, name: str) -> int:
        """The id of its latest process."""
        return self.processes[name].pid

    def strike(self, blow: Blow) -> None:
        """Do it."""
        self.done[blow.deed] += 1
        act: dict[Deed, Callable[[], None]] = {
            Deed.KILL_WORKER: lambda: self._replace(worker(blow.number), signal.SIGKILL),
            Deed.STOP_WORKER: lambda: self._replace(worker(blow.number), signal.SIGTERM),
            Deed.PAUSE_WORKER: lambda: self._signal(worker(blow.number), signal.SIGSTOP),
            Deed.RESUME_WORKER: lambda: self._signal(worker(blow.number), signal.SIGCONT),
            Deed.KILL_CLOCK: lambda: self._replace(clock(blow.number), signal.SIGKILL),
            Deed.FLUSH_REDIS: self._flush,
            Deed.STOP_REDIS: lambda: self._end("redis", signal.SIGKILL),
            Deed.START_REDIS: lambda: self.start("redis"),
            Deed.STOP_DATABASE: lambda: self._end("postgres", signal.SIGQUIT),
            Deed.START_DATABASE: lambda: self.start("postgres"),
            Deed.LOCK_DATABASE: self._lock_database,
            Deed.UNLOCK_DATABASE: self._unlock_database,
        }
        act[blow.deed]()

    def revive(self) -> None:
        """Start again what has ended by itself, as a service manager does, and count it."""
        self.leaving = [process for process in self.leaving if process.poll() is None]
        for name, process in list(self.processes.items()):
            if process.poll() is not None and name not in {"redis", "postgres"}:
                self.done[f"{name.rpartition('-')[0] or name} ended"] += 1
                self.start(name)

    def close(self) -> None:
        """End all processes, the stores last."""
        self._unlock_database()
        names = sorted(self.processes, key=lambda name: name in {"redis", "postgres"})
        for name in names:
            self._signal(name, signal.SIGCONT)
            self._end(name, self.programs[name].stop if name == "postgres" else signal.SIGKILL)
        for process in self.leaving:
            process.kill()
            process.wait()

    def _replace(self, name: str, number: signal.Signals) -> None:
        """End a process and start another one, which does not wait for the first."""
        process = self.processes[name]
        process.send_signal(number)
        if number == signal.SIGKILL:
            process.wait()
        else:
            process.send_signal(signal.SIGCONT)  # it may be paused
            self.leaving.append(process)
        self.start(name)

    def _signal(self, name: str, number: signal.Signals) -> None:
        self.processes[name].send_signal(number)

    def _end(self, name: str, number: signal.Signals) -> None:
        process = self.processes[name]
        process.send_signal(number)
        process.wait(timeout=PATIENCE)

    def _flush(self) -> None:
        """It may be away at this moment, which is as good."""
        with suppress(redis.RedisError):
            redis.Redis.from_url(self.plan.environment["REDIS_URL"], socket_timeout=5).flushall()

    def _lock_database(self) -> None:
        place = self.plan.environment["DATABASE_URL"].removeprefix("sqlite://")
        self._lock = sqlite3.connect(place, timeout=PATIENCE, isolation_level=None)
        self._lock.execute("BEGIN IMMEDIATE")

    def _unlock_database(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def worker(number: int) -> str:
    """The name of a worker; numbers begin with 0."""
    return f"worker-{number + 1}"


def clock(number: int) -> str:
    """The name of a clock."""
    return f"clock-{number + 1}"


@contextmanager
def staged(folder: Path, database: str, workers: int) -> Iterator[Stage]:
    """Everything up, with tables and people, but no web: decisions are made by function.

    Settings of the caller are not taken over, except the ones that are none of ours.
    """
    for name in [name for name in os.environ if name.startswith(OURS)]:
        del os.environ[name]
    os.environ |= NUMBERS
    wanted = Options(folder, ports.unused(), workers=workers, postgres=database == "postgres")
    folder.mkdir(exist_ok=True)
    plan = make_plan(wanted)
    clocks = [Program(clock(n), [*MANAGE, "clock"]) for n in range(CLOCKS)]
    servers = [one for one in plan.servers if one.name.startswith("worker-")] + clocks
    programs = {one.name: one for one in (*plan.stores, *plan.simulator, *servers)}
    stage = Stage(plan, folder, programs)
    try:
        for program in (*plan.stores, *plan.simulator):
            stage.start_ready(program.name)
        for program in (*plan.prepare, plan.seed):
            stage.finish(program)
        for program in servers:
            stage.start(program.name)
        yield stage
    finally:
        stage.close()
