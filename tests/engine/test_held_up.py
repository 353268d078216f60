"""A worker that is held up between its intent and its call: the call must not begin any more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from console.iam.models import User
from console.simulator import client as simulator
from executions.aws import client
from executions.models import Account
from executions.turn import CALL_MARGIN
from tests.conftest import HandClock
from tests.engine.runs import Runs, fresh, statuses, step
from tests.engine.steps import api
from tests.stack.session import TOPIC

STEP = api("a", "sns", "Publish", {"TopicArn": TOPIC, "Message": "hello"})


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A simulated account in its own process, which knows what arrived."""
    with simulator.started("--no-fleet") as started:
        yield started


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "simulated")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "simulated")


@pytest.fixture
def runs(
    endpoint: str,
    hand_clock: HandClock,
    account: Account,
    olivia: User,
    settings: Settings,
) -> Runs:
    """Runs by olivia against that account, each with sessions of its own."""
    settings.AWS_ENDPOINT_URL = endpoint
    simulator.clear_calls(endpoint)
    client._clients.clear()
    return Runs(hand_clock, olivia)


def hold_up(monkeypatch: pytest.MonkeyPatch, hand: HandClock, seconds: float) -> None:
    """Let so much time pass, once, after the intent and before the call."""
    assume, waits = client._assume, [seconds]

    def assume_slowly(*args: Any) -> dict[str, Any]:
        answer = assume(*args)
        hand.move(seconds=waits.pop() if waits else 0)
        return answer

    monkeypatch.setattr(client, "_assume", assume_slowly)


def test_a_call_that_is_late_is_not_sent(
    runs: Runs, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold_up(monkeypatch, runs.hand, CALL_MARGIN.total_seconds() + 1)
    run = runs.start(STEP)
    runs.work()
    assert simulator.calls(endpoint, operation="Publish") == []
    assert (step(run, "a").call or {})["answer"] == "none"
    runs.drain()
    assert (fresh(run).status, statuses(run)) == ("Success", {"a": "Success"})
    assert len(simulator.calls(endpoint, operation="Publish")) == 1


def test_a_call_in_time_is_sent(runs: Runs, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hold_up(monkeypatch, runs.hand, CALL_MARGIN.total_seconds() - 1)
    run = runs.start(STEP)
    runs.work()
    assert fresh(run).status == "Success"
    assert len(simulator.calls(endpoint, operation="Publish")) == 1
