"""The judgement at the end of a soak: it names what is planted, and is silent otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.soak.promises import Arrival, Deed, Run, count, doubled, percentile, unannounced, unequal

ENDED = {
    "a": Run("Success"),
    "b": Run("Failed"),
    "c": Run("Cancelled"),
    "d": Run("TimedOut"),
    "e": Run("Waiting", "approval"),
    "f": Run("Waiting", "verdict"),
    "g": Run("Waiting", "resume"),
}
TOLD = Deed("a", "tell", "a tell", "Success")


def test_the_equation_holds() -> None:
    assert list(unequal(ENDED.keys(), ENDED)) == []
    counted = count(ENDED)
    assert counted == {
        "success": 1,
        "failed": 1,
        "cancelled": 1,
        "timed_out": 1,
        "waiting": 2,
        "unknown": 1,
        "lost": 0,
    }
    assert sum(counted.values()) == len(ENDED)


def test_a_run_that_is_gone_is_named() -> None:
    left = {run: found for run, found in ENDED.items() if run != "c"}
    assert list(unequal(ENDED.keys(), left)) == ["run c was accepted, and is not there"]


def test_a_run_that_nobody_was_told_of_is_named() -> None:
    problems = list(unequal(ENDED.keys() - {"b"}, ENDED))
    assert problems == ["run b is there, and nobody was told that it was accepted"]


@pytest.mark.parametrize("status", ["Pending", "InProgress", "Waiting", "Cancelling"])
def test_a_run_that_waits_for_nobody_is_named(status: str) -> None:
    runs = {**ENDED, "h": Run(status)}
    assert list(unequal(runs.keys(), runs)) == [f"run h is {status}, and waits for nobody"]
    assert count(runs)["lost"] == 1


@pytest.mark.parametrize("status", ["Success", "Cancelled", "TimedOut", "Waiting"])
def test_a_second_effect_is_named(status: str) -> None:
    deed = replace(TOLD, status=status)
    assert list(doubled([deed], {"a tell": 1})) == []
    assert list(doubled([deed], {"a tell": 2})) == [f"{deed} took effect 2 times in 1 attempts"]
    assert list(doubled([replace(deed, attempts=2)], {"a tell": 2})) == []


def test_a_success_without_an_effect_is_named() -> None:
    assert list(doubled([TOLD], {})) == [f"{TOLD} succeeded without an effect"]
    assert list(doubled([replace(TOLD, is_shown=False)], {})) == []


def test_a_failure_that_took_effect_is_named() -> None:
    failed = replace(TOLD, status="Failed")
    assert list(doubled([failed], {})) == []
    problems = list(doubled([failed], {"a tell": 1}))
    assert problems == [f"{failed} is said to have failed, and took effect"]
    assert list(doubled([replace(failed, doubted=True)], {"a tell": 1})) == []


def test_an_effect_of_no_step_is_named() -> None:
    problems = list(doubled([TOLD], {"a tell": 1, "z tell": 1}))
    assert problems == ["AWS was changed by nobody's step: z tell"]


def test_a_call_that_was_not_announced_is_named() -> None:
    arrival = Arrival("a", "sns:Publish", "1f")
    assert list(unannounced([arrival], {("a", "1f")})) == []
    for announced in ({("a", "2f")}, {("b", "1f")}, set[tuple[str, str]]()):
        problems = list(unannounced([arrival], announced))
        assert problems == ["sns:Publish of run a was made, and not announced"]


def test_percentiles() -> None:
    assert percentile([], 95) == 0
    assert percentile([3.04], 95) == 3.0
    assert percentile([float(n) for n in range(100)], 95) == 95
