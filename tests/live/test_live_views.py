"""The new token, and the events for pages that get no stream."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from console.iam.models import User
from console.live.tickets import read_token
from executions.models import Execution
from tests.live.rows import finish, make_user, tell


@pytest.fixture(autouse=True)
def nothing_collected(settings: Any) -> None:
    """WhiteNoise would warn of a folder that only collectstatic makes."""


@pytest.fixture
def client(olivia: User) -> Client:
    """Olivia's browser."""
    client = Client()
    client.force_login(olivia)
    return client


def test_token_is_of_the_person_and_the_execution(
    client: Client, olivia: User, execution: Execution
) -> None:
    answer = client.get(f"/executions/{execution.pk}/live-token/")
    ticket = read_token(answer.json()["token"], execution.pk)
    assert ticket.user_id == olivia.pk
    assert ticket.principal == olivia.principals.get().arn
    assert ticket.holds()
    assert "no-store" in answer.headers["Cache-Control"]


def test_events_are_those_above_the_cursor(client: Client, execution: Execution) -> None:
    tell(execution, 3)
    data = client.get(f"/executions/{execution.pk}/events/?after=1").json()
    ids = [fragment["id"] for fragment in data["fragments"]]
    assert [name for name in ids if name.startswith("event-")] == ["event-2", "event-3"]
    assert data["seq"] == 3
    assert data["end"] is False


def test_end_is_told_with_the_last_event(client: Client, execution: Execution) -> None:
    tell(execution, 100)
    finish(execution)
    first = client.get(f"/executions/{execution.pk}/events/").json()
    last = client.get(f"/executions/{execution.pk}/events/?after={first['seq']}").json()
    assert [first["end"], last["end"]] == [False, True]
    assert last["seq"] == 101


def test_cursor_is_a_number(client: Client, execution: Execution) -> None:
    answer = client.get(f"/executions/{execution.pk}/events/?after=last")
    assert answer.status_code == 400
    assert "number" in answer.json()["message"]


@pytest.mark.parametrize("name", ["live-token", "events"])
def test_signed_out_is_told_so(execution: Execution, name: str) -> None:
    answer = Client().get(f"/executions/{execution.pk}/{name}/")
    assert answer.status_code == 403
    assert "signed out" in answer.json()["message"]


@pytest.mark.parametrize("name", ["live-token", "events"])
def test_stranger_is_refused(execution: Execution, name: str) -> None:
    stranger = make_user("stranger")
    principal = stranger.principals.get()
    principal.arn = principal.arn.replace("111122223333", "444455556666")
    principal.save()
    client = Client()
    client.force_login(stranger)
    answer = client.get(f"/executions/{execution.pk}/{name}/")
    assert answer.status_code == 403
    assert "token" not in answer.json()
