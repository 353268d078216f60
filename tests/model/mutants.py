"""Engines that break one promise each: the model must tell every one of them from the real one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

import pytest

from approvals import decisions
from approvals.models import Decision
from executions import (
    admission,
    calls,
    children,
    clock,
    deadlines,
    ends,
    engine,
    lifecycle,
    loops,
    store,
)
from executions.actions import registry
from executions.actions.base import Outcome, Pass, StepContext, StepFailed
from executions.models import Execution, StepExecution
from executions.runbook import flow
from executions.runbook.types import Step
from executions.states import NEVER, Status
from executions.turn import TOKENS, Turn

Patch = pytest.MonkeyPatch


@dataclass(frozen=True, slots=True)
class Mutant:
    """What is planted, which kind of stories finds it, and by which promises it may be caught."""

    plant: Callable[[Patch], None]
    kind: str
    breaks: tuple[str, ...]


def drop_the_epoch_check(patch: Patch) -> None:
    """Whoever had the lease once may write."""
    anybody = "id = %s AND %s IS NOT NULL AND %s IS NOT NULL"
    for name in ("RELEASE", "RENEW", "MINE"):
        patch.setattr(store, name, getattr(store, name).replace(store.MINE, anybody))


def call_without_an_intent(patch: Patch) -> None:
    """The intent is committed with the outcome."""
    patch.setattr(Turn, "intend", lambda turn, row, lasting, **data: turn.touch(row) or True)


def ignore_the_stop_at_an_intent(patch: Patch) -> None:
    """A call is begun although somebody asked to stop."""

    def intend(turn: Turn, row: StepExecution, lasting: timedelta, **data: Any) -> bool:
        turn.touch(row)
        turn.event("step:call", row, **data)
        turn.flush(for_call=True, lasting=lasting)
        return True

    patch.setattr(Turn, "intend", intend)


def keep_the_token(patch: Patch) -> None:
    """The second attempt has the token of the first."""

    def token(row: StepExecution) -> str:
        return str(uuid5(TOKENS, f"{row.execution_id}|{row.number}|{row.name}"))

    patch.setattr(calls, "token", token)


def count_rejections(patch: Patch) -> None:
    """Whoever rejects approves."""
    patch.setattr(Decision, "approves", property(lambda decision: True))


def count_those_without_rights(patch: Patch) -> None:
    """An approval counts, whatever became of the person."""
    patch.setattr(decisions, "_lost", lambda request, approval: "")


def forget_a_nudge(patch: Patch) -> None:
    """A release overwrites when to look next."""
    patch.setattr(store, "MERGED", "%s")


def send_again_at_once(patch: Patch) -> None:
    """A call that nothing makes safe is repeated."""
    patch.setattr(calls, "repeatable", lambda row: True)


def skip_the_quiet_time(patch: Patch) -> None:
    """A person is asked while the call may still arrive."""
    patch.setattr(calls, "quiet_until", lambda row: clock.now())


def go_on_after_an_abort(patch: Patch) -> None:
    """Abort is taken for Continue."""
    next_step = flow.next_step

    def forgiving(runbook: Any, step: Any, *more: Any) -> flow.Move:
        if step.on_failure == "Abort":
            step = replace(step, on_failure="Continue")
        return next_step(runbook, step, *more)

    patch.setattr(flow, "next_step", forgiving)


def double_a_pass(patch: Patch) -> None:
    """The second pass of a loop is run twice."""
    loop = registry.actions["aws:loop"]
    resume = loop.resume

    def twice(ctx: StepContext) -> Outcome:
        outcome = resume(ctx)
        if isinstance(outcome, Pass) and outcome.iteration == 3 and "again" not in ctx.state:
            return replace(outcome, iteration=2, state={**ctx.state, "again": True})
        return outcome

    patch.setattr(loop, "resume", twice)


def start_a_child_twice(patch: Patch) -> None:
    """A run that is started is not found again."""
    child_id, made = children.child_id, []

    def another(token: str) -> UUID:
        made.append(token)
        return child_id(f"{token}|{len(made)}")

    patch.setattr(children, "child_id", another)


def begin_the_time_anew(patch: Patch) -> None:
    """A worker that takes over gives the step its whole time once more."""
    load = Turn.load

    def fresh(execution: Execution, *more: Any) -> Turn:
        turn = load(execution, *more)
        for row in turn.open_rows if execution.takeovers > 1 and not more else ():
            row.deadline_at = deadlines.find(turn, row)
        return turn

    patch.setattr(Turn, "load", fresh)


def try_after_an_unknown_outcome(patch: Patch) -> None:
    """An unknown outcome is taken for a failure."""

    def ask(turn: Turn, row: StepExecution, unknown: Any) -> None:
        engine._fail(turn, row, StepFailed(unknown.reason))

    patch.setattr(ends, "ask", ask)


def end_a_sleep_early(patch: Patch) -> None:
    """Whoever is woken early ends the sleep."""
    sleep = registry.actions["aws:sleep"]
    state = {"Until": datetime.fromtimestamp(0, tz=clock.now().tzinfo).isoformat()}
    resume = sleep.resume
    patch.setattr(sleep, "resume", lambda ctx: resume(replace(ctx, state=state)))


def call_a_left_loop_a_success(patch: Patch) -> None:
    """A loop that is left says that it has ended well."""

    def exit_by(turn: Turn, loop: StepExecution, row: StepExecution) -> None:
        loop.status = "Success"
        loops.close(turn, loop)

    patch.setattr(loops, "exit_by", exit_by)


def count_a_vote_twice(patch: Patch) -> None:
    """One approval is as good as two."""
    approvals = decisions._approvals
    patch.setattr(decisions, "_approvals", lambda request: [*approvals(request)] * 2)


def let_the_starter_decide(patch: Patch) -> None:
    """Whoever starts an execution may decide on it."""
    patch.setattr(Execution, "starter_ids", frozenset())


def wake_nobody(patch: Patch) -> None:
    """What people say reaches the execution when it looks by itself."""
    patch.setattr(lifecycle, "nudge", lambda execution_id: None)


def stop_what_is_over(patch: Patch) -> None:
    """Whoever cancels an execution that has ended makes it Cancelling."""
    patch.setattr(lifecycle, "sources", lambda status: frozenset(Status))


def end_before_the_stop(patch: Patch) -> None:
    """An end does not ask whether somebody has stopped the run meanwhile."""

    def end(turn: Turn) -> bool:
        turn.let_go(NEVER)
        return True

    patch.setattr(Turn, "end", end)


def forget_to_be_cancelling(patch: Patch) -> None:
    """A worker that does not know of a stop overwrites the status."""
    patch.setattr(store, "KEEP_CANCELLING", "%s")


def try_once_more(patch: Patch) -> None:
    """A step has one attempt more than it may have."""
    definition = Turn.definition

    def generous(turn: Turn, row: StepExecution) -> Step:
        step = definition(turn, row)
        return replace(step, max_attempts=step.max_attempts + 1)

    patch.setattr(Turn, "definition", generous)


def admit_one_more(patch: Patch) -> None:
    """The queue counts one slot too many."""
    count = admission._count_free
    patch.setattr(admission, "_count_free", lambda account_id: count(account_id) + 1)


def admit_the_last(patch: Patch) -> None:
    """Last in, first out."""
    ordered = "ORDER BY created_at, id LIMIT 1"
    assert ordered in admission.ADMIT
    turned = admission.ADMIT.replace(ordered, "ORDER BY created_at DESC, id LIMIT 1")
    patch.setattr(admission, "ADMIT", turned)


def leave_them_in_the_queue(patch: Patch) -> None:
    """Nobody is admitted when a slot is free again."""
    patch.setattr(admission, "refill", lambda account_id: 0)


MUTANTS: Final = {
    "drop the epoch check": Mutant(drop_the_epoch_check, "calls", ("fence",)),
    "call without an intent": Mutant(call_without_an_intent, "calls", ("intent",)),
    "ignore the stop at an intent": Mutant(
        ignore_the_stop_at_an_intent, "stops", ("stop", "history")
    ),
    "keep the token": Mutant(keep_the_token, "calls", ("token",)),
    "send again at once": Mutant(send_again_at_once, "calls", ("effect", "quiet")),
    "skip the quiet time": Mutant(skip_the_quiet_time, "calls", ("quiet",)),
    "try after an unknown outcome": Mutant(try_after_an_unknown_outcome, "calls", ("unknown",)),
    "try once more": Mutant(try_once_more, "calls", ("step",)),
    "begin the time anew": Mutant(begin_the_time_anew, "calls", ("deadline",)),
    "go on after an abort": Mutant(go_on_after_an_abort, "loops", ("path", "history")),
    "count rejections": Mutant(count_rejections, "approvals", ("verdict",)),
    "count those without rights": Mutant(count_those_without_rights, "approvals", ("quorum",)),
    "count a vote twice": Mutant(count_a_vote_twice, "approvals", ("quorum",)),
    "let the starter decide": Mutant(let_the_starter_decide, "approvals", ("rights",)),
    "wake nobody": Mutant(wake_nobody, "approvals", ("nudge",)),
    "forget a nudge": Mutant(forget_a_nudge, "approvals", ("nudge",)),
    "stop what is over": Mutant(stop_what_is_over, "stops", ("stop",)),
    "end before the stop": Mutant(end_before_the_stop, "stops", ("stop", "path", "history")),
    "forget to be cancelling": Mutant(forget_to_be_cancelling, "stops", ("stop",)),
    "end a sleep early": Mutant(end_a_sleep_early, "waits", ("step",)),
    "start a child twice": Mutant(start_a_child_twice, "waits", ("step", "history")),
    "double a pass": Mutant(double_a_pass, "loops", ("path", "history")),
    "call a left loop a success": Mutant(call_a_left_loop_a_success, "loops", ("path", "history")),
    "admit one more": Mutant(admit_one_more, "queue", ("queue",)),
    "admit the last": Mutant(admit_the_last, "queue", ("queue",)),
    "leave them in the queue": Mutant(leave_them_in_the_queue, "queue", ("queue",)),
}
