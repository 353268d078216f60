"""Starting while the document changes: what was reviewed is what starts."""

from __future__ import annotations

import html
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from console.iam.models import User
from executions import lifecycle
from executions.models import DocumentVersion, Execution
from tests.pages.test_document_changes import MANAGE
from tests.pages.writers import create, edit, make_author, page, wait
from tests.simulator.aws import PRODUCTION

START = f"/documents/{PRODUCTION}/Wait/start/"
TEXT = """schemaVersion: "0.3"
parameters:
  Ticket: {type: String}
mainSteps:
  - {name: wait, action: "aws:sleep", inputs: {Duration: PT1S}}
"""


@pytest.fixture
def author(people: dict[str, User | None]) -> Client:
    """May do everything; the document has two versions, and the second is the default."""
    client = make_author(*MANAGE, "ssm:UpdateDocumentDefaultVersion")
    create(client, content=TEXT)
    edit(client, TEXT.replace("PT1S", "PT2S"))
    client.post(f"/documents/{PRODUCTION}/Wait/default/", {"version": "2"})
    return client


def send(client: Client, version: str, **fields: str) -> Any:
    form = {"region": "eu-west-1", "token": str(uuid4()), "p-Ticket": "OPS-7", "version": version}
    return client.post(START, form | fields)


def test_what_was_reviewed_starts_though_the_default_changed(author: Client) -> None:
    review = page(send(author, "2"))
    assert 'name="version" value="2"' in review
    author.post(f"/documents/{PRODUCTION}/Wait/default/", {"version": "1"})
    assert send(author, "2", confirm="1").status_code == 302
    assert Execution.objects.get().version.number == 2


def test_version_that_vanished_after_the_review(author: Client) -> None:
    author.post(f"/documents/{PRODUCTION}/Wait/default/", {"version": "1"})
    author.post(f"/documents/{PRODUCTION}/Wait/delete/", {"version": "2"})
    assert wait().versions.count() == 1
    answer = send(author, "2", confirm="1")
    assert answer.status_code == 409
    shown = html.unescape(page(answer))
    assert "Version 2 of Wait is not there any more." in shown
    assert 'value="OPS-7"' in shown
    assert 'name="version" value="1"' in shown
    assert not Execution.objects.exists()
    assert send(author, "1", confirm="1").status_code == 302


def test_version_that_vanishes_in_the_very_moment(
    author: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = lifecycle.start

    def delete_and_start(wish: lifecycle.Start, *, by: User) -> Execution:
        DocumentVersion.objects.filter(pk=wish.version.pk).delete()
        return start(wish, by=by)

    monkeypatch.setattr(lifecycle, "start", delete_and_start)
    answer = send(author, "2", confirm="1")
    assert answer.status_code == 409
    assert "was deleted at this moment; nothing was started." in page(answer)
    assert 'value="OPS-7"' in page(answer)


def test_what_runs_is_not_deleted(author: Client) -> None:
    send(author, "1", confirm="1")
    answer = author.post(f"/documents/{PRODUCTION}/Wait/delete/", {"version": "1"}, follow=True)
    assert "are in the history, which keeps what they ran." in page(answer)
    assert DocumentVersion.objects.count() == 2
