"""The engine's races run on a real PostgreSQL, and on a SQLite file where that means anything."""

from __future__ import annotations

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
