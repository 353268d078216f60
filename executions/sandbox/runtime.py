"""The private tree that a sandbox has as its /usr: a Python with boto3, and nothing else.

It is copied once, from the interpreter that runs us and a few packages. The application, its
settings and the host's own /usr are not in it, and a copy stands where the sandbox's user can
read it even if the interpreter is in somebody's home.
"""

from __future__ import annotations

import compileall
import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from executions.sandbox.values import Unavailable

PACKAGES: Final = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")
LEFT_OUT: Final = (
    *("site-packages", "dist-packages", "test", "tests", "idlelib", "tkinter", "turtledemo"),
    *("ensurepip", "lib2to3", "config-*", "__phello__", "*.opt-?.pyc", "_tkinter*", "_test*"),
    *("right", "posix"),  # time zones once more
)
INSIDE: Final = Path(__file__).parent / "inside"
KEPT_SECONDS: Final = 3 * 86_400
ZONES: Final = Path("/usr/share/zoneinfo")
_LIBRARY: Final = re.compile(r"(?:=> )?(/\S+) \(0x")
_SYSTEM: Final = re.compile(r"(?:/usr)?/(lib[^/]*/.+)")


def prepare(folder: Path, *, others: bool) -> Path:
    """The tree, made if it is not there yet; Unavailable with the reason if it cannot be.

    others: the sandbox runs as another user, so a folder that only we can reach will not do.
    """
    home = folder if not others or _is_open(folder) else _open_folder()
    try:
        home.mkdir(parents=True, exist_ok=True)
        home.chmod(0o755 if others else 0o700)
        check_owner(home)
        with (home / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # all workers of a host start at the same time
            tree = home / _name()
            if not tree.is_dir():
                _build(tree)
            _forget_others(tree)
    except OSError as error:
        raise Unavailable(f"The sandbox's Python cannot be put into {home}: {error}") from error
    return tree


def find_powershell() -> Path | None:
    """The program `pwsh`, with what belongs to it beside it."""
    found = shutil.which("pwsh")
    return Path(found).resolve() if found else None


def _is_open(folder: Path) -> bool:
    """Whether every user can come as far as the folder, which itself we open."""
    there = [each for each in folder.parents if each.exists()]
    return folder.parent.exists() and all(each.stat().st_mode & stat.S_IXOTH for each in there)


def _open_folder() -> Path:
    """A folder of ours that every user can reach."""
    return Path(tempfile.gettempdir()) / f"countersign-sandbox-{os.geteuid()}"


def check_owner(home: Path) -> None:
    """In a folder that all may write into, the name may be somebody else's."""
    found = home.lstat()
    writable = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if found.st_uid != os.geteuid() or writable or not stat.S_ISDIR(found.st_mode):
        raise Unavailable(f"{home} is not a folder that only we can write into. Remove it.")


def _name() -> str:
    """Another name for another interpreter, other packages, another way of making it."""
    facts = [sys.version, sys.base_prefix, str(find_powershell())]
    for package in PACKAGES:
        origin = _origin(package)
        facts.append(f"{origin} {origin.stat().st_mtime_ns}")
    sources = [Path(__file__), *sorted(INSIDE.glob("*.py"))]
    facts += [path.read_text(encoding="utf-8") for path in sources]
    digest = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]
    return f"python-{sys.version_info[0]}.{sys.version_info[1]}-{digest}"


def _forget_others(tree: Path) -> None:
    """Remove what no version of us has used for days; a worker tests its own each hour."""
    os.utime(tree)
    for other in tree.parent.glob("python-*"):
        if time.time() - other.stat().st_mtime > KEPT_SECONDS:
            shutil.rmtree(other)


def _origin(package: str) -> Path:
    """Where a package is, as its folder or its only file."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise Unavailable(f"The Python package {package} is not installed.")
    path = Path(spec.origin)
    return path.parent if path.name == "__init__.py" else path


def _build(tree: Path) -> None:
    """Make the tree beside its place, and move it there when it is whole."""
    with tempfile.TemporaryDirectory(dir=tree.parent, prefix="new-") as scratch:
        new = Path(scratch).resolve() / "usr"
        version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        (new / "bin").mkdir(parents=True)
        (new / "lib64").mkdir()
        program = Path(os.path.realpath(getattr(sys, "_base_executable", sys.executable)))
        shutil.copy2(program, new / "bin" / "python3")
        standard = new / "lib" / version
        _copy(Path(sysconfig.get_path("stdlib")), standard)
        _copy(Path(sysconfig.get_path("platstdlib")), standard)
        ours = new / "lib" / "countersign"
        for package in PACKAGES:
            origin = _origin(package)
            _copy(origin, ours / origin.name)
        _copy(INSIDE, ours / "sandbox_inside")
        _copy_powershell(new)
        copy_libraries(new, [new / "bin" / "python3", *new.rglob("*.so")])
        if ZONES.is_dir():
            _copy(ZONES, new / "share" / "zoneinfo")
        compileall.compile_dir(str(new / "lib"), quiet=2, workers=1)
        open_modes(new)
        new.rename(tree)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_file():
        shutil.copy2(source, target)
    else:
        ignore = shutil.ignore_patterns(*LEFT_OUT)
        shutil.copytree(source, target, ignore=ignore, dirs_exist_ok=True)


def _copy_powershell(tree: Path) -> None:
    """All of PowerShell's folder, where the host has it."""
    if program := find_powershell():
        _copy(program.parent, tree / "lib" / "powershell")
        copy_libraries(tree, [program, *program.parent.glob("*.so")])


def copy_libraries(tree: Path, programs: Iterable[Path]) -> None:
    """The shared libraries that programs ask for, with the loader, where the loader looks."""
    listed = subprocess.run(  # noqa: S603 - a program of this host, on files of ours
        ["ldd", *map(str, programs)],  # noqa: S607 - where the host has it
        capture_output=True,
        text=True,
        check=False,  # it complains of a file that needs none
    )
    for library in sorted(set(map(Path, _LIBRARY.findall(listed.stdout)))):
        system = _SYSTEM.fullmatch(str(library))
        target = tree / (system.group(1) if system else f"lib/{library.name}")
        if not library.is_relative_to(tree) and not target.exists():
            _copy(library, target)


def open_modes(tree: Path) -> None:
    """Readable for all, writable for us: whatever mask the packages were installed with."""
    for folder, _, names in os.walk(tree):
        Path(folder).chmod(0o755)
        for path in (Path(folder) / name for name in names):
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
