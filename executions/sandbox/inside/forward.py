"""The only way out of a sandbox: loopback ports that lead to the broker's socket."""

from __future__ import annotations

import os
import select
import socket
from typing import Final

LOOPBACK: Final = "127.0.0.1"
PROXY_PORT: Final = 3128
LOWEST_FREE_PORT: Final = 1024  # the ones below need a capability


def start(target: str) -> dict[str, str]:
    """Listen, and relay in a process of its own. Answers with the environment that leads there.

    target: `host:port` of a plain HTTP server that gets a port here, or nothing. To be called
    before any secret is read: the child has a copy of everything.
    """
    ports = {socket.create_server((LOOPBACK, PROXY_PORT), backlog=64): ""}
    address = f"http://{LOOPBACK}:{PROXY_PORT}"
    environment = {"HTTPS_PROXY": address, "https_proxy": address, "NO_PROXY": LOOPBACK}
    if target:
        direct = socket.create_server((LOOPBACK, _own_port(target)), backlog=64)
        ports[direct] = target
        environment["AWS_ENDPOINT_URL"] = f"http://{LOOPBACK}:{direct.getsockname()[1]}"
    if os.fork() == 0:
        _serve(ports)
    for port in ports:
        port.close()
    return environment


def _own_port(target: str) -> int:
    """The same port as outside, so that addresses in answers lead there too."""
    port = int(target.rpartition(":")[2])
    return port if port >= LOWEST_FREE_PORT and port != PROXY_PORT else 0


def _serve(ports: dict[socket.socket, str]) -> None:
    """Sleep until the first connection, since most scripts make none; then relay for ever."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd in range(3):
        os.dup2(null, fd)
    kept = {port.fileno() for port in ports}
    for fd in range(3, max(kept | {null}) + 64):  # the job and the report are not for it
        if fd not in kept:
            _close(fd)
    select.select(list(ports), [], [])
    from . import relay  # noqa: PLC0415 - asyncio takes as long to load as all the rest

    relay.run(ports)


def _close(fd: int) -> None:
    try:
        os.close(fd)
    except OSError:
        return  # there was none
