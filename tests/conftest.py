"""What all tests share: a clock that tests move, and a real PostgreSQL for races."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.db.utils import ConnectionHandler
from pytest_django.plugin import DjangoDbBlocker

from console import env
from console.demo import postgres
from executions import clock, library


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that fork come first: a process that has run thousands of tests is slow to copy.

    Those that wait more than they work begin at the same time, in another process: each of the
    three gets a twelfth of all tests to begin with.
    """
    waiting = [item for item in items if {"soak", "stack"} & set(item.path.parts)]
    working = [item for item in items if item not in waiting]
    working.sort(key=lambda item: "crashes" not in item.path.parts)
    place = len(items) // 12
    items[:] = [*working[:place], *waiting, *working[place:]]


class HandClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **delta: float) -> datetime:
        """Move it on by timedelta's arguments."""
        self.now += timedelta(**delta)
        return self.now


@pytest.fixture(autouse=True)
def _no_version_known() -> None:
    """Ids of versions are unique in a database, and each test has a new one."""
    library.runbook_of.cache_clear()


@pytest.fixture
def hand_clock() -> Iterator[HandClock]:
    """The clock of the test, at noon."""
    hand = HandClock()
    clock.use(hand)
    yield hand
    clock.use(None)


@pytest.fixture(scope="session")
def postgres_settings(
    tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker
) -> Iterator[dict[str, Any]]:
    """Django's settings for a real PostgreSQL with our tables in it."""
    running = postgres.start(tmp_path_factory.mktemp("postgres"))
    try:
        wanted = ConnectionHandler({"default": env.database(running.url)}).settings["default"]
        with django_db_blocker.unblock(), using_database(wanted):
            call_command("migrate", verbosity=0)
        yield wanted
    finally:
        running.stop()


@pytest.fixture(scope="session")
def sqlite_settings(
    tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker
) -> dict[str, Any]:
    """Django's settings for a SQLite file with our tables in it."""
    path = tmp_path_factory.mktemp("sqlite") / "db.sqlite3"
    databases = {"default": env.database(f"sqlite:///{path}")}
    wanted: dict[str, Any] = ConnectionHandler(databases).settings["default"]
    with django_db_blocker.unblock(), using_database(wanted):
        call_command("migrate", verbosity=0)
    return wanted


@pytest.fixture(params=["sqlite", "postgres"])
def any_db(request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """One after the other, committed and empty."""
    wanted = request.getfixturevalue(f"{request.param}_settings")
    with django_db_blocker.unblock(), using_database(wanted):
        yield
        _empty()


def _empty() -> None:
    """Delete all rows but those that migrations made: TRUNCATE takes PostgreSQL half a second."""
    with transaction.atomic(), connection.cursor() as cursor:  # keys are checked at its end
        for model in apps.get_models(include_auto_created=True):
            if model._meta.managed and model._meta.app_label not in {"auth", "contenttypes"}:
                cursor.execute(f"DELETE FROM {model._meta.db_table}")  # noqa: S608 - models' names


@contextmanager
def using_database(wanted: dict[str, Any]) -> Iterator[None]:
    """Put another database in the place of the default one."""
    before, connection = connections.settings["default"], connections["default"]
    connections.settings["default"] = wanted
    del connections["default"]
    try:
        yield
    finally:
        connections["default"].close()
        connections.settings["default"] = before
        connections["default"] = connection
