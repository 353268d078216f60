"""The state folder of ./run: everything that one demonstration keeps, for its owner alone."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import tempfile
from pathlib import Path

from console.demo.options import Trouble

# A Unix socket's whole path must fit into 108 bytes; PostgreSQL's file name needs some of them.
LONGEST_SOCKET_FOLDER = 80


def claim(folder: Path, *, reset: bool) -> int:
    """Makes the folder (0700) if need be and takes it for this process.

    Returns the descriptor that holds the claim until the process ends. Raises Trouble if another
    process has it, or if the folder holds things that are not ours.
    """
    mark = folder / "lock"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not mark.exists() and any(folder.iterdir()):
            raise Trouble(
                f"{folder} holds files that are not Countersign's. Give --state a folder that is "
                "empty or does not exist yet."
            )
        folder.chmod(0o700)
        lock = os.open(mark, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Trouble(f"The state folder {folder} cannot be used: {error.strerror}.") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise Trouble(
            f"Another ./run (process {mark.read_text() or 'unknown'}) uses {folder}. Stop it, or "
            "give this one a folder of its own with --state."
        ) from error
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    if reset:
        _empty(folder, keep=mark)
    return lock


def _empty(folder: Path, *, keep: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path != keep:
            path.unlink()


def secret_key(folder: Path) -> Path:
    """The file of this folder's SECRET_KEY; made at the first start."""
    path = folder / "secret_key"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(50))
    return path


def write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner may read; readers see all of it or nothing."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    Path(name).replace(path)


def socket_folder(folder: Path) -> Path:
    """Where sockets for `folder` can lie: itself, or a new 0700 folder if its path is too long."""
    if len(os.fsencode(folder)) <= LONGEST_SOCKET_FOLDER:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder
    return Path(tempfile.mkdtemp(prefix="countersign-"))
