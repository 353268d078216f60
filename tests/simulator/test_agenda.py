"""Work in steps, each due at its time, with a clock that is moved."""

from __future__ import annotations

from console.simulator.agenda import Agenda, Work


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_steps_are_done_when_they_are_due_and_in_order() -> None:
    clock, done = Clock(), []
    agenda = Agenda(2.0, clock)

    def work(name: str, seconds: float) -> Work:
        done.append(f"{name} begins")
        yield seconds
        done.append(f"{name} goes on")
        yield seconds
        done.append(f"{name} ends")

    agenda.begin(work("slow", 3))
    agenda.begin(work("fast", 1))
    assert done == ["slow begins", "fast begins"]
    clock.now = 1.9
    agenda.settle()
    assert done[2:] == []
    clock.now = 6.0
    agenda.settle()
    assert done[2:] == ["fast goes on", "fast ends", "slow goes on"]
    clock.now = 11.9
    agenda.settle()
    assert done[5:] == []


def test_what_is_late_is_counted_from_when_it_was_due() -> None:
    clock, done = Clock(), []
    agenda = Agenda(1.0, clock)

    def work() -> Work:
        yield 1
        yield 1
        done.append("both")

    agenda.begin(work())
    clock.now = 2.0
    agenda.settle()
    assert done == ["both"]


def test_later_calls_once() -> None:
    clock, done = Clock(), []
    agenda = Agenda(1.0, clock)
    agenda.later(1, lambda: done.append("called"))
    clock.now = 5.0
    agenda.settle()
    agenda.settle()
    assert done == ["called"]
