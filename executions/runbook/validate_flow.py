"""Rules for the way steps follow each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from .findings import Findings
from .graph import SUCCESS, Edge, Kind, build_edges, find_cycle, reach, walk_jumps
from .types import ActionSpec, Runbook, Step


def check_flow(runbook: Runbook, actions: Mapping[str, ActionSpec], findings: Findings) -> None:
    """Jump targets, cycles, steps that nothing leads to.

    AWS refuses static cycles; only `aws:loop` repeats. Published runbooks do jump backward, to a
    step whose way then ends, which is no cycle. So a cycle a run can enter while all goes well is
    an error, through a branch too; one that needs a failure or a cancellation is a warning,
    because whether AWS counts those ways is not documented and published runbooks have them.
    """
    for step in runbook.walk():
        for jump in walk_jumps(step):
            _check_jump(step, jump, runbook, actions, findings)
    counts = Counter(step.name for step in runbook.walk())
    if max(counts.values(), default=0) > 1:
        return  # ambiguous names, already refused, have no graph
    edges = build_edges(runbook)
    _check_cycles(runbook, edges, findings)
    _check_unreachable(runbook, edges, findings)


def _check_jump(
    step: Step,
    jump: Edge,
    runbook: Runbook,
    actions: Mapping[str, ActionSpec],
    findings: Findings,
) -> None:
    path = jump.path or step.path
    target = runbook.find_step(jump.target)
    if target is None:
        findings.error(path, f"There is no step {jump.target!r} to go to; name one of the steps.")
        return
    if target.loop is not None and target.loop != step.loop:
        findings.error(
            path, f"Step {target.name} is inside the loop {target.loop}; go to the loop instead."
        )
    spec = actions.get(target.action)
    if jump.kind == "cancel" and spec is not None and not spec.can_be_cancel_target:
        findings.error(
            path, f"onCancel may not go to {target.name}: {target.action} cannot clean up."
        )


def _check_cycles(runbook: Runbook, edges: list[Edge], findings: Findings) -> None:
    trail = find_cycle(edges, SUCCESS)
    if trail:
        findings.error(
            _path_of(runbook, trail[-2]),
            f"The steps repeat without end: {' -> '.join(trail)}. Only aws:loop may repeat steps.",
        )
        return
    more: frozenset[Kind] = SUCCESS | {"failure", "cancel"}
    trail = find_cycle(edges, more)
    if trail:
        findings.warn(
            _path_of(runbook, trail[-2]),
            f"After failures these steps may repeat without end: {' -> '.join(trail)}.",
        )


def _path_of(runbook: Runbook, name: str) -> tuple[str | int, ...]:
    step = runbook.find_step(name)
    return step.path if step else ()


def _check_unreachable(runbook: Runbook, edges: list[Edge], findings: Findings) -> None:
    if not runbook.steps:
        return
    first = runbook.steps[0].name
    reached = {first, *reach(edges)(first)}
    for step in runbook.walk():
        if step.name not in reached:
            findings.warn(step.path, f"No step leads to {step.name}; it never runs.")
