"""Finding documents: by words, tags and actions, page by page; and who runs what."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from executions.models import Document, DocumentVersion, Tag
from tests.pages.conftest import MakeRun, SignIn, make_version
from tests.pages.writers import page
from tests.simulator.aws import PRODUCTION, STAGING

LINK = re.compile(r'<th scope="row" class="whole"><a href="/documents/[^/]+/([^/"]+)/"')
APPROVE = """description: Asks the database team.
schemaVersion: "0.3"
mainSteps:
  - name: ask
    action: aws:approve
    inputs: {Approvers: [alice]}
"""
SLEEP = """description: Sleeps; nobody has to approve.
schemaVersion: "0.3"
mainSteps:
  - {name: ask, action: "aws:sleep", inputs: {Duration: PT1S}}
"""
JSON = """{"schemaVersion": "0.3", "mainSteps": [
  {"name": "a", "action": "aws:pause", "inputs": {}}
]}"""


@pytest.fixture
def client(client_of: SignIn) -> Client:
    """The viewer's; Production has three documents, Staging one."""
    for name, text in {"Ask": APPROVE, "Sleep": SLEEP, "Pause": JSON}.items():
        save(name, text)
    save("Foreign", APPROVE, STAGING)
    Tag.objects.put(PRODUCTION, ("Document", "Sleep"), {"team": "Payments", "late": ""})
    Tag.objects.put(STAGING, ("Document", "Ask"), {"team": "Payments"})
    return client_of("viewer")


def save(name: str, text: str, owner: str = PRODUCTION) -> DocumentVersion:
    """A document whose description is that of its text."""
    document = Document.objects.create(owner=owner, name=name)
    line = re.search(r"^description: (.*)$", text, re.MULTILINE)
    return DocumentVersion.objects.create(
        document=document,
        number=1,
        content=text,
        format="JSON" if text.startswith("{") else "YAML",
        sha256=f"{owner}-{name}",
        description=line[1] if line else "",
    )


def found(client: Client, **query: Any) -> list[str]:
    return LINK.findall(page(client.get("/documents/", query)))


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Ask", "Pause", "Sleep"]),
        ("ASK", ["Ask"]),
        ("database team", ["Ask"]),
        ("team database", ["Ask"]),
        ("team nothing", []),
        ("payments", ["Sleep"]),
        ("team=pay", ["Sleep"]),
        ("TEAM=Payments", ["Sleep"]),
        ("team=database", []),
        ("late=", ["Sleep"]),
        ("aws:approve", ["Ask"]),
        ("aws:pause", ["Pause"]),
        ("aws:", ["Ask", "Pause", "Sleep"]),
        ("approve", ["Ask", "Sleep"]),
        ("Duration", []),
        ("%", []),
        ("a_s", []),
        ("'; DROP", []),
        ("(", []),
        ("aws:(", []),
        ("\x00", ["Ask", "Pause", "Sleep"]),
        (f"arn:aws:ssm:eu-west-1:{PRODUCTION}:document/Ask", ["Ask"]),
        (f"arn:aws:ssm:eu-west-1:{STAGING}:document/Foreign", []),
    ],
)
def test_search(client: Client, query: str, names: list[str]) -> None:
    assert found(client, q=query) == names


def test_only_the_default_version_counts(client: Client) -> None:
    document = Document.objects.get(owner=PRODUCTION, name="Sleep")
    DocumentVersion.objects.create(
        document=document, number=2, content=APPROVE, format="YAML", sha256="2", description="New."
    )
    assert found(client, q="aws:approve") == ["Ask"]
    Document.objects.filter(pk=document.pk).update(default_version=2)
    assert found(client, q="aws:approve") == ["Ask", "Sleep"]


def test_tags_are_shown_and_lead_to_their_documents(client: Client) -> None:
    shown = page(client.get("/documents/"))
    assert 'href="?q=team%3DPayments"' in shown
    assert "late=" in shown


def test_pages(client: Client) -> None:
    documents = [Document(owner=PRODUCTION, name=f"Many-{n:03}") for n in range(210)]
    for document in Document.objects.bulk_create(documents):
        DocumentVersion.objects.create(
            document=document, number=1, content=SLEEP, format="YAML", sha256=document.name
        )
    pages = [found(client, page=number) for number in range(1, 6)]
    assert [len(names) for names in pages] == [50, 50, 50, 50, 13]
    everything = [name for names in pages for name in names]
    assert everything == sorted(set(everything))
    first = html.unescape(page(client.get("/documents/", {"q": "many", "page": "2"})))
    assert 'href="?q=many&page=1"' in first
    assert 'href="?q=many&page=3"' in first
    assert found(client, page="6") == []
    for odd in ("0", "-1", "x", "²", "9" * 40):
        assert client.get("/documents/", {"page": odd}).status_code == 200


def test_search_costs_one_query_however_much_is_found(client: Client) -> None:
    found(client, q="a")
    with CaptureQueriesContext(connection) as few:
        found(client, q="ask")
    for number in range(40):
        save(f"Task-{number}", SLEEP)
    with CaptureQueriesContext(connection) as many:
        assert len(found(client, q="ask")) > 40
    assert len(many) == len(few)


def caller(name: str, target: str, owner: str = PRODUCTION) -> None:
    text = APPROVE.replace("aws:approve", "aws:executeAutomation")
    save(name, text.replace("Approvers: [alice]", f"DocumentName: '{target}'"), owner)


def test_used_by(client: Client) -> None:
    arn = f"arn:aws:ssm:eu-west-1:{PRODUCTION}:document/Ask"
    caller("Calls-By-Name", "Ask")
    caller("Calls-By-Arn", arn)
    caller("Calls-Another", "Ask-Not")
    caller("Calls-Its-Own", "Ask", STAGING)
    save("Mentions", SLEEP.replace("nobody", "aws:executeAutomation Ask"))
    shown = page(client.get(f"/documents/{PRODUCTION}/Ask/", {"tab": "use"}))
    names = re.findall(r'<div class="row-title"><a href="/documents/[^/]+/([^/]+)/"', shown)
    assert names == ["Calls-By-Arn", "Calls-By-Name"]


def test_used_by_nobody(client: Client) -> None:
    shown = page(client.get(f"/documents/{PRODUCTION}/Ask/", {"tab": "use"}))
    assert "No document runs this one." in shown
    assert "No run yet in this account." in shown


def test_last_runs(client: Client, make_run: MakeRun) -> None:
    version = DocumentVersion.objects.get(document__owner=PRODUCTION, document__name="Ask")
    runs = [make_run(version=version, document_name="Ask") for _ in range(12)]
    make_run(version=make_version("Other"), document_name="Other")
    make_run(version=version, document_name="Ask", account_id=STAGING)
    shown = page(client.get(f"/documents/{PRODUCTION}/Ask/", {"tab": "use"}))
    assert re.findall(r'id="row-([0-9a-f-]+)"', shown) == [str(r.pk) for r in runs[:1:-1]]
