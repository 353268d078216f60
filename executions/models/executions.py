"""Executions, their steps, and the signals sent to them."""

from __future__ import annotations

from typing import Any, Final, Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When

from executions import clock
from executions.models.documents import DocumentVersion
from executions.models.ids import make_id, shorten
from executions.states import ACTIVE, LONG_AGO, NEVER, TERMINAL, Slot, Status

LOOP: Final = "aws:loop"
COMMENT_LENGTH: Final = 1000  # of what people write beside a decision


class ExecutionQuerySet(models.QuerySet["Execution"]):
    """Which executions, for whom."""

    def visible_to(self, user: Any) -> Self:
        """Those of the account the person acts in, if the person may see executions there."""
        principal = user.principal
        if principal is None:
            return self.none()
        everything = f"arn:aws:ssm:*:{principal.account_id}:automation-execution/*"
        if not user.has_perm("ssm:DescribeAutomationExecutions", everything):
            return self.none()
        return self.filter(account_id=principal.account_id)

    def active(self) -> Self:
        """Those that have not ended."""
        return self.filter(status__in=ACTIVE)

    def due(self) -> Self:
        """Those a worker may claim now, the longest due first."""
        now = clock.now()
        return self.filter(wake_at__lte=now, lease_until__lte=now).order_by("wake_at")

    def nudge(self) -> int:
        """Make them due at once. A finished one is never due again, a queued one not yet."""
        queued = When(slot=Slot.QUEUED, then=F("wake_at"))
        return self.filter(status__in=ACTIVE).update(
            wake_at=Case(queued, default=Value(clock.now()))
        )


class Execution(models.Model):
    """One run of a document version.

    `wake_at` says when to look next, `lease_until` who may look, `epoch` fences the writes of a
    worker that lost its lease (executions/store.py has the statements).
    """

    id = models.UUIDField(primary_key=True, default=make_id, editable=False)
    account_id = models.CharField(max_length=12)
    region = models.CharField(max_length=32)
    version = models.ForeignKey(DocumentVersion, models.PROTECT, related_name="executions")
    document_name = models.CharField(max_length=128)
    parameters = models.JSONField(default=dict)  # as supplied: name -> list of strings
    values = models.JSONField(default=dict)  # the same, typed, as the run uses them
    variables = models.JSONField(default=dict)  # those that aws:updateVariable has changed
    role_arn = models.CharField(max_length=2048, blank=True)
    mode = models.CharField(max_length=11, default="Auto")
    client_token = models.CharField(max_length=64, null=True)  # noqa: DJ001 - NULL is not unique
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="executions"
    )
    executed_by = models.CharField(max_length=2048)  # the principal's ARN
    # The run that started this one (aws:executeAutomation), by which step; depth counts the runs
    # above this one.
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="children")
    parent_step = models.ForeignKey(
        "StepExecution", models.PROTECT, null=True, related_name="children"
    )
    depth = models.PositiveSmallIntegerField(default=0)
    # The run that this one runs again, and the first of all that were run again so: the same for
    # the runs that its steps start.
    redrive_of = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="redrives", db_index=False
    )
    origin = models.ForeignKey("self", models.PROTECT, null=True, related_name="+", db_index=False)

    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    current_step = models.CharField(max_length=128, blank=True)
    current_action = models.CharField(max_length=64, blank=True)
    outputs = models.JSONField(default=dict)
    failure_message = models.TextField(blank=True)
    stop_requested = models.CharField(max_length=8, blank=True)  # Cancel or Complete
    stop_deadline = models.DateTimeField(null=True)  # of the onCancel steps
    created_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True)

    # None once it has ended, and for a run inside another one, which shares that one's.
    slot = models.CharField(  # noqa: DJ001 - NULL is what the index leaves out
        max_length=7, choices=Slot.choices, null=True
    )
    wake_at = models.DateTimeField(default=clock.now)
    lease_until = models.DateTimeField(default=LONG_AGO)
    lease_owner = models.CharField(max_length=64, blank=True)
    epoch = models.PositiveBigIntegerField(default=0)
    takeovers = models.PositiveIntegerField(default=0)  # claims since the last progress
    event_seq = models.PositiveBigIntegerField(default=0)

    objects = ExecutionQuerySet.as_manager()

    place: int | None  # only after admission.find_places()

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=("account_id", "executed_by", "client_token"),
                name="execution_client_token",
            ),
            models.UniqueConstraint(
                fields=("redrive_of",),
                condition=Q(redrive_of__isnull=False, ended_at=None),
                name="execution_redrive",
            ),
        ]
        indexes = [
            models.Index(fields=("wake_at",), name="execution_due"),
            models.Index(fields=("account_id", "-created_at", "-id"), name="execution_history"),
            models.Index(fields=("account_id", "status"), name="execution_status"),
            models.Index(
                fields=("account_id", "slot", "executed_by", "created_at", "id"),
                condition=Q(slot__isnull=False),
                name="execution_slots",
            ),
            models.Index(
                fields=("redrive_of",),
                condition=Q(redrive_of__isnull=False),
                name="execution_redrives",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document_name} {self.id}"

    @property
    def arn(self) -> str:
        """The execution's ARN."""
        return f"arn:aws:ssm:{self.region}:{self.account_id}:automation-execution/{self.id}"

    @property
    def named_id(self) -> UUID:
        """The id that its steps know as `automation:EXECUTION_ID`.

        What an earlier run has named after itself is found under that name by one that goes on.
        """
        return (self.redrive_of_id and self.origin_id) or self.id

    @property
    def starter_ids(self) -> frozenset[int]:
        """The people who wanted it: who started it, and who chose what it runs again."""
        first = self.origin or self
        return frozenset({self.started_by_id, first.started_by_id})

    @property
    def is_over(self) -> bool:
        """Whether its status is final."""
        return self.status in TERMINAL

    @property
    def short_id(self) -> str:
        """The part of the id that pages show."""
        return shorten(self.id)


class StepExecutionQuerySet(models.QuerySet["StepExecution"]):
    """Which steps of a run."""

    def unfinished(self) -> Self:
        """Those that have begun and not ended."""
        return self.exclude(phase=StepExecution.Phase.ENDED)

    def running(self) -> Self:
        """The unfinished one that does something: not the loop around it, which only waits."""
        return self.unfinished().exclude(action=LOOP, phase=StepExecution.Phase.WAIT)


class StepExecution(models.Model):
    """One step of one run. `number` counts the steps in the order they began.

    A step inside an aws:loop has a row for each pass, whose `parent` is the loop's row.
    """

    class Phase(models.TextChoices):
        """Where the engine stands in the attempt."""

        BEGIN = "begin"  # to begin (again), at due_at
        CALL = "call"  # the intent is committed; the call's answer is not
        WAIT = "wait"  # to resume
        UNKNOWN = "unknown"  # a person decides
        ENDED = "ended"

    id = models.UUIDField(primary_key=True, default=make_id, editable=False)
    # The constraint below is an index of it already, here and of an event.
    execution = models.ForeignKey(Execution, models.CASCADE, related_name="steps", db_index=False)
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=128)
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="inner")
    iteration = models.PositiveSmallIntegerField(null=True)  # the pass of the loop, from 1
    iterator_value = models.TextField(blank=True)  # of that pass, as text
    action = models.CharField(max_length=64)
    status = models.CharField(max_length=10, choices=Status.choices)
    phase = models.CharField(max_length=8, choices=Phase.choices)
    attempt = models.PositiveIntegerField(default=1)
    inputs = models.JSONField(default=dict)  # resolved
    outputs = models.JSONField(default=dict)  # typed
    # Not run: an earlier execution did it (executions/redrive.py), and this is its row there.
    kept_from = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="+", db_index=False
    )
    state = models.JSONField(default=dict)  # the action's cursor
    call = models.JSONField(null=True)  # service, operation, request, token, hash, effect, at
    due_at = models.DateTimeField(default=NEVER)
    deadline_at = models.DateTimeField(null=True)
    unknown = models.JSONField(null=True)  # reason and evidence
    chosen = models.CharField(max_length=128, blank=True)  # what a branch chose
    failure_message = models.TextField(blank=True)
    failure_stage = models.CharField(max_length=32, blank=True)
    failure_type = models.CharField(max_length=32, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    objects = StepExecutionQuerySet.as_manager()

    class Meta:
        ordering = ("number",)
        constraints = [
            models.UniqueConstraint(fields=("execution", "number"), name="step_number"),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.execution_id}"

    @property
    def is_unknown(self) -> bool:
        """Whether a person has to say what became of its call."""
        return self.phase == self.Phase.UNKNOWN

    @property
    def is_running(self) -> bool:
        """Whether it has not ended, and does more than to wait for the steps inside it."""
        waits_inside = self.is_loop and self.phase == self.Phase.WAIT
        return self.phase != self.Phase.ENDED and not waits_inside

    @property
    def is_paused(self) -> bool:
        """Whether a Resume lets it go on."""
        return self.action == "aws:pause" and self.phase == self.Phase.WAIT

    @property
    def is_parent(self) -> bool:
        """Whether it starts executions."""
        return self.action == "aws:executeAutomation"

    @property
    def is_loop(self) -> bool:
        """Whether it repeats the steps inside it."""
        return self.action == LOOP


class Signal(models.Model):
    """What somebody wants of an execution: never lost, applied once, by the engine."""

    execution = models.ForeignKey(Execution, models.CASCADE, related_name="signals")
    step = models.ForeignKey(StepExecution, models.CASCADE, null=True, related_name="+")
    kind = models.CharField(max_length=16)
    payload = models.JSONField(default=dict)
    by = models.CharField(max_length=2048)
    at = models.DateTimeField(default=clock.now)
    consumed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("id",)
        indexes = [
            models.Index(
                fields=("execution",), condition=Q(consumed_at=None), name="signal_pending"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.execution_id}"
