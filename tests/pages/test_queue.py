"""Runs that wait in the queue say at which place, wherever runs are shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.test import Client

from console.live.feed import read
from executions.models import Event, Execution
from executions.states import Slot, Status
from tests.pages.conftest import MakeRun, SignIn
from tests.simulator.aws import STAGING

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def client(client_of: SignIn) -> Client:
    """The viewer's."""
    return client_of("viewer")


@pytest.fixture
def queue(make_run: MakeRun) -> Sequence[Execution]:
    """Three runs in the queue; one of another account has waited longer than they."""
    waiting = {"status": Status.PENDING, "slot": Slot.QUEUED}
    make_run(account_id=STAGING, created_at=NOON - timedelta(hours=1), **waiting)
    make_run(slot=Slot.RUNNING)
    return [make_run(created_at=NOON + timedelta(seconds=n), **waiting) for n in range(3)]


def text(client: Client, url: str) -> str:
    """The page."""
    answer = client.get(url)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def test_the_page_of_a_run_says_its_place(client: Client, queue: Sequence[Execution]) -> None:
    for number, run in enumerate(queue, start=1):
        page = text(client, f"/executions/{run.pk}/")
        assert f"Number {number} in the queue." in page
        assert f'hx-get="/executions/{run.pk}/"' in page  # it asks again


def test_a_run_that_is_not_in_the_queue_has_no_place(client: Client, make_run: MakeRun) -> None:
    run = make_run(status=Status.PENDING, slot=Slot.RUNNING)
    page = text(client, f"/executions/{run.pk}/")
    assert "in the queue" not in page
    assert "A worker takes it" in page


def test_the_history_says_the_places(client: Client, queue: Sequence[Execution]) -> None:
    page = text(client, "/executions/")
    assert [page.count(f"number {number} in the queue") for number in range(5)] == [0, 1, 1, 1, 0]
    assert page.index("number 3 in the queue") < page.index("number 1 in the queue")


def test_a_filter_does_not_change_a_place(client: Client, queue: Sequence[Execution]) -> None:
    page = text(client, f"/executions/?q={queue[2].pk}")
    assert page.count("in the queue") == page.count("number 3 in the queue") == 1


def test_the_first_page_says_the_places(client: Client, queue: Sequence[Execution]) -> None:
    page = text(client, "/")
    assert [page.count(f"number {number} in the queue") for number in range(5)] == [0, 1, 1, 1, 0]


def test_the_live_page_says_it_too(queue: Sequence[Execution]) -> None:
    run = queue[1]
    Event.objects.create(execution=run, seq=1, kind="execution:accepted")
    Execution.objects.filter(pk=run.pk).update(event_seq=1)
    shown = {part["id"]: part["html"] for part in read(run.pk, 0).fragments}
    assert "Number 2 in the queue." in shown["execution-summary"]
