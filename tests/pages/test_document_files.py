"""Files that are attached to a document on its page."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from console.iam.models import User
from executions.library.attachments import MOST_BYTES, read_attached
from executions.models import Document
from tests.pages.writers import WRITE, create, edit, make_author, page, wait

CODE = b"def main(events, context):\n    return 1\n"
TEXT = """schemaVersion: "0.3"
mainSteps:
  - name: run
    action: aws:executeScript
    inputs: {{Runtime: python3.11, Handler: tool.main, Attachment: tool.py}}
files:
  tool.py: {{checksums: {{sha256: {}}}}}
"""
NAMED = TEXT.format(sha256(CODE).hexdigest())


@pytest.fixture
def author(people: dict[str, User | None]) -> Client:
    """May write documents."""
    return make_author(*WRITE)


def upload(name: str = "tool.py", data: bytes = CODE) -> SimpleUploadedFile:
    """As a browser sends it."""
    return SimpleUploadedFile(name, data)


def test_the_form_takes_files(author: Client) -> None:
    shown = page(author.get("/documents/new/"))
    assert 'enctype="multipart/form-data"' in shown
    assert '<input type="file" name="attachments" multiple' in shown


def test_a_file_is_attached(author: Client) -> None:
    assert create(author, content=NAMED, attachments=[upload()]).status_code == 302
    version = wait().versions.get()
    assert [one.name for one in version.attachments.all()] == ["tool.py"]
    assert read_attached(version.pk, "tool.py") == CODE


def test_a_new_version_keeps_what_is_the_same(author: Client) -> None:
    create(author, content=NAMED, attachments=[upload()])
    assert edit(author, content=NAMED + "outputs: []\n").status_code == 302
    assert read_attached(wait().versions.get(number=2).pk, "tool.py") == CODE


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([upload(data=b"other")], "Line 7"),
        ([upload(data=b"other")], "tool.py has SHA-256"),
        ([upload(), upload("more.py")], "more.py is attached, and files does not name it."),
        ([upload(f"tool{n}.py") for n in range(6)], "6 files are more than a document has"),
        ([upload(data=b"x" * (MOST_BYTES + 1))], f"{MOST_BYTES} are the most."),
    ],
    ids=["line", "checksum", "unnamed", "many", "large"],
)
def test_what_does_not_fit_is_refused(author: Client, files: list[Any], said: str) -> None:
    answer = create(author, content=NAMED, attachments=files)
    assert answer.status_code == 400
    shown = page(answer)
    assert said in shown
    assert "Handler: tool.main" in shown
    assert not Document.objects.filter(name="Wait").exists()
