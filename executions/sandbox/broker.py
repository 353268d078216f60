"""The broker between a script and AWS: it connects where the network policy says, or refuses.

It speaks one word of HTTP, CONNECT, and then passes bytes. The script talks TLS with AWS itself.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import socket
import socketserver
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from executions.sandbox.values import Forbidden, Network

MOST_CONNECTIONS: Final = 32  # of one script at a time
HEAD_BYTES: Final = 8192
HEAD_SECONDS: Final = 10.0
CONNECT_SECONDS: Final = 10.0
CHUNK: Final = 65536
_REQUEST: Final = re.compile(rb"CONNECT ([A-Za-z0-9.-]{1,253}):([0-9]{1,5}) HTTP/1\.[01]\r\n")
logger = logging.getLogger(__name__)


@contextmanager
def serve(network: Network, uid: int) -> Iterator[Path]:
    """A broker for one script, on a socket that only that user can open; it ends with the block."""
    with tempfile.TemporaryDirectory(prefix="countersign-egress-") as folder:
        path = Path(folder) / "egress.sock"
        with _Broker(str(path), network) as broker:
            for each in (folder, path):
                os.chown(each, uid, -1)
            thread = threading.Thread(target=broker.serve_forever, args=(0.05,), daemon=True)
            thread.start()
            try:
                yield path
            finally:
                broker.shutdown()
                broker.cut()
                thread.join()


class _Broker(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, path: str, network: Network) -> None:
        self.network = network
        self._places = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        super().__init__(path, _Handler)

    def verify_request(self, request: object, client_address: object) -> bool:
        """No more connections than there are places."""
        return self._places.acquire(blocking=False)

    def give_back(self) -> None:
        """A connection has ended."""
        self._places.release()

    @contextmanager
    def tracked(self, *connections: socket.socket) -> Iterator[None]:
        """Connections that end with the broker, whatever they are doing."""
        with self._lock:
            self._open.update(connections)
        try:
            yield
        finally:
            with self._lock:
                self._open.difference_update(connections)

    def cut(self) -> None:
        """End all connections."""
        with self._lock:
            for connection in self._open:
                _shut(connection, socket.SHUT_RDWR)


class _Handler(socketserver.BaseRequestHandler):
    server: _Broker
    request: socket.socket

    def handle(self) -> None:
        """One connection: what is asked for, a refusal or a 200, then bytes."""
        try:
            with contextlib.suppress(OSError), self.server.tracked(self.request):
                self.request.settimeout(HEAD_SECONDS)
                self._handle()
        finally:
            self.server.give_back()

    def _handle(self) -> None:
        request = _REQUEST.match(_read_head(self.request))
        if request is None:
            self._answer("405 Only CONNECT", "Scripts reach AWS through CONNECT, and nothing else.")
            return
        host, port = request[1].decode().lower(), int(request[2])
        try:
            address = self.server.network.resolve(host, port)
            upstream = socket.create_connection((address, port), CONNECT_SECONDS)
        except Forbidden as refusal:
            logger.warning("A script was refused a connection to %s:%d: %s", host, port, refusal)
            self._answer("403 Forbidden", str(refusal))
            return
        except OSError as error:
            self._answer("502 No connection", f"{host}: {error}")
            return
        with upstream, self.server.tracked(upstream):
            self.request.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            sent, received = _pass_bytes(self.request, upstream)
        logger.info("A script sent %d bytes to %s:%d, received %d", sent, host, port, received)

    def _answer(self, status: str, text: str) -> None:
        body = text.encode(errors="replace")
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        self.request.sendall(head.encode() + body)


def _read_head(connection: socket.socket) -> bytes:
    """Bytes up to the empty line; what there is if that does not come."""
    head = b""
    while b"\r\n\r\n" not in head and len(head) < HEAD_BYTES:
        data = connection.recv(1024)
        if not data:
            break
        head += data
    return head


def _pass_bytes(inner: socket.socket, outer: socket.socket) -> tuple[int, int]:
    """Pass bytes both ways until both ends have ended. How many went out, and in."""
    for each in (inner, outer):
        each.settimeout(None)  # the script has a time limit, and all ends with it
    out: list[int] = []
    going = threading.Thread(target=lambda: out.append(_copy(inner, outer)), daemon=True)
    going.start()
    received = _copy(outer, inner)
    going.join()
    return sum(out), received


def _copy(source: socket.socket, target: socket.socket) -> int:
    count = 0
    with contextlib.suppress(OSError):
        while data := source.recv(CHUNK):
            target.sendall(data)
            count += len(data)
    _shut(target, socket.SHUT_WR)
    return count


def _shut(connection: socket.socket, how: int) -> None:
    with contextlib.suppress(OSError):  # it has ended already
        connection.shutdown(how)
