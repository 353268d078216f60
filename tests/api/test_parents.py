"""Steps inside loops and executions that others started, as the SSM API shows and filters them."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import create, start
from tests.api.test_executions import NOBODY, listed
from tests.approvals.people import drain

INNER = """
schemaVersion: "0.3"
outputs: [wait.Nothing]
mainSteps:
  - {name: wait, action: "aws:sleep", inputs: {Duration: PT0S}}
"""
OUTER = """
schemaVersion: "0.3"
variables: {seen: {type: String, default: none}}
mainSteps:
  - name: each
    action: aws:loop
    inputs:
      Iterators: [x, y]
      Steps:
        - name: note
          action: aws:updateVariable
          inputs: {Name: "variable:seen", Value: "{{ each.CurrentIteratorValue }}"}
        - {name: run, action: "aws:executeAutomation", inputs: {DocumentName: Inner}}
"""


def run_outer(ada: Any, olivia: Any) -> str:
    """A run with two passes and two children."""
    create(ada, "Inner", INNER)
    run = start(olivia, create(ada, "Outer", OUTER))
    drain()
    return run


def steps_of(client: Any, run: str, **filters: list[str]) -> list[dict[str, Any]]:
    """The steps that match."""
    wanted = [{"Key": key, "Values": values} for key, values in filters.items()]
    found = client.describe_automation_step_executions(
        AutomationExecutionId=run, **({"Filters": wanted} if wanted else {})
    )
    return list(found["StepExecutions"])


def test_steps_inside_a_loop_name_it(ada: Any, olivia: Any) -> None:
    run = run_outer(ada, olivia)
    loop, *inside = steps_of(olivia, run)
    assert "ParentStepDetails" not in loop
    assert loop["Outputs"]["CurrentIteration"] == ["2"]
    assert [step["StepName"] for step in inside] == ["note", "run"] * 2
    assert [step["ParentStepDetails"] for step in inside] == [
        {
            "StepExecutionId": loop["StepExecutionId"],
            "StepName": "each",
            "Action": "aws:loop",
            "Iteration": iteration,
            "IteratorValue": value,
        }
        for iteration, value in ((1, "x"), (1, "x"), (2, "y"), (2, "y"))
    ]


def test_steps_are_found_by_their_loop(ada: Any, olivia: Any) -> None:
    run = run_outer(ada, olivia)
    loop = steps_of(olivia, run)[0]["StepExecutionId"]
    assert len(steps_of(olivia, run, ParentStepExecutionId=[loop])) == 4
    assert steps_of(olivia, run, ParentStepExecutionId=[NOBODY]) == []
    (note,) = steps_of(olivia, run, ParentStepIteration=["2"], StepName=["note"])
    assert note["ParentStepDetails"]["IteratorValue"] == "y"
    assert len(steps_of(olivia, run, ParentStepIteratorValue=["x"])) == 2
    assert steps_of(olivia, run, ParentStepIteratorValue=["z"]) == []


def test_a_child_names_its_parent_and_is_found_by_it(ada: Any, olivia: Any) -> None:
    run = run_outer(ada, olivia)
    children = listed(olivia, ParentExecutionId=[run])
    assert len(children) == 2
    for child in children:
        shown = olivia.get_automation_execution(AutomationExecutionId=child)["AutomationExecution"]
        assert shown["ParentAutomationExecutionId"] == run
        assert shown["AutomationExecutionStatus"] == "Success"
    assert listed(olivia, ParentExecutionId=[NOBODY]) == []


def test_the_parent_has_no_parent_and_shows_its_variables(ada: Any, olivia: Any) -> None:
    run = run_outer(ada, olivia)
    shown = olivia.get_automation_execution(AutomationExecutionId=run)["AutomationExecution"]
    assert "ParentAutomationExecutionId" not in shown
    assert shown["Variables"] == {"seen": ["y"]}
    steps = [step for step in shown["StepExecutions"] if step["StepName"] == "run"]
    ids = {step["Outputs"]["ExecutionId"][0] for step in steps}
    assert ids == set(listed(olivia, ParentExecutionId=[run]))
