"""What verify_history says of a run that keeps steps of another one."""

from __future__ import annotations

from typing import Any

import pytest

from executions import history, redrive
from executions.aws import AwsRefused
from executions.models import Execution, StepExecution
from tests.engine.fake_aws import FakeAws
from tests.engine.runs import Runs, fresh, step
from tests.engine.steps import create_stack, sleep, terminate

pytestmark = pytest.mark.usefixtures("broken_rows")


@pytest.fixture
def redone(runs: Runs, fake: FakeAws) -> Execution:
    """A run that keeps two steps and did the third one."""
    fake.on("CreateStack", {})
    fake.on("TerminateInstances", AwsRefused("No.", "ValidationError"), {})
    run = runs.run(create_stack("makes"), sleep("rests"), terminate("ends"))
    made = redrive.start(run.pk, by=runs.person)
    runs.drain()
    return fresh(made)


def change(redone: Execution, name: str, **columns: Any) -> list[str]:
    """What is said of it with another row."""
    StepExecution.objects.filter(execution=redone, name=name).update(**columns)
    return list(history.problems(fresh(redone)))


def test_it_holds(redone: Execution) -> None:
    assert redone.status == "Success"
    assert list(history.problems(redone)) == []


def test_it_holds_however_often_a_run_is_run_again(runs: Runs, fake: FakeAws) -> None:
    fake.on("TerminateInstances", AwsRefused("No.", "ValidationError"))
    run = runs.run(create_stack("makes"), terminate("ends"))
    for _ in range(3):
        run = redrive.start(run.pk, by=runs.person)
        runs.drain()
    assert list(history.problems(fresh(run))) == []


PLANTED: list[tuple[dict[str, Any], str]] = [
    ({"outputs": {"Id": "another"}}, "makes is kept, and is not what was done"),
    ({"inputs": {}}, "makes is kept, and is not what was done"),
    ({"call": {"sha256": "0", "answer": "ok"}}, "makes is kept, and made a call"),
    ({"kept_from": None}, "makes began 1 times, and 0 were told"),
    ({"kept_from": None}, "rests is kept, although makes was done before it"),
]


@pytest.mark.parametrize(("columns", "said"), PLANTED)
def test_what_was_not_kept_truly_is_named(
    redone: Execution, columns: dict[str, Any], said: str
) -> None:
    assert said in change(redone, "makes", **columns)


def test_a_row_that_is_no_success_of_the_run_before_is_named(redone: Execution) -> None:
    other = step(redone, "ends")
    assert "makes is kept from a run that it does not run again" in change(
        redone, "makes", kept_from=other
    )


def test_a_chain_that_is_broken_is_named(redone: Execution) -> None:
    Execution.objects.filter(pk=redone.pk).update(origin=None)
    first = redone.redrive_of_id
    assert f"it does not know that execution {first} was the first" in change(redone, "none")


def test_a_run_that_has_not_ended_is_not_run_again(redone: Execution) -> None:
    Execution.objects.filter(redrives=redone).update(status="InProgress")
    assert f"it runs execution {redone.redrive_of_id} again, which has not ended" in change(
        redone, "none"
    )
