"""advance(): the only function that moves an execution.

    claim ► signals ► { begin or go on with a step ► intent ► call ► outcome ► next } ► release

A turn ends when the step must wait, its budget is spent, or the run is over. Everything it
decides follows from rows, so a worker may die anywhere: the lease runs out and the next claim
goes on from the row (executions/store.py, executions/calls.py).
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings

from executions import (
    admission,
    aws,
    calls,
    children,
    clock,
    closing,
    deadlines,
    ends,
    interactive,
    kept,
    loops,
    queue,
)
from executions.actions.base import (
    BadInput,
    Call,
    CallFailed,
    Child,
    Done,
    Outcome,
    Pass,
    StepFailed,
    StepTimedOut,
    Unknown,
    Wait,
)
from executions.models import Execution, StepExecution
from executions.pace import soon
from executions.runbook import flow, template
from executions.runbook.convert import read_maps
from executions.runbook.jsonpath import CannotConvert, SelectorError, extract_outputs
from executions.states import Status
from executions.turn import STOPS, Again, Phase, Turn, in_doubt, token


def advance(execution: Execution) -> None:
    """Move a claimed execution as far as it goes in one turn."""
    if execution.takeovers > settings.TAKEOVERS_WITHOUT_PROGRESS:
        ends.give_up(execution)
        return
    turn = Turn.load(execution)
    until = clock.now() + settings.TURN_TIME
    while not turn.over:
        spent = turn.steps_taken >= settings.TURN_STEPS or clock.now() > until
        if spent or queue.stopping.is_set():
            turn.let_go(clock.now())
            queue.ring()
        else:
            _move(turn)


def _move(turn: Turn) -> None:
    """One decision: begin a step, go on with the open one, or end."""
    row = turn.open_row
    if turn.execution.stop_requested in STOPS:
        ends.stop(turn)
    elif interactive.stop_step(turn):
        return
    elif (late := loops.overdue(turn)) is not None:
        ends.interrupt_inside(turn, late)
        apply(turn, late, _guarded(turn, late, lambda: _time_out(turn, late)))
    elif row is None or loops.is_between_steps(turn):
        _move_on(turn)
    else:
        apply(turn, row, _guarded(turn, row, lambda: _go_on(turn, row)))


def _move_on(turn: Turn) -> None:
    """No step runs: begin the next, wait for somebody who does, or end."""
    execution = turn.execution
    if execution.status == Status.PENDING:
        turn.set(status=Status.IN_PROGRESS, current_step=flow.first_step(turn.runbook).name)
        turn.event("execution:started")
    elif turn.waits_for_people:
        if name := interactive.next_name(turn):
            _begin(turn, name)
    elif execution.current_step and not deadlines.out_of_time(execution):
        _begin(turn, execution.current_step)
    else:
        ends.finish(turn)


def _begin(turn: Turn, name: str) -> None:
    """A new step: its row, its inputs, its first attempt."""
    if len(turn.rows) >= settings.MOST_STEPS and not turn.execution.stop_requested:
        ends.refuse_more(turn)
        return
    step, loop = turn.runbook.find_step(name), turn.loop_around(name)
    now = clock.now()
    row = StepExecution(
        execution=turn.execution,
        number=len(turn.rows) + 1,
        name=name,
        action=step.action if step else "",
        status=Status.IN_PROGRESS,
        phase=Phase.BEGIN,
        due_at=now,
        started_at=now,
        **(loops.place(loop) if loop else {}),
    )
    turn.rows.append(row)
    turn.touch(row)
    turn.steps_taken += 1
    turn.set(current_step=name, current_action=row.action, status=Status.IN_PROGRESS)
    turn.set(**admission.resume(turn.execution))
    if kept.take_over(turn, row):
        ends.leave(turn, row)
        return
    turn.event("step:started", row, action=row.action)
    if turn.execution.takeovers > 1:  # a worker was lost: should it be this step, that shows
        turn.flush()
    apply(turn, row, _guarded(turn, row, lambda: _first_attempt(turn, row)))


def _first_attempt(turn: Turn, row: StepExecution) -> Outcome:
    """Resolve the inputs, once for all attempts, and begin."""
    action, step = turn.action(row), turn.definition(row)
    wanted = {name: value for name, value in step.inputs.items() if name not in action.as_written}
    scope = turn.scope()
    try:
        resolved = template.resolve_inputs(wanted, scope)
        row.inputs = {**step.inputs, **read_maps(resolved, action.spec.types)}
    except template.MissingValue as missing:
        if not action.lazy_inputs:
            raise BadInput(str(missing)) from missing
        row.inputs = dict(step.inputs)
    return _attempt(turn, row, scope)


def _attempt(turn: Turn, row: StepExecution, scope: template.Scope | None = None) -> Outcome:
    """Begin an attempt: its clock starts here."""
    row.deadline_at = row.deadline_at or deadlines.find(turn, row)  # kept if a worker was lost
    row.call, row.state = None, {}
    return turn.action(row).begin(turn.context(row, scope))


def _go_on(turn: Turn, row: StepExecution) -> Outcome | Again:
    """Look at the open step again: something came due, somebody nudged, or a worker was lost."""
    late = deadlines.is_over(row) and not deadlines.asks_first(row)
    if late or deadlines.out_of_time(turn.execution):
        return _time_out(turn, row)
    if row.phase == Phase.UNKNOWN:
        return ends.settle(turn, row)
    if row.phase in {Phase.CALL, Phase.BEGIN} and row.due_at > clock.now():
        return Again(row.due_at)
    if row.phase == Phase.CALL:
        return calls.follow_up(turn, row)
    if row.phase == Phase.BEGIN:
        return _attempt(turn, row) if row.inputs else _first_attempt(turn, row)
    return turn.action(row).resume(turn.context(row))


def _time_out(turn: Turn, row: StepExecution) -> Outcome:
    """The attempt's time is over; its action may overrule that with what came first."""
    if overruled := closing.cut_short(turn, row, "timeout"):
        return overruled
    doubt = " Its call may have taken effect." if in_doubt(row) else ""
    until = row.deadline_at or turn.execution.stop_deadline
    raise StepTimedOut(
        f"{row.name} did not end in the time it has, until {until:%d %b %Y, %H:%M:%S} UTC.{doubt}",
        outputs=row.outputs,
    )


def _guarded(
    turn: Turn, row: StepExecution, phase: Callable[[], Outcome | Again]
) -> Outcome | Again | StepFailed:
    """Run a phase; a call that it returns is made here, and trouble that passes is waited out."""
    try:
        outcome = phase()
        while isinstance(outcome, Call):
            outcome = calls.send(turn, row, outcome)
    except StepFailed as failure:
        return failure
    except CallFailed as refusal:
        return StepFailed(f"AWS refused a read: {refusal} ({refusal.code})", stage="Invocation")
    except aws.AwsError as trouble:
        row.failure_message = f"AWS is out of reach, trying again: {trouble}"
        return Again(soon())
    if not isinstance(outcome, Again):
        row.failure_message = ""
    return outcome


def apply(turn: Turn, row: StepExecution, outcome: Outcome | Again | StepFailed) -> None:
    """Write what came out, and what follows from it."""
    turn.touch(row)
    if isinstance(outcome, Done):
        failure = _succeed(turn, row, outcome)
        if failure is None:
            return
        outcome = failure
    if isinstance(outcome, StepFailed):
        _fail(turn, row, outcome)
    else:
        _keep_open(turn, row, outcome)


def _keep_open(turn: Turn, row: StepExecution, outcome: Outcome | Again) -> None:
    """The step waits: for a time, for the steps inside it, for another run, for a person."""
    if isinstance(outcome, Wait):
        _wait(turn, row, outcome)
    elif isinstance(outcome, Pass):
        loops.begin_pass(turn, row, outcome)
    elif isinstance(outcome, Child):
        _start_child(turn, row, outcome)
    elif isinstance(outcome, Unknown):
        ends.ask(turn, row, outcome)
    elif isinstance(outcome, Again):
        row.due_at = outcome.until
        turn.let_go(outcome.until if deadlines.asks_first(row) else deadlines.next_look(row))


def _succeed(turn: Turn, row: StepExecution, done: Done) -> StepFailed | None:
    """The step's outputs, and on to the next; outputs that do not convert fail the step."""
    try:
        chosen = extract_outputs(turn.definition(row).outputs, done.response)
    except (CannotConvert, SelectorError) as problem:
        # Another attempt would make the call again, which did what it was to do.
        repeat = row.call is None or row.call["effect"] == aws.Effect.READ.value
        return StepFailed(str(problem), retryable=repeat, stage="PostVerification")
    row.outputs = {**done.outputs, **chosen}
    row.failure_stage = row.failure_type = ""
    row.status, row.chosen = Status.SUCCESS, done.next_step or ""
    if done.variables:
        turn.set(variables={**turn.execution.variables, **done.variables})
    if done.binds:
        row.state = {**row.state, "binds": dict(done.binds)}
    turn.event("step:succeeded", row)
    ends.leave(turn, row)
    return None


def _fail(turn: Turn, row: StepExecution, failure: StepFailed) -> None:
    """Another attempt if there is one, else what onFailure says."""
    timed_out = isinstance(failure, StepTimedOut)
    row.failure_message, row.failure_stage = failure.message, failure.stage
    row.failure_type, row.outputs = failure.kind, dict(failure.outputs)
    step = turn.definition(row) if turn.runbook.find_step(row.name) else None
    another = failure.retryable and not deadlines.out_of_time(turn.execution)
    if step and another and row.attempt < step.max_attempts:
        turn.event("step:retrying", row, message=failure.message, attempt=row.attempt)
        row.attempt += 1
        row.phase, row.due_at, row.status = Phase.BEGIN, soon(), Status.IN_PROGRESS
        row.deadline_at = None
        turn.set(status=Status.IN_PROGRESS)
        turn.let_go(row.due_at)
        return
    row.status = Status.TIMED_OUT if timed_out else Status.FAILED
    kind = "step:timed_out" if timed_out else "step:failed"
    turn.event(kind, row, message=failure.message)
    ends.leave(turn, row)


def _wait(turn: Turn, row: StepExecution, wait: Wait) -> None:
    """Release until then; the first pause of a step is told."""
    row.state, row.due_at = dict(wait.state), wait.until
    row.outputs = {**row.outputs, **wait.outputs}
    row.phase = Phase.WAIT
    status = Status.WAITING if wait.paused else Status.IN_PROGRESS
    if status == Status.WAITING and row.status != status:
        turn.event("step:waiting", row)
    row.status = status
    turn.set(status=status, **admission.rest(turn.execution, row.action))
    turn.let_go(deadlines.next_look(row))


def _start_child(turn: Turn, row: StepExecution, child: Child) -> None:
    """Start another run, if the step may, and wait for it: both or neither."""
    turn.flush(for_call=True)  # defaults of its parameters may have to be read
    try:
        insert = children.prepare(turn.execution, row, child, token(row))
    except StepFailed as failure:
        apply(turn, row, failure)
        return
    turn.touch(row)
    row.phase, row.due_at = Phase.WAIT, child.until
    row.outputs = {"ExecutionId": str(children.child_id(token(row)))}
    turn.event("step:child", row, execution=row.outputs["ExecutionId"], document=child.document)
    if not turn.let_go_with(insert, deadlines.next_look(row)):
        turn.change.events.pop()
        row.phase, row.due_at, row.outputs = Phase.BEGIN, clock.now(), {}
        turn.let_go(row.due_at)
