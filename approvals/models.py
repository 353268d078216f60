"""Approval requests and the decisions on them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from approvals import policy
from executions import clock
from executions.models import Execution, StepExecution
from executions.models.executions import COMMENT_LENGTH
from executions.models.journal import AppendOnly
from executions.runbook.types import Value
from executions.states import ACTIVE, Status

if TYPE_CHECKING:
    from console.iam.models import User

# Cancelling is active, but nothing that is approved then will run.
AWAITS: Final = ACTIVE - {Status.CANCELLING}


class RequestQuerySet(models.QuerySet["ApprovalRequest"]):
    """Which requests, for whom; and the few moves, each one conditional UPDATE."""

    def pending(self) -> Self:
        """Those that a decision can still change: in time, and the run still waits for it."""
        return self.filter(
            status=ApprovalRequest.Status.PENDING,
            deadline_at__gt=clock.now(),
            execution__status__in=AWAITS,
            step__attempt=F("attempt"),
        ).exclude(step__phase=StepExecution.Phase.ENDED)

    def for_principal(self, arn: str) -> Self:
        """Those whose approvers name the principal."""
        return self.filter(
            Exists(
                Approver.objects.filter(
                    request=OuterRef("pk"), key__in=policy.keys_of_principal(arn)
                )
            )
        )

    def waiting_for(self, user: User) -> Self:
        """Those that the person can decide now, as whom they act, the most urgent first.

        Someone who is named but lacks ssm:SendAutomationSignal sees the request too; its page
        says what is missing.
        """
        if user.principal is None:
            return self.none()
        waiting = self.pending().for_principal(user.principal.arn)
        if not settings.STARTER_MAY_APPROVE:
            waiting = waiting.exclude(execution__started_by=user)
            waiting = waiting.exclude(execution__origin__started_by=user)
        decided = Decision.objects.filter(request=OuterRef("pk"), person=user)
        return waiting.exclude(Exists(decided)).order_by("deadline_at")

    def settled_for(self, user: User) -> Self:
        """Those that the person decided, and the ended ones they started or were named in."""
        arn = user.principal.arn if user.principal else ""
        named = Approver.objects.filter(
            request=OuterRef("pk"), key__in=policy.keys_of_principal(arn)
        )
        decided = Decision.objects.filter(request=OuterRef("pk"), person=user)
        closed = ~Q(status=ApprovalRequest.Status.PENDING)
        return self.filter(
            Exists(decided) | closed & (Exists(named) | Q(execution__started_by=user))
        )

    def with_facts(self) -> Self:
        """With the rows that every page about a request needs."""
        return self.select_related(
            "step",
            "execution__version__document",
            "execution__started_by",
            "execution__origin",
        ).prefetch_related("decisions__person")

    def touch(self) -> int:
        """Lock the rows that are open, by changing nothing in them. Answers how many.

        Only columns of the row itself: PostgreSQL checks these again when it has waited for the
        lock, but not a subquery, which a condition on another table would become.
        """
        pending = ApprovalRequest.Status.PENDING
        return self.filter(status=pending, deadline_at__gt=clock.now()).update(status=pending)

    def settle(self, to: str) -> int:
        """End them, if nothing else has. Answers how many it ended."""
        return self.filter(status=ApprovalRequest.Status.PENDING).update(
            status=to, decided_at=clock.now()
        )

    def expire(self) -> int:
        """End those whose time is up. Answers how many it ended."""
        overdue = self.filter(deadline_at__lte=clock.now())
        return overdue.settle(ApprovalRequest.Status.EXPIRED)


class ApprovalRequest(models.Model):
    """One attempt of one aws:approve step, asking for decisions on exactly these facts.

    Terms and facts are frozen when it is made; `digest` is the SHA-256 of the facts.
    """

    class Status(models.TextChoices):
        """Pending until one of the others, once."""

        PENDING = "Pending", "Pending"
        APPROVED = "Approved", "Approved"
        REJECTED = "Rejected", "Rejected"
        EXPIRED = "Expired", "Expired"
        CANCELLED = "Cancelled", "Cancelled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    execution = models.ForeignKey(Execution, models.PROTECT, related_name="approval_requests")
    step = models.ForeignKey(StepExecution, models.PROTECT, related_name="approval_requests")
    attempt = models.PositiveIntegerField()
    approvers = models.JSONField()  # as the document names them
    required = models.PositiveIntegerField()
    message = models.TextField(blank=True)
    notification_arn = models.CharField(max_length=2048, blank=True)
    digest = models.CharField(max_length=64)
    facts = models.JSONField()
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.PENDING)
    deadline_at = models.DateTimeField()
    created_at = models.DateTimeField(default=clock.now)
    decided_at = models.DateTimeField(null=True)
    notified_at = models.DateTimeField(null=True)

    objects = RequestQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            models.UniqueConstraint(fields=("step", "attempt"), name="request_step_attempt"),
        ]
        indexes = [
            models.Index(fields=("status", "deadline_at"), name="request_pending"),
        ]

    def __str__(self) -> str:
        return f"approval of {self.execution}"

    @property
    def approved_count(self) -> int:
        """How many people approved."""
        return sum(decision.approves for decision in self.decisions.all())

    @property
    def slots(self) -> list[bool]:
        """One for each approval that is needed: whether it is given."""
        return [number < self.approved_count for number in range(self.required)]

    @property
    def decision_outputs(self) -> list[Value]:
        """The step output ApproverDecisions."""
        return [
            {
                "Approver": decision.principal,
                "ApprovalStatus": decision.verdict,
                "ApprovalDecisionTime": decision.at.isoformat(),
                "Comment": decision.comment,
            }
            for decision in self.decisions.all()
        ]

    def names(self, principal_arn: str) -> bool:
        """Whether the principal is one of the approvers."""
        return policy.is_listed(principal_arn, self.approvers, self.execution.account_id)

    def ending(self) -> str:
        """A sentence that says what ended the request; empty while it can be decided."""
        match self.status:
            case self.Status.PENDING:
                return self._ending_of_run() or (
                    self._late() if self.deadline_at <= clock.now() else ""
                )
            case self.Status.APPROVED:
                return f"This was approved {_at(self.decided_at)}, by {self._supporters()}."
            case self.Status.REJECTED:
                return f"This was rejected {_at(self.decided_at)}, by {self._objection()}"
            case self.Status.CANCELLED:
                return f"The execution was cancelled {_at(self.decided_at)}."
        return self._late()

    def _ending_of_run(self) -> str:
        if self.execution.status not in AWAITS:
            return f"The execution does not wait any more: it is {self.execution.status}."
        if self.step.phase == StepExecution.Phase.ENDED or self.step.attempt != self.attempt:
            return f"The step {self.step.name} does not wait for this request any more."
        return ""

    def _late(self) -> str:
        return f"The time for a decision was up {_at(self.deadline_at)}."

    def _supporters(self) -> str:
        return join(str(one.person) for one in self.decisions.all() if one.approves)

    def _objection(self) -> str:
        objection = next(one for one in self.decisions.all() if not one.approves)
        return f"{objection.person}: {objection.comment or 'no comment was given.'}"


class Approver(models.Model):
    """An entry of a request's approvers as a key, so that a principal's requests can be found."""

    request = models.ForeignKey(ApprovalRequest, models.CASCADE, related_name="listed")
    key = models.CharField(max_length=2048)

    objects = AppendOnly.as_manager()

    class Meta:
        indexes = [models.Index(fields=("key",), name="approver_key")]
        constraints = [
            models.UniqueConstraint(fields=("request", "key"), name="approver_request_key"),
        ]

    def __str__(self) -> str:
        return self.key


class Decision(models.Model):
    """What one person decided, as which principal, on which facts. Never changed, never removed."""

    class Verdict(models.TextChoices):
        """The signals of the SSM API."""

        APPROVE = "Approve", "Approve"
        REJECT = "Reject", "Reject"

    request = models.ForeignKey(ApprovalRequest, models.PROTECT, related_name="decisions")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="decisions")
    principal = models.CharField(max_length=2048)
    verdict = models.CharField(max_length=7, choices=Verdict.choices)
    comment = models.CharField(max_length=COMMENT_LENGTH, blank=True)
    digest = models.CharField(max_length=64)
    at = models.DateTimeField(default=clock.now)

    objects = AppendOnly.as_manager()

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(fields=("request", "person"), name="decision_person"),
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.verdict}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert; a second save is refused."""
        if not self._state.adding:
            raise TypeError("A decision never changes.")
        super().save(*args, **kwargs)

    @property
    def approves(self) -> bool:
        """Whether it is an approval."""
        return self.verdict == self.Verdict.APPROVE

    @property
    def sentence(self) -> str:
        """What the person did, told to them."""
        return f"You {'approved' if self.approves else 'rejected'} this {_at(self.at)}."


def _at(moment: Any) -> str:
    return f"on {moment:%d %b %Y at %H:%M} UTC"


def join(names: Iterable[str]) -> str:
    """Names in a sentence: "alice", "alice and bob", "alice, bob and carol"."""
    *most, last = list(names) or ["nobody"]
    return f"{', '.join(most)} and {last}" if most else last
