"""PowerShell on a host: found, taken into the sandbox, and run there; or refused where it is not.

A program in Python plays `pwsh`. It keeps the wrapper's contract with the bootstrap: the script is
in customer_script.ps1, its output goes to `payload`, its error to `message`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from executions import sandbox
from tests.sandbox.test_attachments import pack

PLAYED = """#!/usr/bin/python3 -IS
import json, os, sys
script = open("customer_script.ps1", encoding="utf-8-sig").read()
print("arguments", *sys.argv[1:])
if script == "throw":
    open("message", "w").write("no volume\\n")
    sys.exit(1)
seen = {"payload": json.loads(os.environ["InputPayload"]), "script": script,
        "key": os.environ.get("AWS_ACCESS_KEY_ID"), "files": sorted(os.listdir("."))}
open("payload", "w").write(json.dumps(seen))
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A sandbox of a host that has this `pwsh` on its PATH."""
    folder = tmp_path_factory.mktemp("pwsh")
    program = folder / "pwsh"
    program.write_text(PLAYED, encoding="utf-8")
    program.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        yield sandbox.prepare(tmp_path_factory.mktemp("tree") / "runtime")


def run(host: sandbox.Sandbox, source: str = "1", **more: Any) -> sandbox.Result:
    job = sandbox.Job(source, language=sandbox.POWERSHELL, **{"events": {}, "seconds": 60, **more})
    return sandbox.run(host, job)


def test_it_gets_the_payload_and_the_credentials(host: sandbox.Sandbox) -> None:
    result = run(host, "Get-Date", events={"a": [1]}, environment={"AWS_ACCESS_KEY_ID": "AKIA"})
    assert (result.ended, result.message) == (sandbox.Ended.RETURNED, "")
    assert result.payload == {
        "payload": {"a": [1]}, "script": "Get-Date", "key": "AKIA",
        "files": ["customer_script.ps1", "wrapper.ps1"],
    }  # fmt: skip


def test_what_it_prints_is_the_log(host: sandbox.Sandbox) -> None:
    expected = "arguments -NoLogo -NoProfile -NonInteractive -File wrapper.ps1\n"
    assert run(host).log == expected


def test_an_error_fails_the_script(host: sandbox.Sandbox) -> None:
    result = run(host, "throw")
    assert (result.ended, result.message) == (sandbox.Ended.FAILED, "no volume\n")


def test_an_archive_is_unpacked_beside_the_script(host: sandbox.Sandbox) -> None:
    attachment = sandbox.Attachment("code.zip", pack(("lib.ps1", b"1"), ("deep/a.psm1", b"2")))
    files = run(host, attachment=attachment).payload["files"]
    assert files == ["customer_script.ps1", "deep", "lib.ps1", "wrapper.ps1"]


def test_a_payload_that_no_variable_holds_is_told(host: sandbox.Sandbox) -> None:
    result = run(host, events={"a": "x" * 140_000})
    assert result.ended is sandbox.Ended.FAILED
    assert "more than the 130000 that an environment variable can hold" in result.message


def test_one_that_just_fits_arrives(host: sandbox.Sandbox) -> None:
    assert len(run(host, events={"a": "x" * 60_000}).payload["payload"]["a"]) == 60_000


def test_without_pwsh_it_is_refused(
    box: sandbox.Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(sandbox.Unavailable, match=r"PowerShell \(pwsh\) is not installed"):
        run(box)
