"""The first thing to run inside: limits, the way out, then the script and its result.

Reads the job as JSON from one file descriptor and reports on another, one JSON object a line: an
empty one when it is up, and how the script ended. Whatever the script has not ended ends then.
"""

from __future__ import annotations

import base64
import json
import math
import os
import resource
import sys
from pathlib import Path
from typing import Any, BinaryIO, Final

from . import MESSAGE_LENGTH, MOST_BYTES, forward, powershell, python

MEMORY: Final = 512 * 1024 * 1024  # bytes of address space; AWS: 512 MB for Python
FILE_SIZE: Final = 16 * 1024 * 1024
OPEN_FILES: Final = 128
PROCESSES: Final = 64


def main() -> None:
    """Arguments: the job's descriptor, the report's, and the plain HTTP target, if any, or `-`.

    Without the last one there is no network at all.
    """
    job_fd, report_fd, *way_out = sys.argv[1:]
    os.set_inheritable(int(job_fd), False)
    os.set_inheritable(int(report_fd), False)
    environment = forward.start(way_out[0].strip("-")) if way_out else {}
    with os.fdopen(int(job_fd), "rb") as pipe:
        job: dict[str, Any] = json.load(pipe)
    report = os.fdopen(int(report_fd), "wb", buffering=0)
    _say(report, {})
    _limit(job)
    os.environ.update({**job["environment"], **environment})
    _say(report, _fit(_run(job)))
    # Threads and atexit handlers of the script have no say in whether the step ends.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _run(job: dict[str, Any]) -> dict[str, str]:
    """What came of the script, with its attachment beside it."""
    if attached := job["attachment"]:
        from . import unpack  # noqa: PLC0415 - takes long to load, and few scripts need it

        try:
            unpack.place(attached["name"], base64.b64decode(attached["data"]), Path.cwd())
        except unpack.Unusable as problem:
            return {"message": f"The attachment {attached['name']} is unusable. {problem}"}
    return powershell.run(job) if job["language"] == "powershell" else python.run(job)


def _fit(answer: dict[str, str]) -> dict[str, str]:
    """The answer if it can be reported whole, else what is wrong with it."""
    size = len(answer.get("payload", ""))
    if size > MOST_BYTES:
        return {
            "message": f"The script returned {size} bytes of JSON, more than the"
            f" {MOST_BYTES // 1000} kB that a step can keep. Put it into a bucket or a table."
        }
    if "message" in answer:
        return {"message": answer["message"][-MESSAGE_LENGTH:]}
    return answer


def _say(report: BinaryIO, what: dict[str, Any]) -> None:
    data = json.dumps(what).encode() + b"\n"
    while data:
        data = data[report.write(data) :]


def _limit(job: dict[str, Any]) -> None:
    """Limits of each process. Set in here, processes count from none: not the host user's own."""
    seconds = math.ceil(job["seconds"])
    limits = {
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_CPU: (seconds, seconds + 1),
        resource.RLIMIT_FSIZE: (FILE_SIZE, FILE_SIZE),
        resource.RLIMIT_NOFILE: (OPEN_FILES, OPEN_FILES),
        resource.RLIMIT_NPROC: (PROCESSES, PROCESSES),
    }
    if job["language"] != "powershell":  # .NET reserves far more than it uses
        limits[resource.RLIMIT_AS] = (MEMORY, MEMORY)
    for which, values in limits.items():
        resource.setrlimit(which, values)
