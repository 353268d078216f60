"""The PostgreSQL of ./run and of the race tests is a real one."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg
import pytest

from console.demo import postgres
from console.demo.options import Trouble


def test_it_answers_and_ends(tmp_path: Path) -> None:
    url, stop = postgres.start(tmp_path)
    try:
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT 6 * 7").fetchone() == (42,)
            listening = connection.execute("SHOW listen_addresses").fetchone()
            assert listening == ("",)
    finally:
        stop()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


def test_its_data_outlive_it(tmp_path: Path) -> None:
    url, stop = postgres.start(tmp_path)
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    stop()
    url, stop = postgres.start(tmp_path)
    try:
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT one FROM kept").fetchone() == (1,)
    finally:
        stop()


def test_folders_above_stay_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    _, stop = postgres.start(tmp_path / "inner")
    stop()
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_failure_carries_its_words(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("7\n", encoding="utf-8")
    if os.geteuid() == 0:
        os.chown(tmp_path / "data", 65534, 65534)
    (tmp_path / "data").chmod(0o700)
    with pytest.raises(Trouble, match=r"postgresql\.conf"):
        postgres.start(tmp_path)
