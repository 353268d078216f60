"""The engine's races run on a real PostgreSQL, and on a SQLite file where that means anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django import Settings

from console.iam.models import User
from executions import bus
from executions.models import Account
from tests.approvals.people import make_person
from tests.conftest import HandClock
from tests.engine.conftest import MAY
from tests.engine.fake_aws import FakeAws
from tests.engine.runs import ACCOUNT, REGION, WORKER_ROLE, Runs
from tests.races.rounds import IS_FULL, WINNERS, Tell


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A thousand rounds take as long as they take."""
    for item in items:
        if IS_FULL and "races" in item.path.parts:
            item.add_marker(pytest.mark.timeout(0))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Who won how often. That each outcome occurs is asserted, how often is chance."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == WINNERS:
                terminalreporter.write_line(f"{report.nodeid}: {value}")


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Note who won how often, for the end of the test run."""
    return lambda won: record_property(WINNERS, dict(sorted(won.items())))


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
