"""How soon other workers go on with what killed ones held.

python -m bench.takeover [--database sqlite|postgres] [--rounds N]

Ten workers are each in a call that AWS does not answer, and are killed (kill -9). Two others are
started; a sample goes from the kill to the moment at which a call is announced again.
"""

from __future__ import annotations

import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.site import Site, database_parser, percentiles, say, site

WORKERS = 5  # each has two threads that take runs, so that they hold twice as many
HELD = 2 * WORKERS


def main() -> None:
    """One line for all rounds."""
    parser = database_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    late = [sample for _ in range(options.rounds) for sample in measure(options.database)]
    facts = {"workload": "takeover after kill -9", "engine": "countersign"}
    longest = round(1000 * max(late))
    say("takeover", **facts, database=options.database, **percentiles(late), max_ms=longest)


def measure(database: str) -> list[float]:
    """Seconds, of each execution that was held."""
    with silent_aws() as (address, speak), site(database, AWS_ENDPOINT_URL=address) as here:
        start(here, "clock")
        killed = [start(here, "worker") for _ in range(WORKERS)]
        here.inside("hold", HELD)
        for worker in killed:
            worker.kill()
        at = time.time()
        speak.set()
        for _ in range(2):
            start(here, "worker")
        return [again - at for again in here.inside("taken_over", HELD)]


def start(here: Site, command: str) -> subprocess.Popen[bytes]:
    """One of our processes."""
    return here.start(sys.executable, "manage.py", command)


@contextmanager
def silent_aws() -> Iterator[tuple[str, threading.Event]]:
    """An endpoint that answers nobody until it is told to, and then hangs up."""
    speak = threading.Event()

    class Silent(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            speak.wait()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        address_family = socket.AF_INET

    with Server(("127.0.0.1", 0), Silent) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", speak
        speak.set()
        server.shutdown()


if __name__ == "__main__":
    main()
