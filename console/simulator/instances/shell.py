"""Running a script on a simulated instance: under bubblewrap, as root of its own disk.

The rules are those of executions.sandbox: no network, no rights, a filter of system calls, limits,
and no process left when the script has ended or was ended. A host without bubblewrap has no shell.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from console.simulator.instances.disks import MOST_BYTES, Disk
from executions.sandbox import Ended, Unavailable
from executions.sandbox.capture import Report, follow
from executions.sandbox.launcher import closing, nameless_file, start
from executions.sandbox.seccomp import compile_filter

MOST_OUTPUT: Final = 64 * 1024  # bytes of each stream: more than any answer shows
WATCHED: Final = 0.5  # seconds between two looks at the disk
COPIED_WITHIN: Final = 60.0  # seconds
SHARED: Final = str(16 * 1024 * 1024)  # bytes of /dev/shm, and of /run
LINKS: Final = tuple(
    word for name in ("bin", "lib", "lib64") for word in ("--symlink", f"usr/{name}", f"/{name}")
)
PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NO_DISK: Final = f"The disk of a simulated instance holds {MOST_BYTES >> 20} MiB, and is full."
SCRIPT: Final = "/run/ssm/_script.sh"
# $1: the folder to start in, $2: the descriptor of the report. Limits are for each process.
AROUND: Final = f"""
exec 9>&"$2"
[ "$2" = 9 ] || eval "exec $2>&-"
echo up >&9
ulimit -c 0 -n 256 -u 128 -f 65536 -v 1048576
cd -- "$1" || exit 1
sh -c {SCRIPT} 9>&-
code=$?
[ ! -e /run/power ] || cat /run/power >&9
exit $code
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a script runs: bubblewrap, the tree that is /usr, the disk, and whose they are.

    others: what else is attached, by the name that the device has at EC2.
    """

    bwrap: str
    tree: Path
    disk: Disk
    user: int
    hostname: str = "localhost"
    others: Mapping[str, Disk] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Script:
    """What runs, for how many seconds at most, from which folder."""

    text: str
    seconds: float
    folder: str
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ran:
    """How it ended. `cut_short` is None where it ended by itself, `power` says what it asked for.

    power: "stop", "reboot" or "".
    """

    code: int
    stdout: str
    stderr: str
    cut_short: Ended | None = None
    power: str = ""


def find_bubblewrap() -> str:
    """The program; Unavailable where there is none, for then nothing runs."""
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise Unavailable(
            "This host has no bubblewrap, so instances of the simulated account run no commands."
            " Install the package bubblewrap."
        )
    return bwrap


def run(machine: Machine, script: Script, abort: threading.Event) -> Ran:
    """Run a script to its end, its time, or until `abort` is set.

    Unavailable if the sandbox cannot be had: nothing of the script has run then.
    """
    out, err, report = _Text(), _Text(), Report()
    with ExitStack() as stack:
        rules = stack.enter_context(nameless_file(compile_filter()))
        text = stack.enter_context(nameless_file(script.text.encode()))
        report_end, report_fd = os.pipe()
        stack.callback(os.close, report_end)
        with closing(report_fd):
            command = [
                *_describe_machine(machine, script, rules, text),
                *("--", "/usr/bin/bash", "-c", AROUND, "bash", script.folder, str(report_fd)),
            ]
            process = stack.enter_context(start(command, machine.user, (rules, text, report_fd)))
        sinks = (
            (process.stdout.fileno(), out),  # type: ignore[union-attr] # it is a pipe
            (process.stderr.fileno(), err),  # type: ignore[union-attr] # the same
            (report_end, report),
        )
        full = stack.enter_context(_watched(machine.disk, abort))
        cut_short = follow(process, sinks, script.seconds, abort)
    said = report.lines
    if not said and cut_short is None:
        raise Unavailable(f"The sandbox did not start: {err.text()[-1000:].strip()}")
    if full.is_set():
        return Ran(1, out.text(), f"{err.text()}{NO_DISK}\n")
    power = said[-1].decode() if len(said) > 1 else ""
    return Ran(process.returncode, out.text(), err.text(), cut_short, power)


def copy(machine: Machine, source: Disk) -> None:
    """Fill the machine's empty disk with what is on another. Unavailable if that fails."""
    with ExitStack() as stack:
        rules = stack.enter_context(nameless_file(compile_filter()))
        command = [
            *_describe_box(machine, rules),
            *("--bind", str(machine.disk.folder), "/to"),
            *("--ro-bind", str(source.folder), "/from"),
            *("--", "/usr/bin/bash", "-c", "cp -a /from/root /from/local /to/"),
        ]
        process = stack.enter_context(start(command, machine.user, (rules,)))
        err = _Text()
        sinks = (
            (process.stdout.fileno(), _Text()),  # type: ignore[union-attr] # it is a pipe
            (process.stderr.fileno(), err),  # type: ignore[union-attr] # the same
        )
        cut_short = follow(process, sinks, COPIED_WITHIN, threading.Event())
    if cut_short or process.returncode:
        raise Unavailable(f"The disk could not be copied: {cut_short or err.text()[-1000:]}")


def _describe_machine(machine: Machine, script: Script, rules: int, text: int) -> list[str]:
    """bubblewrap's arguments for an instance: its disk is all that can be written."""
    environment = [
        word for name, value in script.environment.items() for word in ("--setenv", name, value)
    ]
    return [
        *_describe_box(machine, rules, "--bind", str(machine.disk.root), "/"),
        *("--bind", str(machine.disk.local), "/usr/local"),
        *("--size", SHARED, "--tmpfs", "/run"),
        *("--perms", "0755", "--ro-bind-data", str(text), SCRIPT),
        *("--hostname", machine.hostname, *environment),
    ]


def _describe_box(machine: Machine, rules: int, *root: str) -> list[str]:
    """The rules that hold for everything that runs; root is a name inside, and has no rights."""
    return [
        machine.bwrap,
        *("--unshare-user", "--unshare-all", "--disable-userns"),
        *("--uid", "0", "--gid", "0", "--cap-drop", "ALL"),
        *("--die-with-parent", "--new-session", "--clearenv", "--setenv", "PATH", PATH),
        *("--setenv", "HOME", "/root", "--setenv", "LANG", "C.UTF-8", "--setenv", "USER", "root"),
        *root,
        *("--ro-bind", str(machine.tree), "/usr"),
        *(() if root else LINKS),
        *("--proc", "/proc", "--dev", "/dev"),
        *_describe_others(machine),
        *("--size", SHARED, "--tmpfs", "/dev/shm", "--remount-ro", "/dev"),  # noqa: S108
        *("--seccomp", str(rules)),
    ]


class _Text:
    """One stream: its first bytes, as text."""

    def __init__(self) -> None:
        self._data = bytearray()

    def take(self, data: bytes) -> None:
        """Keep what is within the limit."""
        self._data += data[: MOST_OUTPUT - len(self._data)]

    def text(self) -> str:
        return self._data.decode(errors="replace").replace("\0", "\ufffd")


@contextlib.contextmanager
def _watched(disk: Disk, abort: threading.Event) -> Iterator[threading.Event]:
    """End a script that fills its disk; the event says so."""
    over, full = threading.Event(), threading.Event()

    def watch() -> None:
        while not over.wait(WATCHED):
            if disk.is_full():
                full.set()
                abort.set()
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield full
    finally:
        over.set()
        watcher.join()


def _describe_others(machine: Machine) -> Iterator[str]:
    """Attached volumes, as Linux calls them; `mount` puts such a folder somewhere else."""
    for device, disk in machine.others.items():
        yield from ("--bind", str(disk.root), f"/dev/xvd{device[-1]}1")
