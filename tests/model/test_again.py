"""The second word on what is kept, on stories whose answer is known from decision 0034."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.engine.steps import Step, approve, each, publish, read_topic, sleep, terminate
from tests.model.again import Around, explain, may_run_again
from tests.model.reference import Row, Run

STEPS = (
    read_topic("s1"),
    publish("s2", "{{ s1.State }}"),
    approve("s3", "alice"),
    sleep("s4"),
    terminate("s5"),
)
LOOP = (each("l", ["1", "2"], publish("x"), onFailure="step:undo"), sleep("mid"), publish("undo"))


def told(*rows: str) -> list[Row]:
    """Rows from words such as `s1 Success State=b`, `s2 kept`, or `x Success 1 2`, as in pass 2."""
    return [_row(*row.split()) for row in rows]


def _row(name: str, status: str, *more: str) -> Row:
    outputs = dict(one.split("=") for one in more if "=" in one)
    place = (int(one) for one in more if one.isdigit())
    row = Row(name, "Success" if status == "kept" else status, *place)
    return replace(row, outputs=outputs, kept=status == "kept")


def run(steps: tuple[Step, ...], rows: list[Row], status: str = "Failed") -> Run:
    document: dict[str, Any] = {"mainSteps": steps}
    return Run(document, rows, status)


def judge(steps: tuple[Step, ...], before: list[Row], after: list[Row]) -> str:
    return explain(run(steps, before), run(steps, after))


DONE = told("s1 Success State=a", "s2 Success", "s3 Success", "s4 Success", "s5 Failed")
PASSED_OVER = told("l TimedOut", "x Success 1 1", "x Success 1 2", "undo Success")

GOOD = [
    (STEPS, DONE, told("s1 Success State=a", "s2 kept", "s3 Success", "s4 kept", "s5 Success")),
    (
        STEPS,
        DONE,
        told("s1 Success State=b", "s2 Success", "s3 Success", "s4 Success", "s5 Failed"),
    ),
    (STEPS, DONE, told("s1 Success State=a", "s2 kept", "s3 Failed")),
    (STEPS, DONE[:2], told("s1 Success State=a", "s2 kept", "s3 Success", "s4 Success")),
    (LOOP, PASSED_OVER, told("l Success", "x kept 1 1", "x kept 1 2", "mid Success")),
    (LOOP, PASSED_OVER, told("l TimedOut", "x kept 1 1", "x kept 1 2", "undo Success")),
]
BAD = [
    (STEPS, DONE, told("s1 Success State=a", "s2 Success"), "s2 (pass None) was done again"),
    (STEPS, DONE, told("s1 Success State=b", "s2 kept"), "s2 (pass None) was kept"),
    (STEPS, DONE, told("s1 kept State=a"), "s1 (pass None) was kept"),
    (STEPS, DONE, told("s1 Success State=a", "s2 kept", "s3 kept"), "s3 (pass None) was kept"),
    (STEPS, DONE, told("s1 Success State=b", "s2 Success", "s3 Success", "s4 kept"), "s4"),
    (STEPS, DONE, told("s1 Success State=a", "s2 kept", "s3 Success", "s4 kept", "s5 kept"), "s5"),
    (LOOP, PASSED_OVER, told("l Success", "x kept 1 1", "x Success 1 2"), "x (pass 2) was done"),
    (LOOP, PASSED_OVER, told("l TimedOut", "x kept 1 1", "x kept 1 2", "undo kept"), "undo"),
]


@pytest.mark.parametrize(("steps", "before", "after"), GOOD)
def test_what_is_kept_truly_is_let_be(
    steps: tuple[Step, ...], before: list[Row], after: list[Row]
) -> None:
    assert judge(steps, before, after) == ""


@pytest.mark.parametrize(("steps", "before", "after", "said"), BAD)
def test_what_is_not_is_named(
    steps: tuple[Step, ...], before: list[Row], after: list[Row], said: str
) -> None:
    assert said in judge(steps, before, after)


ACTED = run(STEPS, told("s1 Success State=a", "s2 Success", "s3 Failed"))
LOOKED = run(STEPS, told("s1 Success State=a", "s2 kept", "s3 Failed"))
RUNS = run(STEPS, told("s1 Success State=a"), "")
ENDED_WELL = run(STEPS, told("s1 Success State=a"), "Success")


@pytest.mark.parametrize(
    ("told_of", "around", "may"),
    [
        (ACTED, Around(), True),
        (ACTED, Around(later=[LOOKED]), True),
        (ACTED, Around(later=[LOOKED, ACTED]), False),
        (ACTED, Around(later=[RUNS]), False),
        (ACTED, Around(later=[ENDED_WELL]), False),
        (ACTED, Around(below=[ENDED_WELL]), True),
        (ACTED, Around(below=[ENDED_WELL, RUNS]), False),
        (ACTED, Around(is_below=True), False),
        (ACTED, Around(is_later=True), True),
        (LOOKED, Around(is_later=True), False),
        (RUNS, Around(), False),
        (ENDED_WELL, Around(), False),
    ],
)
def test_what_is_run_again(told_of: Run, around: Around, may: bool) -> None:
    assert may_run_again(told_of, around) is may
