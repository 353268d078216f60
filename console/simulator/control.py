"""The simulator's own pages under /sim/: health, the call log, faults."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from console.simulator.answers import Answer, write_json
from console.simulator.calls import CallLog
from console.simulator.faults import FaultBook, read_faults
from console.simulator.topics import list_messages
from console.simulator.wire import read_body

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

WEBHOOKS = "/sim/webhooks/"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
MOTO_PAGES = "/moto-api"


def is_own_page(path: str) -> bool:
    """Whether `path` is no AWS call: a page of the simulator, or of moto itself."""
    return path.startswith(("/sim/", f"{MOTO_PAGES}/")) or path in ("/sim", MOTO_PAGES)


class Control:
    """Answers /sim/...; for local programs only."""

    def __init__(self, calls: CallLog, faults: FaultBook, time_scale: float) -> None:
        self._calls = calls
        self._faults = faults
        self._time_scale = time_scale

    def answer(self, environ: WSGIEnvironment) -> Answer | None:
        """The answer to a local request, or None when the page is moto's."""
        if environ["PATH_INFO"].startswith(WEBHOOKS):
            return self._take_post(environ)
        if refusal := _refuse_stranger(environ):
            return write_json({"error": refusal}, 403)
        if environ["PATH_INFO"].startswith(MOTO_PAGES):
            return None
        try:
            return self._route(environ)
        except ValueError as error:
            return write_json({"error": str(error)}, 400)

    def _route(self, environ: WSGIEnvironment) -> Answer:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        match method, path:
            case "GET", "/sim/health":
                return write_json(self._describe())
            case "GET", "/sim/calls":
                query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
                return write_json({"calls": self._calls.select(query)})
            case "DELETE", "/sim/calls":
                self._calls.clear()
                return write_json({"calls": []})
            case "GET", "/sim/messages":
                return write_json({"messages": list_messages()})
            case method, "/sim/faults":
                return self._route_faults(method, environ)
        return write_json({"error": f"There is no {method} {path} here."}, 404)

    def _route_faults(self, method: str, environ: WSGIEnvironment) -> Answer:
        if method == "POST":
            self._faults.add(read_faults(_read_json(environ)))
        elif method == "DELETE":
            self._faults.clear()
        elif method != "GET":
            return write_json({"error": f"There is no {method} /sim/faults."}, 404)
        return write_json({"faults": self._faults.list_active()})

    def _take_post(self, environ: WSGIEnvironment) -> Answer:
        """What a webhook gets, under whatever name its receiver is known: logged as a call."""
        if environ["REQUEST_METHOD"] != "POST" or "HTTP_ORIGIN" in environ:
            return write_json({"error": "A webhook takes a POST of a program."}, 405)
        call = self._calls.open(
            at=datetime.now(UTC).isoformat(),
            service="webhook",
            operation="Post",
            parameters={"Name": environ["PATH_INFO"].removeprefix(WEBHOOKS)},
            account="",
            region="",
            principal="",
            access_key="",
            client_token=environ.get("HTTP_IDEMPOTENCY_KEY"),
            body_sha256=sha256(read_body(environ)).hexdigest(),
            user_agent=environ.get("HTTP_USER_AGENT", ""),
        )
        call.status, call.changed = 200, True
        return write_json({"taken": call.sequence})

    def _describe(self) -> dict[str, object]:
        return {"ready": True, "time_scale": self._time_scale, "calls": len(self._calls)}


def _refuse_stranger(environ: WSGIEnvironment) -> str | None:
    """Why this request may not use the pages, or None. Browsers are kept out as
    well: a web page could otherwise reach them through its reader's loopback."""
    host = urlsplit(f"//{environ.get('HTTP_HOST', '')}").hostname
    if host not in LOOPBACK:
        return f"These pages answer to localhost only, not to {host or 'an empty Host header'}."
    if "HTTP_ORIGIN" in environ:
        return "These pages are for programs; a web page may not use them."
    return None


def _read_json(environ: WSGIEnvironment) -> object:
    try:
        value: object = json.loads(read_body(environ))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"The body is not JSON: {error}.") from error
    return value
