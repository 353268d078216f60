"""A real web process, a real Redis and a database in a file, and a small client of the stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
from django.core.management import call_command
from django.db import connections, transaction
from pytest_django.plugin import DjangoDbBlocker

from console.demo.redis import command, url
from console.iam.models import User
from executions import bus
from executions.events import record
from executions.models import Account, Document, DocumentVersion, Execution, StepExecution
from executions.states import Status
from tests.live.rows import make_user
from tests.live.web import Server, Web, running_web

RUNBOOK = """
schemaVersion: "0.3"
mainSteps:
  - {name: stopInstances, action: "aws:sleep", inputs: {Duration: PT1M}}
  - {name: startInstances, action: "aws:sleep", inputs: {Duration: PT1M}}
"""


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


@pytest.fixture
def olivia(database: None) -> User:
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


@pytest.fixture(scope="session")
def shared_web(database_file: Path, shared_redis: Server) -> Iterator[Web]:
    """One web process for most tests. It hears of events from Redis or not at all."""
    with running_web(database_file, shared_redis, CHECK=600, PING=600) as web:
        yield web


@pytest.fixture
def web(shared_web: Web, redis_server: Server) -> Iterator[Web]:
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
def quick_web(shared_quick_web: Web, redis_server: Server) -> Iterator[Web]:
    """The quick web process."""
    yield shared_quick_web
    shared_quick_web.hang_up()
