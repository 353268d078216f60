"""A database that forgets is refused when a process starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from pytest_django import Settings

from console import durability
from console.demo import postgres
from console.demo.options import ROOT

DISK = "36 1 8:1 / / rw - ext4 /dev/sda1 rw\n"


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "9p"])
def test_sqlite_on_a_network_disk_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    place = mount(monkeypatch, tmp_path, DISK + f"40 36 0:9 / /srv rw - {kind} host:/x rw\n")
    with pytest.raises(ImproperlyConfigured, match=f"network disk .{kind}.*DATABASE_URL"):
        durability.refuse_unsafe()
    assert place == "/srv/data/db.sqlite3"


@pytest.mark.parametrize(
    "mounts",
    [
        DISK,
        DISK + "40 36 0:9 / /srv/data2 rw - nfs4 host:/x rw\n",  # beside it
        DISK + "40 36 0:9 / /srv rw - nfs4 host:/x rw\n41 40 8:2 / /srv/data rw - xfs /dev/b rw\n",
        DISK + "40 36 0:9 / /srv rw - nfs4 h:/x rw\n41 36 8:2 / /srv rw shared:1 - xfs /dev/b rw\n",
    ],
)
def test_sqlite_on_a_disk_of_the_host_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mounts: str
) -> None:
    mount(monkeypatch, tmp_path, mounts)
    durability.refuse_unsafe()


def test_a_link_leads_to_the_disk_that_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mount(monkeypatch, tmp_path, DISK + "40 36 0:9 / /srv rw - nfs4 host:/x rw\n")
    (tmp_path / "link").symlink_to("/srv/data")
    monkeypatch.setitem(connection.settings_dict, "NAME", str(tmp_path / "link/db.sqlite3"))
    with pytest.raises(ImproperlyConfigured, match=r"/srv/data/db.* is on a network disk"):
        durability.refuse_unsafe()


def mount(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mounts: str) -> str:
    """This host has these mounts, and the database is below /srv/data."""
    told = tmp_path / "mountinfo"
    told.write_text(mounts, encoding="utf-8")
    monkeypatch.setattr(durability, "MOUNTS", told)
    monkeypatch.setitem(connection.settings_dict, "NAME", "/srv/data/db.sqlite3")
    return str(connection.settings_dict["NAME"])


@pytest.mark.parametrize("process", ["worker", "clock", "web"])
def test_no_process_starts_on_a_postgresql_that_forgets(
    tmp_path_factory: pytest.TempPathFactory, process: str, settings: Settings
) -> None:
    running = postgres.start(tmp_path_factory.mktemp("forgets"))  # as for tests: fsync is off
    commands = {
        "web": [sys.executable, "-c", "import console.asgi"],
        "worker": [sys.executable, "manage.py", "worker", "--skip-checks"],
        "clock": [sys.executable, "manage.py", "clock", "--skip-checks"],
    }
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "console.settings",
        "SECRET_KEY": "only for a test",
        "COUNTERSIGN_STATE": str(tmp_path_factory.mktemp("state")),
        "DATABASE_URL": running.url,
    }
    try:
        ended = subprocess.run(
            commands[process],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        running.stop()
    assert ended.returncode != 0
    assert "PostgreSQL runs with fsync = off" in ended.stderr
    assert "Set full_page_writes = on" in ended.stderr
