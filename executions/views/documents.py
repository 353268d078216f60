"""The catalogue of documents, and one document."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import F
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from executions import admission, library
from executions.document_forms import ShareForm, TagsForm
from executions.errors import NotAllowed, NotFound
from executions.library import catalogue
from executions.models import Account, Document, DocumentVersion, Execution, Tag
from executions.runbook import layout, outline
from executions.views import document_rights
from executions.views.http import SignedIn, account_of

PAGE: Final = 50
VERSIONS: Final = 100  # shown unless all are asked for
RUNS: Final = 10
TABS: Final = ("steps", "graph", "parameters", "content", "versions", "use", "sharing")


@require_safe
def documents(request: SignedIn) -> HttpResponse:
    """The documents that the person may start or read, by name: searched, and a page of them."""
    account = account_of(request)
    if not request.user.has_perm("ssm:ListDocuments", "*"):
        raise NotAllowed("You may not list documents.")
    query, owner = request.GET.get("q", "").strip(), request.GET.get("owner", "")
    found = catalogue.search(account.account_id, query, owner)
    number = max(int(text), 1) if (text := request.GET.get("page", "1")[:6]).isdecimal() else 1
    begin = (number - 1) * PAGE
    rows = list(found.annotate(description=F("current__description"))[begin : begin + PAGE + 1])
    tags = Tag.objects.by_resource(account.account_id, "Document", [row.name for row in rows])
    context = {
        "rows": [
            (row, tags.get(row.name, []) if row.owner == account.account_id else [])
            for row in rows[:PAGE]
        ],
        "previous": number - 1,
        "next": number + 1 if len(rows) > PAGE else 0,
        "q": query,
        "owner": owner,
        "account": account,
        "may_create": document_rights.may_create(request.user),
    }
    return render(request, "documents/list.html", context)


@require_safe
def document(request: SignedIn, owner: str, name: str) -> HttpResponse:
    """One document: its steps, text, versions and uses, a tab of them at a time."""
    return show(request, library.find(owner, name, by=request.user), request.GET.get("tab", ""))


def show(
    request: SignedIn,
    found: Document,
    tab: str,
    forms: dict[str, Any] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    """The document's page, with forms that were refused in the place of empty ones."""
    account = account_of(request)
    version = find_version(found, request.GET.get("version", ""), account)
    may = document_rights.rights(request.user, found)
    tab = tab if tab in TABS else "steps"
    if tab == "sharing" and found.owner != account.account_id:
        tab = "steps"
    context = {
        "document": found,
        "version": version,
        "runbook": library.runbook(version),
        "account": account,
        "tab": tab,
        "may": may,
        "own": found.owner == account.account_id,
        "arn": found.arn(account.regions[0] if account.regions else "*"),
        "may_start": bool(start_regions(request, found, account)),
        **_tab(request, version, tab, may),
        **(forms or {}),
    }
    return render(request, "documents/detail.html", context, status=status)


def _tab(
    request: SignedIn, version: DocumentVersion, tab: str, may: dict[str, bool]
) -> dict[str, Any]:
    """What one tab shows beyond the version itself."""
    account, found = account_of(request), version.document
    if tab == "graph":
        runbook = library.runbook(version)
        return {"drawing": layout.draw(runbook), "ways": outline.tell_ways(runbook)}
    if tab == "versions":
        versions = found.versions_for(account.account_id).defer("content")
        rows = list(versions if "all" in request.GET else versions[: VERSIONS + 1])
        more = len(rows) > VERSIONS and "all" not in request.GET
        return {"versions": rows[:VERSIONS] if more else rows, "more": more}
    if tab == "use":
        made = Execution.objects.visible_to(request.user).filter(version__document=found)
        runs = list(made.select_related("started_by", "version")[:RUNS])
        admission.find_places(runs)
        return {"callers": catalogue.callers_of(found, account.account_id), "runs": runs}
    return _sharing(found, may) if tab == "sharing" else {}


def _sharing(found: Document, may: dict[str, bool]) -> dict[str, Any]:
    tags = Tag.objects.of(found.owner, ("Document", found.name)) if may["see_tags"] else []
    return {
        "permissions": found.permissions.all() if may["see_sharing"] else [],
        "share_form": ShareForm(),
        "tags": tags,
        "tags_form": TagsForm(initial={"tags": {tag.key: tag.value for tag in tags}}),
    }


def start_regions(request: SignedIn, found: Document, account: Account) -> list[str]:
    """The account's Regions in which the person may start the document."""
    action = "ssm:StartAutomationExecution"
    return [
        region for region in account.regions if request.user.has_perm(action, found.arn(region))
    ]


def find_version(found: Document, wanted: str, account: Account) -> DocumentVersion:
    """A version that the account may use, or a refusal that names it.

    Without a wish it is the default, or the newest of those that are shared if that is not.
    """
    usable = found.versions_for(account.account_id)
    version = usable.filter(number=found.number(wanted)).first()
    if version is None and not wanted:
        version = usable.first()
    if version is None:
        raise NotFound(f"{found.name} has no version {wanted or 'that your account may use'}.")
    version.document = found
    return version
