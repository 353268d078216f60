"""What a host remembers of its scripts, so that none runs twice because a worker died.

Two files for each run, in this order, each synced to the disk before anything follows from it:

    TOKEN.started    made only if it is not there: of two workers, one may start the script
    TOKEN.json       the answer, moved into its place when it is whole
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

KEPT_DAYS: Final = 30
DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Spool:
    """A folder on a disk of this host, which only we can read."""

    folder: Path

    def identity(self) -> str:
        """A word that names this folder and no other, made with it."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / "identity"
        if not path.exists():
            draft = self.folder / f"identity-{secrets.token_hex(8)}"
            _write(draft, secrets.token_hex(8))
            with contextlib.suppress(FileExistsError):  # of two workers, one is first
                os.link(draft, path)
            draft.unlink()
            _sync(self.folder)
        return path.read_text(encoding="ascii")

    def start(self, token: str) -> bool:
        """Mark a script as started. False if it is already: it must not be started again."""
        try:
            _write(self.folder / f"{token}.started", str(time.time()))
        except FileExistsError:
            return False
        _sync(self.folder)
        return True

    def is_started(self, token: str) -> bool:
        """Whether a script with this token was started here."""
        return (self.folder / f"{token}.started").exists()

    def forget(self, token: str) -> None:
        """Take the mark of a start away: the script may be started again."""
        (self.folder / f"{token}.started").unlink(missing_ok=True)
        _sync(self.folder)

    def finish(self, token: str, answer: dict[str, Any]) -> None:
        """Keep the answer, durably."""
        draft = self.folder / f"{token}.{secrets.token_hex(8)}"
        _write(draft, json.dumps(answer))
        draft.replace(self.folder / f"{token}.json")
        _sync(self.folder)

    def answer(self, token: str) -> dict[str, Any] | None:
        """The answer of a script that has ended, if it is kept."""
        path = self.folder / f"{token}.json"
        if not path.exists():
            return None
        answer: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return answer

    def prune(self) -> None:
        """Forget what is older than anybody asks for (an intent as old is not looked up)."""
        oldest = time.time() - KEPT_DAYS * DAY
        for path in self.folder.glob("*.*"):
            if path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    """A new file, on the disk; FileExistsError if there is one."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
