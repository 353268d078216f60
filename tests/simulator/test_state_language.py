"""The Amazon States Language as far as it is spoken: no process, no socket."""

from __future__ import annotations

from typing import Any

import pytest

from console.simulator.state_language import FailedError, run

END = {"Type": "Succeed"}


def follow(states: dict[str, Any], data: Any) -> tuple[list[float], Any]:
    """The waits of an execution that begins at A, and its output."""
    steps, waits = run({"StartAt": "A", "States": states}, data), []
    while True:
        try:
            waits.append(next(steps))
        except StopIteration as end:
            return waits, end.value


def choose(rule: dict[str, Any], data: Any) -> str:
    """`yes` or `no`, whether the rule holds for the data."""
    states = {
        "A": {"Type": "Choice", "Choices": [{**rule, "Next": "Yes"}], "Default": "No"},
        "Yes": {"Type": "Pass", "Result": "yes", "End": True},
        "No": {"Type": "Pass", "Result": "no", "End": True},
    }
    answer: str = follow(states, data)[1]
    return answer


@pytest.mark.parametrize(
    ("state", "output"),
    [
        ({}, {"a": {"b": [1, 2]}}),
        ({"Result": 5}, 5),
        ({"InputPath": "$.a.b[1]"}, 2),
        ({"InputPath": None}, {}),
        ({"Result": 5, "ResultPath": "$.c.d"}, {"a": {"b": [1, 2]}, "c": {"d": 5}}),
        ({"Result": 5, "ResultPath": None}, {"a": {"b": [1, 2]}}),
        ({"OutputPath": "$.a"}, {"b": [1, 2]}),
        ({"Parameters": {"x": [{"y.$": "$.a.b[0]"}], "z": "$.a"}}, {"x": [{"y": 1}], "z": "$.a"}),
    ],
)
def test_pass_shapes_its_output(state: dict[str, Any], output: Any) -> None:
    states = {"A": {"Type": "Pass", "End": True, **state}}
    assert follow(states, {"a": {"b": [1, 2]}})[1] == output


@pytest.mark.parametrize(
    ("state", "seconds"),
    [
        ({"Seconds": 3}, 3),
        ({"SecondsPath": "$.n"}, 7),
        ({"Timestamp": "2001-01-01T00:00:00Z"}, 0),
        ({"TimestampPath": "$.t"}, 0),
    ],
)
def test_wait_waits(state: dict[str, Any], seconds: float) -> None:
    data = {"n": 7, "t": "2001-01-01T00:00:00Z"}
    assert follow({"A": {"Type": "Wait", "Next": "B", **state}, "B": END}, data) == (
        [seconds],
        data,
    )


@pytest.mark.parametrize(
    ("rule", "chosen"),
    [
        ({"Variable": "$.n", "NumericGreaterThan": 3}, "yes"),
        ({"Variable": "$.n", "NumericLessThanEquals": 3}, "no"),
        ({"Variable": "$.n", "NumericEqualsPath": "$.n"}, "yes"),
        ({"Variable": "$.s", "NumericEquals": 5}, "no"),
        ({"Variable": "$.s", "StringMatches": "a*"}, "yes"),
        ({"Variable": "$.s", "StringEquals": "abd"}, "no"),
        ({"Variable": "$.b", "BooleanEquals": True}, "yes"),
        ({"Variable": "$.b", "NumericEquals": 1}, "no"),
        ({"Variable": "$.none", "IsNull": True}, "yes"),
        ({"Variable": "$.missing", "IsPresent": False}, "yes"),
        ({"Variable": "$.n", "IsString": False}, "yes"),
        ({"Not": {"Variable": "$.n", "NumericEquals": 5}}, "no"),
        ({"And": [{"Variable": "$.b", "BooleanEquals": True}, {"Variable": "$.n", "IsNull": True}]},
         "no"),
        ({"Or": [{"Variable": "$.n", "IsNull": True}, {"Variable": "$.b", "BooleanEquals": True}]},
         "yes"),
    ],
)  # fmt: skip
def test_choices(rule: dict[str, Any], chosen: str) -> None:
    data = {"n": 5, "s": "abc", "b": True, "none": None}
    assert choose(rule, data) == chosen


@pytest.mark.parametrize(
    ("states", "error", "cause"),
    [
        ({"A": {"Type": "Fail", "Error": "Mine", "Cause": "so"}}, "Mine", "so"),
        ({"A": {"Type": "Task", "End": True}}, "States.Runtime", "does not perform"),
        ({"A": {"Type": "Pass", "Next": "Z"}}, "States.Runtime", "no state 'Z'"),
        ({"A": {"Type": "Pass", "Next": "A"}}, "States.Runtime", "more than 1000"),
        ({"A": {"Type": "Pass", "InputPath": "$.x"}}, "States.Runtime", "was not found"),
        ({"A": {"Type": "Pass", "InputPath": "$$.x"}}, "States.Runtime", "understand the path"),
        ({"A": {"Type": "Pass", "InputPath": "$..x"}}, "States.Runtime", "understand the path"),
        ({"A": {"Type": "Wait", "Timestamp": "soon"}}, "States.Runtime", "no timestamp"),
        ({"A": {"Type": "Wait", "Seconds": "3"}}, "States.Runtime", "must be a number"),
        ({"A": {"Type": "Choice", "Choices": []}}, "States.NoChoiceMatched", "No choice"),
    ],
)
def test_failures(states: dict[str, Any], error: str, cause: str) -> None:
    with pytest.raises(FailedError, match=cause) as failure:
        follow(states, {})
    assert failure.value.error == error
