"""TCP ports and what listens on them."""

from __future__ import annotations

import errno
import http.client
import socket

from console.demo.options import Trouble

HOST = "127.0.0.1"
FIRST, LAST = 8000, 8099


def choose(asked: int | None) -> int:
    """The port that was asked for, or the first free one from 8000. Raises Trouble if taken."""
    if asked is None:
        for port in range(FIRST, LAST + 1):
            if not _refusal(port):
                return port
        raise Trouble(f"All ports from {FIRST} to {LAST} are taken. Choose one with --port.")
    if refusal := _refusal(asked):
        raise Trouble(f"Port {asked} {refusal}. Choose another with --port.")
    return asked


def unused() -> int:
    """Any port that nothing listens on."""
    with socket.create_server((HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def answers(port: int, path: str) -> bool:
    """Whether an HTTP server on this machine answers `path` with success."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 400
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _refusal(port: int) -> str:
    """Why this port cannot be had; empty if it can."""
    try:
        socket.create_server((HOST, port)).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return "is used by another program"
        return f"cannot be used ({error.strerror})"
    return ""
