"""``python -m console.demo``: what ./run becomes once everything is installed."""

from __future__ import annotations

import argparse
import sys

from console.demo import options, supervisor


def main() -> int:
    """Runs until Ctrl-C; returns the exit code."""
    parser = argparse.ArgumentParser("./run", description="Start all of Countersign here.")
    options.add_arguments(parser)
    return supervisor.main(options.from_namespace(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
