"""What a host remembers of its scripts."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from executions.sandbox import spool

TOKEN = "00000000-0000-0000-0000-000000000001"


@pytest.fixture
def kept(tmp_path: Path) -> spool.Spool:
    found = spool.Spool(tmp_path / "spool")
    found.identity()
    return found


def test_a_script_is_started_once(kept: spool.Spool) -> None:
    assert not kept.is_started(TOKEN)
    assert [kept.start(TOKEN) for _ in range(3)] == [True, False, False]
    assert kept.is_started(TOKEN)


def test_of_many_workers_one_starts_it(kept: spool.Spool) -> None:
    won: list[bool] = []
    gate = threading.Barrier(8)

    def start() -> None:
        gate.wait()
        won.append(kept.start(TOKEN))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]


def test_an_answer_is_kept_whole(kept: spool.Spool) -> None:
    assert kept.answer(TOKEN) is None
    kept.finish(TOKEN, {"Status": "Success", "Payload": {"a": [1, "ü"]}})
    assert kept.answer(TOKEN) == {"Status": "Success", "Payload": {"a": [1, "ü"]}}


def test_everything_is_on_the_disk_before_it_counts(
    kept: spool.Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def note_sync(fd: int) -> None:
        name = Path(f"/proc/self/fd/{fd}").readlink().name
        order.append(f"sync {'folder' if name == kept.folder.name else 'file'}")
        fsync(fd)

    def note_replace(self: Path, target: Path) -> Path:
        order.append("move")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "replace", note_replace)
    kept.start(TOKEN)
    kept.finish(TOKEN, {})
    assert order == ["sync file", "sync folder", "sync file", "move", "sync folder"]


def test_only_we_can_read_it(kept: spool.Spool) -> None:
    kept.start(TOKEN)
    kept.finish(TOKEN, {"Payload": "secret"})
    assert kept.folder.stat().st_mode & 0o77 == 0
    assert {path.stat().st_mode & 0o77 for path in kept.folder.iterdir()} == {0}


def test_its_name_stays_and_is_its_own(kept: spool.Spool, tmp_path: Path) -> None:
    assert kept.identity() == spool.Spool(kept.folder).identity()
    assert kept.identity() != spool.Spool(tmp_path / "other").identity()
    assert [path.name for path in kept.folder.iterdir()] == ["identity"]


def test_old_marks_are_forgotten_and_its_name_is_not(kept: spool.Spool) -> None:
    kept.start(TOKEN)
    kept.start("recent")
    old = time.time() - (spool.KEPT_DAYS + 1) * spool.DAY
    for name in (f"{TOKEN}.started", "identity"):
        os.utime(kept.folder / name, (old, old))
    kept.prune()
    assert sorted(path.name for path in kept.folder.iterdir()) == ["identity", "recent.started"]
