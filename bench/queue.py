"""L1: how soon a slot that a run frees is taken by the run that has waited longest.

python -m bench.queue [--database sqlite|postgres]

100 runs hold every slot of an account and 1,000 wait, on an idle site with two workers and the
clock. Runs are ended one after the other; a sample goes from the end of one, as its row has it, to
the event that says that the next one has begun.
"""

from __future__ import annotations

from bench.site import percentiles, read_database, say, site, start_workers

SAMPLES = 300


def main() -> None:
    """One line; `in_order` and `running` say that the queue was kept, and the limit of 100."""
    database = read_database(__doc__)
    with site(database) as here:
        start_workers(here)
        found = here.inside("refill", SAMPLES)
    facts = {"workload": "L1, slot freed to next run", "engine": "countersign"}
    say("queue", **facts, database=database, **percentiles(found.pop("late")), **found)


if __name__ == "__main__":
    main()
