"""The client's TCP connection under a fault: held, watched, closed without a word."""

from __future__ import annotations

import socket
import struct
import threading

_NEVER = threading.Event()  # nobody sets it: waiting for it only takes time
_ABORT = struct.pack("ii", 1, 0)  # linger on, 0 s: close at once and drop what is unsent


class ClientLine:
    """`connection` is None where there is no socket; then only time passes."""

    def __init__(self, connection: socket.socket | None) -> None:
        self._connection = connection

    def hold(self, seconds: float) -> None:
        _NEVER.wait(seconds)

    def hold_until_hang_up(self, seconds: float) -> None:
        """Return when the client closes its end, at the latest after `seconds`."""
        if self._connection is None:
            _NEVER.wait(seconds)
            return
        self._connection.settimeout(seconds)
        try:
            self._connection.recv(1, socket.MSG_PEEK)
        except OSError:  # timed out, or already reset
            return


def abort(connection: socket.socket) -> None:
    """Have the coming close() reset the connection rather than end it in good order."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
