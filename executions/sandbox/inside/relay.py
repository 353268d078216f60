"""Relaying connections of a script to the broker's socket."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from functools import partial
from typing import Final

BROKER: Final = "/run/egress.sock"
CHUNK: Final = 65536


def run(ports: dict[socket.socket, str]) -> None:
    """Relay what connects to these ports; one with a target asks the broker for that first."""
    asyncio.run(_serve(ports))


async def _serve(ports: dict[socket.socket, str]) -> None:
    servers = [
        await asyncio.start_server(partial(_relay, target), sock=port)
        for port, target in ports.items()
    ]
    await asyncio.gather(*(server.serve_forever() for server in servers))


async def _relay(target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError, ExceptionGroup):
        back, out = await asyncio.open_unix_connection(BROKER)
        with contextlib.closing(out):
            if not target or await _connect(target, back, out):
                async with asyncio.TaskGroup() as both:
                    both.create_task(_copy(reader, out))
                    both.create_task(_copy(back, writer))
    writer.close()


async def _connect(target: str, back: asyncio.StreamReader, out: asyncio.StreamWriter) -> bool:
    """Ask the broker for a connection. Whether it made one."""
    out.write(f"CONNECT {target} HTTP/1.1\r\n\r\n".encode())
    answer = await back.readuntil(b"\r\n\r\n")
    return answer.split(b" ")[1] == b"200"


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    writer.write_eof()
