"""What must not be, after a run: by AWS's log, by rows, by what workers passed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from approvals import history as of_approvals
from console.simulator.calls import READS
from executions import history as of_runs
from executions import library
from executions.models import Execution, StepExecution
from tests.crashes.scenario import Scenario
from tests.crashes.sweep import Story

TAKEOVER: Final = 60  # seconds from the death of a worker until another goes on, and some more


def problems_of(story: Story, scenario: Scenario) -> list[str]:
    """Everything that must not be, in words."""
    unknown = scenario.asks(story.lives, story.judge.orders())
    checks = {**_of_calls(story, scenario, unknown), **_of_rows(story, scenario, unknown)}
    told = [
        problem
        for one in story.runs
        for problem in (*of_runs.problems(one), *of_approvals.problems(one))
    ]
    return [*(problem for problem, holds in checks.items() if not holds), *told]


def _of_calls(story: Story, scenario: Scenario, unknown: bool) -> dict[str, bool]:
    """What AWS saw, and whether it should have."""
    effects, tokens = story.judge.effects(), story.judge.tokens()
    wanted, mixed = Counter(scenario.effects), story.judge.mixed_tokens()
    sudden = list(unannounced(story))
    return {
        f"effects {dict(effects)}": effects <= wanted if unknown else effects == wanted,
        f"tokens {tokens}": tokens <= wanted,
        f"tokens with two bodies {mixed}": not mixed,
        f"unannounced: {sudden}": not sudden,
    }


def _of_rows(story: Story, scenario: Scenario, unknown: bool) -> dict[str, bool]:
    """How the run is, and whether it should be."""
    run, rows = story.run, list(story.run.steps.all())
    children = [one for one in story.runs if one.parent_id == run.pk]
    ended = {row.name: row.status for row in rows}
    kept = [row.name for row in rows if row.kept_from_id]
    gates = [row for row in rows if row.action == "aws:approve"]
    asked = run.approval_requests.count()
    lasted = _lasted(rows[0]) - scenario.lasts
    return {
        f"it is {run.status}": run.status == ("Waiting" if unknown else scenario.status),
        f"its steps are {ended}": unknown or ended == _expected(run, scenario),
        f"it lasted {lasted} s too long": (
            not scenario.lasts or 0 <= lasted <= TAKEOVER * (1 + len(story.deaths))
        ),
        "a step ran twice": len(rows) == len({(row.name, row.iteration) for row in rows}),
        "an attempt too many": all(row.attempt == 1 for row in rows),
        f"it keeps {kept}": kept == list(scenario.kept),
        f"people were asked {asked} times": asked == len(gates),
        f"children {children}": all(child.status == scenario.status for child in children),
        "a worker still holds it": run.lease_owner == "",
        "a question but no unknown call": not unknown or rows[-1].phase == "unknown",
    }


def _lasted(row: StepExecution) -> float:
    """Seconds that the step took, if it has ended."""
    return ((row.ended_at or row.started_at) - row.started_at).total_seconds()


def unannounced(story: Story) -> Iterator[str]:
    """Requests that change something, made while the last commit was not their intent."""
    for life in story.all_lives:
        committed = ""
        for name in life.passed:
            if name.startswith("committed "):
                committed = name
            elif name.startswith("send "):
                operation = name.removeprefix("send ")
                is_read = READS.match(operation) or operation == "GetParameter"
                if not is_read and f":{operation}" not in committed:
                    yield f"{operation} after {committed or 'nothing'}"


def _expected(run: Execution, scenario: Scenario) -> dict[str, str]:
    """Each step of the document that is reached, with the status that it must have."""
    names = [step.name for step in library.runbook(run.version).walk()]
    if scenario.status == "Cancelled":
        names = [name for name in names if name != "afterwards"]
    return {name: scenario.ends.get(name, "Success") for name in names}
