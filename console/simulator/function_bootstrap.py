"""What runs inside the sandbox around a Lambda function: standard library only.

Its source is sent there, so it imports nothing of Countersign. "AWS Lambda function handler in
Python" and "AWS Lambda context object in Python" have what functions rely on.
"""

from __future__ import annotations

import base64
import importlib
import io
import json
import os
import signal
import sys
import time
import traceback
import zipfile
from types import SimpleNamespace
from typing import Any

FOLDER = "/work/task"


class TimedOut(BaseException):
    """Its time is over. A function that catches every Exception does not catch this."""


def invoke(job: dict[str, Any], _: Any) -> dict[str, Any]:
    """`payload`, the JSON text that the function returned, or `error`, Lambda's text for why not.

    job: `code` (a ZIP as Base64), `handler`, `event`, `seconds`, and `context`.
    """
    began = time.monotonic()
    try:
        answer = {"payload": _run(job, began)}
    except TimedOut:
        text = f"Task timed out after {job['seconds']:.2f} seconds"
        answer = {"error": _describe("Sandbox.Timedout", text)}
    except SystemExit as ending:
        text = f"Runtime exited with error: exit status {ending.code or 0}"
        answer = {"error": _describe("Runtime.ExitError", text)}
    except BaseException as error:  # noqa: BLE001 - a function may raise anything at all
        answer = {"error": _report(error)}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return {**answer, "milliseconds": (time.monotonic() - began) * 1000}


def _run(job: dict[str, Any], began: float) -> str:
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(job["code"]))) as code:
        code.extractall(FOLDER)
    sys.path.insert(0, FOLDER)
    os.chdir(FOLDER)
    signal.signal(signal.SIGALRM, _end)
    signal.setitimer(signal.ITIMER_REAL, job["seconds"])
    handler = _find_handler(job["handler"])
    value = handler(job["event"], _make_context(job, began))
    return json.dumps(value)


def _find_handler(name: str) -> Any:
    module_name, _, function = name.rpartition(".")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise ImportError(f"Unable to import module '{module_name}': {error}") from error
    found = getattr(module, function, None)
    if found is None:
        raise AttributeError(f"Handler '{function}' missing on module '{module_name}'")
    return found


def _make_context(job: dict[str, Any], began: float) -> Any:
    def left() -> int:
        return max(0, int((job["seconds"] - (time.monotonic() - began)) * 1000))

    facts = dict(job["context"])
    custom = (facts.pop("client_context") or {}).get("custom", {})
    client = SimpleNamespace(custom=custom, env={}, client=None)
    return SimpleNamespace(**facts, client_context=client, get_remaining_time_in_millis=left)


def _end(signum: int, frame: Any) -> None:
    raise TimedOut


def _report(error: BaseException) -> str:
    """Print it as the runtime does, and say it as Lambda answers it."""
    trace = [line.rstrip() for line in traceback.format_tb(error.__traceback__)]
    own = [line for line in trace if FOLDER in line]
    sys.stdout.write("".join([f"[ERROR] {type(error).__name__}: {error}\n", *map(_line, own)]))
    return _describe(type(error).__name__, str(error), own)


def _line(text: str) -> str:
    return f"{text}\n"


def _describe(kind: str, message: str, trace: list[str] | None = None) -> str:
    return json.dumps({"errorMessage": message, "errorType": kind, "stackTrace": trace or []})
