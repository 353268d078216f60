"""The drawing of a runbook: boxes that do not touch, and lines that lead where the jumps do."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from executions.runbook.layout import BEGIN, END, Drawing, Node, draw
from executions.runbook.outline import tell_ways
from executions.runbook.parse import dump, parse
from executions.runbook.types import Runbook


def make(*steps: dict[str, Any]) -> Runbook:
    """Steps of aws:sleep unless they say otherwise."""
    full = [{"action": "aws:sleep", "inputs": {"Duration": "PT1S"}} | step for step in steps]
    return parse(dump({"schemaVersion": "0.3", "mainSteps": full}, "JSON"), "JSON")


def chain(*names: str) -> list[dict[str, Any]]:
    return [{"name": name} for name in names]


def node(drawing: Drawing, name: str) -> Node:
    return next(node for node in drawing.nodes if node.place.name == name)


def lines(drawing: Drawing) -> set[tuple[str, str, str]]:
    return {(line.edge.source, line.edge.target, line.edge.kind) for line in drawing.lines}


def branch(name: str, *targets: str, default: str = "") -> dict[str, Any]:
    choices = [
        {"NextStep": target, "Variable": "{{ look.Is }}", "StringEquals": target}
        for target in targets
    ]
    inputs: dict[str, Any] = {"Choices": choices} | ({"Default": default} if default else {})
    return {"name": name, "action": "aws:branch", "inputs": inputs}


def loop(name: str, *steps: dict[str, Any]) -> dict[str, Any]:
    body = [{"action": "aws:sleep", "inputs": {"Duration": "PT1S"}} | step for step in steps]
    return {
        "name": name,
        "action": "aws:loop",
        "inputs": {"MaxIterations": 2, "LoopCondition": {}, "Steps": body},
    }


def test_a_chain_stands_in_one_column() -> None:
    drawing = draw(make(*chain("a", "b", "c")))
    assert [node.kind for node in drawing.nodes] == ["begin", "plain", "plain", "plain", "end"]
    assert len({node.place.middle for node in drawing.nodes}) == 1
    tops = [node.place.y for node in drawing.nodes]
    assert tops == sorted(tops)
    assert lines(drawing) == {
        (BEGIN, "a", "next"), ("a", "b", "next"), ("b", "c", "next"), ("c", END, "next"),
    }  # fmt: skip


def test_a_branch_spreads_and_comes_together() -> None:
    steps = [branch("pick", "left", default="right"), {"name": "left", "nextStep": "join"}]
    drawing = draw(make(*steps, {"name": "right", "nextStep": "join"}, {"name": "join"}))
    left, right = node(drawing, "left").place, node(drawing, "right").place
    assert left.y == right.y
    assert left.x != right.x
    assert node(drawing, "join").place.middle == node(drawing, "pick").place.middle
    assert node(drawing, "pick").kind == "branch"
    assert ("pick", "left", "choice") in lines(drawing)
    assert ("pick", "right", "default") in lines(drawing)


def test_failures_and_ends_are_told_apart() -> None:
    steps: list[dict[str, Any]] = [
        {"name": "try", "onFailure": "step:mend", "isEnd": True},
        {"name": "mend"},
    ]
    drawing = draw(make(*steps))
    assert ("try", "mend", "failure") in lines(drawing)
    assert ("try", END, "next") in lines(drawing)
    assert node(drawing, "mend").place.middle > node(drawing, "try").place.middle


def test_a_loop_is_a_box_around_its_body() -> None:
    drawing = draw(make({"name": "a"}, loop("again", *chain("x", "y")), {"name": "z"}))
    box = node(drawing, "again")
    assert box.kind == "loop"
    for name in ("x", "y"):
        inner = node(drawing, name).place
        assert box.place.x < inner.x
        assert inner.right < box.place.right
        assert box.place.y < inner.y
        assert inner.bottom < box.place.bottom
    names = [each.place.name for each in drawing.nodes]
    assert names.index("again") < names.index("x")
    assert ("x", "y", "next") in lines(drawing)


def test_a_jump_back_goes_around() -> None:
    drawing = draw(make({"name": "a"}, {"name": "b"}, {"name": "c", "nextStep": "a"}))
    back = next(
        line for line in drawing.lines if line.edge.target == "a" and "c" in line.edge.source
    )
    assert "H" in back.path
    check_inside(drawing)


def test_one_step_and_unknown_actions() -> None:
    assert len(draw(make({"name": "only", "action": "aws:unheard", "isEnd": True})).nodes) == 3


@pytest.mark.parametrize("count", [1, 5, 20])
def test_many_choices_stand_side_by_side(count: int) -> None:
    names = [f"s{number}" for number in range(count)]
    ends = [{"name": name, "isEnd": True} for name in names]
    drawing = draw(make(branch("pick", *names), *ends))
    assert len({node(drawing, name).place.y for name in names}) <= 2
    check_apart(drawing)


@st.composite
def runbooks(random: Any) -> Runbook:
    """Steps with jumps anywhere, some to each other."""
    names = [f"s{number}" for number in range(random(st.integers(1, 12)))]
    steps = []
    for name in names:
        step: dict[str, Any] = {"name": name}
        kind = random(st.sampled_from(["plain", "next", "fail", "end", "branch"]))
        target = random(st.sampled_from(names))
        if kind == "next":
            step["nextStep"] = target
        elif kind == "fail":
            step["onFailure"] = f"step:{target}"
        elif kind == "end":
            step["isEnd"] = True
        elif kind == "branch":
            step = branch(name, target, random(st.sampled_from(names)))
        steps.append(step)
    return make(*steps)


@given(runbooks())
@settings(max_examples=150)
def test_any_runbook_can_be_drawn(runbook: Runbook) -> None:
    drawing = draw(runbook)
    check_apart(drawing)
    check_inside(drawing)
    names = {step.name for step in runbook.walk()}
    assert {node.step.name for node in drawing.nodes if node.step} == names
    for line in drawing.lines:
        target = node(drawing, line.edge.target).place
        end = re.search(r"(?:V|[ ])(-?[0-9.]+)m-4", line.path)
        assert end
        assert float(end[1]) + line.y == pytest.approx(target.y, abs=0.2)


@given(runbooks())
@settings(max_examples=50)
def test_the_text_tells_every_line(runbook: Runbook) -> None:
    told = {(step.name, way.target) for step, ways in tell_ways(runbook) for way in ways}
    drawn = {(line.edge.source, line.edge.target) for line in draw(runbook).lines}
    assert {pair for pair in drawn if BEGIN not in pair and END not in pair} <= told


def test_the_text_tells_conditions() -> None:
    steps = make(branch("pick", "left", default="right"), *chain("left", "right"))
    ways = {step.name: [(way.when, way.target) for way in ways] for step, ways in tell_ways(steps)}
    assert ways["pick"] == [
        ("if {{ look.Is }} StringEquals left,", "left"),
        ("otherwise", "right"),
    ]
    assert ways["right"] == [("then the end", "")]


def check_apart(drawing: Drawing) -> None:
    """No box touches another, unless it is in it."""
    for one, other in combinations([each.place for each in drawing.nodes], 2):
        beside = one.right <= other.x + 0.01 or other.right <= one.x + 0.01
        above = one.bottom <= other.y + 0.01 or other.bottom <= one.y + 0.01
        assert beside or above, (one, other)


def check_inside(drawing: Drawing) -> None:
    """Everything is on the canvas."""
    for each in drawing.nodes:
        assert each.place.x >= 0
        assert each.place.y >= 0
        assert each.place.right <= drawing.width
        assert each.place.bottom <= drawing.height
    for line in drawing.lines:
        for x in re.findall(r"H(-?[0-9.]+)", line.path):
            assert -0.1 <= float(x) + line.x <= drawing.width + 0.1
