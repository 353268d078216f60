"""All of ./run: up, described in demo.json, alone in its folder, and gone without a trace."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.demo.options import ROOT

RUN = [sys.executable, "-m", "console.demo", "--workers", "1"]
PEOPLE = ["olivia", "alice", "bob", "carol", "victor", "ada"]

pytestmark = pytest.mark.stack


def environment() -> dict[str, str]:
    ours = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "COUNTERSIGN_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def still_running(folder: Path) -> list[str]:
    """The processes that were told of this state folder."""
    mark = f"COUNTERSIGN_STATE={folder}\0".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in path.read_bytes():
                found.append(path.parent.name)
        except OSError:  # it has ended, or is somebody else's
            continue
    return found


class Running:
    """One ./run that has said that it is ready."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [*RUN, "--state", str(folder), *options],
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said: list[str] = []
        for line in self.process.stdout or ():
            self.said.append(line)
            if line.startswith("Ctrl-C"):
                return
        raise AssertionError("".join(self.said))

    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads((self.folder / "demo.json").read_text(encoding="utf-8"))
        return facts

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        self.process.communicate(timeout=10)
        return self.process.returncode


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    run = Running(tmp_path_factory.mktemp("run") / "state")
    yield run
    if run.process.poll() is None:
        run.stop()


def test_demo_json_tells_all_that_is_needed(running: Running) -> None:
    facts = running.facts()
    assert set(facts) == {"url", "ssm_endpoint", "aws_endpoint", "users"}
    assert facts["ssm_endpoint"] == facts["url"] + "/aws/"
    assert [user["username"] for user in facts["users"]] == PEOPLE
    for user in facts["users"]:
        assert set(user) == {"username", "password", "arn", "access_key_id", "secret_access_key"}
        assert user["password"]
        assert user["arn"].startswith("arn:aws:")


def test_sign_ins_and_addresses_are_printed(running: Running) -> None:
    text, facts = "".join(running.said), running.facts()
    assert facts["url"] in text
    assert str(running.folder) in text
    for user in facts["users"]:
        assert user["username"] in text
        assert user["password"] in text


def test_pages_and_simulated_account_answer(running: Running) -> None:
    facts = running.facts()
    for url in (f"{facts['url']}/healthz", f"{facts['aws_endpoint']}/sim/health"):
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - our own addresses
            assert answer.status == 200


def test_everything_in_the_folder_is_for_its_owner_alone(running: Running) -> None:
    open_to_others = [
        path for path in [running.folder, *running.folder.rglob("*")] if path.stat().st_mode & 0o077
    ]
    assert open_to_others == []


def test_second_run_on_the_folder_is_refused(running: Running) -> None:
    second = subprocess.run(
        [*RUN, "--state", str(running.folder)],
        cwd=ROOT, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert second.returncode == 1
    assert f"Another ./run (process {running.process.pid}) uses {running.folder}" in second.stderr
    assert running.facts()["users"]


def test_after_the_signal_nothing_is_left(running: Running) -> None:
    assert still_running(running.folder)
    assert running.stop() == 0
    assert still_running(running.folder) == []
    assert not (running.folder / "demo.json").exists()


def test_postgres_holds_the_data_if_asked(tmp_path: Path) -> None:
    run = Running(tmp_path / "state", "--postgres")
    assert [user["username"] for user in run.facts()["users"]] == PEOPLE
    assert run.stop(signal.SIGTERM) == 0
    assert (run.folder / "postgres" / "data" / "PG_VERSION").exists()
    assert not (run.folder / "db.sqlite3").exists()
    assert still_running(run.folder) == []
