"""A lease that is held while a script runs, and what ends the script before its time."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import DatabaseError
from pytest_django import Settings

from executions import heartbeat, store
from executions.models import Execution
from executions.states import NEVER
from tests.conftest import HandClock
from tests.engine.runs import Runs, fresh
from tests.engine.steps import sleep
from tests.stack.running import wait_until

pytestmark = [pytest.mark.race]
PATIENCE = 20.0  # seconds for a beat that takes a tenth of one


@pytest.fixture
def lease(runs: Runs, settings: Settings) -> store.Lease:
    """A claimed run, with a lease of three tenths of a second."""
    settings.LEASE = timedelta(seconds=0.3)
    runs.start(sleep("a"))
    claimed = store.claim()
    assert claimed is not None
    return store.Lease(claimed.id, claimed.epoch)


def row(lease: store.Lease) -> Execution:
    return Execution.objects.get(pk=lease.execution_id)


def test_the_lease_is_renewed_while_it_is_kept(lease: store.Lease, hand_clock: HandClock) -> None:
    before = row(lease).lease_until
    with heartbeat.keep(lease) as abort:
        hand_clock.move(seconds=100)
        after = wait_until(
            lambda: row(lease).lease_until if row(lease).lease_until > before else None,
            "a renewal",
        )
        assert not abort.is_set()
    assert after == row(lease).wake_at == before + timedelta(seconds=100)


def test_nobody_can_take_it_meanwhile(lease: store.Lease, hand_clock: HandClock) -> None:
    before = row(lease).lease_until
    with heartbeat.keep(lease):
        hand_clock.move(seconds=100)
        wait_until(lambda: row(lease).lease_until > before, "a renewal")
        assert store.claim() is None


def test_a_nudge_meanwhile_is_kept(lease: store.Lease, hand_clock: HandClock) -> None:
    with heartbeat.keep(lease):
        Execution.objects.filter(pk=lease.execution_id).nudge()
        nudged, before = row(lease).wake_at, row(lease).lease_until
        hand_clock.move(seconds=100)
        wait_until(lambda: row(lease).lease_until > before, "a renewal")
    assert row(lease).wake_at == nudged
    store.release(lease, NEVER)
    assert row(lease).wake_at == nudged


def test_a_lease_that_another_worker_took_ends_the_work(lease: store.Lease) -> None:
    def lose() -> None:
        with heartbeat.keep(lease) as abort:
            Execution.objects.filter(pk=lease.execution_id).update(epoch=lease.epoch + 1)
            assert abort.wait(PATIENCE)

    with pytest.raises(store.Fenced):
        lose()


def test_a_request_to_stop_ends_the_work_and_keeps_the_lease(
    lease: store.Lease, runs: Runs
) -> None:
    with heartbeat.keep(lease) as abort:
        runs.stop(fresh(row(lease)))
        assert abort.wait(PATIENCE)
    assert row(lease).lease_owner == store.OWNER


def test_a_database_that_is_away_ends_the_work_before_the_lease_ends(
    lease: store.Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[store.Lease] = []

    def renew(lost: store.Lease) -> str:
        tries.append(lost)
        raise DatabaseError("connection refused")

    monkeypatch.setattr(store, "renew", renew)
    with pytest.raises(store.Fenced), heartbeat.keep(lease) as abort:
        assert abort.wait(PATIENCE)
    assert len(tries) == 2


def test_a_database_that_comes_back_in_time_costs_nothing(
    lease: store.Lease, hand_clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    renew, before, failed = store.renew, row(lease).lease_until, threading.Event()

    def fail_once(lost: store.Lease) -> str:
        if not failed.is_set():
            failed.set()
            raise DatabaseError("connection refused")
        return renew(lost)

    monkeypatch.setattr(store, "renew", fail_once)
    with heartbeat.keep(lease) as abort:
        hand_clock.move(seconds=100)
        wait_until(lambda: row(lease).lease_until > before, "a renewal")
        assert failed.is_set()
        assert not abort.is_set()


def test_its_thread_ends_with_the_work(lease: store.Lease) -> None:
    with heartbeat.keep(lease):
        assert "heartbeat" in {thread.name for thread in threading.enumerate()}
    assert "heartbeat" not in {thread.name for thread in threading.enumerate()}
