"""Runbooks by chance: few steps of many kinds that lead anywhere forward."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from hypothesis import strategies as st

from tests.engine.steps import (
    Step,
    approve,
    branch,
    create_stack,
    each,
    execute,
    output,
    publish,
    read_topic,
    repeat,
    sleep,
    terminate,
    update,
)

VALUES: Final = ("a", "b")
VARIABLES: Final = {"v": {"type": "String", "default": "a"}}
IS_A: Final = {"Variable": "{{ variable:v }}", "StringEquals": "a"}
STATE: Final = "s1.State"  # what the first step of some runbooks reads
CALLS: Final[dict[str, Callable[[str], Step]]] = {
    "look": lambda name: read_topic(name, outputs=[output("State", "$.State")]),
    "tell": lambda name: publish(name, f"{{{{ {STATE} }}}}"),
    "read": read_topic,
    "token": create_stack,
    "idempotent": terminate,
    "unproven": publish,
}
# More of what can go wrong.
SIMPLE: Final = (
    *("unproven", "unproven", "token", "token", "read", "idempotent"),
    *("sleep", "update", "branch"),
)
ALL: Final = (*SIMPLE, "approve", "approve", "loop", "loop", "child")
WAITERS: Final = ("aws:approve", "aws:sleep", "aws:loop")
APPROVERS: Final = ("alice", "bob", "olivia")  # she starts, and so has no say
SLEEPS: Final = ("PT2S", "PT1M", "PT2H", "P5D")
EVEN: Final = st.booleans()
MOSTLY: Final = st.sampled_from((True, True, True, False))
SHORT: Final = SLEEPS[:2]  # of a child, at which its parent looks each minute


@dataclass(frozen=True, slots=True)
class Plan:
    """A runbook, and those that its steps run: name in the steps -> steps."""

    steps: list[Step]
    children: dict[str, list[Step]] = field(default_factory=dict)
    fails: bool = False  # AWS refuses to terminate anything, until the run is run again


@dataclass(frozen=True, slots=True)
class Shape:
    """Of which kinds the steps of a runbook are, and how many it may have.

    With kinds of its own for the `first` ones it comes far, since most of its steps only go on, and
    fails at its last. There `tell` and `choose` refer to what the first step looks at.
    """

    kinds: tuple[str, ...]
    counts: tuple[int, ...]
    first: tuple[tuple[str, ...], ...] = ()


@st.composite
def plans(draw: st.DrawFn, shape: Shape) -> Plan:
    """A runbook of that shape."""
    count = draw(st.sampled_from(shape.counts))
    names = [f"s{number}" for number in range(1, count + 1)]
    children: dict[str, list[Step]] = {}
    steps = []
    for place, name in enumerate(names):
        later = names[place + 1 :]
        kind = draw(st.sampled_from([*shape.first, *[shape.kinds] * count][place]))
        if kind == "loop":
            steps.append(draw(_loops(name, later)))
        elif kind == "child":
            children[f"CHILD-{name}"] = draw(_lists(("a", "b"), SHORT))
            steps.append(draw(_led(execute(name, f"CHILD-{name}"), later)))
        else:
            step = draw(_simple(name, kind, SLEEPS))
            goes_on = kind == "look" or (shape.first and kind != "choose" and draw(MOSTLY))
            steps.append(step if goes_on else draw(_led(step, later)))
    if shape.first:
        steps.append(terminate("last"))
    for runbook in (steps, *children.values()):
        _let_only_clean_up(runbook)
    return Plan(steps, children, fails=bool(shape.first))


@st.composite
def _lists(draw: st.DrawFn, names: tuple[str, ...], sleeps: tuple[str, ...]) -> list[Step]:
    """A step for each name or for fewer, of the simple kinds."""
    used = names[: draw(st.integers(1, len(names)))]
    steps = [draw(_simple(name, draw(st.sampled_from(SIMPLE)), sleeps)) for name in used]
    return [draw(_led(step, list(used[place + 1 :]))) for place, step in enumerate(steps)]


@st.composite
def _loops(draw: st.DrawFn, name: str, later: list[str]) -> Step:
    """For each of up to three values, or while a variable is what it is."""
    inner = [f"{name}{letter}" for letter in "xyz"[: draw(st.integers(1, 2))]]
    body = []
    for place, one in enumerate(inner):
        simple = draw(_simple(one, draw(st.sampled_from(SIMPLE)), SLEEPS))
        body.append(draw(_led(simple, [*inner[place + 1 :], *later])))
    if draw(EVEN):
        made = each(name, draw(st.sampled_from(([], ["x"], ["x", "y"], ["x", "y", "z"]))), *body)
    else:
        made = repeat(name, dict(IS_A), draw(st.integers(1, 3)), *body)
    if draw(st.integers(0, 3)) == 0:
        made["timeoutSeconds"] = draw(st.sampled_from((5, 600)))
    if bool(later) and draw(EVEN):
        made["onFailure"] = draw(st.sampled_from(("Continue", f"step:{later[-1]}")))
    return made


@st.composite
def _simple(draw: st.DrawFn, name: str, kind: str, sleeps: tuple[str, ...]) -> Step:
    if kind == "sleep":
        return sleep(name, draw(st.sampled_from(sleeps)))
    if kind == "update":
        return update(name, "v", draw(st.sampled_from(VALUES)))
    if kind in ("branch", "choose"):
        of = "variable:v" if kind == "branch" else STATE
        return branch(name, of, draw(st.sampled_from(VALUES)), to="LATER")
    if kind == "approve":
        asked = approve(name, *APPROVERS)
        asked["inputs"]["MinRequiredApprovals"] = draw(st.sampled_from((1, 2, 2)))
        return asked
    return CALLS[kind](name)


@st.composite
def _led(draw: st.DrawFn, step: Step, later: list[str]) -> Step:
    """The step with what says where it leads, and how often and how long it is tried."""
    step = dict(step)
    step |= draw(st.sampled_from(({}, {}, {"maxAttempts": 2}, {"maxAttempts": 3})))
    step |= draw(st.sampled_from(({}, {}, *({"timeoutSeconds": most} for most in (5, 600)))))
    jumps = [f"step:{name}" for name in later]
    if draw(EVEN):
        step["onFailure"] = draw(st.sampled_from(("Abort", "Continue", *jumps)))
    if jumps and step["action"] != "aws:updateVariable" and draw(EVEN):
        step["onCancel"] = draw(st.sampled_from(jumps))
    step |= draw(st.sampled_from(({}, {}, {"isCritical": True}, {"isCritical": False})))
    step |= draw(st.sampled_from(({}, {}, {}, {}, {"isEnd": True})))
    if step["action"] == "aws:branch":
        step["inputs"] = draw(_choices(step, later))
    elif later and draw(st.integers(0, 3)) == 0:
        step["nextStep"] = draw(st.sampled_from(later))
    return step


@st.composite
def _choices(draw: st.DrawFn, step: Step, later: list[str]) -> dict[str, Any]:
    """The inputs of a branch: one choice, with or without a default."""
    if not later:
        return {"Choices": []}
    choice = {**step["inputs"]["Choices"][0], "NextStep": later[0]}
    default = {"Default": draw(st.sampled_from(later))} if draw(EVEN) else {}
    return {"Choices": [choice], **default}


def _let_only_clean_up(steps: list[Step]) -> None:
    """Take away each onCancel that names a step of a kind that AWS does not let clean up."""
    every = [one for step in steps for one in (step, *step["inputs"].get("Steps", ()))]
    kinds = {step["name"]: step["action"] for step in every}
    for step in every:
        target = step.get("onCancel", "").removeprefix("step:")
        if kinds.get(target) in WAITERS:
            del step["onCancel"]
