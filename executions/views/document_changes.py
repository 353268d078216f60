"""What people do to a document besides writing it, and how two of its versions differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from executions import library, tagging
from executions.document_forms import ShareForm, TagsForm
from executions.errors import BadParameters, NotAllowed, Refused
from executions.library import changes
from executions.models import Document, Tag
from executions.runbook import differences
from executions.views.documents import find_version, show
from executions.views.http import SignedIn, account_of

ANY_REGION: Final = "*"  # documents are in all Regions of their account
BAD_REQUEST = 400


@require_safe
def compare(request: SignedIn, owner: str, name: str) -> HttpResponse:
    """Two versions beside each other; without a wish, the latest and the one before it."""
    document = library.find(owner, name, by=request.user)
    account = account_of(request)
    usable = document.versions_for(account.account_id).defer("content")
    new = find_version(document, request.GET.get("to", "") or "$LATEST", account)
    before = usable.filter(number__lt=new.number).first() or new
    old = find_version(document, request.GET.get("from", "") or str(before.number), account)
    context = {
        "document": document,
        "old": old,
        "new": new,
        "versions": usable,
        "difference": differences.compare(old.content, new.content),
        "left": f"Version {old.number}",
        "right": f"Version {new.number}",
    }
    return render(request, "documents/compare.html", context)


@require_POST
def set_default(request: SignedIn, owner: str, name: str) -> HttpResponse:
    """Make another version the default."""
    document = library.find(owner, name, by=request.user)

    def act() -> str:
        version = changes.set_default(document, request.POST.get("version", ""), by=request.user)
        return f"Version {version.number} is the default now. What runs keeps its version."

    _try(request, act)
    return redirect(_tab(document, "versions"))


@require_POST
def delete(request: SignedIn, owner: str, name: str) -> HttpResponse:
    """Delete one version, or the whole document."""
    document = library.find(owner, name, by=request.user)
    wanted = request.POST.get("version", "")

    def act() -> str:
        if not wanted and request.POST.get("name") != name:
            raise BadParameters({"name": [f"Nothing was deleted: type {name} to confirm."]})
        changes.delete(document, by=request.user, wanted=wanted)
        return f"Version {wanted} of {name} is deleted." if wanted else f"{name} is deleted."

    deleted = _try(request, act)
    if deleted and not wanted:
        return redirect("documents")
    return redirect(_tab(document, "versions" if wanted else "sharing"))


@require_POST
def share(request: SignedIn, owner: str, name: str) -> HttpResponse:
    """Share with accounts or everyone, or stop sharing with one of them."""
    document = library.find(owner, name, by=request.user)
    if gone := request.POST.getlist("remove"):

        def act() -> str:
            changes.share(document, add=[], remove=gone, by=request.user)
            whom = "everyone" if gone == ["all"] else ", ".join(gone)
            return f"{name} is not shared with {whom} any more. What runs there goes on."

        _try(request, act)
        return redirect(_tab(document, "sharing"))
    form = ShareForm(request.POST)
    try:
        if not form.is_valid():
            raise BadParameters({})
        accounts, version = form.cleaned_data["accounts"], form.cleaned_data["version"]
        changes.share(document, add=accounts, remove=[], by=request.user, version=version)
    except Refused as refusal:
        return _show_refused(request, document, ("share_form", form), refusal)
    messages.success(request, f"{name} is shared with {_whom(accounts)}.")
    return redirect(_tab(document, "sharing"))


def _whom(accounts: list[str]) -> str:
    return "everyone" if accounts == ["all"] else ", ".join(accounts)


@require_POST
def tag(request: SignedIn, owner: str, name: str) -> HttpResponse:
    """Set all tags of the document to those of the form."""
    document = library.find(owner, name, by=request.user)
    account = account_of(request)
    form = TagsForm(request.POST)
    try:
        if document.owner != account.account_id:
            raise NotAllowed(f"You may not tag {name}: it is not a document of your account.")
        if not form.is_valid():
            raise BadParameters({})
        _set_tags(request, document, form.cleaned_data["tags"])
    except Refused as refusal:
        return _show_refused(request, document, ("tags_form", form), refusal)
    messages.success(request, "The tags are saved.")
    return redirect(_tab(document, "sharing"))


def _set_tags(request: SignedIn, document: Document, wanted: dict[str, str]) -> None:
    resource = ("Document", document.name)
    old = {tag.key: tag.value for tag in Tag.objects.of(document.owner, resource)}
    gone = [key for key in old if key not in wanted]
    new = {key: value for key, value in wanted.items() if old.get(key) != value}
    if new:  # first: if these are refused, everything stays as it was
        tagging.add(resource, new, by=request.user, region=ANY_REGION)
    if gone:
        tagging.remove(resource, gone, by=request.user, region=ANY_REGION)


def _show_refused(
    request: SignedIn, document: Document, form: tuple[str, ShareForm | TagsForm], refusal: Refused
) -> HttpResponse:
    """The tab again, with what was typed; to whoever may not do it, the refusal itself."""
    if isinstance(refusal, NotAllowed):
        raise refusal
    name, refused = form
    if refusal.message:
        refused.add_error(None, refusal.message)
    return show(request, document, "sharing", {name: refused}, status=refusal.status)


def _try(request: SignedIn, act: Callable[[], str]) -> bool:
    """Do something and say what became of it."""
    try:
        messages.success(request, act())
    except Refused as refusal:
        messages.error(request, refusal.message)
        return False
    return True


def _tab(document: Document, tab: str) -> str:
    return f"{reverse('document', args=[document.owner, document.name])}?tab={tab}"
