"""W1 on DBOS, for comparison. Needs the packages dbos and, for PostgreSQL, psycopg.

dbos_w1.py drive DATABASE_URL WORKFLOWS STEPS     prints the seconds from the first to the last

Queued first and started then, so that neither the queueing nor the start of its two workers
counts. It imports nothing of Countersign: DBOS may live in a Python of its own.
"""

from __future__ import annotations

import subprocess
import sys
import time

from dbos import DBOS, DBOSClient, DBOSConfig
from sqlalchemy import create_engine, text

QUEUE = "w1"


@DBOS.step()
def step(number: int) -> int:
    """Nothing; its result is recorded."""
    return number


@DBOS.workflow()
def run(steps: int) -> None:
    """One step after the other."""
    for number in range(steps):
        step(number)


def work(url: str, name: str) -> None:
    """A worker, until its input ends."""
    launch(url, name)
    DBOS.register_queue(QUEUE, worker_concurrency=20, polling_interval_sec=0.1)
    sys.stdin.read()
    DBOS.destroy()


def launch(url: str, name: str) -> None:
    """DBOS in this process; tables are made as needed."""
    config: DBOSConfig = {
        "name": "w1-bench",
        "system_database_url": url,
        "executor_id": name,
        "application_version": "1",
        "log_level": "ERROR",
    }
    DBOS(config=config)
    DBOS.launch()


def drive(url: str, workflows: int, steps: int) -> float:
    """Seconds from the first workflow that leaves the queue until the last has ended."""
    launch(url, "maker-of-tables")
    DBOS.destroy()
    client = DBOSClient(system_database_url=url)
    for _ in range(workflows):
        client.enqueue({"queue_name": QUEUE, "workflow_name": "run", "app_version": "1"}, steps)
    client.destroy()
    command = [sys.executable, "-P", __file__, "work", url]
    workers = [
        subprocess.Popen(  # noqa: S603 - this file
            [*command, name], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        for name in ("one", "two")
    ]
    table = "workflow_status" if url.startswith("sqlite") else "dbos.workflow_status"
    count = text(f"SELECT count(*) FROM {table} WHERE status = :status")  # noqa: S608 - see above
    began = 0.0
    with create_engine(url, isolation_level="AUTOCOMMIT").connect() as database:
        while (done := database.execute(count, {"status": "SUCCESS"}).scalar_one()) < workflows:
            waiting = database.execute(count, {"status": "ENQUEUED"}).scalar_one()
            if not began and (done or waiting < workflows):
                began = time.perf_counter()
            time.sleep(0.02)  # between two questions, which would slow what is measured
    took = time.perf_counter() - began
    for worker in workers:
        worker.kill()
        worker.wait()
    return took


if __name__ == "__main__":
    if sys.argv[1] == "work":
        work(*sys.argv[2:4])
    else:
        sys.stdout.write(f"{drive(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))}\n")
