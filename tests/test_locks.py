"""The locks hold what pyproject.toml asks for, every file by its hash, and name no place."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)(?: ;[^\\\n]*)? \\$", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / "requirements" / f"{name}.lock").read_text(encoding="utf-8")))


def asked(*extras: str) -> set[str]:
    """The names in pyproject.toml, in the form that locks write them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"]]
    for extra in extras:
        lines += project["optional-dependencies"][extra]
    found = [re.match(r"[A-Za-z0-9._-]+", line) for line in lines]
    return {re.sub(r"[._-]+", "-", name[0]).lower() for name in found if name}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_pin_has_a_hash_and_no_place(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    blocks = re.split(
        r"^(?=\S)", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE), flags=re.MULTILINE
    )
    assert [block for block in blocks if block.strip() and "--hash=sha256:" not in block] == []
    assert "://" not in text


def test_locks_hold_what_is_asked_for() -> None:
    assert asked() - pins("base").keys() == set()
    assert asked("demo") - pins("run").keys() == set()
    assert asked("demo", "test") - pins("test").keys() == set()


def test_what_was_tested_is_what_runs() -> None:
    base, run, test = pins("base").items(), pins("run").items(), pins("test").items()
    assert base <= run <= test
