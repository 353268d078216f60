"""What a worker knows of its host's sandbox, and for how long."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from pytest_django import Settings

from executions import sandbox, scripts

FOUND = sandbox.Sandbox("/usr/bin/bwrap", Path("/tree"))


class Host:
    """A host whose sandbox holds, or not; counts how often that was tried."""

    def __init__(self) -> None:
        self.tested = 0
        self.trouble = ""

    def prepare(self, folder: Path) -> sandbox.Sandbox:
        return FOUND

    def check(self, box: sandbox.Sandbox) -> None:
        self.tested += 1
        if self.trouble:
            raise sandbox.Unavailable(self.trouble)


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> Host:
    host = Host()
    settings.SANDBOX_FOLDER = tmp_path / "runtime"
    settings.SCRIPT_SPOOL = tmp_path / "spool"
    monkeypatch.setattr(sandbox, "prepare", host.prepare)
    monkeypatch.setattr(sandbox, "check", host.check)
    return host


def test_it_is_tried_once_an_hour(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    assert [scripts.find_sandbox() for _ in range(3)] == [FOUND] * 3
    assert host.tested == 1
    now += 3601
    scripts.find_sandbox()
    assert host.tested == 2


def test_a_fence_that_fell_meanwhile_is_noticed(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    scripts.find_sandbox()
    host.trouble = "network: connected"
    now += 3601
    with pytest.raises(sandbox.Unavailable, match="network: connected"):
        scripts.find_sandbox()


def test_a_worker_says_at_its_start_what_will_not_work(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    host.trouble = "memory: took 2147483648 bytes"
    scripts.self_test()
    assert "Steps of aws:executeScript will fail on this host. memory: took" in caplog.text


def test_a_worker_says_at_its_start_what_works(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    scripts.self_test()
    assert "Scripts run under /usr/bin/bwrap, with /tree as their /usr" in caplog.text
