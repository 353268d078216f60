"""A call whose outcome nobody knows: the evidence, the three ways out, and what is said of it."""

from __future__ import annotations

from html import unescape

import pytest
from django.test import Client

from executions import clock
from executions.models import Execution, JournalEntry, Signal, StepExecution
from executions.states import Status
from tests.pages.conftest import MakeRun, SignIn

UNKNOWN = {"reason": "No answer.", "evidence": {"operation": "Publish"}, "since": "2026-03-02"}


@pytest.fixture
def run(make_run: MakeRun) -> Execution:
    """It waits for a person to say what became of its call."""
    run = make_run(status=Status.WAITING)
    StepExecution.objects.create(
        execution=run, number=1, name="tell", action="aws:executeAwsApi", status=Status.WAITING,
        phase=StepExecution.Phase.UNKNOWN, started_at=clock.now(), unknown=UNKNOWN,
    )  # fmt: skip
    return run


def say(client: Client, run: Execution, **form: str) -> str:
    """The page after the form was sent."""
    answer = client.post(f"/executions/{run.pk}/steps/1/resolve/", form, follow=True)
    assert answer.redirect_chain == [(f"/executions/{run.pk}/", 302)]
    return unescape(answer.content.decode())


def test_the_page_shows_the_evidence_and_the_ways_out(client_of: SignIn, run: Execution) -> None:
    page = unescape(client_of("operator").get(f"/executions/{run.pk}/").content.decode())
    for words in ("No answer.", '"operation": "Publish"', 'name="comment"'):
        assert words in page
    for verdict in ("adopt", "rerun", "fail"):
        assert f'name="verdict" value="{verdict}"' in page


def test_what_is_said_of_it_is_kept(client_of: SignIn, run: Execution) -> None:
    page = say(client_of("operator"), run, verdict="adopt", comment=" It is in\r\nthe mail. ")
    assert "“It is in\nthe mail.”" in page
    assert Signal.objects.get().payload == {"comment": "It is in\nthe mail."}
    assert JournalEntry.objects.get().data["comment"] == "It is in\nthe mail."


@pytest.mark.parametrize(
    ("comment", "words"), [("x" * 1001, "1000 are the limit"), ("a\0b", "is no text (NUL)")]
)
def test_a_comment_that_cannot_be_kept_decides_nothing(
    client_of: SignIn, run: Execution, comment: str, words: str
) -> None:
    assert words in say(client_of("operator"), run, verdict="adopt", comment=comment)
    assert not Signal.objects.exists()
