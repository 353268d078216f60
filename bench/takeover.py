"""How soon other workers go on with what killed ones held.

python -m bench.takeover [--database sqlite|postgres] [--rounds N]

Six workers are each in a call that AWS does not answer, and are killed (kill -9). Two others are
started; a sample goes from the kill to the moment at which a call is made again.
"""

from __future__ import annotations

import sys
import time

from bench.site import database_parser, percentiles, say, site, start_workers
from console.simulator import client
from tests.stack.running import wait_until

HELD = 6
KEYS = {"AWS_ACCESS_KEY_ID": "simulated", "AWS_SECRET_ACCESS_KEY": "simulated"}
SILENCE = 20.0  # seconds: longer than until all are held, shorter than a worker waits for an answer


def main() -> None:
    """One line for all rounds."""
    parser = database_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    late = [sample for _ in range(options.rounds) for sample in measure(options.database)]
    facts = {"workload": "takeover after kill -9", "engine": "countersign"}
    longest = round(1000 * max(late), 1)
    say("takeover", **facts, database=options.database, **percentiles(late), max_ms=longest)


def measure(database: str) -> list[float]:
    """Seconds, of each execution that was held."""
    silence = {"kind": "hang", "seconds": SILENCE, "times": HELD}
    with client.started() as endpoint:
        settings = {"AWS_ENDPOINT_URL": endpoint, "COUNTERSIGN_WORKERS": str(HELD)}
        with site(database, **settings, **KEYS) as here:
            client.faults(endpoint, {"service": "ec2", "operation": "DescribeInstances", **silence})
            started = start_workers(here, HELD)
            here.inside("hold", HELD)
            wait_until(
                lambda: len(client.calls(endpoint, fault="hang")) == HELD, "all are in calls"
            )
            for name in started.keys() - {"clock"}:
                started[name].kill()
            at = time.time()
            for _ in range(2):
                here.start(sys.executable, "manage.py", "worker")
            return [again - at for again in here.inside("taken_over", HELD)]


if __name__ == "__main__":
    main()
