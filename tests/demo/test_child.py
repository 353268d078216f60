"""Programs are watched, started again, and leave nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from console.demo import child as module
from console.demo.child import Child, Program
from console.demo.options import Trouble

# Each program calls the test and says who it is; it ends when the test hangs up.
CALL = """
import os, signal, socket, sys
def call():
    line = socket.socket(socket.AF_UNIX)
    line.connect(sys.argv[1])
    line.sendall(b"%d\\n" % os.getpid())
    line.recv(1)
"""


@dataclass
class Caller:
    pid: int
    reader: StreamReader
    writer: StreamWriter

    async def hung_up(self) -> bool:
        return await self.reader.read() == b""


class Exchange:
    """Where the programs of a test call."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls: asyncio.Queue[Caller] = asyncio.Queue()
        self.callers: list[Caller] = []
        self.said: list[str] = []

    def child(self, code: str) -> Child:
        command = [sys.executable, "-c", CALL + code, str(self.folder / "socket")]
        return Child(Program("worker", command), os.environ, self.folder)

    async def _answer(self, reader: StreamReader, writer: StreamWriter) -> None:
        caller = Caller(int(await reader.readline()), reader, writer)
        self.callers.append(caller)
        await self.calls.put(caller)

    def run(self, scene: Callable[[Exchange], Awaitable[None]]) -> None:
        async def play() -> None:
            server = await asyncio.start_unix_server(self._answer, self.folder / "socket")
            async with server, asyncio.timeout(30):
                await scene(self)
                for caller in self.callers:
                    caller.writer.close()
                    await caller.writer.wait_closed()

        asyncio.run(play())


@pytest.fixture
def exchange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Exchange:
    monkeypatch.setattr(module, "FIRST_DELAY", 0)
    return Exchange(tmp_path)


def test_program_that_ends_is_started_again_and_that_is_said(exchange: Exchange) -> None:
    async def scene(on: Exchange) -> None:
        child = on.child("call(); sys.exit(3)")
        await child.start()
        keeping = asyncio.create_task(child.keep(on.said.append))
        first = await on.calls.get()
        first.writer.close()
        second = await on.calls.get()
        assert second.pid != first.pid
        keeping.cancel()
        await child.kill()

    exchange.run(scene)
    assert exchange.said[0].startswith("worker ended (exit code 3). It is started again in 0 s.")


def test_descendants_are_killed_even_in_groups_of_their_own(exchange: Exchange) -> None:
    async def scene(on: Exchange) -> None:
        child = on.child("if os.fork() == 0: os.setpgrp()\ncall()")
        await child.start()
        both = [await on.calls.get(), await on.calls.get()]
        await child.kill()
        assert [await caller.hung_up() for caller in both] == [True, True]

    exchange.run(scene)


def test_orphans_of_a_crashed_program_do_not_outlive_it(exchange: Exchange) -> None:
    async def scene(on: Exchange) -> None:
        child = on.child("if os.fork() == 0: os.setpgrp()\ncall()")
        await child.start()
        callers = [await on.calls.get(), await on.calls.get()]
        leader = os.getsid(callers[0].pid)
        keeping = asyncio.create_task(child.keep(on.said.append))
        os.kill(leader, signal.SIGKILL)
        assert [await caller.hung_up() for caller in callers] == [True, True]
        keeping.cancel()
        await child.kill()

    exchange.run(scene)
    assert "worker ended (SIGKILL)" in exchange.said[0]


def test_second_signal_ends_what_ignores_the_first(exchange: Exchange) -> None:
    async def scene(on: Exchange) -> None:
        child = on.child(
            "def once(*_): signal.signal(signal.SIGTERM, signal.SIG_DFL)\n"
            "signal.signal(signal.SIGTERM, once)\ncall()\ncall()"
        )
        await child.start()
        caller = await on.calls.get()
        await child.ask_to_stop()
        caller.writer.close()
        await on.calls.get()  # it has survived the first
        await child.ask_to_stop()
        await child.ended()

    exchange.run(scene)


def test_start_that_is_cancelled_half_way_leaves_nothing(tmp_path: Path) -> None:
    async def scene() -> int | None:
        child = Child(Program("web", ["tail", "-f", "/dev/null"]), os.environ, tmp_path)
        starting = asyncio.create_task(child.start())
        await asyncio.sleep(0)  # one turn of the loop: it has begun, and cannot have finished
        starting.cancel()
        await child.kill()
        process = await child._current()
        return process.returncode if process else None

    assert asyncio.run(scene()) == -signal.SIGKILL


def test_program_that_cannot_start_is_quoted(tmp_path: Path) -> None:
    program = Program("web", [sys.executable, "-c", "exit('no such thing')"], ready=lambda: False)
    with pytest.raises(
        Trouble, match=r"web ended at its start \(exit code 1\)(?s:.*)no such thing"
    ):
        asyncio.run(Child(program, os.environ, tmp_path).start())


def test_step_that_fails_is_quoted(tmp_path: Path) -> None:
    program = Program("migrate", [sys.executable, "-c", "exit('no such table')"])
    with pytest.raises(Trouble, match=r"migrate failed \(exit code 1\)(?s:.*)no such table"):
        asyncio.run(Child(program, os.environ, tmp_path).finish())


def test_program_that_is_never_ready_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0)

    async def scene() -> None:
        child = Child(Program("web", ["cat"], ready=lambda: False), os.environ, tmp_path)
        try:
            await child.start()
        finally:
            await child.kill()

    with pytest.raises(Trouble, match="web was not ready after 0 s"):
        asyncio.run(scene())
