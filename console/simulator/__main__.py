"""Command line: ``python -m console.simulator --port 4566``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from types import FrameType


def main() -> None:
    """Serve the simulated account until SIGTERM or Ctrl-C; prints one line when ready."""
    options = _parse_options()
    # moto reads this while it is imported: without it every answer would invite
    # any web page to read the account.
    os.environ["MOTO_DISABLE_GLOBAL_CORS"] = "true"
    from console.simulator.server import make_simulator  # noqa: PLC0415 - see above

    server = make_simulator(
        options.host,
        options.port,
        time_scale=options.time_scale,
        seed=options.seed,
        fleet=options.fleet,
    )
    os.environ["MOTO_PORT"] = str(server.port)
    signal.signal(signal.SIGTERM, _leave)
    sys.stdout.write(f"Simulated AWS account ready at http://{options.host}:{server.port}\n")
    sys.stdout.flush()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m console.simulator", description="A simulated AWS account on one endpoint."
    )
    parser.add_argument("--port", type=int, required=True, help="0 takes any free port")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--time-scale",
        type=_read_scale,
        default=os.environ.get("COUNTERSIGN_TIME_SCALE", "1"),
        metavar="X",
        help="how long EC2 takes: 1 is believable, 0.02 is for tests; "
        "COUNTERSIGN_TIME_SCALE, or 1, if not given",
    )
    parser.add_argument("--no-fleet", dest="fleet", action="store_false", help="no instances")
    parser.add_argument("--seed", type=int, default=42, help="same seed, same ids (default 42)")
    return parser.parse_args()


def _read_scale(text: str) -> float:
    scale = float(text)
    if not 0 <= scale <= 1000:
        raise argparse.ArgumentTypeError("must be between 0 and 1000")
    return scale


def _leave(signum: int, frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    main()
