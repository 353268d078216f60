"""All that others may do to an execution: start, stop and nudge it (signals.py has the rest)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Case, F, Value, When

from executions import admission, clock, earlier, library, queue
from executions.errors import BadParameters, Conflict, NotAllowed, NotFound, Refused
from executions.events import asked, record
from executions.models import Account, DocumentVersion, Execution, Tag, rows
from executions.runbook import template, values
from executions.runbook.types import Runbook
from executions.states import Slot, Status, sources

if TYPE_CHECKING:
    from console.iam.models import User

ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/.+")
CANCEL_TIME: Final = timedelta(minutes=2)  # AWS, "onCancel": the whole cancel workflow
TAGS_AT_START: Final = 5


@dataclass(frozen=True, slots=True)
class Start:
    """What a start request may set; everything else comes from the pinned version."""

    version: DocumentVersion
    region: str
    parameters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    client_token: str | None = None
    mode: str = "Auto"
    tags: Mapping[str, str] = field(default_factory=dict)
    # The parameters with what parameter_store.complete() has read, or why that cannot be had.
    bound: values.Bound | Refused | None = None
    redrive_of: Execution | None = None  # see executions/redrive.py


def start(request: Start, *, by: User) -> Execution:
    """Start a run. The same client token and parameters give the same execution again."""
    with asked(by, "ssm:StartAutomationExecution", _document_arn(request)) as entry:
        principal, account = _starter(request, by)
        try:
            execution = prepare(request, account, by=by)
            check_tags(execution, request.tags, by)
            with transaction.atomic():
                accept(execution, request.tags)
        except (Refused, IntegrityError):
            # Asked only now, since most tokens are new: the index finds those that are not.
            if same := _find_same(request, principal, account):
                return same
            raise
        entry.data = {"execution": str(execution.id), "parameters": execution.parameters}
        if execution.redrive_of_id:
            entry.data["redrive_of"] = str(execution.redrive_of_id)
        return execution


def accept(execution: Execution, tags: Mapping[str, str]) -> None:
    """Insert an execution that was checked, in the caller's transaction; a worker will take it.

    Refused if the queue of its account is full, its version was deleted meanwhile, or what it is
    to run again cannot be run again.
    """
    version = execution.version
    if not rows.hold(DocumentVersion, version.pk):
        raise Conflict(
            f"{version} was deleted at this moment; nothing was started.",
            code="AutomationDefinitionVersionNotFoundException",
        )
    earlier.hold(execution)
    admission.enter(execution)
    rows.insert(execution)
    if tags:
        Tag.objects.put(execution.account_id, ("Automation", str(execution.pk)), tags)
    record(
        execution.id,
        "execution:accepted",
        by=execution.executed_by,
        data={"document": str(version), "sha256": version.sha256},
    )
    queue.ring()


def preview(request: Start, *, by: User) -> Execution:
    """What start() would start, unsaved; refused for the same reasons."""
    _, account = _starter(request, by)
    return prepare(request, account, by=by)


def prepare(request: Start, account: Account, *, by: User) -> Execution:
    """The execution of a request, checked and unsaved."""
    runbook = library.runbook(request.version)
    parameters = {name: list(items) for name, items in request.parameters.items()}
    execution = Execution(
        account_id=account.account_id,
        region=request.region,
        version=request.version,
        document_name=request.version.document.name,
        parameters=parameters,
        values=check_parameters(runbook, request),
        client_token=request.client_token or None,
        mode=request.mode,
        started_by=by,
        executed_by=by.principal.arn if by.principal else "",
        redrive_of=request.redrive_of,
        origin_id=request.redrive_of.named_id if request.redrive_of else None,
    )
    execution.role_arn = _role(execution, runbook, account, by)
    return execution


def check_tags(execution: Execution, tags: Mapping[str, str], by: User) -> None:
    """Whoever tags what they start may tag it, and not more than AWS takes at a start."""
    if tags and not by.has_perm("ssm:AddTagsToResource", execution.arn):
        raise NotAllowed("You may not tag executions (ssm:AddTagsToResource).")
    if len(tags) > TAGS_AT_START:
        raise BadParameters({"": [f"An execution is started with {TAGS_AT_START} tags at most."]})


def _document_arn(request: Start) -> str:
    return request.version.document.arn(request.region)


def _starter(request: Start, by: User) -> tuple[str, Account]:
    """The principal that may start this, and its account."""
    principal = by.principal
    if principal is None or not by.has_perm("ssm:StartAutomationExecution", _document_arn(request)):
        raise NotAllowed(f"You may not start {request.version.document.name} in {request.region}.")
    return principal.arn, _account(principal.account_id, request.region)


def check_parameters(runbook: Runbook, request: Start) -> dict[str, object]:
    """The typed values of supplied parameters; BadParameters with a message for each field."""
    bound = request.bound or values.bind(runbook, request.parameters)
    if isinstance(bound, Refused):
        raise bound
    problems = dict(bound.problems)
    for name, stored in bound.lookups.items():
        problems[name] = (f"Its default is kept in Parameter Store as {stored}; give a value.",)
    if problems:
        raise BadParameters(problems)
    return dict(bound.values)


def _account(account_id: str, region: str) -> Account:
    found = rows.read(Account, "account_id = %s", account_id)
    if not found:
        raise NotAllowed(f"Account {account_id} is not connected to Countersign.")
    account = found[0]
    if region not in account.regions:
        raise BadParameters(
            {"region": [f"{region} is not one of the Regions of {account}."]},
            code="ValidationException",
        )
    return account


def _find_same(request: Start, principal_arn: str, account: Account) -> Execution | None:
    """The execution that was started with this token, if it was this very request."""
    if not request.client_token:
        return None
    found = Execution.objects.filter(  # with the account, as the index has it
        account_id=account.pk, executed_by=principal_arn, client_token=request.client_token
    ).first()
    if found is None:
        return None
    same = (
        found.version_id == request.version.pk
        and found.region == request.region
        and found.mode == request.mode
        and found.redrive_of_id == (request.redrive_of and request.redrive_of.pk)
        and found.parameters == {name: list(items) for name, items in request.parameters.items()}
    )
    if not same:
        raise Conflict(
            "This client token was used for a start with other parameters.",
            code="IdempotentParameterMismatch",
        )
    return found


def _role(execution: Execution, runbook: Runbook, account: Account, by: User) -> str:
    """The role that the steps act as, for the whole run, whatever changes meanwhile.

    The document's, if the starter may pass it; the account's own if the document names none.
    """
    try:
        role = str(template.resolve(runbook.assume_role or "", scope(execution, runbook)))
    except template.MissingValue as missing:
        raise BadParameters({"": [f"The document's assumeRole: {missing}"]}) from missing
    if not role:
        return account.role_arn
    match = ROLE_ARN.fullmatch(role)
    if match is None or match[1] != account.account_id:
        raise BadParameters(
            {"AutomationAssumeRole": [f"{role} is not the ARN of a role in {account}."]}
        )
    if role != account.role_arn and role not in account.allowed_roles:
        raise BadParameters(
            {"AutomationAssumeRole": [f"{account} does not let Countersign act as {role}."]}
        )
    if not by.has_perm("iam:PassRole", role):
        raise NotAllowed(f"You may not pass the role {role}.")
    return role


def scope(
    execution: Execution, runbook: Runbook, outputs: Mapping[str, Mapping[str, object]] = {}
) -> template.Scope:
    """Everything that a reference of this execution can name now."""
    return template.Scope(
        parameters=execution.values,
        defaults={
            name: values.type_default(parameter)
            for name, parameter in runbook.parameters.items()
            if parameter.has_default and name not in execution.values
        },
        variables={**values.variable_defaults(runbook), **execution.variables},
        outputs=outputs,
        system=template.system_values(
            execution_id=str(execution.named_id),
            account=execution.account_id,
            region=execution.region,
            now=clock.now(),
        ),
    )


def find(execution_id: UUID, *, by: User) -> Execution:
    """An execution that the person may see; NotFound also for one that they may not know of."""
    execution = (
        Execution.objects.visible_to(by)
        .select_related("version__document", "started_by")
        .filter(pk=execution_id)
        .first()
    )
    if execution is None or not by.has_perm("ssm:GetAutomationExecution", execution.arn):
        raise NotFound(
            f"There is no execution {execution_id} that you may see.",
            code="AutomationExecutionNotFoundException",
        )
    return execution


def nudge(execution_id: UUID) -> None:
    """Something happened that the execution may be waiting for."""
    if Execution.objects.filter(pk=execution_id).nudge():
        queue.ring()


def stop(execution: Execution, *, by: User, kind: str = "Cancel") -> None:
    """End it before its last step: no step begins any more.

    Cancel gives onCancel steps two minutes, and the run ends Cancelled. Complete ends it as a
    success, which is how an interactive run ends.
    """
    with asked(by, "ssm:StopAutomationExecution", execution.arn) as entry:
        entry.data = {"type": kind}
        if not by.has_perm("ssm:StopAutomationExecution", execution.arn):
            raise NotAllowed("You may not stop this execution.")
        if not halt(execution.pk, kind, by=by.principal.arn if by.principal else ""):
            raise Conflict(
                "The execution has ended or is being cancelled already.",
                code="InvalidAutomationStatusUpdateException",
            )


def halt(
    execution_id: UUID, kind: str = "Cancel", *, by: str = "", deadline: datetime | None = None
) -> bool:
    """Ask it to end; False if it has ended or was asked already. Nobody's rights are looked at.

    The onCancel steps have their two minutes, or less if the deadline is earlier. One that waits
    in the queue leaves it: it ends without a step, and so without a slot.
    """
    now = clock.now()
    with transaction.atomic():
        asked_now = Execution.objects.filter(
            pk=execution_id, status__in=sources(Status.CANCELLING), stop_requested=""
        ).update(
            status=F("status") if kind == "Complete" else Status.CANCELLING,
            stop_requested=kind,
            stop_deadline=min(now + CANCEL_TIME, deadline or now + CANCEL_TIME),
            wake_at=now,
            slot=Case(When(slot=Slot.QUEUED, then=Value(None)), default=F("slot")),
        )
        if asked_now:
            event = "execution:completing" if kind == "Complete" else "execution:cancelling"
            record(execution_id, event, by=by)
            queue.ring()
    return bool(asked_now)
