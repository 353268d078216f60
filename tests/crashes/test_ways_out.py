"""An outcome that nobody can know: the page says why, and a person has three ways out."""

from __future__ import annotations

from collections import Counter
from html import escape

import pytest
from django.test import Client

from executions import signals
from executions.models import Event, JournalEntry, StepExecution
from executions.states import Status
from tests.crashes.scenario import Scenario
from tests.crashes.scenarios import SCENARIOS
from tests.crashes.sweep import Story, Sweep
from tests.engine.runs import step, told

# Those that end in a question if workers die while a call is on its way, and AWS cannot tell.
ASKING = (
    *("stop", "start", "image", "image with a restart", "tags", "command"),
    *("unproven", "function", "state machine", "script", "webhook"),
)
# Of these, AWS cannot tell either when the call has come.
BLIND = ("unproven", "function", "script", "webhook")
# Where the call of a script is on its way, and where it has come.
SCRIPT = ("spawn", "move .json")


def ask(sweep: Sweep, name: str, *, made: bool) -> Story:
    """Workers die while the call is on its way, until a person is asked."""
    scenario = SCENARIOS[name]
    _, _, operation = next(iter(scenario.effects)).partition(":")
    places = SCRIPT if name == "script" else (f"send {operation}", f"answered {operation}")
    story = sweep.carry_out(scenario, [(places[made], 0)] * 2)
    assert (story.run.status, step(story.run, "a").phase) == ("Waiting", "unknown")
    assert story.judge.effects() == (Counter(scenario.effects) if made else {})
    return story


def look_at_page(sweep: Sweep, story: Story) -> None:
    """The page has the reason, the evidence, and the three ways out."""
    unknown = step(story.run, "a").unknown or {}
    visit = Client()
    visit.force_login(sweep.runs.person)
    page = visit.get(f"/executions/{story.run.pk}/").content.decode()
    assert escape(unknown["reason"]) in page
    for word in ("service", "operation", "request", "at"):
        assert escape(f'"{word}": ') in page
        assert unknown["evidence"][word]
    for verdict in signals.VERDICTS:
        assert f'name="verdict" value="{verdict}"' in page


def settle(sweep: Sweep, story: Story, scenario: Scenario, verdict: str) -> StepExecution:
    """olivia says what happened, and the run goes on to its end. The step, then."""
    by = sweep.runs.person
    signals.settle_unknown(step(story.run, "a"), verdict, comment="I looked", by=by)
    sweep.go_on(story, scenario)
    entry = JournalEntry.objects.filter(person=by).last()
    assert entry is not None
    assert entry.granted
    assert entry.data == {"step": "a", "verdict": verdict, "comment": "I looked"}
    (event,) = Event.objects.filter(execution=story.run, kind=f"step:{verdict}")
    assert (event.by, event.data["comment"]) == (by.principal.arn, "I looked")  # type: ignore[union-attr] # she has one
    return step(story.run, "a")


@pytest.mark.parametrize("name", ASKING)
def test_failed_it_is_not_tried_again(sweep: Sweep, name: str) -> None:
    scenario, story = SCENARIOS[name], ask(sweep, name, made=False)
    look_at_page(sweep, story)
    row = settle(sweep, story, scenario, "fail")
    assert (story.run.status, row.status, row.attempt) == (Status.FAILED, Status.FAILED, 1)
    assert "I looked" in row.failure_message
    assert story.judge.effects() == {}


@pytest.mark.parametrize("name", ASKING)
def test_run_again_it_is_another_attempt_with_one_effect(sweep: Sweep, name: str) -> None:
    scenario, story = SCENARIOS[name], ask(sweep, name, made=False)
    row = settle(sweep, story, scenario, "rerun")
    assert (story.run.status, row.status, row.attempt) == (Status.SUCCESS, Status.SUCCESS, 2)
    assert story.judge.effects() == scenario.effects


@pytest.mark.parametrize("name", BLIND)
def test_adopted_it_goes_on_without_another_call(sweep: Sweep, name: str) -> None:
    scenario, story = SCENARIOS[name], ask(sweep, name, made=True)
    row = settle(sweep, story, scenario, "adopt")
    assert (story.run.status, row.status, row.attempt) == (Status.SUCCESS, Status.SUCCESS, 1)
    assert story.judge.effects() == scenario.effects


@pytest.mark.parametrize("name", ASKING)
def test_adopted_by_mistake_nothing_is_called(sweep: Sweep, name: str) -> None:
    """It never happened: what can be looked for is found missing, and nothing is made up."""
    scenario, story = SCENARIOS[name], ask(sweep, name, made=False)
    row = settle(sweep, story, scenario, "adopt")
    assert (story.run.status, row.attempt) == (scenario.adopted, 1), told(story.run)
    assert story.judge.effects() == {}
