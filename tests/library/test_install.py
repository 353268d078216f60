"""How predefined runbooks come into an installation, and what an upgrade does to them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import call_command

from executions import library
from executions.library import predefined
from executions.models import Document, DocumentVersion
from executions.models.documents import AMAZON

OWN = "111122223333"
TEXT = """
schemaVersion: '0.3'
description: {}
mainSteps:
  - name: wait
    action: aws:sleep
    inputs: {{Duration: PT1S}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A release with one predefined runbook, AWS-Wait."""
    monkeypatch.setattr(predefined, "FOLDER", tmp_path)
    release(tmp_path, "AWS-Wait", "the first text")
    return tmp_path


def release(folder: Path, name: str, description: str, target_type: str = "") -> None:
    """Put a text into the release."""
    index = folder / "index.json"
    names = json.loads(index.read_text(encoding="utf-8")) if index.exists() else {}
    names[name] = {"target_type": target_type}
    index.write_text(json.dumps(names), encoding="utf-8")
    (folder / f"{name}.yaml").write_text(TEXT.format(description), encoding="utf-8")


def texts(name: str = "AWS-Wait") -> tuple[int, list[str]]:
    """The default version, and the description of each."""
    document = Document.objects.get(owner=AMAZON, name=name)
    versions = document.versions.order_by("number")
    return document.default_version, [version.description for version in versions]


def test_every_file_is_installed(db: None) -> None:
    files = {path.stem for path in predefined.FOLDER.glob("*.yaml")}
    assert predefined.install_all() == len(files)
    installed = Document.objects.filter(owner=AMAZON)
    assert {document.name for document in installed} == files
    assert {(each.default_version, each.latest_version) for each in installed} == {(1, 1)}


def test_install_command_brings_them(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("install")
    assert Document.objects.filter(owner=AMAZON, name="AWS-UpdateLinuxAmi").exists()
    assert "predefined documents" in capsys.readouterr().out


def test_again_changes_nothing(db: None) -> None:
    predefined.install_all()
    before = list(Document.objects.values()), list(DocumentVersion.objects.values())
    predefined.install_all()
    assert (list(Document.objects.values()), list(DocumentVersion.objects.values())) == before


def test_new_text_becomes_the_default(db: None, folder: Path) -> None:
    predefined.install_all()
    release(folder, "AWS-Wait", "the second text", "/AWS::EC2::Instance")
    release(folder, "AWS-WaitAgain", "another runbook")
    predefined.install_all()
    assert texts() == (2, ["the first text", "the second text"])
    assert texts("AWS-WaitAgain") == (1, ["another runbook"])
    assert Document.objects.get(name="AWS-Wait").target_type == "/AWS::EC2::Instance"


def test_older_release_goes_back_to_its_text(db: None, folder: Path) -> None:
    predefined.install_all()
    release(folder, "AWS-Wait", "the second text")
    predefined.install_all()
    release(folder, "AWS-Wait", "the first text")
    predefined.install_all()
    assert texts() == (1, ["the first text", "the second text"])


def test_documents_of_accounts_are_not_touched(db: None, folder: Path) -> None:
    mine = Document(owner=OWN, name="AWS-Wait")
    library.save_version(mine, library.Draft(TEXT.format("mine")))
    predefined.install_all()
    release(folder, "AWS-Wait", "the second text")
    predefined.install_all()
    mine.refresh_from_db()
    assert [version.description for version in mine.versions.all()] == ["mine"]
    assert texts() == (2, ["the first text", "the second text"])
