"""aws:approve: wait until the people it names have decided."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from django.db import transaction

from approvals import decisions, facts, policy
from approvals.facts import Terms
from approvals.models import ApprovalRequest, Approver
from approvals.terms import read_terms
from executions import clock, targets
from executions.actions.base import (
    BaseAction,
    Call,
    CallFailed,
    Done,
    Outcome,
    StepContext,
    StepFailed,
    StepTimedOut,
    Wait,
    action,
)
from executions.events import record
from executions.models import Execution
from executions.runbook.types import ActionSpec, Value

USUAL: Final = timedelta(days=7)
LONGEST: Final = timedelta(days=30)
NOTICE: Final = """\
An execution of {document} waits for your decision.

{message}

Execution: {execution}
Step: {step}
Account and Region: {account}, {region}
Decide before: {deadline}
In Countersign: /approvals/{request}
From the command line:
  aws ssm send-automation-signal --automation-execution-id {execution} --signal-type Approve
"""
Status = ApprovalRequest.Status


@action
class Approve(BaseAction):
    """AWS, "aws:approve - Pause an automation for manual approval".

    The request is made on the first resume, by when the step's row is committed.
    """

    spec = ActionSpec(
        name="aws:approve",
        optional=frozenset({"NotificationArn", "Message", "MinRequiredApprovals"}),
        one_of=(frozenset({"Approvers", "EnhancedApprovals"}),),
        types={
            "Approvers": "StringList",
            "EnhancedApprovals": "StringMap",
            "NotificationArn": "String",
            "Message": "String",
            "MinRequiredApprovals": "Integer",
        },
        outputs={"ApprovalStatus": "String", "ApproverDecisions": "MapList"},
        can_be_cancel_target=False,
    )
    timeout: timedelta | None = USUAL

    def begin(self, ctx: StepContext) -> Outcome:
        """Check the terms, and publish the notice if there is a topic for it."""
        terms = read_terms(ctx)
        if not terms.topic_arn:
            return _ask_next(ctx)
        request = {"TopicArn": terms.topic_arn, **_notice(ctx, terms)}
        return Call("sns", "Publish", request)

    def called(self, ctx: StepContext, response: dict[str, Any]) -> Outcome:
        """The notice is out."""
        return _ask_next(ctx, notified_at=clock.now())

    def refused(self, ctx: StepContext, refusal: CallFailed) -> Outcome:
        """A notice that AWS did not take keeps nobody from deciding; the events tell of it."""
        return _ask_next(ctx, trouble=f"The notice could not be published: {refusal}")

    def recover(self, ctx: StepContext) -> Outcome:
        """The notice may be out or not; the request is in the inbox either way."""
        return _ask_next(ctx)

    def adopted(self, ctx: StepContext) -> Outcome:
        """Whoever says that a notice went out has not approved anything."""
        return _ask_next(ctx)

    def resume(self, ctx: StepContext) -> Outcome:
        """Ask if nobody was asked yet; then see what was decided."""
        return _outcome(ctx, _find(ctx) or _ask(ctx, read_terms(ctx)))

    def stopped(self, ctx: StepContext, why: str) -> Outcome | None:
        """End the request. A decision that came first overrules a timeout, but not a cancel."""
        request = _find(ctx)
        if request is None or _close(request, why) or why != "timeout":
            return None
        return _outcome(ctx, request)


def _request_id(ctx: StepContext) -> UUID:
    """The same for every try of this attempt, so that the notice can link to it beforehand."""
    return uuid5(ctx.step_id, str(ctx.attempt))


def _deadline(ctx: StepContext) -> datetime:
    return min(ctx.deadline or ctx.now + USUAL, ctx.now + LONGEST)


def _notice(ctx: StepContext, terms: Terms) -> dict[str, Value]:
    """Subject and Message of the SNS notice. Only what its readers may see anyway."""
    document = Execution.objects.values_list("document_name", flat=True).get(pk=ctx.execution_id)
    message = NOTICE.format(
        document=document,
        message=terms.message or "The document gives no message.",
        execution=ctx.execution_id,
        step=ctx.step.name,
        account=ctx.account_id,
        region=ctx.region,
        deadline=f"{_deadline(ctx):%d %b %Y, %H:%M} UTC",
        request=_request_id(ctx),
    )
    return {"Subject": f"Approval needed: {document}"[:99], "Message": message}


def _ask_next(ctx: StepContext, notified_at: datetime | None = None, trouble: str = "") -> Wait:
    state = {"NotifiedAt": notified_at.isoformat()} if notified_at else {}
    if trouble:
        state["Trouble"] = trouble
    # Not paused yet: whoever sees Waiting must find a request to decide.
    return Wait(ctx.now, state)


def _find(ctx: StepContext) -> ApprovalRequest | None:
    return ApprovalRequest.objects.filter(step=ctx.step_id, attempt=ctx.attempt).first()


def _execution(ctx: StepContext) -> Execution:
    rows = Execution.objects.select_related("version__document", "started_by")
    return rows.get(pk=ctx.execution_id)


def _ask(ctx: StepContext, terms: Terms) -> ApprovalRequest:
    """Make the request of this attempt, once, whoever else is making it."""
    bound = facts.gather(ctx, _execution(ctx), terms)
    bound["targets"], _ = targets.observe(ctx.account_id, ctx.region, bound["targets"])
    notified_at = ctx.state.get("NotifiedAt")
    with transaction.atomic():
        request, created = ApprovalRequest.objects.get_or_create(
            id=_request_id(ctx),
            defaults={
                "execution_id": ctx.execution_id,
                "step_id": ctx.step_id,
                "attempt": ctx.attempt,
                "approvers": list(terms.approvers),
                "required": terms.required,
                "message": terms.message,
                "notification_arn": terms.topic_arn,
                "digest": facts.digest(bound),
                "facts": bound,
                "deadline_at": _deadline(ctx),
                "notified_at": datetime.fromisoformat(notified_at) if notified_at else None,
            },
        )
        if created:
            keys = {policy.key_of_entry(entry, ctx.account_id) for entry in terms.approvers}
            Approver.objects.bulk_create(Approver(request=request, key=key) for key in keys)
            _record(request, "asked", ctx.state.get("Trouble", ""))
    return request


def _close(request: ApprovalRequest, why: str) -> bool:
    """End the request for a timeout, once its time is up, or for a cancel; False if too late."""
    this = ApprovalRequest.objects.filter(pk=request.pk)
    with transaction.atomic():
        ended = this.expire() if why == "timeout" else this.settle(Status.CANCELLED)
        request.refresh_from_db(fields=["status", "decided_at"])
        if ended:
            _record(request, request.status.lower())
    return bool(ended)


def _outcome(ctx: StepContext, request: ApprovalRequest) -> Outcome:
    """What the request's status means for the step."""
    if request.status == Status.PENDING:
        _close(request, "timeout")
    outputs = {"ApprovalStatus": request.status, "ApproverDecisions": request.decision_outputs}
    match request.status:
        case Status.PENDING:
            waiting = {**outputs, "ApprovalStatus": "Waiting"}
            return Wait(request.deadline_at, ctx.state, paused=True, outputs=waiting)
        case Status.APPROVED:
            _check_still_holds(ctx, request)
            return Done(outputs, binds=facts.texts_to_start(request.facts))
        case Status.EXPIRED:
            raise StepTimedOut(request.ending(), outputs=outputs)
    raise StepFailed(request.ending(), retryable=False, outputs=outputs)


def _check_still_holds(ctx: StepContext, request: ApprovalRequest) -> None:
    """What was approved must be what would run now, and its approvers must still be able to."""
    now = facts.gather(ctx, _execution(ctx), read_terms(ctx))
    changed = facts.changes(request.facts, now)
    if changed or facts.digest(request.facts) != request.digest:
        raise StepFailed(
            f"What was approved is not what would run now: {', '.join(changed) or 'the record'}"
            " changed after the request was made. Nothing was run; ask again.",
            stage="PreVerification",
        )
    lost = decisions.lost_votes(request)
    if request.approved_count - len(lost) < request.required:
        raise StepFailed(
            f"Too few approvals count any more. {' '.join(lost)} Nothing was run; ask again.",
            stage="PreVerification",
        )


def _record(request: ApprovalRequest, what: str, message: str = "") -> None:
    data = {"request": str(request.id), "digest": request.digest, "message": message}
    record(request.execution_id, f"approval:{what}", step=request.step.name, data=data)
