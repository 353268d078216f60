"""A database that may lose what it has committed is refused, by name, when a process starts."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection

logger = logging.getLogger(__name__)
MOUNTS: Final = Path("/proc/self/mountinfo")
# SQLite's locks do not hold there, or not always: sqlite.org, "How To Corrupt", 2.1.
NETWORK: Final = frozenset(
    {
        *("9p", "afs", "ceph", "cifs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4"),
        *("ocfs2", "smb2", "smb3", "smbfs", "virtiofs"),
        *("fuse.glusterfs", "fuse.s3fs", "fuse.sshfs"),
    }
)
PATIENCE: Final = 1.0  # seconds between two tries to reach the database


def wait_for_database() -> None:
    """Return when the database answers, if it is a safe one; else ImproperlyConfigured."""
    while True:
        try:
            refuse_unsafe()
        except DatabaseError as error:
            logger.warning("The database cannot be reached yet: %s", error)
            connection.close()
            time.sleep(PATIENCE)  # nothing can be done before it answers
        else:
            return


def refuse_unsafe() -> None:
    """ImproperlyConfigured that names each setting by which a committed change could be lost."""
    if found := list(_postgres() if connection.vendor == "postgresql" else _sqlite()):
        raise ImproperlyConfigured(" ".join(found))


def _postgres() -> Iterator[str]:
    with connection.cursor() as cursor:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            cursor.execute(f"SHOW {name}")
            if cursor.fetchone() == ("off",):
                yield (
                    f"PostgreSQL runs with {name} = off: after a crash it would have forgotten"
                    f" calls that were made to AWS. Set {name} = on."
                )


def _sqlite() -> Iterator[str]:
    place = Path(str(connection.settings_dict["NAME"])).resolve()
    kind = _file_system(place)
    if kind in NETWORK:
        yield (
            f"{place} is on a network disk ({kind}), where SQLite's locks do not hold. Put it on"
            " a disk of this host, or use PostgreSQL (DATABASE_URL)."
        )


def _file_system(place: Path) -> str:
    """The type of the file system that holds a path; empty if this host does not say."""
    if not MOUNTS.exists():
        return ""
    best, kind = Path(), ""
    for line in MOUNTS.read_text(encoding="utf-8").splitlines():
        before, _, after = line.partition(" - ")
        mounted = Path(before.split()[4].replace("\\040", " "))
        # The last one of a place covers those before it.
        if place.is_relative_to(mounted) and len(mounted.parts) >= len(best.parts):
            best, kind = mounted, after.split()[0]
    return kind
