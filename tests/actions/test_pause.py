"""aws:pause: only a signal ends it."""

from __future__ import annotations

from executions.actions.base import FOREVER, Done, Wait
from executions.actions.pause import Pause
from tests.actions.answers import MakeContext

NAME = "aws:pause"


def test_it_waits_for_ever(make_context: MakeContext) -> None:
    context = make_context(NAME, {}, deadline=None)
    assert Pause().begin(context) == Wait(FOREVER, paused=True)
    assert Pause().resume(context) == Wait(FOREVER, paused=True)
    assert Pause.timeout is None


def test_it_waits_until_its_deadline(make_context: MakeContext) -> None:
    context = make_context(NAME, {})
    assert context.deadline is not None
    assert Pause().begin(context) == Wait(context.deadline, paused=True)


def test_a_resume_ends_it(make_context: MakeContext) -> None:
    assert Pause().resume(make_context(NAME, {}, signal="Resume")) == Done()


def test_another_signal_does_not(make_context: MakeContext) -> None:
    assert isinstance(Pause().resume(make_context(NAME, {}, signal="StopStep")), Wait)
