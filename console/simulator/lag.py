"""Reads that lag: AWS as it was before its last changes, kept as forked copies of this process.

A fork has all that moto and we know of the account, for next to nothing, and nobody can change it:
it answers questions and ends with the process that it is a copy of.
"""

from __future__ import annotations

import io
import json
import logging
import os
import socket
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from console.simulator.answers import Answer
from console.simulator.calls import Call

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

log = logging.getLogger(__name__)

MOST_COPIES: Final = 16  # each is a process; the oldest fall out first
PATIENCE: Final = 30.0  # seconds a copy may take for one answer
MOST_FILES: Final = os.sysconf("SC_OPEN_MAX")

Act = Callable[["WSGIEnvironment", Call], Answer]


@dataclass(frozen=True)
class Copy:
    """The account at the moment `made` (seconds, monotonic), behind a line of JSON texts."""

    made: float
    pid: int
    line: socket.socket

    def ask(self, environ: WSGIEnvironment, body: bytes, call: Call) -> Answer:
        """What it answers to that read. OSError or ValueError if it does not."""
        texts = {name: value for name, value in environ.items() if isinstance(value, str)}
        # Sessions may be newer than the copy.
        texts["HTTP_X_MOTO_ACCOUNT_ID"] = call.account
        facts = {"environ": texts, "body": body.decode("latin-1"), "call": asdict(call)}
        question = json.dumps(facts)
        self.line.sendall(f"{question}\n".encode())
        with self.line.makefile("rb") as answers:
            status, headers, text = json.loads(answers.readline())
        return Answer(status, tuple(map(tuple, headers)), text.encode("latin-1"))

    def end(self) -> None:
        self.line.close()
        os.waitpid(self.pid, 0)


class Past:
    """The account before each of its last changes. Callers hold the simulator's lock."""

    def __init__(self, act: Act) -> None:
        self._act = act
        self._copies: deque[Copy] = deque()

    def keep(self) -> None:
        """A change is about to be made: remember the account without it."""
        self._copies.append(_copy(self._act))
        if len(self._copies) > MOST_COPIES:
            self._copies.popleft().end()

    def forget(self) -> None:
        while self._copies:
            self._copies.pop().end()

    def find(self, seconds: float) -> Copy | None:
        """The account without what was changed in the last `seconds`; None if that was nothing."""
        since = time.monotonic() - seconds
        return next((copy for copy in self._copies if copy.made >= since), None)


def _copy(act: Act) -> Copy:
    ours, its = socket.socketpair()
    ours.settimeout(PATIENCE)
    made, pid = time.monotonic(), os.fork()
    if pid == 0:
        try:
            _be_copy(its, act)
        except Exception:  # whatever it is, nobody else would ever tell
            log.exception("a copy of the simulated account failed")
        finally:
            os._exit(0)  # never back into the call that is about to change something
    its.close()
    return Copy(made, pid, ours)


def _be_copy(line: socket.socket, act: Act) -> None:
    """Answer until nobody is there any more."""
    # A connection is closed only when all processes have closed it.
    os.closerange(3, line.fileno())
    os.closerange(line.fileno() + 1, MOST_FILES)
    with line.makefile("rb") as questions:
        for question in questions:
            answer = _answer(json.loads(question), act)
            text = json.dumps([answer.status, answer.headers, answer.body.decode("latin-1")])
            line.sendall(f"{text}\n".encode())


def _answer(question: dict[str, Any], act: Act) -> Answer:
    body = io.BytesIO(question["body"].encode("latin-1"))
    own = {"wsgi.input": body, "wsgi.errors": sys.stderr}
    return act({**question["environ"], **own}, Call(**question["call"]))
