"""Writing documents: new ones, copies and new versions. What was typed is never lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from executions import library
from executions.document_forms import EditForm, NewForm, TextForm
from executions.errors import BadParameters, NotAllowed, Refused
from executions.library import changes, words
from executions.models import Document, DocumentVersion
from executions.runbook import differences
from executions.runbook.types import Problem
from executions.views import document_rights
from executions.views.documents import find_version
from executions.views.http import SignedIn, account_of

BAD_REQUEST = 400
STARTER = """description: What this runbook does, and when to start it.
schemaVersion: "0.3"
assumeRole: "{{ AutomationAssumeRole }}"
parameters:
  AutomationAssumeRole:
    type: AWS::IAM::Role::Arn
    description: The role that the steps act as. Empty is the account's own.
    default: ""
  InstanceId:
    type: AWS::EC2::Instance::Id
    description: The instance to look at.
mainSteps:
  - name: isRunning
    action: aws:changeInstanceState
    inputs:
      InstanceIds: ["{{ InstanceId }}"]
      DesiredState: running
      CheckStateOnly: true
"""


@require_http_methods(["GET", "POST"])
def create(request: SignedIn) -> HttpResponse:
    """A new document of the person's account; `?like=owner/name` begins with a copy of another."""
    account_of(request)
    if not document_rights.may_create(request.user):
        raise NotAllowed("You may not create documents (ssm:CreateDocument).")
    if request.method != "POST":
        return _show(request, NewForm(initial=_initial(request)))
    form = NewForm(request.POST, request.FILES)

    def save() -> DocumentVersion:
        data = form.cleaned_data
        return library.create(data["name"], form.draft(), by=request.user, tags=data["tags"])

    version, status = _save(form, save)
    if version is None:
        return _show(request, form, status=status)
    messages.success(request, f"{version.document.name} is created.")
    return redirect("document", version.document.owner, version.document.name)


def _initial(request: SignedIn) -> dict[str, Any]:
    """A runbook to begin with, or the text of the document to copy."""
    owner, _, name = request.GET.get("like", "").partition("/")
    if not name:
        return {"content": STARTER, "format": "YAML"}
    like = library.find(owner, name, by=request.user)
    version = find_version(like, request.GET.get("version", ""), account_of(request))
    return {
        "name": f"Copy-of-{name}"[:128],
        "content": version.content,
        "format": version.format,
        "target_type": like.target_type,
    }


@require_http_methods(["GET", "POST"])
def edit(request: SignedIn, owner: str, name: str) -> HttpResponse:
    """A new version. It is made from the latest one, or refused with the difference."""
    document = library.find(owner, name, by=request.user)
    document_rights.require(request.user, "update", document)
    if request.method != "POST":
        base = find_version(document, request.GET.get("version", "$LATEST"), account_of(request))
        initial = {
            "content": base.content,
            "format": base.format,
            "based_on": str(document.latest_version),
            "target_type": document.target_type,
        }
        return _show(request, EditForm(initial=initial), document)
    form = EditForm(request.POST, request.FILES)
    version, status = _save(form, lambda: _update(request, document, form))
    if version is None:
        return _show_again(request, form, document, status)
    messages.success(request, _say_saved(version))
    return redirect("document", owner, name)


def _update(request: SignedIn, document: Document, form: EditForm) -> DocumentVersion:
    base = form.cleaned_data["based_on"]
    version = changes.update(document, form.draft(), by=request.user, based_on=base)
    if form.cleaned_data["make_default"]:
        try:
            changes.set_default(document, str(version.number), by=request.user)
        except Refused as refusal:  # the version is saved all the same
            messages.error(request, refusal.message)
    return version


def _say_saved(version: DocumentVersion) -> str:
    default = version.document.default_version
    if default == version.number:
        return f"Version {version.number} is saved, and is the default now."
    return f"Version {version.number} is saved. Starts still use version {default}, the default."


def _save(
    form: TextForm, verb: Callable[[], DocumentVersion]
) -> tuple[DocumentVersion | None, int]:
    """The verb's version; or none, what is wrong in the form, and the status to answer with."""
    if not form.is_valid():
        return None, BAD_REQUEST
    try:
        return verb(), 200
    except library.InvalidContent as refusal:
        form.problems = refusal.problems
        form.add_error(None, "Nothing was saved: the text has errors. Each is listed below it.")
        return None, refusal.status
    except BadParameters as refusal:
        form.show(refusal.fields)
        return None, refusal.status
    except Refused as refusal:
        form.add_error(None, refusal.message)
        return None, refusal.status


def _show_again(request: SignedIn, form: EditForm, document: Document, status: int) -> HttpResponse:
    """The form as it was sent; if somebody else saved meanwhile, with what they changed."""
    document.refresh_from_db()
    latest = document.versions.filter(number=document.latest_version).first()
    base = str(form.data.get("based_on", ""))
    if latest is None or base == str(latest.number):
        return _show(request, form, document, status=status)
    data: QueryDict = request.POST.copy()
    data["based_on"] = str(latest.number)  # whoever saves again has seen the difference
    again = EditForm(data)
    again.is_valid()
    again.add_error(
        None,
        f"Version {latest.number} was saved while you wrote, so nothing was saved. Your text is"
        " below. Take over what you want to keep, then save again.",
    )
    text = str(again.cleaned_data.get("content", ""))
    difference = differences.compare(latest.content, text)
    context = {"theirs": latest, "difference": difference, "left": f"Version {latest.number}"}
    return _show(request, again, document, context, status=status)


def _show(
    request: SignedIn,
    form: TextForm,
    document: Document | None = None,
    more: dict[str, Any] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    may = document_rights.rights(request.user, document) if document else {}
    if document and not may["set_default"]:
        form.fields.pop("make_default", None)
    content, fmt = str(form["content"].value() or ""), str(form["format"].value())
    context = {
        "form": form,
        "document": document,
        "problems": form.problems or (find_problems(content, fmt) if form.is_bound else []),
        "account": account_of(request),
        "right": "Your text",
        **(more or {}),
    }
    return render(request, "documents/edit.html", context, status=status)


def find_problems(content: str, fmt: str) -> list[Problem]:
    """What the check before saving says of a text; a text too long to look at has one problem."""
    try:
        return library.examine(content.replace("\r\n", "\n"), fmt)[1]
    except BadParameters as refusal:
        return [Problem(1, 1, "", refusal.message)]


@require_POST
def check(request: SignedIn) -> HttpResponse:
    """The problems of a text that somebody is writing, and the names in it; nothing is stored."""
    account_of(request)
    content, fmt = request.POST.get("content", ""), request.POST.get("format", "")
    content = content.replace("\r\n", "\n")
    problems = find_problems(content, fmt)
    shown = [
        {"line": one.line, "column": one.column, "message": one.message, "severity": one.severity}
        for one in problems
    ]
    return JsonResponse({"problems": shown, "names": words.names_in(content, fmt)})


@require_safe
@cache_control(private=True, max_age=300)
def vocabulary(request: SignedIn) -> HttpResponse:
    """The words that the editor completes."""
    account_of(request)
    return HttpResponse(json.dumps(words.vocabulary()), content_type="application/json")
