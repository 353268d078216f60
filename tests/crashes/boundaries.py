"""Where a worker can die: before and after each commit, claim, request, file sync and process.

Installed in a life (tests/crashes/lives.py), which is a process of its own, so nothing is put back.
"""

from __future__ import annotations

import http.client
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import urllib3.connection
from django.db.backends.base.base import BaseDatabaseWrapper

from executions import store

ACTION: Final = re.compile(rb"(?:^|&)Action=(\w+)")
PATHS: Final = {"invocations": "Invoke", "chat": "Post"}

Point = Callable[[str], None]


def install(point: Point, spawned: Callable[[int], None]) -> None:
    """Call `point` with a name at every boundary from now on, and `spawned` with process ids."""
    _watch_commits(point)
    _watch_statements(point)
    _watch_requests(point)
    _watch_files(point)
    _watch_processes(point, spawned)


def _watch_commits(point: Point) -> None:
    """A commit is named after the events in it: "commit step:call sns:Publish"."""
    write, commit = store.write, BaseDatabaseWrapper._commit  # type: ignore[attr-defined]
    told = [""]

    def write_named(lease: store.Lease, change: store.Change) -> str:
        told[0] = ", ".join(f"{one.kind} {one.data.get('call', '')}" for one in change.events)
        try:
            return write(lease, change)
        finally:
            told[0] = ""

    def commit_between(wrapper: BaseDatabaseWrapper) -> Any:
        point(f"commit {told[0]}".strip())
        answer = commit(wrapper)
        point(f"committed {told[0]}".strip())
        return answer

    store.write = write_named
    BaseDatabaseWrapper._commit = commit_between  # type: ignore[attr-defined]


def _watch_statements(point: Point) -> None:
    """Statements that are a transaction of their own."""

    def after(name: str, statement: Callable[..., Any]) -> Callable[..., Any]:
        def followed(*args: Any) -> Any:
            answer = statement(*args)
            point(name)
            return answer

        return followed

    store.claim = after("claimed", store.claim)
    store.release = after("released", store.release)


def _watch_requests(point: Point) -> None:
    """To AWS through urllib3, to webhooks through http.client, where all answers come from."""
    to_aws, to_web = urllib3.connection.HTTPConnection, http.client.HTTPConnection
    last = [""]

    def between(request: Callable[..., Any]) -> Callable[..., Any]:
        def requested(connection: Any, method: str, url: str, *args: Any, **more: Any) -> Any:
            name = last[0] = _name_request(url, *args, **more)
            point(f"send {name}")
            answer = request(connection, method, url, *args, **more)
            point(f"sent {name}")
            return answer

        return requested

    take = to_web.getresponse

    def taken(connection: Any) -> Any:
        response = take(connection)
        point(f"answered {last[0]}")
        return response

    for owner, name, around in (
        (to_aws, "request", between(to_aws.request)),
        (to_web, "request", between(to_web.request)),
        (to_web, "getresponse", taken),
    ):
        setattr(owner, name, around)


def _name_request(url: str, body: Any = None, headers: Any = None, *_: Any, **more: Any) -> str:
    """The operation: in a header, in the body, or what the end of the path stands for."""
    headers = {str(key).lower(): value for key, value in (headers or {}).items()}
    target = headers.get("x-amz-target", b"")
    if target:
        return (target.decode() if isinstance(target, bytes) else str(target)).rpartition(".")[2]
    found = ACTION.search(body.encode() if isinstance(body, str) else bytes(body or b""))
    last = url.rpartition("/")[2]
    return found[1].decode() if found else PATHS.get(last, last)


def _watch_files(point: Point) -> None:
    """Syncs and moves of files, named by how these end."""
    sync, move = os.fsync, os.replace

    def sync_between(fd: Any) -> None:
        name = Path(f"/proc/self/fd/{fd}").readlink().suffix or "folder"
        point(f"sync {name}")
        sync(fd)
        point(f"synced {name}")

    def move_between(source: Any, target: Any) -> None:
        point(f"move {Path(target).suffix}")
        move(source, target)
        point(f"moved {Path(target).suffix}")

    os.fsync = sync_between
    os.replace = move_between  # type: ignore[assignment]


def _watch_processes(point: Point, spawned: Callable[[int], None]) -> None:
    """The process of a script."""
    begin = subprocess.Popen.__init__

    def begun(process: subprocess.Popen[Any], *args: Any, **more: Any) -> None:
        point("spawn")
        begin(process, *args, **more)
        spawned(process.pid)
        point("spawned")

    setattr(subprocess.Popen, "__init__", begun)  # noqa: B010 - its type has overloads
