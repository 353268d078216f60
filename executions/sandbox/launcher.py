"""Starting a script under bubblewrap, and ending everything that it started.

bubblewrap makes the namespaces; its own environment is empty, since it is process 1 inside and
/proc/1/environ can be read there. Secrets travel in a file without a name.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from executions.sandbox import broker, runtime, seccomp
from executions.sandbox.capture import Log, Report, follow
from executions.sandbox.payload import read_report
from executions.sandbox.values import POWERSHELL, Ended, Job, Result, Unavailable

INNER_USER: Final = "65534"
SCRATCH: Final = str(64 * 1024 * 1024)  # bytes of /tmp, and of /work
SHARED: Final = str(16 * 1024 * 1024)  # bytes of /dev/shm
# Beyond the users of people, packages and containers (systemd, "UIDs and GIDs").
FIRST_USER: Final = 0x70000000
USERS_A_PROCESS: Final = 16
START: Final = (
    "import sys; sys.path.append('/usr/lib/countersign');"
    " from sandbox_inside import bootstrap; bootstrap.main()"
)
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A host that can run scripts: its bubblewrap, and the tree that is /usr inside."""

    bwrap: str
    tree: Path


def prepare(folder: Path) -> Sandbox:
    """Find bubblewrap and make the tree; Unavailable says what is missing."""
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise Unavailable(
            "bubblewrap is not installed. Install the package bubblewrap on every host that runs"
            " a worker."
        )
    seccomp.compile_filter()
    return Sandbox(bwrap, runtime.prepare(folder, others=os.geteuid() == 0))


def run(sandbox: Sandbox, job: Job, abort: threading.Event | None = None) -> Result:
    """Run a script to its end, its time, or until `abort` is set; no process of it is left.

    Unavailable if it could not be started, so that nothing of it has run.
    """
    if job.language == POWERSHELL and runtime.find_powershell() is None:
        raise Unavailable(
            "PowerShell (pwsh) is not installed on this host. Install it on every host that runs a"
            " worker, and start the workers again."
        )
    log, report = Log(), Report()
    uid = _choose_user()
    with ExitStack() as stack:
        socket = stack.enter_context(broker.serve(job.network, uid)) if job.network else None
        task = stack.enter_context(nameless_file(_encode(job)))
        rules = stack.enter_context(nameless_file(seccomp.compile_filter()))
        report_end, report_fd = os.pipe()
        stack.callback(os.close, report_end)
        with closing(report_fd):
            command = [
                *_describe_box(sandbox, rules, socket),
                *("--", "/usr/bin/python3", "-ISB", "-Xutf8", "-c", START),
                *(str(task), str(report_fd)),
                *([_target(job)] if job.network else []),
            ]
            process = stack.enter_context(start(command, uid, (task, rules, report_fd)))
        sinks = (
            (process.stdout.fileno(), log.stream("standard output")),  # type: ignore[union-attr]
            (process.stderr.fileno(), log.stream("standard error")),  # type: ignore[union-attr]
            (report_end, report),
        )
        cut_short = follow(process, sinks, job.seconds, abort or threading.Event())
    return _conclude(cut_short, report.lines, log.text(), process.returncode)


def _describe_box(sandbox: Sandbox, rules: int, socket: Path | None) -> list[str]:
    """bubblewrap's arguments: the order of the mounts is the order in which they are made."""
    egress = ["--dir", "/run", "--bind", str(socket), "/run/egress.sock"] if socket else []
    return [
        sandbox.bwrap,
        *("--unshare-user", "--unshare-all", "--disable-userns"),
        *("--uid", INNER_USER, "--gid", INNER_USER, "--cap-drop", "ALL"),
        *("--die-with-parent", "--new-session", "--hostname", "sandbox"),
        *("--clearenv", "--setenv", "PATH", "/usr/bin", "--setenv", "LANG", "C.UTF-8"),
        *("--setenv", "HOME", "/work"),
        *("--ro-bind", str(sandbox.tree), "/usr", "--symlink", "usr/lib", "/lib"),
        *("--symlink", "usr/lib64", "/lib64", "--symlink", "usr/bin", "/bin"),
        *("--proc", "/proc", "--dev", "/dev"),
        *("--size", SHARED, "--tmpfs", "/dev/shm", "--remount-ro", "/dev"),  # noqa: S108
        *("--size", SCRATCH, "--tmpfs", "/tmp", "--size", SCRATCH, "--tmpfs", "/work"),  # noqa: S108
        *egress,
        *("--remount-ro", "/", "--chdir", "/work", "--seccomp", str(rules)),
    ]


def start(command: list[str], uid: int, fds: tuple[int, ...]) -> subprocess.Popen[bytes]:
    """With nothing of ours but the pipes; and never as root, for which there is no limit."""
    is_root = os.geteuid() == 0
    try:
        return subprocess.Popen(  # noqa: S603 - arguments are ours, the script is none of them
            command,
            env={},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=fds,
            user=uid if is_root else None,
            group=uid if is_root else None,
            extra_groups=[] if is_root else None,
        )
    except OSError as error:
        raise Unavailable(f"bubblewrap could not be started: {error}") from error


def _choose_user() -> int:
    """Our own user; where that is root, one that nobody else has, not even another script.

    The kernel counts processes by user, and scripts must not use up each other's.
    """
    if os.geteuid() != 0:
        return os.geteuid()
    return FIRST_USER + os.getpid() * USERS_A_PROCESS + next(_numbers) % USERS_A_PROCESS


def _encode(job: Job) -> bytes:
    facts = {
        "source": job.source,
        "handler": job.handler,
        "events": job.events,
        "language": job.language,
        "environment": dict(job.environment),
        "seconds": job.seconds,
        "attachment": _attached(job),
    }
    return json.dumps(facts).encode()


def _attached(job: Job) -> dict[str, str] | None:
    if job.attachment is None:
        return None
    return {"name": job.attachment.name, "data": base64.b64encode(job.attachment.data).decode()}


def _target(job: Job) -> str:
    """The plain HTTP endpoint as `host:port`; a hyphen for none."""
    endpoint = job.network.endpoint if job.network else None
    return f"{endpoint[0]}:{endpoint[1]}" if endpoint else "-"


@contextmanager
def nameless_file(data: bytes) -> Iterator[int]:
    """A file in memory that only its descriptor leads to, to be read from its start."""
    fd = os.memfd_create("countersign", os.MFD_CLOEXEC)
    with closing(fd):
        os.truncate(fd, len(data))
        os.pwrite(fd, data, 0)
        yield fd


@contextmanager
def closing(fd: int) -> Iterator[None]:
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.close(fd)


def _conclude(cut_short: Ended | None, lines: list[bytes], log: str, code: int) -> Result:
    """What came of it: the first line of the report is the bootstrap's, the last the script's."""
    if cut_short is not None:
        return Result(cut_short, log=log)
    if not lines:
        raise Unavailable(f"The sandbox did not start: {log.strip()[-1000:] or f'code {code}'}")
    if len(lines) > 1:
        return read_report(lines[-1], log)
    how = f"signal {code - 128}" if code > 128 else f"exit code {code}"
    return Result(Ended.FAILED, message=f"The script ended without a result ({how}).", log=log)
