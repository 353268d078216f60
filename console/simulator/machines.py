"""Step Functions: executions that go their way and end."""

from __future__ import annotations

import json
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.stepfunctions.models import Execution, StateMachine
from moto.stepfunctions.responses import StepFunctionResponse

from console.simulator import state_language
from console.simulator.agenda import Work
from console.simulator.calls import record_effect
from console.simulator.extensions import Tools
from console.simulator.state_language import FailedError

START = 0.5  # seconds at time scale 1 before the first state


def install(tools: Tools) -> None:
    """Put executions that end in the place of moto's, once per process."""
    start = StateMachine.start_execution

    def start_execution(machine: StateMachine, *args: Any, **facts: Any) -> Execution:
        before = len(machine.executions)
        execution = start(machine, *args, **facts)
        if len(machine.executions) > before:  # else it is the one that runs under this name
            record_effect([execution.execution_arn])
            _begin(tools, machine, execution)
        return execution

    setattr(StateMachine, start_execution.__name__, start_execution)
    for operation in (describe_execution, stop_execution):
        setattr(StepFunctionResponse, operation.__name__, operation)


def describe_execution(response: StepFunctionResponse) -> ActionResult:
    """DescribeExecution, with the end of every execution that has one."""
    execution = _find(response)
    facts = {
        "executionArn": execution.execution_arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": execution.start_date,
        "stopDate": execution.stop_date,
        "input": execution.execution_input,
        "output": execution.output,
        "error": execution.error,
        "cause": execution.cause,
    }
    return ActionResult({key: value for key, value in facts.items() if value is not None})


def stop_execution(response: StepFunctionResponse) -> ActionResult:
    """StopExecution; one that has ended already stays as it ended."""
    execution = _find(response)
    if execution.status == "RUNNING":
        given = json.loads(response.body)
        _end(execution, "ABORTED", given.get("error"), given.get("cause"))
        record_effect([execution.execution_arn])
    return ActionResult({"stopDate": execution.stop_date})


def _find(response: StepFunctionResponse) -> Execution:
    arn = str(json.loads(response.body).get("executionArn"))
    return response.stepfunction_backend.describe_execution(arn)


def _begin(tools: Tools, machine: StateMachine, execution: Execution) -> None:
    """Let it run as the definition is now; later changes are for later executions."""
    definition = _read_definition(machine.definition)
    tools.agenda.begin(_follow(definition, execution))
    limit = definition.get("TimeoutSeconds")
    if isinstance(limit, int | float):
        tools.agenda.later(float(limit), lambda: _time_out(execution))


def _read_definition(text: str) -> dict[str, Any]:
    try:
        definition = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return definition if isinstance(definition, dict) else {}


def _follow(definition: dict[str, Any], execution: Execution) -> Work:
    yield START
    states = state_language.run(definition, json.loads(execution.execution_input))
    while execution.status == "RUNNING":
        try:
            seconds = next(states)
        except StopIteration as end:
            execution.output = json.dumps(end.value)
            _end(execution, "SUCCEEDED")
        except FailedError as failure:
            _end(execution, "FAILED", failure.error or None, failure.cause or None)
        else:
            yield seconds


def _time_out(execution: Execution) -> None:
    if execution.status == "RUNNING":
        _end(execution, "TIMED_OUT")


def _end(
    execution: Execution, status: str, error: str | None = None, cause: str | None = None
) -> None:
    execution.status, execution.error, execution.cause = status, error, cause
    execution.stop_date = utcnow()
