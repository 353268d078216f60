"""Creating and editing documents: what is saved, what is refused, and that no text is lost."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.test import Client

from console.iam.models import User
from executions.models import Document, DocumentVersion, JournalEntry, Tag
from executions.runbook.tree import MAX_BYTES
from tests.pages.conftest import SignIn, make_version
from tests.pages.writers import (
    BAD,
    LONGER,
    LONGEST,
    TEXT,
    WRITE,
    create,
    edit,
    make_author,
    page,
    wait,
)
from tests.simulator.aws import PRODUCTION

EDIT = f"/documents/{PRODUCTION}/Wait/edit/"


@pytest.fixture
def author(people: dict[str, User | None]) -> Client:
    """May write documents, and nothing more than read beside that."""
    return make_author(*WRITE)


def test_create(author: Client) -> None:
    answer = create(author, tags="team=payments\nlate", target_type="/AWS::EC2::Instance")
    assert answer.headers["Location"] == f"/documents/{PRODUCTION}/Wait/"
    version = wait().versions.get()
    assert (version.content, version.format, version.number) == (TEXT, "YAML", 1)
    assert version.created_by_arn == f"arn:aws:iam::{PRODUCTION}:user/author"
    assert wait().target_type == "/AWS::EC2::Instance"
    assert {tag.key: tag.value for tag in Tag.objects.all()} == {"team": "payments", "late": ""}
    assert "Wait is created." in page(author.get(answer.headers["Location"]))


def test_line_ends_of_forms_are_not_kept(author: Client) -> None:
    create(author, content=TEXT.replace("\n", "\r\n"))
    assert wait().versions.get().content == TEXT


def test_json(author: Client) -> None:
    text = '{"schemaVersion": "0.3", "mainSteps": [{"name": "a", "action": "aws:sleep", '
    text += '"inputs": {"Duration": "PT1S"}}]}'
    assert create(author, content=text, format="JSON").status_code == 302
    assert wait().versions.get().format == "JSON"
    assert create(author, "Second", TEXT, format="JSON").status_code == 400


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"content": BAD}, 400, "Line 4"),
        ({"content": ""}, 400, "The document is empty"),
        ({"content": TEXT + "#" * MAX_BYTES}, 400, "A document has at most 64 KB."),
        ({"content": TEXT + "# \x07"}, 400, "U+0007 may not stand in a document"),
        ({"name": "Resize"}, 409, "There is a document Resize already."),
        ({"name": "AWS-Mine"}, 400, "belong to AWS"),
        ({"name": "no"}, 400, "A name has 3 to 128"),
        ({"name": ""}, 400, "This field is required."),
        ({"tags": "=value"}, 400, "a tag is key=value"),
        ({"tags": "aws:mine=1"}, 400, "keys that begin with aws: belong to AWS"),
        ({"version_name": "a b"}, 400, "Give 3 to 128 letters"),
        ({"target_type": "instance"}, 400, "Give a resource type"),
        ({"format": "TOML"}, 400, "Select a valid choice"),
    ],
)
def test_refused_text_is_kept(
    author: Client, version: DocumentVersion, fields: dict[str, Any], status: int, words: str
) -> None:
    sent = {"name": "Wait", "content": TEXT, "tags": "a=b", **fields}
    answer = create(author, **sent)
    assert answer.status_code == status
    text = html.unescape(page(answer))
    assert words in text
    kept = [value.replace("\x07", "") for value in sent.values()]
    assert all(value in text.replace("\x07", "") for value in kept)
    assert (
        not Document.objects.filter(owner=PRODUCTION, name=sent["name"])
        .exclude(name="Resize")
        .exists()
    )


def test_every_problem_is_listed_with_its_line(author: Client) -> None:
    text = TEXT + "  - {name: wait, action: 'aws:sleep'}\n  - {name: 'b!', action: 'aws:sleep'}\n"
    shown = page(create(author, content=text))
    assert "Line 5" in shown
    assert "Line 6" in shown
    assert "Nothing was saved: the text has errors." in shown


def test_new_version(author: Client) -> None:
    create(author)
    form = page(author.get(EDIT))
    assert "PT1S" in form
    assert 'name="based_on" value="1"' in form
    assert 'name="make_default"' not in form  # the author may not
    answer = edit(author, LONGER, version_name="Slow")
    assert answer.status_code == 302
    new = wait().versions.get(number=2)
    assert (new.content, new.version_name, wait().default_version) == (LONGER, "Slow", 1)
    told = page(author.get(answer.headers["Location"]))
    assert "Version 2 is saved. Starts still use version 1, the default." in told


def test_new_version_as_the_default(people: dict[str, User | None]) -> None:
    client = make_author(*WRITE, "ssm:UpdateDocumentDefaultVersion")
    create(client)
    assert 'name="make_default"' in page(client.get(EDIT))
    edit(client, LONGER, make_default="on")
    assert wait().default_version == 2


def test_default_of_somebody_who_may_not(author: Client) -> None:
    create(author)
    answer = edit(author, LONGER, make_default="on")
    assert wait().latest_version == 2
    assert wait().default_version == 1
    told = page(author.get(answer.headers["Location"]))
    assert "You may not do ssm:UpdateDocumentDefaultVersion" in told


@pytest.mark.parametrize(
    ("content", "fields", "status", "words"),
    [
        (TEXT, {}, 409, "Version 1 of Wait has this very content."),
        (LONGER, {"version_name": "First"}, 409, "named First already"),
        (BAD, {}, 400, "Line 4"),
        (LONGER + "#" * MAX_BYTES, {}, 400, "at most 64 KB"),
    ],
)
def test_refused_version(
    author: Client, content: str, fields: dict[str, Any], status: int, words: str
) -> None:
    create(author, version_name="First")
    answer = edit(author, content, **fields)
    assert answer.status_code == status
    text = html.unescape(page(answer))
    assert words in text
    assert content in text
    assert wait().latest_version == 1


def test_version_1001(author: Client) -> None:
    create(author)
    DocumentVersion.objects.bulk_create(
        DocumentVersion(
            document=wait(), number=number, content=TEXT, format="YAML", sha256=f"{number}"
        )
        for number in range(2, 1001)
    )
    Document.objects.update(latest_version=1000)
    answer = edit(author, LONGER, based_on=1000)
    assert answer.status_code == 409
    assert "Wait has 1000 versions, the most that it can have." in page(answer)
    assert LONGER in html.unescape(page(answer))


def test_first_saved_wins(author: Client) -> None:
    other = make_author(*WRITE, name="other")
    create(author)
    assert edit(other, LONGER).status_code == 302
    answer = edit(author, LONGEST)
    assert answer.status_code == 409
    text = html.unescape(page(answer))
    assert "Version 2 was saved while you wrote, so nothing was saved." in text
    assert "user/other" in text
    assert LONGEST in text
    assert "<del>2</del>" in text or "<del>PT2S</del>" in text
    assert "<ins>3</ins>" in text or "<ins>PT3S</ins>" in text
    assert 'name="based_on" value="2"' in text
    assert wait().latest_version == 2
    assert edit(author, LONGEST, based_on=2).status_code == 302  # after having seen it
    assert wait().versions.get(number=3).content == LONGEST


def test_bad_text_on_an_old_version_shows_both(author: Client) -> None:
    create(author)
    edit(author, LONGER)
    text = html.unescape(page(edit(author, BAD)))
    assert "Version 2 was saved while you wrote" in text
    assert "Line 4" in text


def test_edit_from_an_older_text(author: Client) -> None:
    create(author)
    edit(author, LONGER)
    form = page(author.get(EDIT, {"version": "1"}))
    assert "PT1S" in form
    assert 'name="based_on" value="2"' in form


def test_copy_of_a_predefined_one(author: Client, predefined: None) -> None:
    like = "Amazon/AWS-StopEC2Instance"
    form = author.get("/documents/new/", {"like": like})
    assert "Copy-of-AWS-StopEC2Instance" in page(form)
    content = form.context["form"]["content"].value()
    assert create(author, "My-Stop", content).status_code == 302
    theirs = DocumentVersion.objects.get(document__name="AWS-StopEC2Instance")
    assert Document.objects.get(name="My-Stop").versions.get().sha256 == theirs.sha256


def test_copy_of_what_one_may_not_read(author: Client) -> None:
    make_version("Secret", owner="444455556666")
    assert author.get("/documents/new/", {"like": "444455556666/Secret"}).status_code == 404
    assert author.get("/documents/new/", {"like": "nonsense"}).status_code == 200


def test_who_may_not_write(author: Client, client_of: SignIn) -> None:
    create(author)
    viewer = client_of("viewer")
    assert create(viewer, "Mine").status_code == 403
    assert edit(viewer, LONGER).status_code == 403
    assert client_of("outsider").get(EDIT).status_code == 404
    assert edit(client_of("outsider"), LONGER).status_code == 404
    shown = page(viewer.get(f"/documents/{PRODUCTION}/Wait/"))
    assert "/edit/" not in shown
    assert "like=" not in shown
    assert "/edit/" in page(author.get(f"/documents/{PRODUCTION}/Wait/"))
    assert wait().latest_version == 1


def test_document_of_amazon_is_not_edited(client_of: SignIn, predefined: None) -> None:
    ada = client_of("administrator")
    assert ada.get("/documents/Amazon/AWS-StopEC2Instance/edit/").status_code == 403


def test_what_is_saved_is_in_the_journal(author: Client) -> None:
    create(author)
    edit(author, LONGER)
    edit(author, LONGEST, based_on=1)
    entries = JournalEntry.objects.filter(action="ssm:UpdateDocument").order_by("pk")
    assert [entry.granted for entry in entries] == [True, False]
    assert "Only the latest version" in entries[1].reason
