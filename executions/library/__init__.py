"""Documents: saving a version, and reading one as a runbook."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import IntegrityError, transaction

from executions import clock
from executions.actions import registry
from executions.errors import BadParameters, Conflict, NotAllowed, NotFound
from executions.events import asked
from executions.library import attachments
from executions.library.attachments import Given
from executions.models import Document, DocumentVersion, Tag, rows
from executions.models.documents import AMAZON
from executions.runbook.parse import parse
from executions.runbook.template import has_reference
from executions.runbook.tree import MAX_BYTES
from executions.runbook.types import Problem, Runbook
from executions.runbook.validate import check

if TYPE_CHECKING:
    from console.iam.models import User

NAME = re.compile(r"[a-zA-Z0-9_\-.]{3,128}")
ARN = re.compile(r"arn:aws[a-z-]*:ssm:([a-z0-9-]+):(\d{12})?:document/(.+)")
MOST_VERSIONS = 1000
RESERVED = ("aws", "amazon", "amzn")
NOTHING = Given()


class InvalidContent(BadParameters):
    """The text is not a runbook; `problems` says everything that is wrong with it."""

    code = "InvalidDocumentContent"

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        if problems and all(problem.path == "schemaVersion" for problem in problems):
            self.code = "InvalidDocumentSchemaVersion"
        messages = [str(problem) for problem in problems]
        super().__init__({"content": messages}, code=self.code)


def find(owner: str, name: str, *, by: User) -> Document:
    """A document that the person may read; NotFound also for one that they may not know of."""
    account = by.principal.account_id if by.principal else ""
    document = Document.objects.visible_to(account).filter(owner=owner, name=name).first()
    if document is None or not by.has_perm("ssm:GetDocument", document.arn("*")):
        raise NotFound(f"There is no document {name} that you may read.", code="InvalidDocument")
    return document


def locate(name: str, *, region: str, by: User) -> Document:
    """A document that the person's account knows of, whatever the person may do with it.

    By name (the account's own, else a predefined one) or, also if it is shared, by its ARN.
    """
    account = by.principal.account_id if by.principal else ""
    match = ARN.fullmatch(name)
    if match and match[1] != region:
        raise NotFound(f"{name} is in another Region.", code="InvalidDocument")
    if match:
        owner = match[2] or AMAZON
        known = list(Document.objects.visible_to(account).filter(owner=owner, name=match[3]))
    else:
        # An own document goes before a predefined one of its name: digits sort before letters.
        mine_first = "owner IN (%s, %s) AND name = %s ORDER BY owner"
        known = rows.read(Document, mine_first, account, AMAZON, name)
    if not known:
        raise NotFound(f"There is no document {name}.", code="InvalidDocument")
    return known[0]


def runbook(version: DocumentVersion) -> Runbook:
    """The version as a value. Versions never change, so each is parsed once in a process."""
    return _parsed(version.pk, version.content, version.format)


@lru_cache(maxsize=256)
def runbook_of(version_id: int) -> Runbook:
    """The same of a version that is in use, whose text is read once in a process, too."""
    return runbook(DocumentVersion.objects.get(pk=version_id))


@lru_cache(maxsize=256)
def _parsed(version_id: int, content: str, fmt: str) -> Runbook:
    return parse(content, "JSON" if fmt == "JSON" else "YAML")


@dataclass(frozen=True, slots=True)
class Draft:
    """What a new version is made of; the version's name never changes and is used once."""

    content: str
    format: str = "YAML"
    version_name: str = ""
    display_name: str = ""
    target_type: str | None = None
    attachments: Given = NOTHING


def create(
    name: str, draft: Draft, *, by: User, tags: Mapping[str, str] | None = None
) -> DocumentVersion:
    """A new document of the person's account, with version 1 and its tags."""
    owner = by.principal.account_id if by.principal else ""
    document = Document(owner=owner, name=name)
    with asked(by, "ssm:CreateDocument", document.arn("*")) as entry:
        entry.data = {"tags": dict(tags)} if tags else {}
        for action in ("ssm:CreateDocument", *(["ssm:AddTagsToResource"] if tags else [])):
            if not by.has_perm(action, document.arn("*")):
                raise NotAllowed(f"You may not do {action} on the document {name}.")
        _check_name(name)
        if Document.objects.filter(owner=owner, name=name).exists():
            raise Conflict(f"There is a document {name} already.", code="DocumentAlreadyExists")
        if Document.objects.filter(owner=owner).count() >= settings.MOST_DOCUMENTS:
            raise Conflict(
                f"The account has {settings.MOST_DOCUMENTS} documents, the most that it can have.",
                code="DocumentLimitExceeded",
            )
        version = save_version(document, draft, by=by)
        Tag.objects.put(owner, ("Document", name), tags or {})
        return version


def _check_name(name: str) -> None:
    problem = ""
    if not NAME.fullmatch(name):
        problem = "A name has 3 to 128 letters, digits, dots, hyphens or underscores."
    elif name.lower().startswith(RESERVED):
        problem = f"Names that begin with {', '.join(RESERVED)} belong to AWS."
    if problem:
        raise BadParameters({"name": [problem]}, code="ValidationException")


def examine(content: str, fmt: str) -> tuple[Runbook | None, list[Problem]]:
    """The check of every text before it is saved, and of the editor while it is written.

    The runbook (None if it has errors) and every problem, warnings too; BadParameters if the text
    is too long to be looked at.
    """
    if len(content.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise BadParameters(
            {"content": [f"A document has at most {MAX_BYTES // 1024} KB."]},
            code="MaxDocumentSizeExceeded",
        )
    return check(content, registry.specs(), "JSON" if fmt == "JSON" else "YAML")


def save_version(document: Document, draft: Draft, *, by: User | None = None) -> DocumentVersion:
    """Check the text and add it as the document's next version; the first becomes the default."""
    fmt = draft.format
    parsed, problems = examine(draft.content, fmt)
    errors = [problem for problem in problems if problem.severity == "error"]
    if parsed is None:
        raise InvalidContent(errors)
    if draft.attachments.refusal:
        raise draft.attachments.refusal
    files, mismatches = attachments.match(parsed, draft.attachments.files, document)
    if errors or mismatches:
        raise InvalidContent([*errors, *mismatches])
    _check_role(parsed, by)
    if draft.target_type is not None:
        document.target_type = draft.target_type
    number = document.latest_version + 1 if document.pk else 1
    digest = hashlib.sha256(draft.content.encode()).hexdigest()
    _check_new(document, draft, digest)
    try:
        with transaction.atomic():
            document.latest_version, document.updated_at = number, clock.now()
            document.save()
            version = DocumentVersion.objects.create(
                document=document,
                number=number,
                content=draft.content,
                format=fmt,
                sha256=digest,
                description=parsed.description,
                version_name=draft.version_name,
                display_name=draft.display_name,
                created_by=by,
                created_by_arn=by.principal.arn if by and by.principal else "",
            )
            attachments.store(version, files)
            return version
    except IntegrityError as error:
        raise Conflict(
            f"Somebody else is changing {document.name} at this moment; try again.",
            code="DocumentAlreadyExists" if number == 1 else "TooManyUpdates",
        ) from error


def _check_role(runbook: Runbook, by: User | None) -> None:
    """Whoever writes a role into a document may pass it. AWS, "CreateDocument": AccessDenied."""
    role = runbook.assume_role or ""
    if by and role and not has_reference(role) and not by.has_perm("iam:PassRole", role):
        raise NotAllowed(
            f"The document names the role {role} as assumeRole, and you may not pass it"
            " (iam:PassRole)."
        )


def _check_new(document: Document, draft: Draft, digest: str) -> None:
    """A version has new content and a new name, and there is room for it."""
    if document.pk is None:
        return
    versions = document.versions
    if same := versions.filter(sha256=digest).first():
        raise Conflict(
            f"Version {same.number} of {document.name} has this very content.",
            code="DuplicateDocumentContent",
        )
    if draft.version_name and versions.filter(version_name=draft.version_name).exists():
        raise Conflict(
            f"A version of {document.name} is named {draft.version_name} already.",
            code="DuplicateDocumentVersionName",
        )
    if versions.count() >= MOST_VERSIONS:
        raise Conflict(
            f"{document.name} has {MOST_VERSIONS} versions, the most that it can have.",
            code="DocumentVersionLimitExceeded",
        )
