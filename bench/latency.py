"""How soon the engine moves: W2 after a signal, W3 after a start, and how late its timers are.

python -m bench.latency [--database sqlite|postgres]

On an idle site with two workers and the clock. A sample ends with the moment at which the next
step's row says that it began, or that its sleep was over.
"""

from __future__ import annotations

from bench.site import percentiles, read_database, say, site, start_workers

SAMPLES = 100
WORKLOADS = {
    "W2, signal to next step": "signal",
    "W3, start to first step": "begin",
    "timers": "timer",
}


def main() -> None:
    """One line for each workload; `earliest_ms` is negative if anything came too soon."""
    database = read_database(__doc__)
    with site(database) as here:
        start_workers(here)
        for workload, work in WORKLOADS.items():
            late = here.inside(work, SAMPLES)
            facts = {"workload": workload, "engine": "countersign", "database": database}
            earliest = round(1000 * min(late), 1)
            say("latency", **facts, **percentiles(late), earliest_ms=earliest)


if __name__ == "__main__":
    main()
