"""The tree that is /usr inside: where it is put, and what it is made of."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from executions import sandbox
from executions.sandbox import runtime


@pytest.fixture
def quick_build(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Trees without anything in them; answers with those that were made."""
    made: list[Path] = []

    def build(tree: Path) -> None:
        tree.mkdir()
        made.append(tree)

    monkeypatch.setattr(runtime, "_build", build)
    return made


def test_it_holds_a_python_and_no_application(box: sandbox.Sandbox) -> None:
    names = {path.name for path in (box.tree / "lib" / "countersign").iterdir()}
    assert names - {"__pycache__"} == {
        *("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3"),
        "sandbox_inside",
    }
    assert list(box.tree.rglob("site-packages")) == list(box.tree.rglob("dist-packages")) == []
    assert {path.name for path in (box.tree / "bin").iterdir()} == {"python3"}


def test_all_may_read_it_and_nothing_in_it_gains_rights(box: sandbox.Sandbox) -> None:
    modes = {path.lstat().st_mode & 0o7777 for path in box.tree.rglob("*") if not path.is_symlink()}
    assert modes <= {0o755, 0o644}


def test_it_is_made_once(tmp_path: Path, quick_build: list[Path]) -> None:
    trees = {runtime.prepare(tmp_path / "runtime", others=False) for _ in range(3)}
    assert trees == set(quick_build)
    assert len(quick_build) == 1


def test_another_bootstrap_gets_another_tree(
    tmp_path: Path, quick_build: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime.prepare(tmp_path / "runtime", others=False)
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "bootstrap.py").write_text("new", encoding="utf-8")
    monkeypatch.setattr(runtime, "INSIDE", tmp_path / "inside")
    runtime.prepare(tmp_path / "runtime", others=False)
    assert len(quick_build) == 2


def test_a_tree_that_nobody_uses_is_removed(tmp_path: Path, quick_build: list[Path]) -> None:
    ages = {"python-old": runtime.KEPT_SECONDS + 60, "python-recent": 60}
    for name, age in ages.items():
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    runtime.prepare(tmp_path, others=False)
    assert {path.name for path in tmp_path.glob("python-*")} == {
        "python-recent",
        quick_build[0].name,
    }


def test_a_folder_that_others_cannot_reach_is_not_used_for_them(
    tmp_path: Path, quick_build: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, shared = tmp_path / "home", tmp_path / "shared"
    home.mkdir(mode=0o700)
    shared.mkdir(mode=0o755)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(shared))
    assert runtime.prepare(home / "runtime", others=False).is_relative_to(home)
    tree = runtime.prepare(home / "runtime", others=True)
    assert tree.parent == shared / f"countersign-sandbox-{os.geteuid()}"
    assert tree.parent.stat().st_mode & 0o777 == 0o755


def test_a_folder_that_is_a_link_is_refused(
    tmp_path: Path, quick_build: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "runtime").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(sandbox.Unavailable, match="only we can write into"):
        runtime.prepare(tmp_path / "runtime", others=False)
    assert quick_build == []


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, quick_build: list[Path]) -> None:
    (tmp_path / "file").write_text("x", encoding="ascii")
    with pytest.raises(sandbox.Unavailable, match=r"cannot be put into .*file/runtime"):
        runtime.prepare(tmp_path / "file" / "runtime", others=False)


def test_a_package_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(runtime, "PACKAGES", ("no_such_package",))
    with pytest.raises(sandbox.Unavailable, match="no_such_package is not installed"):
        runtime.prepare(tmp_path, others=False)


def test_powershell_is_found_with_its_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "powershell"
    home.mkdir()
    (home / "pwsh").write_text("#!/bin/sh\n", encoding="ascii")
    (home / "pwsh").chmod(0o755)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pwsh").symlink_to(home / "pwsh")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert runtime.find_powershell() == home / "pwsh"
