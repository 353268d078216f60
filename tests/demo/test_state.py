"""The state folder: private, one owner at a time, emptied only if it is ours."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.demo import state
from console.demo.options import Trouble


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def claimed(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "deep" / "state"
    lock = state.claim(folder, reset=False)
    yield folder
    os.close(lock)


def test_folder_is_made_for_its_owner_alone(claimed: Path) -> None:
    assert mode(claimed) == 0o700


def test_second_process_is_refused_and_told_who_has_it(claimed: Path) -> None:
    code = f"""
from pathlib import Path
from console.demo import state
state.claim(Path({str(claimed)!r}), reset=True)
"""
    (claimed / "db.sqlite3").touch()
    second = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert f"Another ./run (process {os.getpid()}) uses {claimed}." in second.stderr
    assert (claimed / "db.sqlite3").exists()


def test_reset_empties_the_folder_but_keeps_the_claim(tmp_path: Path) -> None:
    os.close(state.claim(tmp_path, reset=False))
    (tmp_path / "db.sqlite3").touch()
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "web.log").touch()
    os.close(state.claim(tmp_path, reset=True))
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_reset_leaves_the_target_of_a_link_alone(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "state", tmp_path / "elsewhere"
    os.close(state.claim(folder, reset=False))
    elsewhere.mkdir()
    (elsewhere / "precious").touch()
    (folder / "link").symlink_to(elsewhere)
    os.close(state.claim(folder, reset=True))
    assert (elsewhere / "precious").exists()
    assert not (folder / "link").is_symlink()


def test_folder_with_other_files_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").touch()
    tmp_path.chmod(0o755)
    with pytest.raises(Trouble, match="holds files that are not Countersign's"):
        state.claim(tmp_path, reset=True)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
    assert mode(tmp_path) == 0o755


def test_place_that_cannot_be_a_folder_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Trouble, match="cannot be used: Not a directory"):
        state.claim(tmp_path / "file" / "state", reset=False)


def test_secret_key_is_long_private_and_stays(tmp_path: Path) -> None:
    path = state.secret_key(tmp_path)
    text = path.read_text(encoding="utf-8")
    assert len(text) >= 50
    assert mode(path) == 0o600
    assert state.secret_key(tmp_path).read_text(encoding="utf-8") == text


def test_private_file_replaces_an_open_one(tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o644)
    state.write_private(path, "new")
    assert path.read_text(encoding="utf-8") == "new"
    assert mode(path) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_sockets_move_out_of_a_path_that_is_too_long(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 100)
    folder = state.socket_folder(long)
    try:
        assert folder != long
        assert len(str(folder)) < state.LONGEST_SOCKET_FOLDER
        assert mode(folder) == 0o700
    finally:
        folder.rmdir()
