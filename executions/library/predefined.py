"""The runbooks that AWS predefines: its names, parameters and steps, in our own wording."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Final

from django.db import transaction
from django.db.models import F

from executions.library import Draft, save_version
from executions.models import Document, DocumentVersion
from executions.models.documents import AMAZON

FOLDER: Final = Path(__file__).parent / "predefined"


@transaction.atomic
def install_all() -> int:
    """Put every predefined runbook in place; answers with how many there are.

    Again and again to the same end. A new text becomes a new version and the default; what waits
    or runs keeps the version that it began with. Documents of accounts are not touched, not even
    those of the same name.
    """
    index = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
    in_place = _find_in_place()
    for name, facts in index.items():
        text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
        if (name, facts["target_type"], _digest(text)) not in in_place:
            _install(name, text, facts["target_type"])
    return len(index)


def _find_in_place() -> set[tuple[str, str, str]]:
    """Name, target type and digest of what is the default now."""
    defaults = DocumentVersion.objects.filter(
        document__owner=AMAZON, number=F("document__default_version")
    )
    return set(defaults.values_list("document__name", "document__target_type", "sha256"))


def _install(name: str, text: str, target_type: str) -> None:
    """Make this text the default version of a document of Amazon; a new one, if none has it."""
    document = Document.objects.filter(owner=AMAZON, name=name).first()
    document = document or Document(owner=AMAZON, name=name)
    version = document.versions.filter(sha256=_digest(text)).first() if document.pk else None
    version = version or save_version(document, Draft(text, target_type=target_type))
    facts = {"default_version": version.number, "target_type": target_type}
    Document.objects.filter(pk=document.pk).update(**facts)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
