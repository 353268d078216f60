"""The page of a version's attachments and repeatable steps."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.http import HttpResponseBase

from executions.models import Attachment, AttachmentContent, DocumentVersion, RepeatableStep
from tests.pages.conftest import SignIn, make_version

PAGE = "/documents/111122223333/Calls/extras/"
CONTENT = """
schemaVersion: "0.3"
mainSteps:
  - {name: tell, action: "aws:executeAwsApi", inputs: {Service: sns, Api: Publish, Message: hi}}
  - {name: wait, action: "aws:sleep", inputs: {Duration: PT0S}}
"""


@pytest.fixture(autouse=True)
def calls(people: Any) -> DocumentVersion:
    """A document with one step that can be declared, and a file."""
    version = make_version("Calls", CONTENT)
    content = AttachmentContent.objects.create(pk="a" * 64, data=b"bytes")
    Attachment.objects.create(version=version, name="tool.py", size=5, content=content)
    return version


def text(answer: HttpResponseBase) -> str:
    return unescape(b"".join(answer).decode())


def test_the_document_leads_there(client_of: SignIn) -> None:
    page = text(client_of("viewer").get("/documents/111122223333/Calls/"))
    assert f'href="{PAGE}?version=1"' in page


def test_a_viewer_sees_both_and_can_change_nothing(client_of: SignIn) -> None:
    client = client_of("viewer")
    page = text(client.get(PAGE))
    assert "tool.py" in page
    assert "a" * 64 in page
    assert "Not repeatable." in page
    assert "Declare it repeatable" not in page
    assert client.post(PAGE, {"step": "tell", "reason": "Why not?"}).status_code == 403
    assert not RepeatableStep.objects.exists()


def test_a_file_can_be_saved(client_of: SignIn) -> None:
    client = client_of("viewer")
    (link,) = [part for part in text(client.get(PAGE)).split('"') if "/attachments/" in part]
    assert text(client.get(link)) == "bytes"


def test_an_author_declares_and_withdraws(client_of: SignIn) -> None:
    client = client_of("administrator")
    page = client.post(PAGE, {"step": "tell", "reason": "<b>It is dropped.</b>"}, follow=True)
    assert "&lt;b&gt;It is dropped.&lt;/b&gt;" in page.content.decode()
    assert "user/ada" in text(page)
    client.post(PAGE, {"step": "tell", "withdraw": "1"})
    assert not RepeatableStep.objects.exists()


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"step": "tell", "reason": " "}, "Say why it does no harm a second time."),
        ({"step": "wait", "reason": "Yes"}, "no step wait that has to be vouched for"),
        ({}, "no step  that has to be vouched for"),
    ],
)
def test_what_cannot_be_declared_is_told(
    client_of: SignIn, form: dict[str, str], told: str
) -> None:
    answer = client_of("administrator").post(PAGE, form)
    assert answer.status_code == 400
    assert told in text(answer)


@pytest.mark.parametrize(("kind", "status"), [("outsider", 404), ("stranger", 404)])
def test_others_do_not_know_of_it(client_of: SignIn, kind: str, status: int) -> None:
    assert client_of(kind).get(PAGE).status_code == status
