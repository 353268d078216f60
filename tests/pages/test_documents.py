"""The catalogue and the page of a document: what is found, what is shown, whose it is."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from executions.models import DocumentVersion
from tests.pages.conftest import SignIn, make_version

LINK = re.compile(r'href="/documents/([^/]+/[^/"]+)/"')
STEPS = """schemaVersion: "0.3"
mainSteps:
  - {name: wait, action: "aws:sleep", inputs: {Duration: PT0S}}
"""
STOP = "/documents/Amazon/AWS-StopEC2InstanceWithApproval/"


@pytest.fixture
def client(client_of: SignIn, predefined: None, version: DocumentVersion) -> Client:
    """The viewer's; there are the documents of Amazon and one of Production."""
    make_version("Secret", owner="444455556666")
    return client_of("viewer")


def shown(client: Client, **query: str) -> list[str]:
    """owner/name of each document on the page."""
    answer = client.get("/documents/", query)
    assert answer.status_code == 200
    return LINK.findall(answer.content.decode())


def test_predefined_ones_and_those_of_the_account(client: Client) -> None:
    found = shown(client)
    assert "Amazon/AWS-StopEC2InstanceWithApproval" in found
    assert "111122223333/Resize" in found
    assert "444455556666/Secret" not in found


def test_filters(client: Client) -> None:
    assert shown(client, q="resize", owner="self") == ["111122223333/Resize"]
    assert shown(client, owner="self") == ["111122223333/Resize"]
    assert all(name.startswith("Amazon/") for name in shown(client, owner="Amazon"))
    assert "Amazon/AWS-StopEC2InstanceWithApproval" in shown(client, q="rejection ends the run")
    assert shown(client, q="nothing is called this") == []
    assert shown(client, owner="444455556666") == []


@pytest.mark.parametrize(
    ("tab", "words"),
    [
        ("", "stopInstances"),
        ("parameters", "Who may approve"),
        ("content", "schemaVersion"),
        ("versions", "default"),
        ("nonsense", "AWS-StopEC2InstanceWithApproval"),
    ],
)
def test_tabs(client: Client, tab: str, words: str) -> None:
    answer = client.get(STOP, {"tab": tab})
    assert answer.status_code == 200
    assert words in answer.content.decode()


def test_text_of_a_document_is_never_markup(client: Client) -> None:
    make_version("Odd", f"description: '<script>alert(1)</script>'\n{STEPS}")
    page = client.get("/documents/111122223333/Odd/", {"tab": "content"}).content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize("version", ["0", "2", "newest", "²", "9" * 30, "-1", "1.0"])
def test_version_that_is_not_there(client: Client, version: str) -> None:
    answer = client.get(STOP, {"version": version})
    assert answer.status_code == 404


@pytest.mark.parametrize("version", ["1", "$DEFAULT", "$LATEST"])
def test_version_by_every_name(client: Client, version: str) -> None:
    assert client.get(STOP, {"version": version}).status_code == 200


def test_document_of_another_account_does_not_exist(client: Client) -> None:
    assert client.get("/documents/444455556666/Secret/").status_code == 404
    assert client.get("/documents/444455556666/Secret/start/").status_code == 404


def test_more_documents_cost_no_more_queries(client: Client) -> None:
    shown(client)
    with CaptureQueriesContext(connection) as few:
        shown(client)
    for number in range(30):
        make_version(f"More-{number}")
    with CaptureQueriesContext(connection) as many:
        assert len(shown(client)) > 30
    assert len(many) == len(few) <= 12
