"""What the benchmarks share: a whole Countersign in a temporary folder, and what they print."""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from console.demo import postgres, redis
from console.demo.child import WITH_US
from console.demo.options import ROOT
from tests.stack.running import wait_until

DATABASES = ("sqlite", "postgres")


@dataclass(slots=True)
class Site:
    """Redis and a database with tables and people; programs are started as they are needed."""

    folder: Path
    environment: Mapping[str, str]
    stack: ExitStack = field(repr=False)

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """A program that ends with the site."""
        return self.stack.enter_context(running(command, self.environment))

    def manage(self, *words: str) -> str:
        """What a management command prints."""
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return done.stdout

    def inside(self, work: str, number: int = 0) -> Any:
        """What a piece of work of bench/inside.py answers."""
        command = [sys.executable, "-m", "bench.inside", work, str(number)]
        done = subprocess.run(  # noqa: S603 - our own program
            command, cwd=ROOT, env=self.environment, check=True, stdout=subprocess.PIPE, text=True
        )
        return json.loads(done.stdout)

    def django(self, code: str) -> str:
        """What a piece of Python prints that has the models at hand."""
        return self.manage("shell", "--no-imports", "-c", code)


@contextmanager
def site(database: str = "sqlite", **settings: str) -> Iterator[Site]:
    """A site whose data is as durable as a real one's: SQLite FULL, PostgreSQL with fsync."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name, ExitStack() as stack:
        folder = Path(name)
        here = Site(folder, _environment(folder, database, settings), stack)
        if database == "postgres":
            _start_postgres(here)
        here.start(*redis.command(folder))
        wait_until(redis.socket(folder).exists, "Redis answers")
        here.manage("migrate", "-v", "0")
        here.manage("seed", "-v", "0")
        yield here


def _start_postgres(here: Site) -> None:
    home = here.folder / "postgres"
    sockets = postgres.prepare(home)
    command = postgres.command(home, sockets)
    here.stack.enter_context(running(command, here.environment, stop=signal.SIGINT))
    wait_until(lambda: postgres.answers(sockets), "PostgreSQL answers")
    here.environment = {**here.environment, "DATABASE_URL": postgres.url(sockets)}


def _environment(folder: Path, database: str, settings: Mapping[str, str]) -> dict[str, str]:
    """Of the programs; nothing of the caller's settings."""
    return {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "console.settings",
        "SECRET_KEY": "only for a benchmark",
        "COUNTERSIGN_STATE": str(folder),
        "COUNTERSIGN_WORKERS": "2",
        "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
        "REDIS_URL": redis.url(folder),
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",  # nobody asks it
        "LOG_LEVEL": "WARNING",
        **settings,
    }


@contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str], stop: signal.Signals = signal.SIGTERM
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that ends with us."""
    process = subprocess.Popen(  # noqa: S603 - our own programs
        [*WITH_US, *command], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.send_signal(stop)
        process.wait()


def start_workers(here: Site, count: int = 2) -> dict[str, subprocess.Popen[bytes]]:
    """Workers and the clock, by name, ready to be rung."""
    commands = {"clock": "clock", **{f"worker-{n}": "worker" for n in range(1, count + 1)}}
    started = {
        name: here.start(sys.executable, "manage.py", command) for name, command in commands.items()
    }
    ready = "import django_rq; print(django_rq.get_connection('engine').scard('rq:workers'))"
    wait_until(lambda: int(here.django(ready)) == count, "the workers wait for bells")
    return started


def web_command(port: int) -> list[str]:
    """The web process as ./run starts it."""
    program = [sys.executable, "-m", "uvicorn", "console.asgi:application", "--lifespan", "off"]
    return [*program, "--port", str(port), "--no-access-log", "--log-level", "warning"]


def say(benchmark: str, **facts: object) -> None:
    """One line."""
    sys.stdout.write(json.dumps({"benchmark": benchmark, **facts}) + "\n")
    sys.stdout.flush()


def percentiles(seconds: Iterable[float]) -> dict[str, float]:
    """The median and the 95th of a hundred, in milliseconds."""
    found = sorted(seconds)
    return {
        "p50_ms": round(1000 * found[len(found) // 2], 1),
        "p95_ms": round(1000 * found[len(found) * 95 // 100], 1),
    }


def read_database(doc: str | None) -> str:
    """The database that was asked for, of a benchmark that has no other option."""
    return str(database_parser(doc).parse_args().database)


def database_parser(doc: str | None) -> argparse.ArgumentParser:
    """Options of a benchmark that runs on either database; `doc` is its docstring."""
    parser = argparse.ArgumentParser(description=doc and doc.splitlines()[0])
    parser.add_argument("--database", choices=DATABASES, default="sqlite")
    return parser


def cpu_seconds(process: int) -> float:
    """What a process has used, by itself and in the kernel."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody does."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
