"""Putting an attachment where its script finds it, and nothing anywhere else.

An archive is a stranger's: what its directory says is checked before anything is written, and
what comes out of it is counted as it comes. Used inside, and by whoever takes an archive in.
"""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Any, Final

MOST_ENTRIES: Final = 1000
MOST_FILE: Final = 16_000_000  # bytes of one file, less than FILE_SIZE of the bootstrap
MOST_TOTAL: Final = 50_000_000  # bytes of all files, of the 64 MiB that /work has
CHUNK: Final = 65_536
_ENCRYPTED: Final = 0x1


class Unusable(Exception):
    """The text says what is wrong with the archive."""


def place(name: str, data: bytes, folder: Path) -> None:
    """Write the file into the folder; of an archive, what it holds. Unusable if that cannot be."""
    if not name.lower().endswith(".zip"):
        _write(folder / name, io.BytesIO(data), MOST_TOTAL)
        return
    left = MOST_TOTAL
    with _open(data) as archive:
        for entry in _checked(archive):
            target = folder / entry.filename
            if entry.is_dir():
                target.mkdir(parents=True, exist_ok=True)
                continue
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as content:
                    left -= _write(target, content, left)
            except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                raise Unusable(f"{_show(entry.filename)} in it cannot be read: {error}.") from error
            except OSError as error:
                raise Unusable(f"{_show(entry.filename)} in it has no place: {error}.") from error


def check(data: bytes) -> None:
    """Unusable if an archive cannot be taken, as far as its own directory says."""
    with _open(data) as archive:
        _checked(archive)


def _open(data: bytes) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, NotImplementedError) as error:
        raise Unusable(f"It is no zip archive: {error}.") from error


def _checked(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise Unusable(f"It holds {len(entries)} files, more than {MOST_ENTRIES}.")
    for entry in entries:
        _check_entry(entry)
    names = [entry.filename.rstrip("/") for entry in entries]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise Unusable(f"{_show(twice)} is in it twice.")
    total = sum(entry.file_size for entry in entries)
    if total > MOST_TOTAL:
        raise Unusable(f"Its files would have {total} bytes, more than {MOST_TOTAL}.")
    return entries


def _check_entry(entry: zipfile.ZipInfo) -> None:
    # As it was written: zipfile cuts a name at a NUL.
    name, mode = entry.orig_filename, entry.external_attr >> 16
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or set(name) & set("\\:\0"):
        raise Unusable(f"{_show(name)} in it is no plain path below the script's folder.")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise Unusable(f"{_show(name)} in it is a link or a device, and no file.")
    if entry.flag_bits & _ENCRYPTED:
        raise Unusable(f"{_show(name)} in it is encrypted.")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Unusable(f"{_show(name)} in it is packed by another method than deflate.")
    if entry.file_size > MOST_FILE:
        raise Unusable(f"{_show(name)} in it would have {entry.file_size} bytes.")


def _write(target: Path, content: Any, most: int) -> int:
    """How many bytes were written: what the directory says of them is not believed."""
    size = 0
    with target.open("xb") as file:
        while chunk := content.read(CHUNK):
            size += len(chunk)
            if size > min(most, MOST_FILE):
                raise Unusable(f"{_show(target.name)} is larger than a script's folder takes.")
            file.write(chunk)
    return size


def _show(name: str) -> str:
    return ascii(name[:80])
