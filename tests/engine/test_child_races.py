"""Parent and child meet at the worst moment: nothing is lost, and nothing begins after a stop."""

from __future__ import annotations

import pytest

from executions import children, lifecycle, store
from executions.actions.base import ChildRun
from executions.models import Execution, JournalEntry
from executions.states import NEVER
from tests.engine.runs import Runs, fresh, make_version, next_wake, statuses, step
from tests.engine.steps import execute, sleep


@pytest.mark.usefixtures("broken_rows")  # the child's end is made up
def test_a_child_that_ends_while_its_parent_goes_to_sleep(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runs.start(execute("a", make_version(sleep("s", "PT1H")).document.name))
    runs.work()
    child = Execution.objects.get(parent=run)
    look = children.look

    def look_too_early(token: str) -> ChildRun | None:
        seen = look(token)
        Execution.objects.filter(pk=child.pk).update(status="Success", wake_at=NEVER)
        lifecycle.nudge(run.pk)  # as the end of the child does
        return seen

    with monkeypatch.context() as early:
        early.setattr(children, "look", look_too_early)
        lifecycle.nudge(run.pk)
        assert step(run, "a").phase == "wait"
        runs.work()
    assert fresh(run).wake_at <= runs.hand.now or fresh(run).status == "Success"
    runs.work()
    assert fresh(run).status == "Success"


def test_a_cancel_while_the_child_is_being_started_starts_none(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runs.start(execute("a", make_version(sleep("s")).document.name))
    prepare = children.prepare

    def prepare_slowly(*args: object) -> object:
        insert = prepare(*args)  # type: ignore[arg-type]  # handed on as they came
        runs.stop(run)
        return insert

    monkeypatch.setattr(children, "prepare", prepare_slowly)
    runs.drain()
    assert (fresh(run).status, statuses(run)) == ("Cancelled", {"a": "Cancelled"})
    assert Execution.objects.count() == 1
    assert not JournalEntry.objects.filter(data__has_key="parent").exists()
    assert next_wake() >= NEVER


@pytest.mark.parametrize(("kind", "end"), [("Cancel", "Cancelled"), ("Complete", "Success")])
def test_a_stop_before_the_child_is_prepared_starts_none(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, kind: str, end: str
) -> None:
    run = runs.start(execute("a", make_version(sleep("s")).document.name))
    write = store.write
    asked: list[str] = []

    def stop_first(lease: store.Lease, change: store.Change) -> str:
        if not asked:
            asked.append(kind)
            lifecycle.stop(fresh(run), by=runs.person, kind=kind)
        return write(lease, change)

    monkeypatch.setattr(store, "write", stop_first)
    runs.drain()
    assert (fresh(run).status, statuses(run)) == (end, {"a": "Cancelled"})
    assert Execution.objects.count() == 1


def test_a_worker_that_lost_its_lease_starts_none(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runs.start(execute("a", make_version(sleep("s")).document.name))
    prepare = children.prepare

    def prepare_too_late(*args: object) -> object:
        insert = prepare(*args)  # type: ignore[arg-type]  # handed on as they came
        Execution.objects.filter(pk=run.pk).update(epoch=99, wake_at=NEVER)
        return insert

    monkeypatch.setattr(children, "prepare", prepare_too_late)
    runs.work()
    assert Execution.objects.count() == 1
