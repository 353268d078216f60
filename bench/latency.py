"""How soon the engine moves: W2 after a signal, W3 after a start, and how late its timers are.

python -m bench.latency [--database sqlite|postgres] [--load] [--timers N]

On an idle site with two workers and the clock. A sample ends with the moment at which the next
step's row says that it began, or that its sleep was over. --load measures W2 beside L1 instead: 100
executions that run, with a step each two seconds, and 1,000 that wait for them. --timers measures
that many sleeps instead, which begin and end as fast as they can be started.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from bench.site import database_parser, percentiles, say, site, start_workers

SAMPLES = 100
RUNNING, QUEUED = 100, 1000  # L1


def main() -> None:
    """One line for each workload; `earliest_ms` is negative if anything came too soon."""
    options = read_options()
    most = max(SAMPLES + RUNNING, options.timers)
    # What waits for a signal or sleeps shall count as running.
    limits = {"COUNTERSIGN_MOST_RUNNING": str(most), "COUNTERSIGN_MOST_BLOCKED": "0"}
    with site(options.database, **limits) as here:
        start_workers(here)
        if options.timers:
            tell(options, f"timers, {options.timers}", here.inside("many_timers", options.timers))
            return
        here.inside("pause", SAMPLES)
        if options.load:
            here.inside("keep_busy", RUNNING + QUEUED)
            tell(options, "W2, signal to next step, beside L1", here.inside("signal"))
            return
        tell(options, "W2, signal to next step", here.inside("signal"))
        tell(options, "W3, start to first step", here.inside("begin", SAMPLES))
        tell(options, "timers", here.inside("timer", SAMPLES))


def read_options() -> argparse.Namespace:
    """What was asked for."""
    parser = database_parser(__doc__)
    parser.add_argument("--load", action="store_true")
    parser.add_argument("--timers", type=int, default=0)
    return parser.parse_args()


def tell(options: argparse.Namespace, workload: str, late: Sequence[float]) -> None:
    """One line."""
    facts = {"workload": workload, "engine": "countersign", "database": options.database}
    earliest = round(1000 * min(late), 1)
    say("latency", **facts, **percentiles(late), samples=len(late), earliest_ms=earliest)


if __name__ == "__main__":
    main()
