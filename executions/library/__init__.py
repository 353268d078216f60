"""Documents: saving a version, and reading one as a runbook."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from executions import clock
from executions.actions import registry
from executions.errors import BadParameters, Conflict, NotAllowed, NotFound
from executions.events import asked
from executions.models import Document, DocumentVersion
from executions.models.documents import AMAZON
from executions.runbook.parse import parse
from executions.runbook.types import Problem, Runbook
from executions.runbook.validate import check

if TYPE_CHECKING:
    from console.iam.models import User

NAME = re.compile(r"[a-zA-Z0-9_\-.]{3,128}")
RESERVED = ("aws", "amazon", "amzn")


class InvalidContent(BadParameters):
    """The text is not a runbook; `problems` says everything that is wrong with it."""

    code = "InvalidDocumentContent"

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__({"content": [str(problem) for problem in problems]})


def find(owner: str, name: str, *, by: User) -> Document:
    """A document that the person may read; NotFound also for one that they may not know of."""
    account = by.principal.account_id if by.principal else ""
    document = Document.objects.visible_to(account).filter(owner=owner, name=name).first()
    if document is None or not by.has_perm("ssm:GetDocument", document.arn("*")):
        raise NotFound(f"There is no document {name} that you may read.", code="InvalidDocument")
    return document


def runbook(version: DocumentVersion) -> Runbook:
    """The version as a value. Versions never change, so each is parsed once in a process."""
    return _parsed(version.pk, version.content, version.format)


@lru_cache(maxsize=256)
def _parsed(version_id: int, content: str, fmt: str) -> Runbook:
    return parse(content, "JSON" if fmt == "JSON" else "YAML")


def create(name: str, content: str, *, fmt: str, by: User) -> DocumentVersion:
    """A new document of the person's account, with version 1."""
    owner = by.principal.account_id if by.principal else ""
    document = Document(owner=owner, name=name)
    with asked(by, "ssm:CreateDocument", document.arn("*")):
        if not by.has_perm("ssm:CreateDocument", document.arn("*")):
            raise NotAllowed(f"You may not create the document {name}.")
        if not NAME.fullmatch(name):
            raise BadParameters(
                {"name": ["A name has 3 to 128 letters, digits, dots, hyphens or underscores."]},
                code="ValidationException",
            )
        if name.lower().startswith(RESERVED):
            raise BadParameters(
                {"name": [f"Names that begin with {', '.join(RESERVED)} belong to AWS."]},
                code="ValidationException",
            )
        return save_version(document, content, fmt=fmt, by=by)


def save_version(
    document: Document, content: str, *, fmt: str, by: User | None = None
) -> DocumentVersion:
    """Check the text and add it as the document's next version; the first becomes the default."""
    parsed, problems = check(content, registry.specs(), "JSON" if fmt == "JSON" else "YAML")
    errors = [problem for problem in problems if problem.severity == "error"]
    if parsed is None or errors:
        raise InvalidContent(errors)
    digest = hashlib.sha256(content.encode()).hexdigest()
    number = document.versions.count() + 1 if document.pk else 1
    try:
        with transaction.atomic():
            document.latest_version, document.updated_at = number, clock.now()
            document.save()
            return DocumentVersion.objects.create(
                document=document,
                number=number,
                content=content,
                format=fmt,
                sha256=digest,
                description=parsed.description,
                created_by=by,
                created_by_arn=by.principal.arn if by and by.principal else "",
            )
    except IntegrityError as error:
        raise Conflict(
            f"{document.name} exists already with this content or under this name.",
            code="DocumentAlreadyExists" if number == 1 else "DuplicateDocumentContent",
        ) from error


def install(name: str, content: str, *, target_type: str, fmt: str = "YAML") -> DocumentVersion:
    """Put a predefined runbook in place: a new version only if its text changed."""
    document = Document.objects.filter(owner=AMAZON, name=name).first()
    document = document or Document(owner=AMAZON, name=name, target_type=target_type)
    digest = hashlib.sha256(content.encode()).hexdigest()
    if document.pk and (same := document.versions.filter(sha256=digest).first()):
        return same
    version = save_version(document, content, fmt=fmt)
    Document.objects.filter(pk=document.pk).update(default_version=version.number)
    return version
