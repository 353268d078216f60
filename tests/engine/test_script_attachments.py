"""Attachments in the engine: from the version's rows into a real sandbox, or not at all."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from console.iam.models import User
from executions import aws, library, lifecycle
from executions.library.attachments import File, Given
from executions.models import AttachmentContent, Execution
from tests.approvals.people import make_person
from tests.engine.runs import REGION, Runs, fresh, make_version, step
from tests.sandbox.test_attachments import pack

KEYS = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"}
CODE = pack(("main.py", b"import tool\ndef go(e, c): return tool.WORD + e['End']"),
            ("tool.py", b"WORD = 'attached'"))  # fmt: skip


@pytest.fixture(autouse=True)
def _host(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SCRIPT_SPOOL = tmp_path / "spool"
    monkeypatch.setattr(aws, "lend", lambda *_: KEYS)


@pytest.fixture
def ada(runs: Runs) -> User:
    """She writes documents."""
    return make_person("ada", "ssm:CreateDocument", "ssm:GetDocument")


def start(runs: Runs, author: User, **more: Any) -> Execution:
    """A run of a document with code.zip attached."""
    inputs = {"Runtime": "python3.11", "Handler": "main.go", "Attachment": "code.zip",
              "InputPayload": {"End": "!"}, **more}  # fmt: skip
    document = {
        "schemaVersion": "0.3",
        "mainSteps": [{"name": "a", "action": "aws:executeScript", "inputs": inputs}],
        "files": {"code.zip": {"checksums": {"sha256": sha256(CODE).hexdigest()}}},
    }
    given = Given((File("code.zip", CODE),))
    draft = library.Draft(json.dumps(document), "JSON", attachments=given)
    version = library.create("Attached", draft, by=author)
    return lifecycle.start(lifecycle.Start(version, REGION), by=runs.person)


def test_a_step_runs_what_is_attached(runs: Runs, ada: User) -> None:
    run = start(runs, ada)
    runs.drain()
    assert fresh(run).status == "Success", step(run, "a").failure_message
    assert step(run, "a").outputs["Payload"] == "attached!"


def test_the_intent_names_the_file_and_does_not_hold_it(runs: Runs, ada: User) -> None:
    run = start(runs, ada)
    runs.drain()
    call = step(run, "a").call
    assert call
    assert call["request"]["Attachment"] == {
        "Name": "code.zip",
        "Sha256": sha256(CODE).hexdigest(),
    }


def test_a_checksum_opens_nobody_elses_file(runs: Runs, ada: User) -> None:
    files = start(runs, ada).version.content
    run = start_text(runs, files)
    runs.drain()
    assert "is not kept here" in step(run, "a").failure_message


def start_text(runs: Runs, text: str) -> Execution:
    """A run of another document with this text, to which nothing is attached."""
    document = json.loads(text)
    version = make_version(*document["mainSteps"], files=document["files"])
    return lifecycle.start(lifecycle.Start(version, REGION), by=runs.person)


@pytest.mark.parametrize("change", ["gone", "another"])
def test_bytes_that_are_not_the_documents_do_not_run(runs: Runs, ada: User, change: str) -> None:
    run = start(runs, ada)
    if change == "another":
        AttachmentContent.objects.update(data=pack(("main.py", b"def go(e, c): return 'evil'")))
    else:
        run.version.attachments.all().delete()
        AttachmentContent.objects.all().delete()
    runs.drain()
    row = step(run, "a")
    assert fresh(run).status == "Failed"
    assert row.failure_message.startswith("The script was not run. Its attachment code.zip with")
    assert row.failure_stage == "PreVerification"


def test_an_attachment_without_a_checksum_is_not_run(runs: Runs) -> None:
    inputs = {"Runtime": "python3.11", "Handler": "main.go", "Attachment": "code.zip"}
    run = runs.run({"name": "a", "action": "aws:executeScript", "inputs": inputs})
    assert "not listed under files" in step(run, "a").failure_message
