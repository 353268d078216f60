"""./test soak: everything that can fail does, and every promise is checked in the end.

Starts workers, two clocks, Redis, a database and the simulated account in a temporary folder, and
lets people start, decide and cancel runs there. Meanwhile a monkey kills and pauses workers, stops
the database, empties Redis, and lets calls to AWS fail. Then all comes to rest, and is judged.

Prints one line of JSON. Ends with 1 if a promise is broken; each one is named on standard error.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import django

from tests.soak.monkey import TO_DATABASE
from tests.soak.stage import staged


def main() -> int:
    """0 if every promise was kept."""
    parser = argparse.ArgumentParser(
        "./test soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=1.0, help="how long the monkey stays; 1")
    parser.add_argument("--seed", type=int, default=1, help="what happens when; 1")
    parser.add_argument("--database", choices=sorted(TO_DATABASE), default="postgres")
    parser.add_argument("--workers", type=int, default=4, help="4")
    parser.add_argument("--folder", type=Path, help="keep the database and the logs there")
    options = parser.parse_args()
    os.umask(0o077)
    folder = options.folder or Path(tempfile.mkdtemp(prefix="soak-"))
    with staged(folder.absolute(), options.database, options.workers) as stage:
        os.environ |= {**stage.plan.environment, "LOG_LEVEL": "ERROR"}
        django.setup()
        from tests.soak import soak  # noqa: PLC0415 - it needs the settings

        terms = soak.Terms(options.minutes, options.seed, options.database, options.workers)
        report, broken = soak.carry_out(terms, stage)
    sys.stdout.write(json.dumps({**report, "broken": len(broken)}) + "\n")
    if broken:
        said = [*broken, f"Again: {terms.command}", f"The logs: {folder}"]
        sys.stderr.write("\n".join(said) + "\n")
    elif options.folder is None:
        shutil.rmtree(folder)
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
