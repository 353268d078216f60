"""Running again on the pages: the button, the review, and the new execution."""

from __future__ import annotations

from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.http import HttpResponseBase
from django.test import Client
from django.test.utils import CaptureQueriesContext

from executions import clock
from executions.aws import Throttled
from executions.models import Execution, JournalEntry, StepExecution
from executions.models.documents import DocumentVersion
from executions.states import Status
from tests.engine.steps import INSTANCE
from tests.pages.conftest import MakeRun, SignIn, make_version

RUNBOOK = """
schemaVersion: "0.3"
parameters: {Word: {type: String}}
mainSteps:
  - {name: look, action: "aws:executeAwsApi", inputs: {Service: sns, Api: ListTopics}}
  - {name: ask, action: "aws:approve", inputs: {Approvers: [alice]}}
  - {name: tell, action: "aws:executeAwsApi", inputs: {Service: sns, Api: Publish}}
  - {name: rest, action: "aws:sleep", inputs: {Duration: "{{ Word }}"}, onFailure: "step:tidy"}
  - {name: tidy, action: "aws:executeAwsApi", inputs: {Service: sns, Api: DeleteTopic}}
"""
DONE = (
    ("look", "aws:executeAwsApi", Status.SUCCESS),
    ("ask", "aws:approve", Status.SUCCESS),
    ("tell", "aws:executeAwsApi", Status.SUCCESS),
    ("rest", "aws:sleep", Status.FAILED),
)


def add_step(run: Execution, name: str, action: str, status: str, **columns: Any) -> StepExecution:
    """A step of a run that has ended."""
    now = clock.now()
    return StepExecution.objects.create(
        execution=run, number=run.steps.count() + 1, name=name, action=action, status=status,
        phase=StepExecution.Phase.ENDED, started_at=now, ended_at=now, **columns,
    )  # fmt: skip


@pytest.fixture
def asking(db: None) -> DocumentVersion:
    """A runbook that reads, asks, does something and rests."""
    return make_version("Asking", RUNBOOK)


@pytest.fixture
def run(make_run: MakeRun, asking: DocumentVersion) -> Execution:
    """The operator's, which failed at `rest`."""
    run = make_run(
        version=asking, document_name="Asking", status=Status.FAILED, ended_at=clock.now(),
        parameters={"Word": ["PT5S"]}, values={"Word": "PT5S"},
        failure_message="Step rest failed: It was too loud.",
    )  # fmt: skip
    for name, action, status in DONE:
        add_step(run, name, action, status, failure_message="It was too loud." * (name == "rest"))
    return run


def text(answer: HttpResponseBase) -> str:
    return unescape(b"".join(answer).decode())


def review(run: Execution) -> str:
    return f"/executions/{run.pk}/redrive/"


def test_the_page_of_a_failed_run_offers_it(client_of: SignIn, run: Execution) -> None:
    page = text(client_of("operator").get(f"/executions/{run.pk}/"))
    assert "Run again from rest" in page
    assert review(run) in page


@pytest.mark.parametrize("status", [Status.SUCCESS, Status.IN_PROGRESS, Status.WAITING])
def test_no_other_run_is_offered(client_of: SignIn, run: Execution, status: str) -> None:
    Execution.objects.filter(pk=run.pk).update(status=status)
    client = client_of("operator")
    assert "Run again" not in text(client.get(f"/executions/{run.pk}/"))
    answer = client.get(review(run), follow=True)
    assert "It " in text(answer)
    assert answer.redirect_chain == [(f"/executions/{run.pk}/", 302)]


def test_the_review_says_what_is_kept_and_starts_nothing(
    client_of: SignIn, run: Execution, aws: str
) -> None:
    answer = client_of("operator").get(review(run))
    page = text(answer)
    assert answer.status_code == 200
    for words in (
        "Review before it runs again", "again from <b>rest</b>", "once approved", "1 step",
        "It was too loud.", "PT5S", "alice", "CountersignExecution",
    ):  # fmt: skip
        assert words in page
    assert page.count(f'href="/executions/{run.pk}/">{run.short_id}</a>') == 2
    anew = page.partition("Read, chosen or asked anew:")[2].partition("</p>")[0]
    assert "look" in anew
    assert "ask" in anew
    assert "took back what is kept" not in page
    assert Execution.objects.count() == 1


def test_what_ran_after_the_failure_is_a_warning(
    client_of: SignIn, run: Execution, aws: str
) -> None:
    add_step(run, "tidy", "aws:executeAwsApi", Status.SUCCESS)
    assert "took back what is kept" in text(client_of("operator").get(review(run)))


def test_confirmed_it_runs_as_a_new_execution(client_of: SignIn, run: Execution, aws: str) -> None:
    client = client_of("operator")
    form = {"token": str(uuid4())}
    places = [client.post(review(run), form).headers["Location"] for _ in range(2)]
    redone = Execution.objects.get(redrive_of=run)
    assert places == [f"/executions/{redone.pk}/"] * 2
    assert (redone.version, redone.values) == (run.version, {"Word": "PT5S"})
    assert str(run.pk) in text(client.get(places[0]))
    assert str(redone.pk) in text(client.get(f"/executions/{run.pk}/"))
    assert "Run again" not in text(client.get(f"/executions/{run.pk}/"))


def test_a_second_person_is_told_who_was_first(client_of: SignIn, run: Execution, aws: str) -> None:
    client_of("operator").post(review(run), {"token": str(uuid4())})
    answer = client_of("administrator").post(review(run), {"token": str(uuid4())}, follow=True)
    assert "is running it again at this moment" in text(answer)
    assert Execution.objects.count() == 2


@pytest.mark.parametrize("token", ["", "x", "a" * 300, "\0"])
def test_a_form_without_its_token_starts_nothing(
    client_of: SignIn, run: Execution, token: str
) -> None:
    answer = client_of("operator").post(review(run), {"token": token})
    assert answer.status_code == 400
    assert "Open the review again" in text(answer)
    assert Execution.objects.count() == 1


WHO = {
    "operator": 200, "administrator": 200, "approver": 403, "viewer": 403, "outsider": 404,
    "stranger": 404,
}  # fmt: skip


@pytest.mark.parametrize("kind", WHO)
def test_who_may_run_it_again(client_of: SignIn, run: Execution, aws: str, kind: str) -> None:
    client = client_of(kind)
    assert client.get(review(run)).status_code == WHO[kind]
    answer = client.post(review(run), {"token": str(uuid4())})
    assert answer.status_code == (302 if WHO[kind] == 200 else WHO[kind])
    assert Execution.objects.count() == (2 if WHO[kind] == 200 else 1)
    if WHO[kind] == 403:
        assert not JournalEntry.objects.latest("id").granted


def test_the_form_needs_its_csrf_token(client_of: SignIn, run: Execution) -> None:
    client: Client = client_of("operator", enforce_csrf_checks=True)
    assert client.post(review(run), {"token": str(uuid4())}).status_code == 403
    assert Execution.objects.count() == 1


def test_a_kept_step_is_shown_as_such(client_of: SignIn, run: Execution, make_run: MakeRun) -> None:
    redone = make_run(version=run.version, document_name="Asking", redrive_of=run, origin=run)
    add_step(redone, "tell", "aws:executeAwsApi", "Success", kept_from=run.steps.get(name="tell"))
    page = text(client_of("viewer").get(f"/executions/{redone.pk}/"))
    assert "Kept" in page
    assert f'href="/executions/{run.pk}/#step-3"' in page
    assert f'execution <span class="mono">{run.short_id}</span>' in page


def count_queries(client: Client, run: Execution) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert client.get(f"/executions/{run.pk}/").status_code == 200
    return len(asked)


def test_a_kept_step_costs_the_page_no_question(
    client_of: SignIn, run: Execution, make_run: MakeRun
) -> None:
    client, done = client_of("viewer"), run.steps.get(name="tell")
    redone = make_run(version=run.version, document_name="Asking", redrive_of=run, origin=run)
    add_step(redone, "tell", "aws:executeAwsApi", "Success", kept_from=done)
    count_queries(client, redone)  # what is read once in a process
    before = count_queries(client, redone)
    for _ in range(3):
        add_step(redone, "tell", "aws:executeAwsApi", "Success", kept_from=done)
    assert count_queries(client, redone) == before


def test_the_review_says_that_the_targets_cannot_be_seen(
    client_of: SignIn, make_run: MakeRun, version: DocumentVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And shows all the rest."""
    run = make_run(
        status=Status.FAILED, ended_at=clock.now(), values={"InstanceId": [INSTANCE]},
    )  # fmt: skip

    def refuse(*_: object) -> dict[str, Any]:
        raise Throttled("Rate exceeded", "Throttling")

    monkeypatch.setattr("executions.aws.call", refuse)
    answer = client_of("operator").get(review(run))
    assert answer.status_code == 200
    page = text(answer)
    assert "The instances of Production (111122223333) could not be read: Rate exceeded" in page
    assert INSTANCE in page
