"""PowerShell's side of the bootstrap, with a program that plays PowerShell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from executions.sandbox.inside import powershell


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Let `pwsh` be a shell script; answers with how that ended."""
    monkeypatch.chdir(tmp_path)

    def play(body: str, events: Any = None) -> dict[str, str]:
        program = tmp_path / "pwsh"
        program.write_text(f"#!/bin/sh\n{body}\n", encoding="ascii")
        program.chmod(0o755)
        monkeypatch.setattr(powershell, "PROGRAM", str(program))
        return powershell.run({"source": "return 1", "events": events})

    return play


def test_the_payload_is_in_the_environment_as_json(play: Any) -> None:
    answer = play('printf %s "$InputPayload" > payload', {"a": [1, True, None]})
    assert json.loads(answer["payload"]) == {"a": [1, True, None]}


def test_the_script_is_where_the_wrapper_looks_for_it(play: Any) -> None:
    answer = play(
        'grep -c customer_script.ps1 "$5" > /dev/null && cat customer_script.ps1 > payload'
    )
    assert answer["payload"].lstrip("\ufeff") == "return 1"


def test_an_error_is_the_message(play: Any) -> None:
    assert play("echo 1 > payload; printf 'no volume' > message; exit 1") == {
        "message": "no volume"
    }


def test_an_end_without_a_result_is_told(play: Any) -> None:
    message = play("exit 134")["message"]
    assert message == "PowerShell ended with exit code 134, without a result."
