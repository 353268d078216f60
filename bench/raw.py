"""What a database commits per second without an engine: the limit that W1 is compared with.

python -m bench.raw DATABASE_URL SECONDS [--prepare]
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections.abc import Callable

import psycopg

ROWS = 200  # of each process
TEXT = "x" * 300  # about what a step's row and event hold
TABLES = (
    "DROP TABLE IF EXISTS raw_run",
    "DROP TABLE IF EXISTS raw_event",
    "CREATE TABLE raw_run (id INTEGER PRIMARY KEY, seq INTEGER)",
    "CREATE TABLE raw_event (run INTEGER, text TEXT)",
    "INSERT INTO raw_run WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n"
    " WHERE id < 400) SELECT id, 0 FROM n",
)


def main() -> None:
    """Prints how many in each second; each process has rows of its own."""
    url, seconds = sys.argv[1], float(sys.argv[2])
    sqlite = url.startswith("sqlite")
    if sys.argv[3:] == ["--prepare"]:
        prepare(url)
        return
    commit = commit_sqlite(url) if sqlite else commit_postgres(url)
    first = os.getpid() % 2 * ROWS
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        commit(first + count % ROWS + 1)
        count += 1
    sys.stdout.write(f"{count / (time.perf_counter() - began)}\n")


def prepare(url: str) -> None:
    """Empty tables."""
    if url.startswith("sqlite"):
        connection = open_sqlite(url)
        for statement in TABLES:
            connection.execute(statement)
        connection.close()
        return
    with psycopg.connect(url) as postgres:
        for statement in TABLES:
            postgres.execute(statement)


def open_sqlite(url: str) -> sqlite3.Connection:
    """As our settings open it: WAL, and each commit on the disk."""
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, timeout=20)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return connection


def commit_sqlite(url: str) -> Callable[[int], None]:
    """One transaction of two statements."""
    connection = open_sqlite(url)

    def commit(row: int) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE raw_run SET seq = seq + 1 WHERE id = ?", [row])
        connection.execute("INSERT INTO raw_event VALUES (?, ?)", [row, TEXT])
        connection.execute("COMMIT")

    return commit


def commit_postgres(url: str) -> Callable[[int], None]:
    """Both in one statement, which saves the round trips."""
    connection = psycopg.connect(url, autocommit=True)
    statement = (
        "WITH run AS (UPDATE raw_run SET seq = seq + 1 WHERE id = %s RETURNING id)"
        " INSERT INTO raw_event SELECT id, %s FROM run"
    )

    def commit(row: int) -> None:
        connection.execute(statement, [row, TEXT], prepare=True)

    return commit


if __name__ == "__main__":
    main()
