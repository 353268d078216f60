"""Interactive executions on the pages: a button for each step, and Complete beside Cancel."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from console.live import feed
from executions.models import DocumentVersion, Execution, JournalEntry, Signal
from tests.approvals.people import drain
from tests.pages.conftest import MakeRun, SignIn, make_version

TWO = """
schemaVersion: "0.3"
mainSteps:
  - {name: first, action: "aws:sleep", inputs: {Duration: PT0S}}
  - {name: second, action: "aws:sleep", inputs: {Duration: PT1H}}
"""
PAGE = "/documents/111122223333/Two/start/"
RUN, AGAIN, STOP = "Run this step", "Run this step again", "Stop this step"


def text(answer: Any) -> str:
    assert isinstance(answer, HttpResponse)
    return unescape(answer.content.decode())


@pytest.fixture
def two(db: None) -> DocumentVersion:
    """Two steps."""
    return make_version("Two", TWO)


@pytest.fixture
def client(client_of: SignIn, two: DocumentVersion, aws: str) -> Client:
    """The operator's."""
    return client_of("operator")


@pytest.fixture
def run(client: Client) -> Execution:
    """An interactive run, started on the page, at its start."""
    client.post(PAGE, {"region": "eu-west-1", "token": "t", "mode": "Interactive", "confirm": "1"})
    drain()
    return Execution.objects.get()


def page_of(client: Client, run: Execution) -> str:
    return text(client.get(f"/executions/{run.pk}/"))


def press(client: Client, run: Execution, **button: str) -> None:
    """Press a button of a step, and let the worker do what follows."""
    assert client.post(f"/executions/{run.pk}/signal/", button).status_code == 302
    drain()


def test_form_and_review_offer_both_modes(client: Client) -> None:
    form = text(client.get(PAGE))
    assert 'name="mode" value="Auto" id="id_mode_0" checked' in form.replace(' class="', " c=")
    assert 'name="mode" value="Interactive"' in form
    fields = {"region": "eu-west-1", "token": "t", "mode": "Interactive"}
    review = text(client.post(PAGE, fields))
    assert "<b>step by step</b>" in review
    assert '<input type="hidden" name="mode" value="Interactive">' in review
    assert "step by step" not in text(client.post(PAGE, {**fields, "mode": "Auto"}))


@pytest.mark.parametrize(
    ("given", "mode"), [({}, "Auto"), ({"mode": "Interactive"}, "Interactive")]
)
def test_mode_is_that_of_the_form(client: Client, given: dict[str, str], mode: str) -> None:
    client.post(PAGE, {"region": "eu-west-1", "token": "t", "confirm": "1", **given})
    assert Execution.objects.get().mode == mode


def test_mode_that_there_is_not(client: Client) -> None:
    answer = client.post(
        PAGE, {"region": "eu-west-1", "token": "t", "mode": "Fast", "confirm": "1"}
    )
    assert answer.status_code == 400
    assert not Execution.objects.exists()


def test_like_another_keeps_its_mode(client: Client, run: Execution) -> None:
    form = text(client.get(f"{PAGE}?like={run.pk}"))
    assert 'value="Interactive" id="id_mode_1" checked' in form.replace(' class="', " c=")


def test_steps_one_by_one(client: Client, run: Execution) -> None:
    page = page_of(client, run)
    assert page.count(RUN) == 2
    assert 'class="btn btn-primary" type="submit" name="StartStep" value="first"' in page
    assert "first</span> is next" in page
    press(client, run, StartStep="first")
    page = page_of(client, run)
    assert page.count(AGAIN) == 1
    assert 'class="btn btn-primary" type="submit" name="StartStep" value="second"' in page
    press(client, run, StartStep="second")
    page = page_of(client, run)
    assert RUN not in page  # one runs
    assert page.count(STOP) == 1
    press(client, run, StopStep=str(run.steps.get(name="second").pk))
    assert run.steps.get(name="second").status == "Cancelled"
    assert page_of(client, run).count(AGAIN) == 2


def test_complete(client: Client, run: Execution) -> None:
    assert 'data-open="complete"' in page_of(client, run)
    client.post(f"/executions/{run.pk}/stop/", {"complete": "1"})
    page = page_of(client, run)
    assert "It is being completed" in page
    assert 'data-open="complete"' not in page
    assert RUN not in page
    drain()
    run.refresh_from_db()
    assert run.status == "Success"
    assert RUN not in page_of(client, run)


def test_cancel(client: Client, run: Execution) -> None:
    client.post(f"/executions/{run.pk}/stop/")
    drain()
    run.refresh_from_db()
    assert run.status == "Cancelled"


def test_run_that_runs_by_itself_has_no_such_buttons(client: Client, make_run: MakeRun) -> None:
    page = page_of(client, make_run(status="Waiting"))
    for words in (RUN, STOP, 'data-open="complete"'):
        assert words not in page


def test_refusals_are_told(client: Client, run: Execution, client_of: SignIn) -> None:
    press(client, run, StartStep="third")
    assert "has no step third" in page_of(client, run)
    press(client, run)
    assert "Countersign has nothing that" in page_of(client, run)
    for kind in ("viewer", "approver"):
        other = client_of(kind)
        before = Signal.objects.count()
        press(other, run, StartStep="first")
        if kind == "viewer":
            assert "You may not send signals" in page_of(other, run)
            assert Signal.objects.count() == before
    for kind in ("outsider", "stranger"):
        assert client_of(kind).post(f"/executions/{run.pk}/signal/").status_code == 404
    last = JournalEntry.objects.filter(granted=False).last()
    assert last
    assert last.reason == "You may not send signals to this execution."


def test_stream_brings_and_takes_the_buttons(client: Client, run: Execution) -> None:
    press(client, run, StartStep="first")
    seq = run.events.get(kind="step:succeeded").seq
    told = {one["id"]: one["html"] for one in feed.read(run.pk, seq - 1).fragments}
    assert RUN in told["upcoming-second"]
    assert told["upcoming-first"] == ""
    assert AGAIN in told["step-1"]
    assert 'method="post"' in told["upcoming-second"]
    assert "csrfmiddlewaretoken" not in told["upcoming-second"]  # live.js puts it in
    press(client, run, StartStep="second")
    run.refresh_from_db()
    told = {one["id"]: one["html"] for one in feed.read(run.pk, run.event_seq - 1).fragments}
    assert AGAIN not in told["step-1"]
    assert STOP in told["step-2"]
