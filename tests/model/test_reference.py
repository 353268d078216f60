"""The second interpreter, on stories whose end is known from AWS's pages."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.steps import Step, branch, each, publish, sleep, update
from tests.model.documents import VARIABLES
from tests.model.reference import Row, Run, explain


def told(*rows: str) -> list[Row]:
    """Rows from words such as `a Success`, or `x Failed 1 2`: inside row 1, in pass 2."""
    parts = [row.split() for row in rows]
    return [Row(part[0], part[1], *(int(number) for number in part[2:])) for part in parts]


def judge(steps: tuple[Step, ...], rows: list[Row], status: str, stop: str = "") -> str:
    document: dict[str, Any] = {"variables": VARIABLES, "mainSteps": steps}
    return explain(Run(document, rows, status, stop))


LINE = (publish("a", onCancel="step:c"), publish("b", onFailure="step:c"), publish("c"))
CHOICE = (update("u", "v", "b"), branch("q", "variable:v", "b", to="z"), sleep("y"), sleep("z"))
LOOP = (each("l", ["1", "2"], publish("x", onFailure="step:out")), sleep("mid"), sleep("out"))

GOOD = [
    (LINE, told("a Success", "b Success", "c Success"), "Success", ""),
    (LINE, told("a Success", "b Failed", "c Success"), "Failed", ""),
    (LINE, told("a TimedOut"), "TimedOut", ""),
    (LINE, told("a Cancelled", "c Success"), "Cancelled", "Cancel"),
    (LINE, told("a Cancelled"), "Success", "Complete"),
    (CHOICE, told("u Success", "q Success", "z Success"), "Success", ""),
    (
        LOOP,
        told("l Success", "x Success 1 1", "x Success 1 2", "mid Success", "out Success"),
        "Success",
        "",
    ),
    (LOOP, told("l Exited", "x Failed 1 1", "out Success"), "Failed", ""),
]
BAD = [
    (LINE, told("b Success"), "Success", "", "began where a was next"),
    (LINE, told("a Failed", "b Success", "c Success"), "Failed", "", "b began after the end"),
    (LINE, told("a Success"), "Success", "", "it ended before b"),
    (LINE, told("a Success", "b Failed", "c Success"), "Success", "", "make it Failed"),
    (LINE, told("a Cancelled", "b Success"), "Cancelled", "Cancel", "b began after the end"),
    (LINE, told("a Cancelled"), "Cancelled", "", "nobody asked"),
    (CHOICE, told("u Success", "q Success", "y Success"), "Success", "", "y (pass None) began"),
    (LOOP, told("l Success", "x Success 1 1", "mid Success"), "Success", "", "x was next"),
    (LOOP, told("l Success", "x Failed 1 1", "out Success"), "Failed", "", "led out of l"),
]


@pytest.mark.parametrize(("steps", "rows", "status", "stop"), GOOD)
def test_what_may_be_is_let_be(
    steps: tuple[Step, ...], rows: list[Row], status: str, stop: str
) -> None:
    assert judge(steps, rows, status, stop) == ""


@pytest.mark.parametrize(("steps", "rows", "status", "stop", "said"), BAD)
def test_what_may_not_be_is_named(
    steps: tuple[Step, ...], rows: list[Row], status: str, stop: str, said: str
) -> None:
    assert said in judge(steps, rows, status, stop)
