"""Loops, runs of runs, and pauses on the page of an execution."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from console.live import feed
from executions.models import Execution, StepExecution
from tests.approvals.people import drain
from tests.pages.conftest import MakeRun, SignIn, make_version

INNER = """
schemaVersion: "0.3"
mainSteps:
  - {name: wait, action: "aws:sleep", inputs: {Duration: PT0S}}
"""
OUTER = """
schemaVersion: "0.3"
parameters: {Items: {type: StringList}}
mainSteps:
  - name: each
    action: aws:loop
    inputs:
      Iterators: "{{ Items }}"
      Steps:
        - {name: look, action: "aws:pause", inputs: {}}
        - {name: run, action: "aws:executeAutomation", inputs: {DocumentName: Inner}}
  - {name: after, action: "aws:sleep", inputs: {Duration: PT0S}}
"""


def text(answer: Any) -> str:
    assert isinstance(answer, HttpResponse)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


@pytest.fixture
def client(client_of: SignIn, aws: str) -> Client:
    """The operator's."""
    make_version("Inner", INNER)
    make_version("Outer", OUTER)
    return client_of("operator")


@pytest.fixture
def run(client: Client) -> Execution:
    """Two passes; it waits in the first one, at the pause."""
    page = "/documents/111122223333/Outer/start/"
    client.post(
        page,
        {
            "region": "eu-west-1",
            "token": "t",
            "Items": "red\nblue",
            "p-Items": "red\nblue",
            "mode": "Auto",
            "confirm": "1",
        },
    )
    drain()
    return Execution.objects.get()


def page_of(client: Client, run: Execution) -> str:
    return text(client.get(f"/executions/{run.pk}/"))


def resume(client: Client, run: Execution) -> None:
    """Press the button, and let the workers do what follows."""
    assert client.post(f"/executions/{run.pk}/signal/", {"Resume": "look"}).status_code == 302
    drain()


def test_the_pass_that_goes_on_is_shown_in_full(client: Client, run: Execution) -> None:
    page = page_of(client, run)
    assert 'id="step-1-pass-1"' in page
    assert 'Pass 1 of 2<span class="pass-value mono">red</span>' in page
    assert 'id="step-2"' in page
    assert 'id="upcoming-run"' in page
    assert 'id="upcoming-after"' in page
    assert "step-1-pass-2" not in page


def test_a_pause_has_a_button_that_ends_it(client: Client, run: Execution) -> None:
    assert page_of(client, run).count('name="Resume"') == 1
    resume(client, run)
    assert run.steps.filter(name="look").first() is not None
    assert run.steps.filter(name="look", status="Success").count() == 1


def test_passes_that_are_over_are_one_line_each(client: Client, run: Execution) -> None:
    resume(client, run)
    page = page_of(client, run)
    assert f'hx-get="/executions/{run.pk}/steps/1/passes/1/"' in page
    assert 'id="step-2"' not in page
    resume(client, run)
    page = page_of(client, run)
    assert page.count('hx-get="/executions/') == 2
    assert "5 begun" not in page
    assert "6 begun" in page


def test_the_steps_of_a_pass_are_sent_when_it_is_opened(client: Client, run: Execution) -> None:
    resume(client, run)
    steps = text(client.get(f"/executions/{run.pk}/steps/1/passes/1/"))
    assert 'id="step-2"' in steps
    assert 'id="step-3"' in steps
    assert "blue" not in steps
    assert client.get(f"/executions/{run.pk}/steps/1/passes/9/").status_code == 404


def test_nobody_else_gets_the_steps_of_a_pass(run: Execution, client_of: SignIn) -> None:
    url = f"/executions/{run.pk}/steps/1/passes/1/"
    assert client_of("outsider").get(url).status_code == 404
    assert client_of("stranger").get(url).status_code == 404


def test_parent_and_child_name_each_other(client: Client, run: Execution) -> None:
    resume(client, run)
    resume(client, run)
    child = Execution.objects.filter(parent=run).latest("created_at")
    step = child.parent_step
    assert step is not None
    assert f'href="/executions/{child.pk}/"' in text(
        client.get(f"/executions/{run.pk}/steps/1/passes/{step.iteration}/")
    )
    assert f'href="/executions/{run.pk}/#step-{step.number}"' in page_of(client, child)


def test_the_stream_sends_the_pass_that_changed(client: Client, run: Execution) -> None:
    before = run.event_seq
    resume(client, run)
    ids = [fragment["id"] for fragment in feed.read(run.pk, before).fragments]
    assert {"step-1", "step-1-pass-1", "step-1-pass-2", "upcoming-run"} <= set(ids)
    html = {one["id"]: one["html"] for one in feed.read(run.pk, before).fragments}
    assert "data-fold" in html["step-1-pass-1"]
    assert " open>" in html["step-1-pass-2"]


def test_a_hundred_passes_do_not_flood_the_page(
    client: Client, make_run: MakeRun, run: Execution
) -> None:
    loop = run.steps.get(name="each")
    many = [
        StepExecution(
            execution=run,
            parent=loop,
            number=number,
            iteration=number // 10,
            name="look",
            action="aws:pause",
            status="Success",
            phase="ended",
            inputs={"Text": "x" * 1000},
            started_at=loop.started_at,
            ended_at=loop.started_at,
        )
        for number in range(10, 1010)
    ]
    StepExecution.objects.bulk_create(many)
    page = page_of(client, run)
    assert page.count('class="step pass"') == 100
    assert len(page) < 300_000


def test_events_of_a_long_run_are_the_last_ones(client: Client, run: Execution) -> None:
    Execution.objects.filter(pk=run.pk).update(event_seq=5000)
    page = page_of(client, run)
    assert "4700 earlier events" in page
    everything = text(client.get(f"/executions/{run.pk}/?events=all"))
    assert "earlier events" not in everything
    assert 'id="event-1"' in everything
