"""Databases of earlier releases, in the tables that they had then."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.utils import ConnectionHandler
from pytest_django import DjangoDbBlocker, Settings

from console import env
from console.iam.models import User
from executions import bus, queue
from tests.conftest import HandClock, using_database
from tests.engine.runs import Runs
from tests.releases import rows
from tests.releases.slow_aws import SlowAws

SNAPSHOTS = sorted(Path(__file__).parent.glob("*.json"))
Snapshot: TypeAlias = dict[str, Any]


@pytest.fixture(params=SNAPSHOTS, ids=lambda path: path.stem)
def snapshot(request: pytest.FixtureRequest) -> Snapshot:
    """What an earlier release has written down."""
    found: Snapshot = json.loads(request.param.read_text(encoding="utf-8"))
    return found


@contextmanager
def of_sqlite(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """A file."""
    path = request.getfixturevalue("tmp_path") / "db.sqlite3"
    databases = {"default": env.database(f"sqlite:///{path}")}
    yield ConnectionHandler(databases).settings["default"]


@contextmanager
def of_postgres(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """Another database on the server of the race tests."""
    server = request.getfixturevalue("postgres_settings")
    with using_database(server), connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE earlier_release")
    yield {**server, "NAME": "earlier_release"}
    with using_database(server), connection.cursor() as cursor:
        cursor.execute("DROP DATABASE earlier_release")


@pytest.fixture(params=[of_sqlite, of_postgres], ids=["sqlite", "postgres"])
def put_back(
    request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker, snapshot: Snapshot
) -> Iterator[None]:
    """The snapshot's rows in the snapshot's tables, in a database of their own."""
    with django_db_blocker.unblock(), request.param(request) as wanted, using_database(wanted):
        rows.put_back(snapshot["migrations"], snapshot["tables"])
        yield


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> SlowAws:
    """AWS, where everything has gone on meanwhile."""
    world = SlowAws()
    monkeypatch.setattr("executions.aws.call", world.call)
    return world


@pytest.fixture
def upgrade(
    put_back: None, snapshot: Snapshot, hand_clock: HandClock, settings: Settings, tmp_path: Path
) -> Callable[[], Runs]:
    """Migrates as the manual says, and answers with the runs as they are then."""
    settings.REDIS_URL = f"unix://{tmp_path}/none.sock"
    bus.connection.cache_clear()

    def migrate() -> Runs:
        call_command("migrate", verbosity=0)
        hand_clock.now = datetime.fromisoformat(snapshot["at"])
        return Runs(hand_clock, User.objects.get(username="olivia"))

    return migrate


@pytest.fixture(autouse=True)
def _no_bells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "_ring", lambda: None)
