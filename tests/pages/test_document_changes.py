"""The life of a document on its page: default, versions, difference, tags, deletion."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.test import Client

from console.iam.models import User
from executions.models import Document, DocumentVersion, Tag
from tests.pages.conftest import MakeRun, SignIn, make_version
from tests.pages.writers import LONGER, TEXT, WRITE, create, edit, make_author, page, wait
from tests.simulator.aws import PRODUCTION

WAIT = f"/documents/{PRODUCTION}/Wait/"
MANAGE = [
    *WRITE,
    "ssm:UpdateDocumentDefaultVersion",
    "ssm:DeleteDocument",
    "ssm:ModifyDocumentPermission",
    "ssm:RemoveTagsFromResource",
    "ssm:StartAutomationExecution",
]


@pytest.fixture
def author(people: dict[str, User | None]) -> Client:
    """May do everything to documents; there is one with two versions."""
    client = make_author(*MANAGE)
    create(client, tags="team=payments")
    edit(client, LONGER, version_name="Slow")
    return client


def send(client: Client, part: str, **fields: Any) -> str:
    """Send a form of the document; the page that answers it."""
    return html.unescape(page(client.post(f"{WAIT}{part}/", fields, follow=True)))


def test_default(author: Client) -> None:
    assert "Make default" in page(author.get(WAIT, {"tab": "versions"}))
    assert "Version 2 is the default now." in send(author, "default", version="2")
    assert wait().default_version == 2
    for unusable in ("9", "", "$LATEST2", "x"):
        send(author, "default", version=unusable)
    assert wait().default_version in {1, 2}
    assert "has no version 9" in send(author, "default", version="9")


def test_buttons_only_for_who_may(author: Client, client_of: SignIn) -> None:
    viewer = client_of("viewer")
    for tab in ("versions", "sharing"):
        shown = page(viewer.get(WAIT, {"tab": tab}))
        assert 'method="post"' not in shown.partition("<main")[2]
    for part, fields in {
        "default": {"version": "2"},
        "delete": {"version": "2"},
        "share": {"remove": "all"},
        "tags": {"tags": "a=b"},
    }.items():
        assert "You may not do" in send(viewer, part, **fields), part
    answer = viewer.post(f"{WAIT}share/", {"accounts": "444455556666", "version": "$DEFAULT"})
    assert answer.status_code == 403
    assert wait().default_version == 1
    assert wait().versions.count() == 2
    assert not wait().permissions.exists()
    assert Tag.objects.get().value == "payments"


def test_stranger_knows_of_nothing(author: Client, client_of: SignIn) -> None:
    outsider = client_of("outsider")
    for part in ("default", "delete", "share", "tags"):
        assert outsider.post(f"{WAIT}{part}/", {"version": "2", "name": "Wait"}).status_code == 404
    assert outsider.get(f"{WAIT}compare/").status_code == 404
    assert wait().versions.count() == 2


def test_difference(author: Client) -> None:
    shown = html.unescape(page(author.get(f"{WAIT}compare/")))
    assert "Version 1 and version 2" in shown
    assert "1 line added, 1 line removed." in shown
    assert "<del>" in shown
    assert "<ins>" in shown
    back = html.unescape(page(author.get(f"{WAIT}compare/", {"from": "2", "to": "1"})))
    assert "Version 2 and version 1" in back
    same = page(author.get(f"{WAIT}compare/", {"from": "1", "to": "1"}))
    assert "Their texts are the same." in same


@pytest.mark.parametrize("query", [{"from": "7"}, {"to": "7"}, {"from": "x"}, {"to": "-1"}])
def test_difference_with_what_is_not_there(author: Client, query: dict[str, str]) -> None:
    assert author.get(f"{WAIT}compare/", query).status_code == 404


def test_difference_of_the_only_version(author: Client) -> None:
    make_version("Single")
    shown = page(author.get(f"/documents/{PRODUCTION}/Single/compare/"))
    assert "Their texts are the same." in shown


def test_text_in_a_difference_is_never_markup(author: Client) -> None:
    edit(author, LONGER.replace("Waits", "<b>Waits</b>"), based_on=2)
    shown = page(author.get(f"{WAIT}compare/"))
    assert "<b>Waits" not in shown
    assert "&lt;" in shown


def test_delete_a_version(author: Client) -> None:
    assert "Version 1 is the default of Wait." in send(author, "delete", version="1")
    assert "Version 2 of Wait is deleted." in send(author, "delete", version="2")
    assert wait().latest_version == 1
    assert "has no version 2" in send(author, "delete", version="2")


def test_delete_the_document(author: Client) -> None:
    assert "type Wait to confirm" in send(author, "delete")
    assert "type Wait to confirm" in send(author, "delete", name="wait")
    assert "Wait is deleted." in send(author, "delete", name="Wait")
    assert not Document.objects.filter(name="Wait").exists()
    assert not Tag.objects.exists()
    assert author.get(WAIT).status_code == 404


def test_what_has_run_is_kept(author: Client, make_run: MakeRun) -> None:
    make_run(version=wait().versions.get(number=1), document_name="Wait")
    assert "Executions of Wait are in the history" in send(author, "delete", name="Wait")
    send(author, "default", version="2")
    assert "are in the history" in send(author, "delete", version="1")
    assert wait().versions.count() == 2


def test_what_is_shared_is_kept(author: Client) -> None:
    send(author, "share", accounts="444455556666", version="$DEFAULT")
    assert "Wait is shared; stop sharing it first." in send(author, "delete", name="Wait")
    assert Document.objects.filter(name="Wait").exists()


def test_tags(author: Client) -> None:
    assert "team=payments" in page(author.get(WAIT, {"tab": "sharing"}))
    assert "The tags are saved." in send(author, "tags", tags="team=orders\nnew = 1 \n\n")
    assert {tag.key: tag.value for tag in Tag.objects.all()} == {"team": "orders", "new": "1"}
    send(author, "tags", tags="")
    assert not Tag.objects.exists()


def test_refused_tags_are_kept_on_the_page(author: Client) -> None:
    answer = author.post(f"{WAIT}tags/", {"tags": "aws:mine=1"})
    assert answer.status_code == 400
    assert "aws:mine=1</textarea>" in page(answer)
    assert "belong to AWS" in page(answer)
    assert Tag.objects.get().value == "payments"


def test_many_versions_are_cut(author: Client) -> None:
    DocumentVersion.objects.bulk_create(
        DocumentVersion(document=wait(), number=n, content=TEXT, format="YAML", sha256=str(n))
        for n in range(3, 150)
    )
    Document.objects.filter(name="Wait").update(latest_version=149)
    some, every = (
        page(author.get(WAIT, {"tab": "versions", **more})).count("Make default")
        for more in ({}, {"all": "1"})
    )
    assert (some, every) == (100, 148)


def test_version_that_is_not_the_default_says_so(author: Client) -> None:
    shown = page(author.get(WAIT, {"version": "2"}))
    assert "a start without a version takes 1" in shown
    assert f'href="{WAIT}start/?version=2"' in shown


def test_graph(author: Client, predefined: None) -> None:
    shown = page(author.get("/documents/Amazon/AWS-StopEC2Instance/", {"tab": "graph"}))
    assert "<svg" in shown
    assert "#at-stopInstances" in shown
    drawn = re.findall(r'transform="translate\(([^)]*)\)"', shown)
    assert drawn
    assert all(re.fullmatch(r"-?[0-9.]+ -?[0-9.]+", place) for place in drawn)
    assert "The same as text" in shown
    steps = page(author.get("/documents/Amazon/AWS-StopEC2Instance/"))
    assert 'id="at-stopInstances"' in steps
