"""Starting a run: the form, the review, and the start itself."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from executions import library, lifecycle, targets
from executions.errors import BadParameters, NotAllowed, Refused
from executions.forms import PREFIX, StartForm, initial_of
from executions.models import DocumentVersion, Execution
from executions.runbook import template
from executions.runbook.types import Step
from executions.views.documents import find_version, start_regions
from executions.views.http import SignedIn, account_of

BAD_REQUEST = 400


@require_http_methods(["GET", "POST"])
def start(request: SignedIn, owner: str, name: str) -> HttpResponse:
    """GET: the form. POST: its review, or (confirm) the start; what was typed is never lost."""
    document = library.find(owner, name, by=request.user)
    account = account_of(request)
    version = find_version(document, request.GET.get("version", "$DEFAULT"), account)
    runbook = library.runbook(version)
    if not start_regions(request, document, account):
        raise NotAllowed(f"You may not start {document.name}.")
    if request.method != "POST":
        form = StartForm(document, runbook, account, initial=_initial(request))
        return _show_form(request, version, form)
    form = StartForm(document, runbook, account, request.POST)
    if "back" in request.POST:
        form.is_valid()
        return _show_form(request, version, form)
    execution = _checked(request, version, form)
    if execution is None:
        return _show_form(request, version, form, status=BAD_REQUEST)
    if "confirm" not in request.POST:
        return _review(request, version, execution)
    try:
        started = lifecycle.start(_request(version, form), by=request.user)
    except Refused as refusal:
        form.add_error(None, refusal.message)
        return _show_form(request, version, form, status=refusal.status)
    return redirect("execution", started.id)


def _initial(request: SignedIn) -> dict[str, Any]:
    """A fresh token for the start, the values of a run to repeat, and those in the URL."""
    initial: dict[str, Any] = {"token": str(uuid4())}
    like = request.GET.get("like", "")
    with suppress(ValueError):  # not an id at all
        initial |= initial_of(lifecycle.find(UUID(like), by=request.user)) if like else {}
    return initial | {PREFIX + key: value for key, value in request.GET.items()}


def _request(version: DocumentVersion, form: StartForm) -> lifecycle.Start:
    data = form.cleaned_data
    mode = data["mode"] or "Auto"
    return lifecycle.Start(version, data["region"], form.wire(), data["token"], mode)


def _checked(request: SignedIn, version: DocumentVersion, form: StartForm) -> Execution | None:
    """What would start, if everything is in order; else the form holds what is wrong."""
    if not form.is_valid():
        return None
    try:
        execution = lifecycle.preview(_request(version, form), by=request.user)
    except BadParameters as refusal:
        form.show(refusal.fields)
        return None
    _check_instances(execution, form)
    return None if form.errors else execution


def _check_instances(execution: Execution, form: StartForm) -> None:
    """Every instance that is named has to exist now."""
    runbook, where = form.runbook, execution.region
    target_type = execution.version.document.target_type
    for name, ids in targets.instance_ids(runbook, target_type, execution.values).items():
        try:
            found = {item["id"] for item in targets.describe(execution.account_id, where, ids)}
        except targets.Unreadable as problem:
            form.add_error(PREFIX + name, str(problem))
            continue
        for missing in (item for item in ids if item not in found):
            form.add_error(
                PREFIX + name,
                f"There is no instance {missing} in account {execution.account_id}, {where}.",
            )


def _show_form(
    request: SignedIn, version: DocumentVersion, form: StartForm, *, status: int = 200
) -> HttpResponse:
    context = {
        "document": version.document,
        "version": version,
        "form": form,
        "account": account_of(request),
    }
    return render(request, "executions/start.html", context, status=status)


def _review(request: SignedIn, version: DocumentVersion, execution: Execution) -> HttpResponse:
    account = account_of(request)
    runbook = library.runbook(version)
    ids = targets.instance_ids(runbook, version.document.target_type, execution.values)
    named = [item for items in ids.values() for item in items]
    scope = lifecycle.scope(execution, runbook)
    context = {
        "document": version.document,
        "version": version,
        "account": account,
        "region": execution.region,
        "mode": execution.mode,
        "role": execution.role_arn or account.role_arn,
        "parameters": execution.values,
        "targets": targets.describe(account.account_id, execution.region, named),
        "approvers": [
            _gate(step, scope) for step in runbook.walk() if step.action == "aws:approve"
        ],
        "hidden": [
            (name, value)
            for name, items in request.POST.lists()
            if name.startswith(PREFIX) or name in {"region", "mode", "token"}
            for value in items
        ],
    }
    return render(request, "executions/review.html", context)


def _gate(step: Step, scope: template.Scope) -> dict[str, Any]:
    """An approval step as far as it is known before the start."""
    try:
        inputs = template.resolve_inputs(step.inputs, scope)
    except template.MissingValue:
        inputs = dict(step.inputs)
    approvers = inputs.get("Approvers", [])
    return {
        "step": step.name,
        "approvers": approvers if isinstance(approvers, list) else [approvers],
        "required": inputs.get("MinRequiredApprovals", 1),
    }


@require_safe
def instances(request: SignedIn) -> HttpResponse:
    """The picker's list: the instances of a Region that match what was typed."""
    account = account_of(request)
    name = request.GET.get("field_name", "")
    region, query = request.GET.get("region", ""), request.GET.get("query", "")
    context: dict[str, Any] = {
        "field_name": name,
        "many": "many" in request.GET,
        "query": query,
        "selected": [*request.GET.getlist(name), *request.GET.getlist("chosen")],
        "instances": [],
    }
    arn = f"arn:aws:ec2:{region}:{account.account_id}:instance/*"
    if region not in account.regions:
        context["error"] = f"{account} has no Region {region}."
    elif not request.user.has_perm("ec2:DescribeInstances", arn):
        context["error"] = f"You may not see the instances of {account}."
    else:
        try:
            context["instances"] = targets.search(account.account_id, region, query)
        except targets.Unreadable as problem:
            context["error"] = str(problem)
    return render(request, "executions/_instances.html", context)
