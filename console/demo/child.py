"""One program of ./run: started, watched, started again, stopped without a trace."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from console.demo.options import ROOT, Trouble

PATIENCE = 60  # seconds until a program that was started must be ready
LOOK_AGAIN = 0.05  # seconds between two questions whether it is
FIRST_DELAY, LONGEST_DELAY = 1, 30  # seconds before a program that died is started again
LOG_LINES = 15  # of a dead program, shown at the terminal

# Linux ends our children should this process die without having been able to.
WITH_US = ["setpriv", "--pdeathsig=TERM", "--"] if shutil.which("setpriv") else []


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. `ready` is asked from a thread; `stop` is the signal that ends it cleanly."""

    name: str
    command: Sequence[str]
    ready: Callable[[], bool] = lambda: True
    stop: signal.Signals = signal.SIGTERM


class Child:
    """The process of a program, or of its successors after crashes."""

    def __init__(self, program: Program, environment: Mapping[str, str], logs: Path) -> None:
        self.program = program
        self.log = logs / f"{program.name}.log"
        self._environment = environment
        self._starting: asyncio.Task[Process] | None = None
        self.log.write_bytes(b"")

    async def start(self) -> None:
        """Returns when the program is ready. Raises Trouble, with its last words, if it ends."""
        process = await self._spawn()
        try:
            async with asyncio.timeout(PATIENCE):
                while not await asyncio.to_thread(self.program.ready):
                    if process.returncode is not None:
                        raise self._trouble(f"ended at its start ({_how(process)})")
                    await asyncio.sleep(LOOK_AGAIN)
        except TimeoutError as error:
            raise self._trouble(f"was not ready after {PATIENCE} s") from error

    async def finish(self) -> None:
        """Runs a program that is to end by itself. Raises Trouble if it fails."""
        process = await self._spawn()
        if await process.wait() != 0:
            raise self._trouble(f"failed ({_how(process)})")

    async def keep(self, say: Callable[[str], None]) -> None:
        """Starts the program again whenever it ends, at growing intervals if it will not live."""
        clock = asyncio.get_running_loop().time
        delay = FIRST_DELAY
        while process := await self._current():
            began = clock()
            await process.wait()
            _kill_session(process.pid)
            if clock() - began > LONGEST_DELAY:
                delay = FIRST_DELAY
            say(
                f"{self.program.name} ended ({_how(process)}). It is started again in {delay} s. "
                f"Its log: {self.log}"
            )
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_DELAY)
            await self._spawn()

    async def ask_to_stop(self) -> None:
        """Sends the program its stop signal, if it runs."""
        process = await self._current()
        if process and process.returncode is None:
            with suppress(ProcessLookupError):
                process.send_signal(self.program.stop)

    async def ended(self) -> None:
        """Returns when the program runs no more."""
        if process := await self._current():
            await process.wait()

    async def kill(self) -> None:
        """Ends the program and all that it left behind, now."""
        if process := await self._current():
            _kill_session(process.pid)
            await process.wait()

    async def _spawn(self) -> Process:
        # Not to be cancelled half-way: nobody would know of the process.
        self._starting = asyncio.create_task(self._launch())
        return await asyncio.shield(self._starting)

    async def _launch(self) -> Process:
        with self.log.open("ab") as output:
            return await asyncio.create_subprocess_exec(
                *WITH_US,
                *self.program.command,
                cwd=ROOT,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C at the terminal is ours alone: we stop them in order.
                start_new_session=True,
            )

    async def _current(self) -> Process | None:
        """The latest process, if there ever was one."""
        if self._starting is None:
            return None
        await asyncio.wait({self._starting})
        return None if self._starting.exception() else self._starting.result()

    def _trouble(self, what: str) -> Trouble:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        tail = "".join(f"\n    {line}" for line in lines[-LOG_LINES:])
        return Trouble(f"{self.program.name} {what}. The end of {self.log}:{tail}")


def _how(process: Process) -> str:
    code = process.returncode or 0
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def _kill_session(leader: int) -> None:
    """Kills a process and its descendants, also those that made process groups of their own."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            # After the name in parentheses: state, parent, process group, session.
            facts = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            if int(facts[3]) == leader:
                os.kill(int(stat.parent.name), signal.SIGKILL)
