"""Programs that can be killed and started again, and a small client of the stream."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings as project

from console.demo.child import WITH_US
from console.iam.models import User
from console.live import token
from executions.models import Execution

DEADLINE = 60.0  # seconds that anything may take at most


def wait_until(condition: Callable[[], Any], what: str) -> Any:
    """The condition's first true answer; an exception of it ends the wait."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        if answer := condition():
            return answer
        time.sleep(0.02)  # between two questions, not instead of one
    raise AssertionError(f"Not within {DEADLINE} s: {what}")


class Server:
    """A program that can be killed and started again."""

    def __init__(self, command: list[str], env: dict[str, str], ready: Callable[[], bool]) -> None:
        self._command, self.env, self._ready = command, env, ready
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return when it answers; nothing to do if it runs."""
        if self._process:
            return
        env = {**os.environ, **self.env}
        self._process = subprocess.Popen([*WITH_US, *self._command], env=env, cwd=project.BASE_DIR)
        try:
            wait_until(self._answers, "the program answers")
        except BaseException:
            self.kill()
            raise

    def _answers(self) -> bool:
        assert self._process
        assert self._process.poll() is None, f"{self._command} ended at its start"
        return self._ready()

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None


@dataclass
class Stream:
    """One connection to the stream; reading it blocks until something comes."""

    response: http.client.HTTPResponse
    connection: http.client.HTTPConnection
    ended: bool = False
    seqs: list[int] = field(default_factory=list)

    @property
    def status(self) -> int:
        """The answer's status."""
        return self.response.status

    def lines(self) -> Iterator[str]:
        """Each line until the connection ends, however it does."""
        deadline = time.monotonic() + DEADLINE
        try:
            for line in self.response:
                assert time.monotonic() < deadline, "The stream goes on and on"
                yield line.decode().rstrip("\n")
        except (http.client.HTTPException, ConnectionError):
            return

    def messages(self) -> Iterator[dict[str, Any]]:
        """The data of each message until the connection ends."""
        for line in self.lines():
            self.ended |= line == "event: end"
            if line.startswith("data: ") and not self.ended:
                yield json.loads(line.removeprefix("data: "))

    def read_to(self, seq: int) -> list[dict[str, str]]:
        """The fragments up to an event; the numbers of the events are added to `seqs`."""
        found = []
        for message in self.messages():
            ids = [fragment["id"] for fragment in message["fragments"]]
            self.seqs += [int(name[6:]) for name in ids if name.startswith("event-")]
            assert self.seqs[-1] == message["seq"]
            found += message["fragments"]
            if message["seq"] >= seq:
                return found
        raise AssertionError(f"The stream ended before event {seq}, after {self.seqs}")

    def read_comments(self, count: int) -> None:
        """Wait for so many comments."""
        comments = (line for line in self.lines() if line.startswith(":"))
        assert len(list(islice(comments, count))) == count

    def read_to_end(self) -> None:
        """Wait until the server ends the connection."""
        for _ in self.messages():
            pass

    def close(self) -> None:
        """Leave."""
        self.response.close()
        self.connection.close()


class Web(Server):
    """A uvicorn with the console's application."""

    def __init__(self, database: Path, redis_url: str, **numbers: float) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        environment = {
            "DATABASE_URL": f"sqlite:///{database}",
            "REDIS_URL": redis_url,
            "SECRET_KEY": project.SECRET_KEY,
            **{f"LIVE_{name}": str(number) for name, number in numbers.items()},
        }
        program = [sys.executable, "-m", "uvicorn", "tests.live.server:application"]
        options = ["--port", str(self.port), "--log-level", "warning"]
        super().__init__([*program, *options], environment, self._listens)
        self._streams: list[Stream] = []

    @property
    def url(self) -> str:
        """Its origin."""
        return f"http://127.0.0.1:{self.port}"

    def hang_up(self) -> None:
        """Close all connections to it."""
        while self._streams:
            self._streams.pop().close()

    def ask(self, path: str, method: str = "GET") -> Stream:
        """The answer to a request, of which the body is still to be read."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        connection.request(method, path)
        stream = Stream(connection.getresponse(), connection)
        self._streams.append(stream)
        return stream

    def follow(self, user: User, execution: Execution, after: int = 0) -> Stream:
        """A stream of the execution, asked for as its page does."""
        key = token(user, execution.pk)
        return self.ask(f"/live/executions/{execution.pk}?after={after}&token={key}")

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def running_web(database_file: Path, redis_server: Server, **numbers: float) -> Iterator[Web]:
    """A web process with other numbers of console/live/stream.py, such as CHECK=0.1."""
    web = Web(database_file, redis_server.env["REDIS_URL"], **numbers)
    web.start()
    try:
        yield web
    finally:
        web.hang_up()
        web.kill()
