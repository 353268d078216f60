"""The events of a run: without a gap, in the transaction of the state, and telling it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from django.db import DatabaseError
from django.db.models import Model

from executions import calls, store
from executions.models import Event, rows
from tests.engine.fake_aws import FakeAws
from tests.engine.runs import Runs, fresh, statuses, told
from tests.engine.steps import approve, publish, read_topic, sleep

INSERT_ALL = rows.insert_all


def test_events_tell_a_run(runs: Runs) -> None:
    run = runs.run(publish("a"), sleep("b"))
    assert told(run) == [
        "execution:accepted",
        "execution:started",
        "step:started a",
        "step:call a",
        "step:succeeded a",
        "step:started b",
        "step:succeeded b",
        "execution:success",
    ]


def test_events_have_no_gap_and_times_do_not_go_back(runs: Runs, fake: FakeAws) -> None:
    fake.on("Publish", store.Fenced())  # a lease that is lost in the middle leaves no hole either
    run = runs.start(read_topic("z"), publish("a", maxAttempts=2), approve("b", "alice"))
    runs.work()
    fake.on("Publish", {})
    runs.drain()
    events = list(Event.objects.filter(execution=run))
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert fresh(run).event_seq == len(events)


def test_there_is_one_last_event(runs: Runs) -> None:
    run = runs.run(publish("a"))
    last = [kind for kind in told(run) if kind in {"execution:success", "execution:failed"}]
    assert last == told(run)[-1:]


def test_a_call_is_told_before_it_is_made(runs: Runs, fake: FakeAws) -> None:
    told_before: list[Any] = []

    def answer(request: Any) -> dict[str, Any]:
        event = Event.objects.get(kind="step:call")
        told_before.append((event.data["sha256"], calls.fingerprint(request)))
        return {}

    fake.on("Publish", answer)
    runs.run(publish("a"))
    ((stored, sent),) = told_before
    assert stored == sent


def test_an_event_that_cannot_be_written_undoes_its_state(
    runs: Runs, fake: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runs.start(publish("a"))
    before = (told(run), statuses(run), fresh(run).status)
    monkeypatch.setattr(rows, "insert_all", _break_events)
    runs.work()
    assert (told(run), statuses(run), fresh(run).status) == before
    assert fake.calls == []  # no record, no call


def test_a_record_that_can_be_written_again_lets_the_run_go_on(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runs.start(publish("a"))
    with monkeypatch.context() as broken:
        broken.setattr(rows, "insert_all", _break_events)
        runs.work()
    runs.drain()
    assert fresh(run).status == "Success"


def _break_events(written: Sequence[Model], *, or_update: bool = False) -> None:
    if isinstance(written[0], Event):
        raise DatabaseError("disk full")
    INSERT_ALL(written, or_update=or_update)
