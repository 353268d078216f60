"""An account with a role, a person who may start, and an AWS that this process plays."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from console.iam.models import User
from executions import bus, history, store
from executions.models import Account, Execution
from tests.approvals.people import RUN, make_person
from tests.conftest import HandClock
from tests.engine.fake_aws import FakeAws
from tests.engine.runs import ACCOUNT, REGION, WORKER_ROLE, Runs

MAY = (*RUN, "ssm:StartAutomationExecution", "iam:PassRole")
CLAIMS_AT_MOST = 1000


@pytest.fixture(autouse=True)
def _no_redis(settings: Settings, tmp_path: Path) -> None:
    """No test rings at a Redis that happens to run here."""
    settings.REDIS_URL = f"unix://{tmp_path}/none.sock"
    bus.connection.cache_clear()


@pytest.fixture(autouse=True)
def _no_busy_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that takes the same runs again and again fails its test instead of hanging it."""
    claim, taken = store.claim, itertools.count()

    def counted() -> Execution | None:
        assert next(taken) < CLAIMS_AT_MOST, "the worker does not come to rest"
        return claim()

    monkeypatch.setattr(store, "claim", counted)


@pytest.fixture
def broken_rows() -> None:
    """For tests that break rows on purpose: nobody looks at them afterwards."""


@pytest.fixture(autouse=True)
def _rows_that_can_have_happened(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test, each run's rows tell a story that can have happened."""
    if "account" not in request.fixturenames or "broken_rows" in request.fixturenames:
        yield
        return
    request.getfixturevalue("account")  # before this fixture, so that the rows outlive it
    yield
    runs = Execution.objects.select_related("version")
    assert [problem for run in runs for problem in history.problems(run)] == []


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    """AWS: what the engine calls, it calls there."""
    fake = FakeAws()
    monkeypatch.setattr("executions.aws.call", fake.call)
    return fake


@pytest.fixture
def account(db: None) -> Account:
    """The connected account."""
    return Account.objects.create(
        account_id=ACCOUNT, name="Production", regions=[REGION], role_arn=WORKER_ROLE
    )


@pytest.fixture
def olivia(db: None) -> User:
    """She starts and stops."""
    return make_person("olivia", *MAY)


@pytest.fixture
def runs(hand_clock: HandClock, fake: FakeAws, account: Account, olivia: User) -> Runs:
    """Runs in the connected account, by olivia, against the fake."""
    return Runs(hand_clock, olivia)
