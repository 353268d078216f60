"""Running a Python script the way `aws:executeScript` does: handler(events, context)."""

from __future__ import annotations

import builtins
import importlib
import json
import linecache
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NoReturn

from . import MOST_ITEMS

FILE: Final = "customer_script.py"
NAME: Final = "customer_script"


def run(job: dict[str, Any]) -> dict[str, str]:
    """`payload`, the JSON text of what the handler returned, or `message`, why it did not."""
    try:
        value = _call(job)
        if isinstance(value, list):
            value = value[:MOST_ITEMS]
        return {"payload": json.dumps(value, allow_nan=False)}
    except SystemExit as ending:
        return _exited(ending.code)
    except BaseException as error:  # noqa: BLE001 - a script may raise anything at all
        return {"message": _describe(error)}


def _call(job: dict[str, Any]) -> Any:
    source: str = job["source"]
    linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)
    module = ModuleType(NAME)
    module.__file__ = FILE
    sys.modules[NAME] = module
    sys.argv[:] = [FILE]
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    # What the module site would add, which takes longer to load than most scripts.
    builtins.exit = builtins.quit = _exit  # type: ignore[assignment]
    if job["attachment"]:
        sys.path.insert(0, str(Path.cwd()))
    exec(compile(source, FILE, "exec"), module.__dict__)  # noqa: S102 - to run it is the task
    return _find(module, job["handler"])(job["events"], {})


def _find(module: ModuleType, name: str) -> Any:
    """The function of the script, or with `file.function` that of its attachment."""
    file, _, function = name.rpartition(".")
    handler = getattr(importlib.import_module(file) if file else module, function, None)
    if not callable(handler):
        raise NameError(f"{file or 'the script'} defines no function {function}, its Handler")  # noqa: TRY004
    return handler


def _exit(code: Any = None) -> NoReturn:
    raise SystemExit(code)


def _exited(code: Any) -> dict[str, str]:
    """exit("text") fails with the text; exit() and exit(0) end without a payload."""
    if code is None or code == 0:
        return {"payload": "null"}
    return {"message": f"exit code {code}" if isinstance(code, int) else str(code)}


def _describe(error: BaseException) -> str:
    """The traceback, from the script's own first line on."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace))
