"""The catalogue of documents, and one document."""

from __future__ import annotations

from django.db.models import OuterRef, Q, Subquery
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from executions import library
from executions.errors import NotAllowed, NotFound
from executions.models import Account, Document, DocumentVersion
from executions.views.http import SignedIn, account_of


@require_safe
def documents(request: SignedIn) -> HttpResponse:
    """Every document that the person may start or read, by name."""
    account = account_of(request)
    if not request.user.has_perm("ssm:ListDocuments", "*"):
        raise NotAllowed("You may not list documents.")
    default = DocumentVersion.objects.filter(
        document=OuterRef("pk"), number=OuterRef("default_version")
    )
    found = Document.objects.visible_to(account.account_id).annotate(
        description=Subquery(default.values("description")[:1])
    )
    query, owner = request.GET.get("q", "").strip(), request.GET.get("owner", "")
    if query:
        found = found.filter(Q(name__icontains=query) | Q(description__icontains=query))
    if owner:
        found = found.filter(owner=account.account_id if owner == "self" else owner)
    context = {"documents": found, "q": query, "owner": owner, "account": account}
    return render(request, "documents/list.html", context)


@require_safe
def document(request: SignedIn, owner: str, name: str) -> HttpResponse:
    """One document: steps, parameters, text and versions of a version."""
    found = library.find(owner, name, by=request.user)
    account = account_of(request)
    version = find_version(found, request.GET.get("version", "$DEFAULT"), account)
    context = {
        "document": found,
        "version": version,
        "versions": found.versions_for(account.account_id),
        "runbook": library.runbook(version),
        "account": account,
        "may_start": bool(start_regions(request, found, account)),
    }
    return render(request, "documents/detail.html", context)


def start_regions(request: SignedIn, found: Document, account: Account) -> list[str]:
    """The account's Regions in which the person may start the document."""
    action = "ssm:StartAutomationExecution"
    return [
        region for region in account.regions if request.user.has_perm(action, found.arn(region))
    ]


def find_version(found: Document, wanted: str, account: Account) -> DocumentVersion:
    """A version that the account may use, or a refusal that names it."""
    try:
        return found.version(wanted, account.account_id)
    except DocumentVersion.DoesNotExist as missing:
        raise NotFound(f"{found.name} has no version {wanted}.") from missing
