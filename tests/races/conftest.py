"""The engine's races run on a real PostgreSQL, and on a SQLite file where that means anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db.utils import ConnectionHandler
from pytest_django import DjangoDbBlocker, Settings

from console import env
from console.iam.models import User
from executions import bus
from executions.models import Account
from tests.approvals.people import make_person
from tests.conftest import HandClock, _database
from tests.engine.conftest import MAY
from tests.engine.fake_aws import FakeAws
from tests.engine.runs import ACCOUNT, REGION, WORKER_ROLE, Runs


@pytest.fixture(scope="session")
def sqlite_settings(
    tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker
) -> dict[str, Any]:
    """Django's settings for a SQLite file with our tables in it."""
    path = tmp_path_factory.mktemp("sqlite") / "db.sqlite3"
    databases = {"default": env.database(f"sqlite:///{path}")}
    wanted: dict[str, Any] = ConnectionHandler(databases).settings["default"]
    with django_db_blocker.unblock(), _database(wanted):
        call_command("migrate", verbosity=0)
    return wanted


@pytest.fixture
def sqlite_db(
    sqlite_settings: dict[str, Any], django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """A SQLite file as the database, in this thread and all others, committed and empty."""
    with django_db_blocker.unblock(), _database(sqlite_settings):
        yield
        call_command("flush", interactive=False, verbosity=0)


@pytest.fixture(params=["postgres_db", "sqlite_db"])
def any_db(request: pytest.FixtureRequest) -> None:
    """One after the other."""
    request.getfixturevalue(request.param)


@pytest.fixture(autouse=True)
def _no_redis(settings: Settings, tmp_path: Path) -> None:
    settings.REDIS_URL = f"unix://{tmp_path}/none.sock"
    bus.connection.cache_clear()


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    """AWS, as in the engine's tests."""
    fake = FakeAws()
    monkeypatch.setattr("executions.aws.call", fake.call)
    return fake


@pytest.fixture
def olivia(any_db: None) -> User:
    """She starts and stops, in the connected account."""
    Account.objects.create(
        account_id=ACCOUNT, name="Production", regions=[REGION], role_arn=WORKER_ROLE
    )
    return make_person("olivia", *MAY)


@pytest.fixture
def runs(hand_clock: HandClock, fake: FakeAws, olivia: User) -> Runs:
    """Runs by olivia against the fake."""
    return Runs(hand_clock, olivia)
