"""The self-test: whether this host's sandbox keeps what it promises, tried out, not looked up."""

from __future__ import annotations

import socket
import time
from typing import Final

from executions.sandbox.inside import probe
from executions.sandbox.launcher import Sandbox, run
from executions.sandbox.runtime import INSIDE
from executions.sandbox.values import Ended, Job, Unavailable

SECONDS: Final = 30.0
KILLED_AFTER: Final = 0.5
KILLED_WITHIN: Final = 5.0
FOR_EVER: Final = """
import os, time
def handler(events, context):
    if os.fork() == 0:
        os.setsid()
    while True:
        time.sleep(60)
"""


def check(sandbox: Sandbox) -> None:
    """Run all probes; Unavailable names every one that failed."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        job = Job(
            source=(INSIDE / "probe.py").read_text(encoding="utf-8"),
            handler=probe.probe.__name__,
            events={"host_port": listening.getsockname()[1]},
            seconds=SECONDS,
        )
        result = run(sandbox, job)
    if result.ended is not Ended.RETURNED or not isinstance(result.payload, dict):
        raise Unavailable(f"The sandbox's self-test broke off: {result.ended} {result.message}")
    wrong = [f"{name}: {text}" for name, text in result.payload.items() if text]
    wrong += _check_kill(sandbox)
    if wrong:
        raise Unavailable(f"The sandbox does not hold on this host. {'; '.join(wrong)}.")


def _check_kill(sandbox: Sandbox) -> list[str]:
    """A script that never ends, with a child of its own, is gone when its time is over."""
    began = time.monotonic()
    result = run(sandbox, Job(FOR_EVER, "handler", seconds=KILLED_AFTER))
    if result.ended is Ended.TIMED_OUT and time.monotonic() - began < KILLED_WITHIN:
        return []
    return [f"time limit: a script without end has {result.ended}"]
