"""The whole of ./run as a test sees it: addresses, people, processes, and what it says."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import URLError
from urllib.request import urlopen

from console.demo.child import WITH_US
from console.demo.options import ROOT

DEADLINE = 90.0  # seconds that anything may take at most, on a busy machine too
OURS = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "AWS_", "COUNTERSIGN_")
# The engine's numbers are for AWS, which takes minutes; the simulated account takes a second.
FAST = {
    "COUNTERSIGN_LEASE_SECONDS": "4",
    "COUNTERSIGN_QUIET_SECONDS": "1",
    "COUNTERSIGN_AWS_CONNECT_SECONDS": "1",
    "COUNTERSIGN_AWS_READ_SECONDS": "2",
    "COUNTERSIGN_POLL_SECONDS": "0.3",
    "COUNTERSIGN_RETRY_SECONDS": "0.3",
    "COUNTERSIGN_TIME_SCALE": "0.05",
}
T = TypeVar("T")


def wait_until(condition: Callable[[], T | None], what: str, seconds: float = DEADLINE) -> T:
    """The condition's first true answer."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := condition():
            return answer
        time.sleep(0.05)  # between two questions, not instead of one
    raise AssertionError(f"Not within {seconds:.0f} s: {what}")


class Stack:
    """One ./run on a state folder of its own. `start` returns when it is ready."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._output = folder.with_suffix(".output")
        self.cookies: dict[str, Any] = {}  # of people who have signed in, by name

    def start(self, *options: str, **environment: str) -> None:
        """Raises AssertionError with what it said if it does not become ready."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        program = [*WITH_US, sys.executable, "-m", "console.demo"]
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [*program, "--state", str(self.folder), *options],
                cwd=ROOT,
                env={**kept, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        wait_until(self._is_settled, "./run is ready or has ended")
        if not self._is_ready():
            raise AssertionError(self.said())

    def stop(self) -> int:
        """Ctrl-C; the exit code."""
        if self._process is None:
            raise AssertionError("It was never started.")
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(timeout=DEADLINE)

    def said(self) -> str:
        """All that the terminal shows."""
        return self._output.read_text(encoding="utf-8")

    def facts(self) -> dict[str, Any]:
        """demo.json."""
        facts: dict[str, Any] = json.loads((self.folder / "demo.json").read_text(encoding="utf-8"))
        return facts

    @property
    def url(self) -> str:
        """Where the pages are."""
        return str(self.facts()["url"])

    @property
    def aws(self) -> str:
        """Where the simulated account is."""
        return str(self.facts()["aws_endpoint"])

    def password(self, name: str) -> str:
        """Of one of the demo's people."""
        people = {person["username"]: person["password"] for person in self.facts()["users"]}
        return str(people[name])

    def serves(self) -> bool:
        """Whether the pages answer."""
        try:
            with urlopen(f"{self.url}/healthz", timeout=5) as answer:  # noqa: S310 - our own
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def processes(self, word: str) -> list[int]:
        """The ids of the programs of which this is a word of the command line."""
        if self._process is None:
            return []
        folders = Path("/proc").glob("[0-9]*")
        return [int(folder.name) for folder in folders if self._is_ours(folder, word)]

    def everything(self) -> list[int]:
        """The ids of ./run itself and of all processes that were told of its state folder."""
        itself = [self._process.pid] if self._process and self._process.poll() is None else []
        mark = f"COUNTERSIGN_STATE={self.folder}\0".encode()
        return itself + [
            int(folder.name)
            for folder in Path("/proc").glob("[0-9]*")
            if mark in _read(folder / "environ")
        ]

    def signal(self, word: str, number: signal.Signals) -> None:
        """Send a signal to all programs of that word; there must be one."""
        found = self.processes(word)
        assert found, f"{word} does not run"
        for process in found:
            os.kill(process, number)

    def django(self, code: str) -> str:
        """Run code in a process of its own that has the stack's database; what it prints."""
        clock = self.processes("clock")[0]
        environment = _read(Path(f"/proc/{clock}/environ")).decode().rstrip("\0").split("\0")
        done = subprocess.run(
            [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", code],
            cwd=ROOT,
            env=dict(pair.split("=", 1) for pair in environment),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _is_ready(self) -> bool:
        return "Ctrl-C stops everything." in self.said()

    def _is_settled(self) -> bool:
        return self._is_ready() or (self._process is not None and self._process.poll() is not None)

    def _is_ours(self, folder: Path, word: str) -> bool:
        fields = _read(folder / "stat").decode(errors="replace").rpartition(")")[2].split()
        if self._process is None or len(fields) < 2 or fields[0] in "ZX":
            return False
        words = re.split(r"[\0 ]", _read(folder / "cmdline").decode(errors="replace"))
        is_named = any(each == word or each.endswith(f"/{word}") for each in words)
        return is_named and int(fields[1]) == self._process.pid


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended, or is somebody else's
        return b""
