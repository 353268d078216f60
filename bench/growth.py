"""Whether a step costs the same however many executions there have been: from 10^3 to 10^6.

python -m bench.growth [--database sqlite|postgres] [--most N] [--rounds N]

Copies of one ended execution, of one step and its events, are put into the tables until there are
so many; then W1 is measured. Needs about 3 GB of disk and ten minutes for a million.
"""

from __future__ import annotations

import argparse
from statistics import median

from bench.site import Site, database_parser, say, site, start_workers
from bench.w1 import EXECUTIONS, ours, raw

FIRST = 1000


def main() -> None:
    """One line for each size: ten times the one before, up to the greatest."""
    options = read_options()
    with site(options.database, COUNTERSIGN_MOST_RUNNING=str(EXECUTIONS)) as here:
        start_workers(here)
        size = FIRST
        while size <= options.most:
            here.inside("grow", size)
            tell(here, options, size)
            size *= 10


def read_options() -> argparse.Namespace:
    """What was asked for."""
    parser = database_parser(__doc__)
    parser.add_argument("--most", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def tell(here: Site, options: argparse.Namespace, size: int) -> None:
    """W1 and the limit, in turn, beside so many executions."""
    pairs = [(ours(here), raw(here)) for _ in range(options.rounds)]
    say(
        "growth",
        workload="W1 beside ended executions",
        engine="countersign",
        database=options.database,
        executions=size,
        steps_per_s=round(median(rate for rate, _ in pairs)),
        limit=round(median(limit for _, limit in pairs)),
    )


if __name__ == "__main__":
    main()
