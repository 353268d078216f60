"""The self-test's script: it tries what no script may do, and tells what it could do after all."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

EXPECTED_PLACES = {"bin", "dev", "lib", "lib64", "proc", "run", "tmp", "usr", "work"}
OPEN_VARIABLES = {"PATH", "LANG", "HOME", "PWD"}
FORBIDDEN_CALLS = {
    "unshare": (272, 0x10000000),
    "mount": (165, 0),
    "ptrace": (101, 0),
    "bpf": (321, 0),
    "keyctl": (250, 0),
    "io_uring_setup": (425, 1),
    "userfaultfd": (323, 0),
    "perf_event_open": (298, 0),
    "setns": (308, 0),
    "personality": (135, 0),
}
FORKS = 200
MEMORY = 2 * 1024**3
FILES = 20  # of 8 MiB: more than a scratch folder holds


def probe(events: dict[str, Any], context: dict[str, Any]) -> dict[str, str]:
    """Name of each probe to what is wrong; empty where the fence holds.

    events: `host_port`, a port on which the host listens.
    """
    probes: dict[str, Callable[[], str]] = {
        "user": _user,
        "network": lambda: _reach("1.1.1.1", 443),
        "metadata": lambda: _reach("169.254.169.254", 80),
        "loopback of the host": lambda: _reach("127.0.0.1", events["host_port"]),
        "other families": _families,
        "host files": _files,
        "environment": _environments,
        "read-only system": _system,
        "system calls": _calls,
        "processes": _forks,
        "memory": _memory,
        "scratch space": _scratch,
    }
    return {name: each() for name, each in probes.items()}


def _user() -> str:
    same = os.getuid() == os.geteuid() == 65534
    text = Path("/proc/self/status").read_text(encoding="ascii")
    has_rights = any(
        int(line.split()[1], 16)
        for line in text.splitlines()
        if line.startswith(("CapEff", "CapBnd"))
    )
    return (
        "" if same and not has_rights else f"runs as {os.getuid()}, with capabilities: {has_rights}"
    )


def _reach(host: str, port: int) -> str:
    try:
        socket.create_connection((host, port), 1).close()
    except OSError:
        return ""
    return f"connected to {host}:{port}"


def _families() -> str:
    for family in (socket.AF_VSOCK, socket.AF_PACKET):
        try:
            socket.socket(family, socket.SOCK_DGRAM).close()
        except OSError:
            continue
        return f"opened a socket of family {family}"
    return ""


def _files() -> str:
    strange = {path.name for path in Path("/").iterdir()} - EXPECTED_PLACES
    there = [
        name for name in ("/etc/passwd", "/etc/shadow", "/root", "/home") if Path(name).exists()
    ]
    return f"sees {sorted(strange)} {there}" if strange or there else ""


def _environments() -> str:
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            data = path.read_bytes()
        except OSError:
            continue
        names = {part.split(b"=")[0].decode(errors="replace") for part in data.split(b"\0") if part}
        if not names <= OPEN_VARIABLES:
            return f"{path} shows {sorted(names - OPEN_VARIABLES)}"
    return ""


def _system() -> str:
    for place in ("/usr", "/usr/lib/countersign", "/", "/dev"):
        try:
            (Path(place) / "written").write_text("x", encoding="ascii")
        except OSError:
            continue
        return f"wrote into {place}"
    return ""


def _calls() -> str:
    call = ctypes.CDLL(None, use_errno=True).syscall
    for name, (number, argument) in FORBIDDEN_CALLS.items():
        ctypes.set_errno(0)
        if call(number, argument, 0, 0, 0, 0) != -1 or ctypes.get_errno() != errno.EPERM:
            return f"{name} is not refused"
    return ""


def _forks() -> str:
    children: list[int] = []
    try:
        for _ in range(FORKS):
            child = os.fork()
            if child == 0:
                os.read(os.pipe()[0], 1)  # until it is killed
                os._exit(0)
            children.append(child)
    except OSError:
        return ""
    finally:
        for child in children:
            os.kill(child, 9)
            os.waitpid(child, 0)
    return f"made {FORKS} processes"


def _memory() -> str:
    try:
        return f"took {len(bytearray(MEMORY))} bytes of memory"
    except MemoryError:
        return ""


def _scratch() -> str:
    for place in ("/tmp", "/work", "/dev/shm"):  # noqa: S108 - the sandbox's own
        with tempfile.TemporaryDirectory(dir=place) as folder:
            try:
                for number in range(FILES):
                    (Path(folder) / str(number)).write_bytes(bytes(8 * 1024 * 1024))
            except OSError:
                continue
            return f"filled {place} without end"
    return ""
