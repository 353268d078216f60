"""The plan of the monkey: the same for the same seed, within its limits, and nothing left off."""

from __future__ import annotations

from collections import Counter
from itertools import islice, pairwise

import pytest

from console.simulator.faults import read_faults
from tests.soak.monkey import ALWAYS, FAULTS, TO_DATABASE, Deed, faults, plan

DATABASES = pytest.mark.parametrize("database", TO_DATABASE)
SEEDS = range(50)


@DATABASES
def test_a_seed_tells_the_same_plan_again(database: str) -> None:
    assert plan(7, 60, database, 4) == plan(7, 60, database, 4)
    assert plan(7, 60, database, 4) != plan(8, 60, database, 4)


@DATABASES
def test_a_longer_plan_begins_like_the_shorter_one(database: str) -> None:
    short = [blow for blow in plan(7, 60, database, 4) if blow.at < 60]
    assert plan(7, 600, database, 4)[: len(short)] == short


@DATABASES
@pytest.mark.parametrize("seed", SEEDS)
def test_a_minute_has_some_of_everything(database: str, seed: int) -> None:
    seen = Counter(blow.deed for blow in plan(seed, 60, database, 4))
    for habit in (*ALWAYS, TO_DATABASE[database]):
        assert seen[habit.deed] >= 60 // sum((habit.after[1], habit.lasts[1]))
    assert seen[Deed.KILL_WORKER] >= 7


@DATABASES
@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_stopped_is_started_again_before_the_end(database: str, seed: int) -> None:
    blows = plan(seed, 60, database, 4)
    assert all(0 < blow.at <= 60 for blow in blows)
    for habit in (*ALWAYS, TO_DATABASE[database]):
        pair = [blow for blow in blows if blow.deed in {habit.deed, habit.ended_by}]
        if habit.ended_by is not None:
            assert pair[-1].deed == habit.ended_by
            assert all(one.deed != other.deed for one, other in pairwise(pair))
            assert all(a.number == b.number for a, b in zip(pair[::2], pair[1::2], strict=True))


def test_every_worker_is_hit() -> None:
    struck = {blow.number for blow in plan(1, 600, "postgres", 4) if blow.deed == Deed.KILL_WORKER}
    assert struck == {0, 1, 2, 3}


def test_faults_come_in_an_order_of_the_seed_and_equally_often() -> None:
    many = len(FAULTS) * 3
    found = [str(fault) for fault in islice(faults(3), many)]
    assert found == [str(fault) for fault in islice(faults(3), many)]
    assert found != [str(fault) for fault in islice(faults(4), many)]
    assert set(Counter(found).values()) == {3}


def test_the_simulated_account_takes_every_fault() -> None:
    assert [fault.kind for fault in read_faults(list(FAULTS))] == [one["kind"] for one in FAULTS]
