"""Finding documents: by words, by owner, and by what they run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from django.db.models import Exists, F, FilteredRelation, OuterRef, Q

from executions import library
from executions.models import Document, DocumentVersion, Tag
from executions.models.documents import AMAZON, DocumentQuerySet
from executions.runbook.types import Step

MOST_WORDS: Final = 8
MOST_CANDIDATES: Final = 200
ACTION: Final = re.compile(r"(?:aws:)?(\w*)", re.ASCII)
DOCUMENT_TAG: Final = "Document"


def search(account_id: str, text: str = "", owner: str = "") -> DocumentQuerySet:
    """The documents that an account may use, by name; `current` is each one's default version.

    Every word of the text is in the name, the description, a tag (key, value or key=value; only
    of own documents) or the action of a step; a whole ARN finds its document. The owner is an
    account, Amazon, `self`, or `shared` for those that others share.
    """
    found = Document.objects.visible_to(account_id).order_by("name", "pk")
    if owner == "shared":
        found = found.exclude(owner__in=(AMAZON, account_id))
    elif owner:
        found = found.filter(owner=account_id if owner == "self" else owner)
    current = FilteredRelation("versions", condition=Q(versions__number=F("default_version")))
    found = found.annotate(current=current)
    text = text.replace("\x00", "").strip()
    if arn := library.ARN.fullmatch(text):
        return found.filter(owner=arn[2] or AMAZON, name=arn[3])
    for word in text.split()[:MOST_WORDS]:
        found = found.filter(_says(word, account_id))
    return found


def _says(word: str, account_id: str) -> Q:
    key, is_pair, value = word.partition("=")
    tag = Tag.objects.filter(
        account_id=account_id, resource_type=DOCUMENT_TAG, resource_id=OuterRef("name")
    )
    tag = (
        tag.filter(key__iexact=key, value__icontains=value)
        if is_pair
        else tag.filter(Q(key__icontains=word) | Q(value__icontains=word))
    )
    said = Q(name__icontains=word) | Q(current__description__icontains=word)
    said |= Q(Exists(tag), owner=account_id)
    action = ACTION.fullmatch(word)
    if action:
        # LIKE goes first: it is quick, and leaves little to the regular expression.
        pattern = rf"action[\"']?\s*:\s*[\"']?aws:[a-z]*{action[1]}"
        said |= Q(current__content__icontains=word) & Q(current__content__iregex=pattern)
    return said


def callers_of(document: Document, account_id: str) -> list[tuple[Document, list[Step]]]:
    """The documents whose default version runs this one by aws:executeAutomation, and where."""
    callers = (
        DocumentVersion.objects.filter(
            document__in=Document.objects.visible_to(account_id),
            number=F("document__default_version"),
            content__contains="aws:executeAutomation",
        )
        .filter(content__contains=document.name)
        .select_related("document")
        .order_by("document__name", "document_id")
    )
    found = [(version.document, _calls(version, document)) for version in callers[:MOST_CANDIDATES]]
    return [(caller, steps) for caller, steps in found if steps]


def _calls(version: DocumentVersion, document: Document) -> list[Step]:
    return [
        step
        for step in library.runbook(version).walk()
        if step.action == "aws:executeAutomation" and _names(step.inputs, version, document)
    ]


def _names(inputs: Mapping[str, Any], version: DocumentVersion, document: Document) -> bool:
    """By ARN any document, by name one of the same account or of Amazon."""
    name = inputs.get("DocumentName")
    if not isinstance(name, str):
        return False
    if arn := library.ARN.fullmatch(name):
        return (arn[2] or AMAZON, arn[3]) == (document.owner, document.name)
    return name == document.name and document.owner in (AMAZON, version.document.owner)
