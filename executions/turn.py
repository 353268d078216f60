"""One turn of a worker on one execution: what it knows, and what it has not yet committed.

Changes gather in `change` until something outside has to rely on them: a call, a read, or the
end of the turn. So consecutive steps without side effects share one commit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from django.conf import settings

from executions import aws, children, clock, library, lifecycle, pace, store
from executions.actions import registry
from executions.actions.base import Action, CallFailed, Sent, StepContext, StepFailed
from executions.models import Account, Event, Execution, Signal, StepExecution, rows
from executions.runbook.template import Scope
from executions.runbook.types import Runbook, Step
from executions.states import NEVER

TOKENS: Final = uuid5(NAMESPACE_URL, "countersign:client-token")
# Beyond the longest call: within it the call must begin, so that it ends before the lease does.
CALL_MARGIN: Final = timedelta(seconds=5)
OF_RUN: Final = "execution_id = %s"
STOPS: Final = frozenset({"Cancel", "Complete"})  # asked for, and not yet taken up
Phase = StepExecution.Phase


@dataclass(frozen=True, slots=True)
class Again:
    """Nothing new: look at the same phase again then."""

    until: datetime


@dataclass(slots=True)
class Turn:
    """A claimed execution with its rows, and the change that is being gathered."""

    execution: Execution
    runbook: Runbook
    lease: store.Lease
    rows: list[StepExecution]
    signals: list[Signal]
    change: store.Change = field(default_factory=store.Change)
    over: bool = False
    steps_taken: int = 0

    @classmethod
    def load(cls, execution: Execution, runbook: Runbook | None = None) -> Turn:
        """Read what the turn needs, once; the document too, unless another is given."""
        return cls(
            execution,
            runbook or library.runbook_of(execution.version_id),
            store.Lease(execution.id, execution.epoch),
            rows.read(StepExecution, f"{OF_RUN} ORDER BY number", execution.pk),
            rows.read(Signal, f"{OF_RUN} AND consumed_at IS NULL ORDER BY id", execution.pk),
        )

    @property
    def open_rows(self) -> list[StepExecution]:
        """The steps that have begun and not ended: the innermost first, then the loop around it."""
        return [row for row in reversed(self.rows) if row.phase != Phase.ENDED]

    @property
    def open_row(self) -> StepExecution | None:
        """The innermost of them."""
        return next(iter(self.open_rows), None)

    def loop_around(self, name: str) -> StepExecution | None:
        """The latest row of the loop that the step of this name is inside."""
        step = self.runbook.find_step(name)
        if step is None or step.loop is None:
            return None
        return next((row for row in reversed(self.rows) if row.name == step.loop), None)

    @property
    def waits_for_people(self) -> bool:
        """Whether a person starts each step, and nobody has asked to stop."""
        return self.execution.mode == "Interactive" and not self.execution.stop_requested

    def definition(self, row: StepExecution) -> Step:
        """The row's step in the document."""
        step = self.runbook.find_step(row.name)
        if step is None:
            raise StepFailed(f"The document has no step {row.name}.", retryable=False)
        return step

    def action(self, row: StepExecution) -> Action:
        """The row's action; the step fails if Countersign has none of that name."""
        action = registry.get(row.action)
        if action is None:
            raise StepFailed(
                f"Countersign does not know the action {row.action}.",
                retryable=False,
                stage="InputValidation",
            )
        return action

    def scope(self) -> Scope:
        """What a reference can name now."""
        return lifecycle.scope(self.execution, self.runbook, self.outputs)

    @property
    def outputs(self) -> dict[str, dict[str, Any]]:
        """What each step has put out: of one that ran several times, the last time."""
        latest = {row.name: row.outputs for row in self.rows}
        return {name: outputs for name, outputs in latest.items() if outputs}

    def context(self, row: StepExecution, scope: Scope | None = None) -> StepContext:
        """The narrow view that an action has of its step; with the scope, if it is at hand."""
        sent = row.call and Sent(
            row.call["service"],
            row.call["operation"],
            row.call["request"],
            datetime.fromisoformat(row.call["at"]),
        )
        return StepContext(
            execution_id=self.execution.id,
            step_id=row.id,
            account_id=self.execution.account_id,
            region=self.execution.region,
            step=self.definition(row),
            attempt=row.attempt,
            token=token(row),
            now=clock.now(),
            deadline=row.deadline_at,
            inputs=row.inputs,
            scope=scope or self.scope(),
            read=self.read,
            is_read=is_read,
            poll=lambda: pace.next_poll(row),
            state=row.state,
            sent=sent or None,
            child=lambda: children.look(token(row)),
            signal=next((one.kind for one in self.signals if one.step_id == row.id), None),
            variables={name: known.type for name, known in self.runbook.variables.items()},
            files=library.attachments.checksums(self.runbook),
        )

    def read(self, service: str, operation: str, /, **request: Any) -> dict[str, Any]:
        """A read for an action. What was decided so far is committed first, and shown."""
        target = aws.operation(service, operation)
        if target.effect is not aws.Effect.READ:
            raise StepFailed(f"{service}:{operation} is not a read.", retryable=False)
        self.flush(for_call=True)
        try:
            return aws.call(self.identity(), self.execution.region, target, request)
        except aws.AwsRefused as refusal:
            raise CallFailed(refusal.code, str(refusal)) from refusal

    def identity(self) -> aws.Identity:
        """As whom the steps act; without any role they do not act at all."""
        account = Account.objects.filter(pk=self.execution.account_id).first()
        role = self.execution.role_arn
        if account is None or not role:
            raise StepFailed(
                f"Account {self.execution.account_id} is not connected, or has no role for"
                " Countersign and the document names none. Connect the account, or give"
                " AutomationAssumeRole.",
                retryable=False,
                stage="PreVerification",
                kind="Permission",
            )
        return aws.Identity(
            self.execution.account_id,
            role,
            f"Automation-{self.execution.id}",
            account.external_id,
        )

    def touch(self, row: StepExecution) -> None:
        """Let the next commit write this row."""
        if not any(row is known for known in self.change.steps):
            self.change.steps.append(row)

    def consume(self, signal: Signal) -> None:
        """Let the next commit mark this signal as applied."""
        self.signals.remove(signal)
        self.change.consumed.append(signal.id)

    def set(self, **columns: Any) -> None:
        """Let the next commit write these columns of the execution."""
        for name, value in columns.items():
            setattr(self.execution, name, value)
        self.change.columns.update(columns)

    def event(self, kind: str, row: StepExecution | None = None, by: str = "", **data: Any) -> None:
        """Let the next commit write this event; of a step inside a loop, with its pass."""
        if row is not None and row.iteration:
            data["pass"] = row.iteration
        self.change.events.append(
            Event(
                execution_id=self.execution.id,
                kind=kind,
                step=row.name if row else "",
                by=by,
                at=clock.now(),
                data=data,
            )
        )

    def flush(self, *, for_call: bool = False, lasting: timedelta | None = None) -> None:
        """Commit what has gathered. Before a call, the lease is made to outlast it."""
        if for_call:
            longest = lasting or aws.call_time()
            self.change.lease_until = clock.now() + max(settings.LEASE, longest + CALL_MARGIN)
        elif not self.change.columns and not self.change.steps and not self.change.events:
            return
        change, self.change = self.change, store.Change()
        self.execution.stop_requested = store.write(self.lease, change)

    def intend(self, row: StepExecution, lasting: timedelta, **data: Any) -> bool:
        """Commit that the row's call is under way. False if a stop request came first: no trace."""
        if self.execution.stop_requested in STOPS:
            return False
        self.touch(row)
        self.event("step:call", row, **data)
        intent = self.change
        intent.expect_stop = self.execution.stop_requested
        try:
            self.flush(for_call=True, lasting=lasting)
        except store.StopMeanwhile:
            self.change = intent
            intent.events.pop()
            intent.expect_stop = intent.lease_until = None
            return False
        return True

    def let_go(self, until: datetime) -> None:
        """Commit, and release until then; the turn is over."""
        self.change.release = until
        change, self.change = self.change, store.Change()
        store.write(self.lease, change)
        self.over = True

    def let_go_with(self, insert: Callable[[], None], until: datetime) -> bool:
        """Commit, insert another run in the same transaction, and release until then.

        False if a stop request came first: nothing was written.
        """
        if self.execution.stop_requested in STOPS:
            return False
        waiting = self.change
        waiting.also.append(insert)
        waiting.release, waiting.expect_stop = until, self.execution.stop_requested
        try:
            store.write(self.lease, waiting)
        except store.StopMeanwhile:
            waiting.also.remove(insert)
            waiting.release = waiting.expect_stop = None
            return False
        self.change, self.over = store.Change(), True
        return True

    def end(self) -> bool:
        """Commit the end of the run. False if a stop request came first: nothing was written."""
        self.change.release = NEVER
        self.change.expect_stop = self.execution.stop_requested
        try:
            store.write(self.lease, self.change)
        except store.StopMeanwhile:
            return False
        self.over = True
        return True


def token(row: StepExecution) -> str:
    """The attempt's client token: the same in every process and at every try."""
    return str(uuid5(TOKENS, f"{row.execution_id}|{row.number}|{row.name}|{row.attempt}"))


def in_doubt(row: StepExecution) -> bool:
    """Whether the row's call may have taken effect without anybody knowing."""
    if row.call is None or row.phase not in {Phase.CALL, Phase.UNKNOWN}:
        return False
    lost: bool = row.call["answer"] == "lost"
    return lost and row.call["effect"] != aws.Effect.READ.value


def is_read(service: str, operation: str) -> bool:
    """Whether an operation only reads."""
    try:
        return aws.operation(service, operation).effect is aws.Effect.READ
    except aws.AwsRefused as unknown:
        raise StepFailed(str(unknown), retryable=False, stage="InputValidation") from unknown


def evidence_of(row: StepExecution) -> Mapping[str, Any]:
    """What a person needs to judge an unknown outcome."""
    call = row.call or {}
    return {name: call[name] for name in ("service", "operation", "request", "at") if name in call}
