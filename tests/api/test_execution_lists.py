"""The two lists of executions: order, members and every filter."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from executions import clock
from tests.api.conftest import refused, start
from tests.api.test_executions import NOBODY, listed, steps
from tests.approvals.people import drain


def test_newest_first(olivia: Any, two: str) -> None:
    runs = [start(olivia, two) for _ in range(3)]
    assert listed(olivia) == runs[::-1]
    entry = olivia.describe_automation_executions()["AutomationExecutionMetadataList"][0]
    assert entry["AutomationType"] == "Local"
    assert "StepExecutions" not in entry


def test_filters_of_executions(olivia: Any, ada: Any, two: str, ask: str) -> None:
    done, waits = start(olivia, two), start(olivia, ask, Tags=[{"Key": "team", "Value": "a"}])
    drain()
    soon = (clock.now() + timedelta(hours=1)).isoformat()
    matching: dict[tuple[str, str], list[str]] = {
        ("DocumentNamePrefix", "Tw"): [done],
        ("DocumentNamePrefix", "No"): [],
        ("ExecutionStatus", "Success"): [done],
        ("ExecutionStatus", "Waiting"): [waits],
        ("ExecutionStatus", "Scheduled"): [],
        ("ExecutionId", waits): [waits],
        ("ExecutionId", NOBODY): [],
        ("ExecutionId", "no id"): [],
        ("ParentExecutionId", done): [],
        ("CurrentAction", "aws:approve"): [waits],
        ("StartTimeBefore", soon): [waits, done],
        ("StartTimeBefore", "2020-01-01T00:00:00Z"): [],
        ("StartTimeAfter", soon): [],
        ("StartTimeAfter", "2020-01-01"): [waits, done],
        ("AutomationType", "Local"): [waits, done],
        ("AutomationType", "CrossAccount"): [],
        ("TagKey", "team"): [waits],
        ("TagKey", "other"): [],
        ("TargetResourceGroup", "x"): [],
        ("AutomationSubtype", "ChangeRequest"): [],
        ("OpsItemId", "oi-1"): [],
    }
    for (key, value), expected in matching.items():
        assert listed(olivia, **{key: [value]}) == expected, (key, value)
    assert listed(olivia, DocumentNamePrefix=["Tw", "As"]) == [waits, done]
    assert listed(olivia, DocumentNamePrefix=["Tw"], ExecutionStatus=["Waiting"]) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ExecutionStatus", "Done"),
        ("AutomationType", "Remote"),
        ("AutomationSubtype", "Any"),
        ("StartTimeBefore", "yesterday"),
        ("StartTimeAfter", "0001-01-01T00:00:00+23:59"),
    ],
)
def test_filter_value_that_nothing_has(olivia: Any, two: str, key: str, value: str) -> None:
    with refused("InvalidFilterValue"):
        listed(olivia, **{key: [value]})


def test_filters_of_steps(olivia: Any, two: str) -> None:
    run = start(olivia, two, Mode="Interactive")
    drain()
    signal = {"SignalType": "StartStep", "Payload": {"StepName": ["second"]}}
    olivia.send_automation_signal(AutomationExecutionId=run, **signal)
    drain()
    found = olivia.describe_automation_step_executions(AutomationExecutionId=run)
    second = found["StepExecutions"][0]["StepExecutionId"]
    matching = {
        ("StepExecutionStatus", "Success"): ["second"],
        ("StepExecutionStatus", "Pending"): ["first"],
        ("StepExecutionId", second): ["second"],
        ("StepName", "first"): ["first"],
        ("Action", "aws:sleep"): ["second", "first"],
        ("StartTimeBefore", "2999-01-01"): ["second"],
        ("StartTimeAfter", "2020-01-01"): ["second"],
        ("StartTimeAfter", "2999-01-01"): [],
        ("ParentStepExecutionId", second): [],
        ("ParentStepIteration", "1"): [],
        ("ParentStepIteratorValue", "a"): [],
    }
    for (key, value), expected in matching.items():
        filters = [{"Key": key, "Values": [value]}]
        assert steps(olivia, run, Filters=filters) == expected, (key, value)
    assert steps(olivia, run, ReverseOrder=True) == ["first", "second"]


def test_step_filter_value_that_nothing_has(olivia: Any, two: str) -> None:
    run = start(olivia, two)
    other = {"Key": "StepName", "Values": ["nothing"]}
    for key, value in (("StepExecutionStatus", "Done"), ("StartTimeBefore", "soon")):
        with refused("InvalidFilterValue"):
            steps(olivia, run, Filters=[other, {"Key": key, "Values": [value]}])
