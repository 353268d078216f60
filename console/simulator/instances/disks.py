"""The disks of simulated instances and images: folders of this process, gone when it ends.

A folder holds two: `root`, which is / on the instance, and `local`, its /usr/local. Commands may
put anything there, symbolic links too, so nothing out here opens a file by a path in them: copies
are made by a shell that sees only the two disks.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from executions.sandbox import runtime
from executions.sandbox.launcher import FIRST_USER

MOST_BYTES: Final = 256 * 1024 * 1024  # of one disk
MOST_FILES: Final = 20_000
# Where we are root: the one user behind all instances, below those of scripts.
USER: Final = FIRST_USER - 1
FOLDERS: Final = [
    "dev",
    "etc",
    "home/ec2-user",
    "opt",
    "proc",
    "root",
    "run",
    "srv",
    "tmp",
    "usr",
    "var/cache",
    "var/lib/packages",
    "var/log",
    "var/tmp",
]
LINKS: Final = {name: f"usr/{name}" for name in ("bin", "sbin", "lib", "lib64")}
AMAZON_LINUX: Final = 'NAME="Amazon Linux"\nVERSION="2023"\nID="amzn"\nVERSION_ID="2023"\n'
ACCOUNTS: Final = "root:x:0:0:root:/root:/bin/bash\nec2-user:x:0:0::/home/ec2-user:/bin/bash\n"
FILES: Final = {
    "etc/os-release": f'{AMAZON_LINUX}PRETTY_NAME="Amazon Linux 2023 (simulated)"\n',
    "etc/system-release": "Amazon Linux release 2023 (simulated)\n",
    "etc/passwd": ACCOUNTS,
    "etc/group": "root:x:0:\n",
    "etc/hosts": "127.0.0.1 localhost\n",
}


@dataclass(frozen=True, slots=True)
class Disk:
    """One disk. Its folder is ours, its two halves are the instance's."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def local(self) -> Path:
        return self.folder / "local"

    def is_full(self) -> bool:
        """Whether more is on it than a disk may hold; it may change while we look."""
        size = files = 0
        try:
            for half in (self.root, self.local):
                for _, folders, names, fd in os.fwalk(half, follow_symlinks=False):
                    files += len(folders) + len(names)
                    size += sum(_size(name, fd) for name in names)
                    if size > MOST_BYTES or files > MOST_FILES:
                        return True
        except RecursionError:  # folders in folders without end
            return True
        return False

    def remove(self) -> None:
        """All of it, however deep: rm needs no stack."""
        subprocess.run(["rm", "-rf", "--", str(self.folder)], check=False)  # noqa: S603, S607


class Home:
    """A folder for the disks of this process; what dead processes left is removed."""

    def __init__(self) -> None:
        is_root = os.geteuid() == 0
        self.user = USER if is_root else os.geteuid()
        # Not in a state folder: that is closed to the user that instances run as.
        self.shared = Path(tempfile.gettempdir()) / f"countersign-instances-{os.geteuid()}"
        self.shared.mkdir(mode=0o755 if is_root else 0o700, exist_ok=True)
        runtime.check_owner(self.shared)
        if is_root:
            self.shared.chmod(0o755)
        self._remove_abandoned()
        self._folder = Path(tempfile.mkdtemp(prefix="account-", dir=self.shared))
        self._folder.chmod(0o711)
        self._lock = _lock(self._folder)
        atexit.register(Disk(self._folder).remove)

    def make(self, name: str) -> Disk:
        """A disk as it comes from Amazon. Raises OSError."""
        disk = self._make_halves(name)
        for folder in FOLDERS:
            (disk.root / folder).mkdir(parents=True)
        for link, target in LINKS.items():
            (disk.root / link).symlink_to(target)
        for file, text in FILES.items():
            (disk.root / file).write_text(text, encoding="utf-8")
        (disk.root / "tmp").chmod(0o1777)
        for folder in ("bin", "lib", "share"):
            (disk.local / folder).mkdir()
        for half in (disk.root, disk.local):
            for path in (half, *half.rglob("*")):
                self._give(path)
        return disk

    def make_empty(self, name: str) -> Disk:
        """A disk for a copy to fill. Raises OSError."""
        disk = self._make_halves(name)
        for half in (disk.root, disk.local):
            self._give(half)
        return disk

    def _make_halves(self, name: str) -> Disk:
        disk = Disk(self._folder / name)
        disk.folder.mkdir(mode=0o711)
        disk.root.mkdir(mode=0o755)
        disk.local.mkdir(mode=0o755)
        disk.folder.chmod(0o711)  # whatever the umask is: the instance's user goes through it
        return disk

    def _give(self, path: Path) -> None:
        """Make the instances' user the owner, if we may."""
        if os.geteuid() == 0:
            os.chown(path, self.user, self.user, follow_symlinks=False)

    def _remove_abandoned(self) -> None:
        """The folders whose process is gone, and with it the lock."""
        for folder in self.shared.glob("account-*"):
            with contextlib.suppress(OSError):  # in use, or removed meanwhile
                os.close(_lock(folder))
                Disk(folder).remove()


def _lock(folder: Path) -> int:
    """A lock on the folder, held as long as the descriptor is open. OSError if it is taken."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise
    return fd


def _size(name: str, folder: int) -> int:
    with contextlib.suppress(OSError):  # it is gone
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_blocks * 512
    return 0
