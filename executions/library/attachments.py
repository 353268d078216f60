"""Files that belong to a version of a document: what is taken, kept and found again.

The text of a document names each of its files with a SHA-256 (AWS, "files"), and nothing else is
attached. So whoever knows the text, such as an approval, knows every byte that will run.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from executions.errors import Refused
from executions.models import Attachment, AttachmentContent, Document, DocumentVersion
from executions.runbook.types import Problem, Runbook
from executions.sandbox.inside import unpack

MOST_FILES: Final = 5  # AWS, "Using scripts in runbooks": up to five attachments
# AWS takes 256 MB. Scripts here have a disk of 64 MiB, and the bytes are rows of the database.
MOST_BYTES: Final = 16_000_000
NAME: Final = re.compile(r"[a-zA-Z0-9_\-.]{3,128}")  # AWS, "AttachmentsSource"
SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class File:
    """A file that somebody gives along with a document."""

    name: str
    data: bytes

    @property
    def sha256(self) -> str:
        """The digest of its bytes, in hex."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Given:
    """All files that are given along, or why they cannot be had."""

    files: tuple[File, ...] = ()
    refusal: Refused | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of a new version: by its digest, and with its bytes unless they are here already."""

    name: str
    sha256: str
    size: int
    data: bytes | None = None


def checksums(runbook: Runbook) -> dict[str, str]:
    """What `files` says of each file: name to SHA-256 in lower case, nothing if it says none."""
    return {str(name): _checksum(entry) for name, entry in runbook.files.items()}


def _checksum(entry: Any) -> str:
    sums = entry.get("checksums") if isinstance(entry, Mapping) else None
    named = sums.get("sha256") if isinstance(sums, Mapping) else None
    text = str(named or "").strip().lower()
    return text if SHA256.fullmatch(text) else ""


def match(
    runbook: Runbook, files: Iterable[File], document: Document
) -> tuple[list[Kept], list[Problem]]:
    """The files that the document names: from those given, or as its latest version has them.

    Everything that is wrong comes with the place in the text that it is about. A text that comes
    without any file is saved as it is, since published documents are passed on so: a step that
    needs one of its files then fails.
    """
    given = {file.name: file for file in files}
    wanted = checksums(runbook)
    kept: list[Kept] = []
    problems = [*_check_names(runbook, given)]
    earlier = _earlier(document) if wanted.keys() - given.keys() else {}
    for name, checksum in wanted.items():
        file, before = given.get(name), earlier.get(name)
        if file is not None:
            message = _check_file(file, checksum)
            kept.append(Kept(name, checksum, len(file.data), file.data))
        elif before is not None and before.sha256 == checksum:
            message = ""
            kept.append(Kept(name, checksum, before.size))
        elif before is None and not given:
            continue
        else:
            message = _missing(name, checksum, before)
        if message:
            problems.append(_problem(runbook, name, message))
    return kept, problems


def store(version: DocumentVersion, files: Iterable[Kept]) -> None:
    """Attach files to a version that was made in this transaction; bytes are kept once."""
    for file in files:
        if file.data is not None:
            contents = AttachmentContent.objects.select_for_update()
            contents.get_or_create(pk=file.sha256, defaults={"data": file.data})
        Attachment.objects.create(
            version=version, name=file.name, size=file.size, content_id=file.sha256
        )


def read_attached(version_id: int, name: str) -> bytes | None:
    """The bytes of a version's own file: a digest alone, which others may see, opens nothing."""
    found = Attachment.objects.select_related("content").filter(version=version_id, name=name)
    attachment = found.first()
    return bytes(attachment.content.data) if attachment else None


def forget_unused() -> None:
    """Delete the bytes that no version has any more."""
    used = Attachment.objects.values("content")
    unused = AttachmentContent.objects.exclude(pk__in=used)
    # First to take the rows, then to look again: a version may be getting the same file now.
    taken = list(unused.select_for_update().values_list("pk", flat=True))
    unused.filter(pk__in=taken).delete()


def _earlier(document: Document) -> dict[str, Attachment]:
    if document.pk is None:
        return {}
    latest = document.versions.filter(number=document.latest_version)
    return {one.name: one for one in Attachment.objects.filter(version__in=latest)}


def _check_names(runbook: Runbook, given: Mapping[str, File]) -> Iterator[Problem]:
    """Nobody would approve what `files` does not name; and there are not too many."""
    for name in given.keys() - runbook.files.keys():
        yield _problem(
            runbook,
            "",
            f"{name} is attached, and files does not name it. Add it there, with its checksum"
            f" sha256: {given[name].sha256}.",
        )
    if len(runbook.files) > MOST_FILES:
        yield _problem(
            runbook, "", f"files names {len(runbook.files)} files, more than {MOST_FILES}."
        )
    for name in runbook.files:
        if not NAME.fullmatch(str(name)):
            text = f"{str(name)[:80]!r} has to be 3 to 128 letters, digits, dots, hyphens or _."
            yield _problem(runbook, name, text)


def _check_file(file: File, checksum: str) -> str:
    """What is wrong with a given file; nothing if it is the one that the document means."""
    if not checksum:
        return _unchecked(file.name)
    if file.sha256 != checksum:
        return (
            f"{file.name} has SHA-256 {file.sha256}, and files says {checksum}."
            " Attach the file that is meant, or correct the checksum."
        )
    if len(file.data) > MOST_BYTES:
        return f"{file.name} has {len(file.data)} bytes, more than {MOST_BYTES}."
    if file.name.lower().endswith(".zip"):
        try:
            unpack.check(file.data)
        except unpack.Unusable as problem:
            return f"{file.name} cannot be used. {problem}"
    return ""


def _missing(name: str, checksum: str, before: Attachment | None) -> str:
    if not checksum:
        return _unchecked(name)
    if before is not None:
        return (
            f"{name} is not attached. The latest version has it with SHA-256 {before.sha256},"
            f" and files says {checksum}."
        )
    return f"{name} is named under files and not attached. Attach it, or take it out of files."


def _unchecked(name: str) -> str:
    return f"{name} has no checksum. Write checksums: {{sha256: …}} with 64 hex digits under it."


def _problem(runbook: Runbook, name: Any, message: str) -> Problem:
    path = ("files", name) if name else ("files",)
    line, column = runbook.locate(path)
    return Problem(line, column, ".".join(path), message)
