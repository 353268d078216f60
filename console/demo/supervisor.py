"""Runs the programs of ./run together: all up within seconds, all gone at Ctrl-C."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from console.demo import state
from console.demo.child import Child, Program
from console.demo.options import Options, Trouble
from console.demo.plan import Plan, make_plan

# Together less than three seconds from Ctrl-C to the last process. A worker ends its step at the
# first signal and itself at the second, if that comes more than a second later.
FIRST_SIGNAL, SECOND_SIGNAL, STORES_SIGNAL = 1.1, 0.6, 0.7


def main(options: Options) -> int:
    """Runs until SIGINT or SIGTERM; returns the exit code."""
    os.umask(0o077)
    try:
        state.claim(options.state, reset=options.reset)
        (options.state / "demo.json").unlink(missing_ok=True)
        asyncio.run(Supervisor(options, make_plan(options)).run())
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return 1
    return 0


class Supervisor:
    """The programs of one plan, from the first to the last."""

    def __init__(self, options: Options, plan: Plan) -> None:
        self.options = options
        self.plan = plan
        self.stores: list[Child] = []
        self.others: list[Child] = []
        self.logs = options.state / "log"
        self.logs.mkdir(exist_ok=True)

    async def run(self) -> None:
        """Returns after a signal, when nothing runs any more. Raises Trouble if the start fails."""
        signalled = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, signalled.set)
        work = asyncio.create_task(self._start_and_keep())
        waiting = asyncio.create_task(signalled.wait())
        await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            say("Stopping ...")
        work.cancel()
        waiting.cancel()
        await asyncio.wait({work, waiting})
        await self._stop()
        if not work.cancelled():
            work.result()

    async def _start_and_keep(self) -> None:
        plan = self.plan
        simulators = self._children(plan.simulator, self.others)
        try:
            async with asyncio.TaskGroup() as tasks:
                for child in simulators:
                    tasks.create_task(child.start())
                servers = await self._start_servers(tasks)
        except ExceptionGroup as group:  # the first failure has cancelled the rest
            raise group.exceptions[0] from None
        self._announce()
        kept = [*self.stores, *simulators, *servers]
        await asyncio.gather(*(child.keep(say) for child in kept))

    async def _start_servers(self, tasks: asyncio.TaskGroup) -> list[Child]:
        """Stores, then the schema, then the rest at once: each only needs the one before."""
        for child in self._children(self.plan.stores, self.stores):
            await child.start()
        for child in self._children(self.plan.prepare, self.others):
            await child.finish()
        servers = self._children(self.plan.servers, self.others)
        for child in servers:
            tasks.create_task(child.start())
        for child in self._children([self.plan.seed], self.others):
            tasks.create_task(child.finish())
        return servers

    def _children(self, programs: Iterable[Program], into: list[Child]) -> list[Child]:
        children = [Child(program, self.plan.environment, self.logs) for program in programs]
        into += children
        return children

    async def _stop(self) -> None:
        (self.options.state / "demo.json").unlink(missing_ok=True)
        await _ask(self.others, FIRST_SIGNAL)
        await _ask(self.others, SECOND_SIGNAL)
        await asyncio.gather(*(child.kill() for child in self.others))
        await _ask(self.stores, STORES_SIGNAL)
        await asyncio.gather(*(child.kill() for child in self.stores))

    def _announce(self) -> None:
        users = read_users(self.options.state)
        facts = {
            "url": self.plan.url,
            "ssm_endpoint": f"{self.plan.url}/aws/",
            "aws_endpoint": self.plan.aws_endpoint,
            "users": users,
        }
        state.write_private(self.options.state / "demo.json", json.dumps(facts, indent=2) + "\n")
        say(f"\nCountersign is ready: {self.plan.url}\n")
        for user in users:
            say(f"    {user['username']:<10} {user['password']:<24} {user['arn']}")
        say(f"\nState: {self.options.state} (logs in log/, the above in demo.json)")
        say("Ctrl-C stops everything.")


async def _ask(children: list[Child], seconds: float) -> None:
    """Asks all to stop and gives them that long."""
    await asyncio.gather(*(child.ask_to_stop() for child in children))
    ends = [asyncio.create_task(child.ended()) for child in children]
    if ends:
        _, pending = await asyncio.wait(ends, timeout=seconds)
        for task in pending:
            task.cancel()


def read_users(folder: Path) -> list[dict[str, Any]]:
    """The people that the seed made, in its order."""
    users: list[dict[str, Any]] = json.loads((folder / "users.json").read_text(encoding="utf-8"))
    return users


def say(text: str) -> None:
    """Prints for the person at the terminal, who may have closed it."""
    with suppress(OSError):
        print(text, flush=True)
