"""A real web process, a real Redis and a database in a file, and a small client of the stream."""

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
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
from django.conf import settings as project
from django.core.management import call_command
from django.db import connections, transaction
from pytest_django.plugin import DjangoDbBlocker

from console.demo.redis import command, url
from console.iam.models import Policy, Principal, User
from console.live import token
from executions import bus
from executions.events import record
from executions.models import Account, Document, DocumentVersion, Execution, StepExecution
from executions.states import Status

DEADLINE = 15.0  # seconds that anything may take at most
ARN = "arn:aws:iam::111122223333:user/{}"
RUNBOOK = """
schemaVersion: "0.3"
mainSteps:
  - {name: stopInstances, action: "aws:sleep", inputs: {Duration: PT1M}}
  - {name: startInstances, action: "aws:sleep", inputs: {Duration: PT1M}}
"""


def wait_until(condition: Callable[[], Any], what: str) -> Any:
    """The condition's first true answer."""
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
        self._process = subprocess.Popen(self._command, env=env, cwd=project.BASE_DIR)
        wait_until(self._ready, f"{self._command[0]} answers")

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One Redis for all tests."""
    folder = tmp_path_factory.mktemp("redis")

    def ready() -> bool:
        try:
            return bool(redis.Redis.from_url(url(folder)).ping())
        except redis.RedisError:
            return False

    server = Server([*command(folder), "--loglevel", "warning"], {"REDIS_URL": url(folder)}, ready)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def redis_server(shared_redis: Server, settings: Any) -> Iterator[Server]:
    """The Redis, through which this process publishes; it may be killed and started again."""
    settings.REDIS_URL = shared_redis.env["REDIS_URL"]
    bus.connection.cache_clear()
    yield shared_redis
    bus.connection().close()
    bus.connection.cache_clear()
    shared_redis.start()


def _use_file(path: Path) -> Any:
    """Put a file in the place of this thread's database; the connection that was there before."""
    before = connections["default"]
    connection = before.copy()
    connection.settings_dict["NAME"] = str(path)
    connections["default"] = connection
    return before


@pytest.fixture(scope="session")
def database_file(
    tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker
) -> Path:
    """A database that other processes can open."""
    path = tmp_path_factory.mktemp("database") / "live.sqlite3"
    with django_db_blocker.unblock():
        before = _use_file(path)
        call_command("migrate", verbosity=0)
        connections["default"].close()
        connections["default"] = before
    return path


@pytest.fixture
def database(database_file: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Real commits into the shared database; every test makes rows of its own."""
    with django_db_blocker.unblock():
        before = _use_file(database_file)
        yield
        connections["default"].close()
        connections["default"] = before


def make_user(role: str) -> User:
    """A new person who may do everything in SSM as their one principal."""
    name = f"{role}-{uuid4()}"
    user = User.objects.create_user(name)
    everything = {"Effect": "Allow", "Action": "ssm:*", "Resource": "*"}
    policy = Policy.objects.create(
        name=f"everything-{name}", document={"Version": "2012-10-17", "Statement": [everything]}
    )
    principal = Principal.objects.create(arn=ARN.format(name), user=user)
    principal.policies.add(policy)
    return user


@pytest.fixture
def olivia(database: None) -> User:  # noqa: ARG001 - users are rows
    """The person who looks."""
    return make_user("olivia")


@pytest.fixture
def execution(olivia: User) -> Execution:
    """A run without events."""
    Account.objects.get_or_create(account_id="111122223333", name="Production")
    document = Document.objects.create(owner="Amazon", name=f"AWS-Restart-{uuid4()}")
    version = DocumentVersion.objects.create(
        document=document, number=1, content=RUNBOOK, format="YAML", sha256="0" * 64
    )
    return Execution.objects.create(
        account_id="111122223333",
        region="eu-west-1",
        version=version,
        document_name=document.name,
        started_by=olivia,
        executed_by=olivia.principals.get().arn,
        status=Status.IN_PROGRESS,
    )


@pytest.fixture
def begin_step(execution: Execution) -> Callable[[str], StepExecution]:
    """Begin the next step of the run, with its event."""

    def begin(name: str) -> StepExecution:
        with transaction.atomic():
            step = StepExecution.objects.create(
                execution=execution,
                number=execution.steps.count() + 1,
                name=name,
                action="aws:sleep",
                status=Status.IN_PROGRESS,
                phase=StepExecution.Phase.WAIT,
                started_at=execution.created_at,
            )
            record(execution.pk, "step:started", step=name)
        return step

    return begin


def tell(execution: Execution, count: int = 1, kind: str = "step:waiting") -> None:
    """Commit events, each in a transaction of its own."""
    for _ in range(count):
        with transaction.atomic():
            record(execution.pk, kind)


def finish(execution: Execution) -> None:
    """End the run, with its event."""
    with transaction.atomic():
        Execution.objects.filter(pk=execution.pk).update(status=Status.SUCCESS)
        record(execution.pk, "execution:success")


@dataclass
class Stream:
    """One connection to the stream; reading it blocks until something comes."""

    response: http.client.HTTPResponse
    connection: http.client.HTTPConnection
    comments: int = 0
    ended: bool = False
    seqs: list[int] = field(default_factory=list)

    @property
    def status(self) -> int:
        """The answer's status."""
        return self.response.status

    def messages(self) -> Iterator[dict[str, Any]]:
        """The data of each message until the connection ends, however it does."""
        try:
            for line in self.response:
                text = line.decode().rstrip("\n")
                self.comments += text.startswith(":")
                self.ended |= text == "event: end"
                if text.startswith("data: {") and not self.ended:
                    yield json.loads(text.removeprefix("data: "))
        except (http.client.HTTPException, ConnectionError):
            return

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
        for line in self.response:
            self.comments += line.startswith(b":")
            if self.comments == count:
                return
        raise AssertionError(f"The stream ended after {self.comments} comments")

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
        super().__init__([*program, *options], environment, self._answers)
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

    def _answers(self) -> bool:
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


@pytest.fixture(scope="session")
def shared_web(database_file: Path, shared_redis: Server) -> Iterator[Web]:
    """One web process for most tests."""
    with running_web(database_file, shared_redis) as web:
        yield web


@pytest.fixture
def web(shared_web: Web, redis_server: Server) -> Iterator[Web]:  # noqa: ARG001 - it publishes
    """The web process; it may be killed and started again."""
    yield shared_web
    shared_web.hang_up()
    shared_web.start()


@pytest.fixture(scope="session")
def shared_quick_web(database_file: Path, shared_redis: Server) -> Iterator[Web]:
    """One more, which does ten times a second what the other does twice a minute."""
    with running_web(database_file, shared_redis, CHECK=0.1, PING=0.1) as web:
        yield web


@pytest.fixture
def quick_web(shared_quick_web: Web, redis_server: Server) -> Iterator[Web]:  # noqa: ARG001 - too
    """The quick web process."""
    yield shared_quick_web
    shared_quick_web.hang_up()
