"""For programs that test against the simulated account: start it, read its log, order faults."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

PROJECT = Path(__file__).resolve().parents[2]
TIMEOUT = 10.0  # seconds for one page


@contextmanager
def started(*options: str) -> Iterator[str]:
    """A simulated account in a process of its own on a free port; yields its endpoint.

    options: of ``python -m console.simulator``, such as "--time-scale", "0.02".
    Raises RuntimeError when it does not come up; what it said is on stderr.
    """
    command = [sys.executable, "-m", "console.simulator", "--port", "0", *options]
    with subprocess.Popen(  # noqa: S603 - our own program, no shell
        command, cwd=PROJECT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            ready = re.search(r"http://\S+", process.stdout.readline() if process.stdout else "")
            if ready is None:
                raise RuntimeError(f"{' '.join(command)} did not start; see its error output.")
            yield ready[0]
        finally:
            process.terminate()


def health(endpoint: str) -> dict[str, Any]:
    return _ask(endpoint, "GET", "health")


def calls(endpoint: str, **filters: str | int) -> list[dict[str, Any]]:
    """Logged calls, oldest first, that equal every filter.

    filters: service, operation, account, region, principal, access_key, client_token,
    fault, error_code, and `after` (a sequence number). ValueError for any other.
    """
    found: list[dict[str, Any]] = _ask(endpoint, "GET", f"calls?{urlencode(filters)}")["calls"]
    return found


def messages(endpoint: str) -> list[dict[str, Any]]:
    """What was published to SNS topics, in their order: topic, subject, message."""
    found: list[dict[str, Any]] = _ask(endpoint, "GET", "messages")["messages"]
    return found


def clear_calls(endpoint: str) -> None:
    _ask(endpoint, "DELETE", "calls")


def faults(endpoint: str, *faults: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Order faults (none: just look); returns all that wait. ValueError for a bad one."""
    if not faults:
        waiting: list[dict[str, Any]] = _ask(endpoint, "GET", "faults")["faults"]
    else:
        waiting = _ask(endpoint, "POST", "faults", list(faults))["faults"]
    return waiting


def clear_faults(endpoint: str) -> None:
    _ask(endpoint, "DELETE", "faults")


def _ask(endpoint: str, method: str, page: str, body: object = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    url = f"{endpoint}/sim/{page}"
    request = Request(url, data=data, headers=headers, method=method)  # noqa: S310 - a test's own
    try:
        with urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310 - the same
            answer: dict[str, Any] = json.load(response)
    except HTTPError as refusal:
        with refusal:
            raise ValueError(json.load(refusal)["error"]) from refusal
    return answer
