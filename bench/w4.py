"""W4: what thousands of executions cost that wait for people and for time: nothing may be held.

python -m bench.w4 [--database sqlite|postgres] [--executions N]

Half of them wait for an approval, half sleep for a week. When all do, the processes are watched
for a while: how much of a core they use, and whether their memory grows.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping

from bench.memory import memory_of
from bench.site import Site, cpu_seconds, database_parser, say, site, start_workers
from tests.stack.running import wait_until

WATCHED = 60.0  # seconds
PATIENCE = 1800.0


def main() -> None:
    """One line for each kind of process."""
    parser = database_parser(__doc__)
    parser.add_argument("--executions", type=int, default=5000)
    options = parser.parse_args()
    unlimited = {"COUNTERSIGN_MOST_RUNNING": str(options.executions)}
    with site(options.database, **unlimited) as here:
        processes = start_workers(here)
        load(here, options.executions)
        facts = {"workload": "W4", "database": options.database, "executions": options.executions}
        for name, numbers in watch(processes).items():
            say("w4", **facts, process=name, **numbers)


def load(here: Site, executions: int) -> None:
    """Start them, and wait until each of them waits."""
    here.inside("w4", executions)
    wait_until(lambda: here.inside("count_waiting") >= executions // 2 * 2, "all wait", PATIENCE)


def watch(processes: Mapping[str, subprocess.Popen[bytes]]) -> dict[str, dict[str, float]]:
    """Percent of a core, and megabytes before and after."""
    before = {name: (cpu_seconds(one.pid), memory_of(one.pid)) for name, one in processes.items()}
    time.sleep(WATCHED)  # this is what is measured: that nothing happens
    return {
        name: {
            "core_percent": round(100 * (cpu_seconds(one.pid) - before[name][0]) / WATCHED, 2),
            "mb_before": before[name][1],
            "mb_after": memory_of(one.pid),
        }
        for name, one in processes.items()
    }


if __name__ == "__main__":
    main()
