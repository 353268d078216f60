"""Starting a run: the form, the review, and the start itself."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from executions import library, lifecycle, parameter_store, targets
from executions.errors import BadParameters, NotAllowed, NotFound, Refused
from executions.forms import PREFIX, StartForm, initial_of
from executions.models import Account, Document, DocumentVersion, Execution
from executions.runbook import template
from executions.runbook.types import Step
from executions.views.documents import find_version, start_regions
from executions.views.http import SignedIn, account_of

BAD_REQUEST, CONFLICT = 400, 409


@require_http_methods(["GET", "POST"])
def start(request: SignedIn, owner: str, name: str) -> HttpResponse:
    """GET: the form. POST: its review, or (confirm) the start; what was typed is never lost."""
    document = library.find(owner, name, by=request.user)
    account = account_of(request)
    version, changed = _version(request, document, account)
    runbook = library.runbook(version)
    if not start_regions(request, document, account):
        raise NotAllowed(f"You may not start {document.name}.")
    if request.method != "POST":
        form = StartForm(document, runbook, account, initial=_initial(request))
        return _show_form(request, version, form)
    form = StartForm(document, runbook, account, request.POST)
    if changed or "back" in request.POST:
        form.is_valid()
        if changed:
            form.add_error(None, changed)
        return _show_form(request, version, form, status=CONFLICT if changed else 200)
    wish = _wish(request, version, form)
    execution = _checked(request, wish, form) if wish else None
    if wish is None or execution is None:
        return _show_form(request, version, form, status=BAD_REQUEST)
    if "confirm" not in request.POST or _has_changed(request, execution):
        return _review(request, execution)
    started, status = _begin(request, wish, form)
    if started is None:
        return _show_form(request, version, form, status=status)
    return redirect("execution", started.id)


def _version(
    request: SignedIn, document: Document, account: Account
) -> tuple[DocumentVersion, str]:
    """The version to start. A form names the one that it shows, so that nobody confirms one and
    starts another; if that is gone, the default comes instead, with a sentence that says so.
    """
    pinned = request.POST.get("version", "")
    wanted = pinned or request.GET.get("version", "")
    try:
        return find_version(document, wanted, account), ""
    except NotFound:
        if not pinned:
            raise
    version = find_version(document, "", account)
    return version, (
        f"Version {pinned} of {document.name} is not there any more. This is the form of version"
        f" {version.number}, with what you typed; review it once more."
    )


def _begin(
    request: SignedIn, wish: lifecycle.Start, form: StartForm
) -> tuple[Execution | None, int]:
    """The run; or none, why not in the form, and the status to answer with."""
    try:
        return lifecycle.start(wish, by=request.user), 200
    except Refused as refusal:
        form.add_error(None, refusal.message)
        return None, refusal.status


def _initial(request: SignedIn) -> dict[str, Any]:
    """A fresh token for the start, the values of a run to repeat, and those in the URL."""
    initial: dict[str, Any] = {"token": str(uuid4())}
    like = request.GET.get("like", "")
    with suppress(ValueError):  # not an id at all
        initial |= initial_of(lifecycle.find(UUID(like), by=request.user)) if like else {}
    return initial | {PREFIX + key: value for key, value in request.GET.items()}


def _wish(request: SignedIn, version: DocumentVersion, form: StartForm) -> lifecycle.Start | None:
    """What is asked for, with what Parameter Store holds now; nothing if the form is unusable."""
    if not form.is_valid():
        return None
    data = form.cleaned_data
    mode = data["mode"] or "Auto"
    wish = lifecycle.Start(version, data["region"], form.wire(), data["token"], mode)
    return parameter_store.complete(wish, by=request.user)


def _has_changed(request: SignedIn, execution: Execution) -> bool:
    """Whether a value that was read from Parameter Store is not any more what was reviewed."""
    seen = request.POST.get("seen", "")
    if not seen or seen == _fingerprint(execution):
        return False
    messages.warning(
        request, "A value in Parameter Store has changed since you looked. Look again."
    )
    return True


def _fingerprint(execution: Execution) -> str:
    return hashlib.sha256(json.dumps(execution.values, sort_keys=True).encode()).hexdigest()


def _checked(request: SignedIn, wish: lifecycle.Start, form: StartForm) -> Execution | None:
    """What would start, if everything is in order; else the form holds what is wrong."""
    try:
        execution = lifecycle.preview(wish, by=request.user)
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


def _review(request: SignedIn, execution: Execution) -> HttpResponse:
    context = {
        **describe(request, execution),
        "hidden": [
            (name, value)
            for name, items in request.POST.lists()
            if name.startswith(PREFIX) or name in {"region", "mode", "token", "version"}
            for value in items
        ]
        + [("seen", _fingerprint(execution))],
    }
    return render(request, "executions/review.html", context)


def describe(request: SignedIn, execution: Execution) -> dict[str, Any]:
    """What a review shows of an execution that is not started yet."""
    account, version = account_of(request), execution.version
    runbook = library.runbook(version)
    ids = targets.instance_ids(runbook, version.document.target_type, execution.values)
    named = [item for items in ids.values() for item in items]
    found, problem = targets.observe(account.account_id, execution.region, named)
    scope = lifecycle.scope(execution, runbook)
    return {
        "document": version.document,
        "version": version,
        "account": account,
        "region": execution.region,
        "mode": execution.mode,
        "role": execution.role_arn or account.role_arn,
        "parameters": execution.values,
        "targets": found,
        "targets_problem": problem,
        "approvers": [
            _gate(step, scope) for step in runbook.walk() if step.action == "aws:approve"
        ],
    }


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
