"""Real web processes, and people who press the buttons of their pages at the same moment."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from itertools import cycle
from urllib.parse import urlencode

from django.conf import settings
from django.test import Client

from console.demo import ports
from console.demo.child import WITH_US
from console.iam.models import User
from tests.stack.running import wait_until

PATIENCE = 120.0  # seconds for the answer to one of a hundred requests, on a busy machine
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
CSRF = re.compile(r"csrftoken=(\w+)")


@contextmanager
def serving(count: int, environment: Mapping[str, str], application: str) -> Iterator[list[int]]:
    """So many web processes of one site; their ports."""
    found = [ports.unused() for _ in range(count)]
    with ExitStack() as running:
        for port in found:
            running.enter_context(_process(port, environment, application))
        for port in found:
            wait_until(partial(ports.answers, port, "/healthz"), f"port {port} answers")
        yield found


@contextmanager
def _process(port: int, environment: Mapping[str, str], application: str) -> Iterator[None]:
    command = [sys.executable, "-m", "uvicorn", application, "--port", str(port)]
    with subprocess.Popen(
        [*WITH_US, *command, "--log-level", "warning"],
        env={**os.environ, **environment},
        cwd=settings.BASE_DIR,
    ) as process:
        try:
            yield
        finally:
            process.kill()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a browser is told."""

    status: int
    page: str
    cookies: str


class Visitor:
    """Somebody who has signed in."""

    def __init__(self, person: User) -> None:
        # Not by the form: from one address only some may sign in a minute.
        browser = Client()
        browser.force_login(person)
        self._cookies = f"sessionid={browser.cookies['sessionid'].value}"
        self._token = ""

    def open(self, port: int, path: str) -> None:
        """Look at the page with the form, at one of the web processes."""
        answer = Click(port, "GET", path, {"Cookie": self._cookies}).read()
        token, cookie = TOKEN.search(answer.page), CSRF.search(answer.cookies)
        assert token, (answer.status, path)
        assert cookie, answer.cookies
        self._token = token[1]
        self._cookies += f"; csrftoken={cookie[1]}"

    def prepare(self, port: int, path: str, **fields: str) -> Click:
        """Send the form, but for its last byte, to one of the web processes."""
        form = urlencode({"csrfmiddlewaretoken": self._token, **fields}).encode()
        kind = "application/x-www-form-urlencoded"
        return Click(port, "POST", path, {"Cookie": self._cookies, "Content-Type": kind}, form)


class Click:
    """A request whose last byte is held back until the answer is to come."""

    def __init__(
        self, port: int, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> None:
        self._connection = HTTPConnection(ports.HOST, port, timeout=PATIENCE)
        self._connection.putrequest(method, path)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self._connection.putheader(name, value)
        self._connection.endheaders(body[:-1])
        self._last = body[-1:]

    def finish(self) -> None:
        """Send what is missing."""
        self._connection.send(self._last)

    def read(self) -> Answer:
        """The answer, in full."""
        try:
            response = self._connection.getresponse()
            cookies = " ".join(response.headers.get_all("Set-Cookie", []))
            return Answer(response.status, response.read().decode(), cookies)
        finally:
            self._connection.close()


def open_all(visitors: Sequence[Visitor], places: Sequence[int], path: str) -> None:
    """Each at another web process in turn, a few at a time."""
    with ThreadPoolExecutor(len(places)) as pool:
        list(pool.map(lambda one, place: one.open(place, path), visitors, cycle(places)))


def press_at_once(visitors: Sequence[Visitor], places: Sequence[int], path: str) -> list[Answer]:
    """All approve: each at another web process in turn, all of them waiting for one byte."""
    clicks = [
        visitor.prepare(place, path, verdict="Approve")
        for visitor, place in zip(visitors, cycle(places), strict=False)
    ]
    for click in clicks:
        click.finish()
    return [click.read() for click in clicks]
