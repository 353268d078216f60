"""Where the SSM API's attachments come from: objects of S3, and other documents' attachments.

To be asked outside of any transaction: reading from S3 takes its time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from executions import aws, library
from executions.errors import BadParameters, NotAllowed, Refused
from executions.library import attachments, changes
from executions.library.attachments import MOST_BYTES, MOST_FILES, File, Given
from executions.models import Account, DocumentVersion

if TYPE_CHECKING:
    from console.iam.models import User

CODE: Final = "InvalidDocumentContent"
MOST_LISTED: Final = 1000  # objects below a SourceUrl
BUCKET: Final = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
PLACE: Final = re.compile(
    rf"(?:s3://(?P<bucket>{BUCKET})|https://(?P<host>{BUCKET})\.s3[a-z0-9.-]*\.amazonaws\.com)"
    r"(?:/(?P<key>.{0,1024}))?",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Source:
    """One entry of a request's Attachments."""

    key: str  # SourceUrl, S3FileUrl or AttachmentReference
    value: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks, and where. The account's role reads, and only what the person may read too."""

    by: User
    region: str

    def identity(self) -> aws.Identity:
        """The account's role."""
        principal = self.by.principal
        account = Account.objects.filter(pk=principal.account_id if principal else "").first()
        if account is None or not account.role_arn:
            raise NotAllowed("Your account has no role with which Countersign could read S3.")
        return aws.Identity(account.account_id, account.role_arn, aws.CONSOLE, account.external_id)

    def require(self, action: str, arn: str) -> None:
        """NotAllowed unless the person may do so themselves."""
        if not self.by.has_perm(action, arn):
            raise NotAllowed(f"You may not do {action} on {arn}.")


def fetch(sources: Sequence[Source], *, wanted: Iterable[str], region: str, by: User) -> Given:
    """The files of all sources; if any cannot be had, one refusal that says all that is wrong.

    wanted: the names that the document's `files` has; of a SourceUrl, only those are read.
    """
    reader, names = Reader(by, region), frozenset(wanted)
    files: list[File] = []
    problems: list[str] = []
    try:
        for source in sources:
            try:
                files += _read(source, names, reader)
            except BadParameters as bad:
                problems.append(bad.message)
    except Refused as refusal:
        return Given(refusal=refusal)
    problems += _check_names(files)
    if problems:
        return Given(refusal=BadParameters({"Attachments": problems}, code=CODE))
    return Given(tuple(files))


def _read(source: Source, wanted: frozenset[str], reader: Reader) -> list[File]:
    if source.key not in _READERS or not source.value:
        raise _bad(f"An attachment has a value, and a Key that is one of {', '.join(_READERS)}.")
    try:
        return list(_READERS[source.key](source, wanted, reader))
    except aws.AwsError as error:
        raise _bad(f"{source.value} cannot be read: {error}") from error


def _check_names(files: Sequence[File]) -> Iterator[str]:
    names = [file.name for file in files]
    for twice in sorted({name for name in names if names.count(name) > 1}):
        yield f"{twice} is attached twice."


def _read_file(source: Source, _: frozenset[str], reader: Reader) -> Iterator[File]:
    """S3FileUrl: one object, under the name that is given, or its own."""
    bucket, key = _place(source)
    name = source.name or key.rpartition("/")[2]
    if not name:
        raise _bad(f"{source.value} names no object.")
    yield File(name, _read_object(reader, bucket, key))


def _read_folder(source: Source, wanted: frozenset[str], reader: Reader) -> Iterator[File]:
    """SourceUrl: of the objects directly below a prefix, those that the document names."""
    bucket, key = _place(source)
    prefix = key and key.rstrip("/") + "/"
    reader.require("s3:ListBucket", f"arn:aws:s3:::{bucket}")
    request = {"Bucket": bucket, "Prefix": prefix, "Delimiter": "/", "MaxKeys": MOST_LISTED}
    target = aws.operation("s3", "ListObjectsV2")
    found = aws.call(reader.identity(), reader.region, target, request)
    if found.get("IsTruncated"):
        raise _bad(f"{source.value} holds more than {MOST_LISTED} objects; name each file instead.")
    keys = [one["Key"] for one in found.get("Contents", [])]
    for key in [key for key in keys if key.removeprefix(prefix) in wanted][:MOST_FILES]:
        yield File(key.removeprefix(prefix), _read_object(reader, bucket, key))


def _read_object(reader: Reader, bucket: str, key: str) -> bytes:
    reader.require("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}")
    return aws.fetch_object(reader.identity(), reader.region, (bucket, key), MOST_BYTES)


def _copy(source: Source, _: frozenset[str], reader: Reader) -> Iterator[File]:
    """AttachmentReference: DOCUMENT/VERSION/FILE of a document that the person may read."""
    document, number, name = ["", "", *source.value.rsplit("/", 2)][-3:]
    if not document or not name:
        raise _bad(f"{source.value[:200]} is not of the form DOCUMENT/VERSION/FILE.")
    version = _find_version(reader, document, number)
    data = attachments.read_attached(version.pk, name) if version else None
    if data is None:
        raise _bad(f"There is no attachment {source.value[:200]} that you may read.")
    yield File(source.name or name, data)


def _find_version(reader: Reader, name: str, number: str) -> DocumentVersion | None:
    """The version, if the person may read it."""
    try:
        document = library.locate(name, region=reader.region, by=reader.by)
        version = changes.find_version(document, number, by=reader.by)
    except Refused:
        return None
    may = reader.by.has_perm("ssm:GetDocument", document.arn(reader.region))
    return version if may else None


def _place(source: Source) -> tuple[str, str]:
    """Bucket and key of an address."""
    match = PLACE.fullmatch(source.value)
    if match is None:
        raise _bad(f"{source.value[:200]} is not of the form s3://BUCKET/KEY.")
    return match["bucket"] or match["host"], match["key"] or ""


def _bad(message: str) -> BadParameters:
    return BadParameters({"Attachments": [message]}, code=CODE)


_READERS: Final[Mapping[str, Any]] = {
    "S3FileUrl": _read_file,
    "SourceUrl": _read_folder,
    "AttachmentReference": _copy,
}
