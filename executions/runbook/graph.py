"""The steps of a runbook as a graph: which may follow which, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal, TypeAlias

from .types import Path, Runbook, Step

Kind: TypeAlias = Literal["next", "choice", "default", "failure", "cancel", "body", "pass"]
# Edges a run takes while all goes well; `pass` is aws:loop repeating, which is its purpose.
SUCCESS: Final[frozenset[Kind]] = frozenset({"next", "choice", "default", "body"})


@dataclass(frozen=True, slots=True)
class Edge:
    """From one step to another. `path` is where the jump is written, None if it is implied."""

    source: str
    target: str
    kind: Kind
    path: Path | None = None


def walk_jumps(step: Step) -> Iterator[Edge]:
    """Every jump a step can take as written; the nextStep of an end step never is."""
    if step.next_step is not None and not step.is_end:
        yield Edge(step.name, step.next_step, "next", (*step.path, "nextStep"))
    if step.on_failure.startswith("step:"):
        target = step.on_failure.removeprefix("step:")
        yield Edge(step.name, target, "failure", (*step.path, "onFailure"))
    if step.on_cancel.startswith("step:"):
        target = step.on_cancel.removeprefix("step:")
        yield Edge(step.name, target, "cancel", (*step.path, "onCancel"))
    yield from walk_choices(step)


def walk_choices(step: Step) -> Iterator[Edge]:
    """The jumps of a branch: each choice, then the Default."""
    if step.action != "aws:branch":
        return
    path = (*step.path, "inputs")
    choices = step.inputs.get("Choices")
    for index, choice in enumerate(choices if isinstance(choices, list) else ()):
        target = choice.get("NextStep") if isinstance(choice, Mapping) else None
        if isinstance(target, str):
            where = (*path, "Choices", index, "NextStep")
            yield Edge(step.name, target, "choice", where)
    default = step.inputs.get("Default")
    if isinstance(default, str):
        yield Edge(step.name, default, "default", (*path, "Default"))


def build_edges(runbook: Runbook) -> list[Edge]:
    """Every way from step to step, written or implied; jumps to nowhere are left out."""
    names = {step.name for step in runbook.walk()}
    edges: list[Edge] = []
    for steps, loop in _lists(runbook):
        for index, step in enumerate(steps):
            edges += [edge for edge in walk_jumps(step) if edge.target in names]
            if step.steps:
                edges.append(Edge(step.name, step.steps[0].name, "body"))
            if not _falls_through(step):
                continue
            if index + 1 < len(steps):
                edges.append(Edge(step.name, steps[index + 1].name, "next"))
            elif loop is not None:
                edges.append(Edge(step.name, loop.name, "pass"))
    return edges


def _lists(runbook: Runbook) -> Iterator[tuple[tuple[Step, ...], Step | None]]:
    yield runbook.steps, None
    for step in runbook.steps:
        if step.steps:
            yield step.steps, step


def _falls_through(step: Step) -> bool:
    """Whether the run may go on to the step that stands below."""
    if step.is_end or step.next_step is not None:
        return False
    decided = step.action == "aws:branch" and "Default" in step.inputs
    return not decided or step.on_failure == "Continue"


def find_cycle(edges: list[Edge], kinds: frozenset[Kind]) -> list[str] | None:
    """Names of steps that lead back to the first (which is also the last), or None."""
    following: dict[str, list[str]] = {}
    for edge in edges:
        if edge.kind in kinds:
            following.setdefault(edge.source, []).append(edge.target)
    done: set[str] = set()
    for start in following:
        trail = _find_trail(start, following, done)
        if trail:
            return trail
    return None


def _find_trail(start: str, following: dict[str, list[str]], done: set[str]) -> list[str] | None:
    """Depth first from one step; `done` are steps known to lead to no cycle."""
    trail: list[str] = []
    pending = [(start, 0)]
    while pending:
        name, depth = pending.pop()
        for left in trail[depth:]:
            done.add(left)
        del trail[depth:]
        if name in trail:
            return [*trail[trail.index(name) :], name]
        if name in done:
            continue
        trail.append(name)
        pending += [(target, depth + 1) for target in following.get(name, ())]
    done.update(trail)
    return None


def reach(edges: list[Edge]) -> Callable[[str], set[str]]:
    """What gives the steps that may run after a step (itself only if it can repeat).

    Each is found when it is first asked for: all of them would be the square of their number.
    """
    following: dict[str, list[str]] = {}
    for edge in edges:
        following.setdefault(edge.source, []).append(edge.target)
    return cache(lambda name: _visit(following.get(name, []), following))


def _visit(targets: list[str], following: dict[str, list[str]]) -> set[str]:
    seen: set[str] = set()
    pending = list(targets)
    while pending:
        name = pending.pop()
        if name not in seen:
            seen.add(name)
            pending += following.get(name, ())
    return seen
