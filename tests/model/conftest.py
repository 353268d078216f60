"""A world for stories, and how many of them are told.

COUNTERSIGN_MODEL=large tells more and longer stories, and others each time (an hour or so).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants
from pytest_django import Settings

from executions import bus
from executions.models import Account
from tests.approvals.people import DECIDE
from tests.conftest import HandClock
from tests.engine.conftest import MAY
from tests.engine.runs import ACCOUNT, REGION, WORKER_ROLE
from tests.model.world import World

IS_LARGE = os.environ.get("COUNTERSIGN_MODEL") == "large"
COMMON = hypothesis.settings(
    deadline=None,
    database=None,
    derandomize=not IS_LARGE,
    print_blob=True,
    report_multiple_bugs=False,
    phases=[Phase.generate],  # to make a story shorter takes minutes
    suppress_health_check=list(HealthCheck),
)
STORIES = hypothesis.settings(
    COMMON,
    max_examples=20_000 if IS_LARGE else 25,
    stateful_step_count=120 if IS_LARGE else 30,
)
HUNT = hypothesis.settings(
    COMMON, max_examples=200, stateful_step_count=30, phases=[Phase.generate]
)


@pytest.fixture(autouse=True)
def _the_same_stories(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hypothesis draws constants of whatever modules are loaded: beside other tests, others."""
    monkeypatch.setattr(providers, "_get_local_constants", Constants)
    providers.CONSTANTS_CACHE.cache.clear()
    yield
    providers.CONSTANTS_CACHE.cache.clear()


@pytest.fixture
def world(
    transactional_db: None,
    hand_clock: HandClock,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    tmp_path: Path,
) -> Iterator[World]:
    """olivia starts, alice and bob approve, victor may do everything and is not asked."""
    settings.REDIS_URL = f"unix://{tmp_path}/none.sock"
    bus.connection.cache_clear()
    monkeypatch.setattr(bus, "publish", lambda channel, message: None)
    Account.objects.create(
        account_id=ACCOUNT, name="Production", regions=[REGION], role_arn=WORKER_ROLE
    )
    rights = {"olivia": MAY, "alice": DECIDE, "bob": DECIDE, "victor": MAY}
    made = World(hand_clock, monkeypatch, rights)
    yield made
    made.crew.reset()
