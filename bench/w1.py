"""W1: steps per second that two workers carry out and record, beside what the database can do.

python -m bench.w1 [--database sqlite|postgres] [--rounds N] [--with dbos [--dbos-python PATH]]

200 executions of ten steps without a call, each recorded with its events; they fall due at one
moment, and the clock runs until the last has ended. The limit is what two plain processes commit
meanwhile, without any engine. DBOS does the same work with two processes of its own
(bench/dbos_w1.py), where its package is installed. All are measured in turn, and medians printed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from bench.site import Site, database_parser, say, site, start_workers
from console.demo.options import ROOT

EXECUTIONS, STEPS = 200, 10  # as bench/inside.py makes them
RAW_SECONDS = 3
PATIENCE = 300.0


def main() -> None:
    """One line for each engine and for the limit."""
    options = read_options()
    rates: dict[str, list[float]] = {}
    with site(options.database, COUNTERSIGN_MOST_RUNNING=str(EXECUTIONS)) as here:
        start_workers(here)
        contestants: dict[str, Callable[[], float]] = {
            "limit": lambda: raw(here),
            "countersign": lambda: ours(here),
        }
        if options.rival == "dbos":
            contestants["dbos"] = lambda: dbos(here, options)
        for _ in range(options.rounds):
            for name, measure in contestants.items():
                rates.setdefault(name, []).append(measure())
    for name, found in rates.items():
        facts = {"workload": "W1", "engine": name, "database": options.database}
        spread = [round(min(found)), round(max(found))]
        say("w1", **facts, steps_per_s=round(median(found)), min_max=spread)


def read_options() -> argparse.Namespace:
    """What was asked for."""
    parser = database_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--with", choices=["dbos"], dest="rival")
    parser.add_argument("--dbos-python", default=sys.executable)
    return parser.parse_args()


def ours(here: Site) -> float:
    """Steps per second of a load of our own."""
    return float(EXECUTIONS * STEPS / here.inside("w1", EXECUTIONS))


def raw(here: Site) -> float:
    """Commits of one UPDATE and one INSERT per second, by two processes at the same time."""
    place = f"sqlite:///{here.folder}/raw.sqlite3"
    if here.environment["DATABASE_URL"].startswith("postgres"):
        place = here.environment["DATABASE_URL"]
    command = [sys.executable, "-m", "bench.raw", place, str(RAW_SECONDS)]
    subprocess.run([*command, "--prepare"], cwd=ROOT, check=True)  # noqa: S603 - our program
    both = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603
        for _ in range(2)
    ]
    return sum(float(process.communicate()[0]) for process in both)


def dbos(here: Site, options: argparse.Namespace) -> float:
    """Steps per second of DBOS on a database of its own of the same kind."""
    place = f"sqlite:///{here.folder}/dbos-{time.monotonic_ns()}.sqlite3"
    if options.database == "postgres":
        url = here.environment["DATABASE_URL"].replace("postgres://", "postgresql+psycopg://")
        place = url.replace("/postgres?", f"/dbos{time.monotonic_ns()}?")
    program = [options.dbos_python, "-P", str(Path(__file__).with_name("dbos_w1.py"))]
    answer = subprocess.run(  # noqa: S603 - our own program
        [*program, "drive", place, str(EXECUTIONS), str(STEPS)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
    )
    return EXECUTIONS * STEPS / float(answer.stdout)


if __name__ == "__main__":
    main()
