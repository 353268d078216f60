"""The ways from step to step in words: what a drawing shows, for those who do not see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from .graph import Edge, Kind, build_edges
from .types import Runbook, Step, Value, clip

WORDS: Final[Mapping[Kind, str]] = {
    "next": "then",
    "default": "otherwise",
    "failure": "if it fails,",
    "cancel": "if it is cancelled,",
    "body": "repeats, from",
    "pass": "then again",
}


@dataclass(frozen=True, slots=True)
class Way:
    """One way on from a step: when, and to which step; no target is the end."""

    when: str
    target: str = ""


def tell_ways(runbook: Runbook) -> list[tuple[Step, list[Way]]]:
    """Every step in document order, each with the ways on from it."""
    ways: dict[str, list[Way]] = {}
    for edge in build_edges(runbook):
        source = runbook.find_step(edge.source) if edge.kind == "choice" else None
        when = tell_choice(source, edge) if source else WORDS[edge.kind]
        ways.setdefault(edge.source, []).append(Way(when, edge.target))
    return [(step, ways.get(step.name) or [Way("then the end")]) for step in runbook.walk()]


def tell_choice(step: Step, edge: Edge) -> str:
    """The condition of a choice of aws:branch, as short as it can be told."""
    choices = step.inputs.get("Choices")
    index = edge.path[-2] if edge.path else 0
    if not isinstance(choices, Sequence) or not isinstance(index, int):
        return "if"
    return f"if {clip(tell_condition(choices[index]), 90)},"


def tell_condition(condition: Value) -> str:
    """`Variable operator value`, joined by and, or, not."""
    if not isinstance(condition, Mapping):
        return clip(str(condition))
    for word in ("And", "Or"):
        parts = condition.get(word)
        if isinstance(parts, Sequence):
            return f" {word.lower()} ".join(tell_condition(part) for part in parts)
    if "Not" in condition:
        return f"not {tell_condition(condition['Not'])}"
    variable = condition.get("Variable", "")
    tests = [
        f"{key} {value}" for key, value in condition.items() if key not in {"Variable", "NextStep"}
    ]
    return f"{variable} {' '.join(tests)}".strip()
