"""Reading what a script prints and reports: in its limits, and never waiting for its goodwill."""

from __future__ import annotations

import codecs
import os
import selectors
import subprocess
import threading
import time
from collections.abc import Sequence
from typing import Final, Protocol

from executions.sandbox.payload import clean
from executions.sandbox.values import Ended

MOST_OUTPUT: Final = 1024 * 1024  # bytes of each stream
MOST_REPORT: Final = 512 * 1024  # a payload as JSON text within JSON, and a message
CHUNK: Final = 64 * 1024
TICK: Final = 0.5  # seconds between two looks at whether it is still wanted
LAST_WORDS: Final = 5.0  # seconds for a killed sandbox to be gone


class Sink(Protocol):
    """Takes what was read."""

    def take(self, data: bytes) -> None:
        """Keep it, or not."""


class Log:
    """Both streams of a script as one text, in the order in which they were read."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def text(self) -> str:
        """What was printed; a cut stream says so."""
        return clean("".join(self._parts))

    def stream(self, name: str) -> Sink:
        """A stream that adds to the log until it has had its share."""
        return _Stream(name, self._parts)


class _Stream:
    def __init__(self, name: str, parts: list[str]) -> None:
        self._name, self._parts = name, parts
        self._decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
        self._left = MOST_OUTPUT
        self._cut = False

    def take(self, data: bytes) -> None:
        """Keep what is within the limit, and mark the place where it ends."""
        self._parts.append(self._decode(data[: self._left]))
        if len(data) > self._left and not self._cut:
            self._cut = True
            limit = f"{MOST_OUTPUT // 1024} KiB"
            self._parts.append(f"\n[{self._name} was cut: more than {limit} were printed]\n")
        self._left -= min(len(data), self._left)


class Report:
    """Lines from the bootstrap: the first says that it runs, the last how the script ended."""

    def __init__(self) -> None:
        self._data = bytearray()

    def take(self, data: bytes) -> None:
        """Keep what is within the limit; a longer report is none."""
        self._data += data[: MOST_REPORT - len(self._data)]

    @property
    def lines(self) -> list[bytes]:
        """The whole lines."""
        return bytes(self._data).split(b"\n")[:-1]


def follow(
    process: subprocess.Popen[bytes],
    sinks: Sequence[tuple[int, Sink]],
    seconds: float,
    abort: threading.Event,
) -> Ended | None:
    """Read until the process ends; None if it did by itself, else why it was killed.

    sinks: (file descriptor, where to). Whatever happens, the process is dead afterwards.
    """
    pidfd = os.pidfd_open(process.pid)
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(pidfd, selectors.EVENT_READ)
            for fd, sink in sinks:
                selector.register(fd, selectors.EVENT_READ, sink)
            try:
                return _watch(selector, pidfd, time.monotonic() + seconds, abort)
            finally:
                process.kill()
                process.wait()
                selector.unregister(pidfd)
                _drain(selector)
    finally:
        os.close(pidfd)


def _watch(
    selector: selectors.BaseSelector, pidfd: int, deadline: float, abort: threading.Event
) -> Ended | None:
    while not abort.is_set():
        left = deadline - time.monotonic()
        if left <= 0:
            return Ended.TIMED_OUT
        ready = [key for key, _ in selector.select(min(left, TICK))]
        if any(key.fd == pidfd for key in ready):
            return None
        _take(selector, ready)
    return Ended.ABORTED


def _drain(selector: selectors.BaseSelector) -> None:
    """Take what is in the pipes yet; they end when the last process of the sandbox is gone."""
    deadline = time.monotonic() + LAST_WORDS
    while selector.get_map() and (left := deadline - time.monotonic()) > 0:
        _take(selector, [key for key, _ in selector.select(left)])


def _take(selector: selectors.BaseSelector, ready: Sequence[selectors.SelectorKey]) -> None:
    for key in ready:
        data = os.read(key.fd, CHUNK)
        key.data.take(data)
        if not data:
            selector.unregister(key.fd)
