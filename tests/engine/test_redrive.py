"""Running again from the step that failed: what is kept, what is done, and what is asked anew."""

from __future__ import annotations

from typing import Any

import pytest

from executions import earlier, redrive, signals
from executions.actions import registry
from executions.aws import AwsRefused
from executions.models import Execution
from tests.engine.fake_aws import FakeAws
from tests.engine.runs import Runs, fresh, kept, make_version, statuses, step, told
from tests.engine.steps import (
    Step,
    branch,
    create_stack,
    each,
    execute,
    output,
    publish,
    read_topic,
    sleep,
    terminate,
    update,
    wait_for_topic,
)

REFUSED = AwsRefused("No.", "ValidationError")
FAILS = terminate("fails")


def failed(runs: Runs, fake: FakeAws, *steps: Step, **document: Any) -> Execution:
    """A run whose step `fails` failed, and would not fail again."""
    fake.on("TerminateInstances", REFUSED, {})
    run = runs.run(*steps, **document)
    assert run.status == "Failed"
    fake.calls.clear()
    return run


def test_what_was_done_is_kept_and_the_failed_step_is_done(runs: Runs, fake: FakeAws) -> None:
    fake.on("CreateStack", {"StackId": "stack-1"})
    makes = create_stack("makes", outputs=[output("Id", "$.StackId")])
    run = failed(runs, fake, makes, sleep("rests"), FAILS, publish("tells", "{{ makes.Id }}"))
    redone = runs.again(run)
    assert redone.status == "Success"
    assert fake.operations == ["TerminateInstances", "Publish"]
    assert fake.calls[-1].request["Message"] == "stack-1"
    assert kept(redone) == ["makes", "rests"]
    assert told(redone)[:4] == [
        "execution:accepted", "execution:started", "step:kept makes", "step:kept rests",
    ]  # fmt: skip


def test_a_kept_step_is_as_it_was(runs: Runs, fake: FakeAws) -> None:
    fake.on("CreateStack", {"StackId": "stack-1"})
    makes = create_stack("makes", outputs=[output("Id", "$.StackId")])
    run = failed(runs, fake, makes, FAILS)
    row, before = step(runs.again(run), "makes"), step(run, "makes")
    assert (row.inputs, row.outputs, row.status) == (before.inputs, before.outputs, "Success")
    assert (row.kept_from, row.call, row.started_at) == (before, None, row.ended_at)


def test_the_earlier_run_stays_as_it_ended(runs: Runs, fake: FakeAws) -> None:
    run = failed(runs, fake, create_stack("makes"), FAILS)
    before, rows = told(run), statuses(run)
    redone = runs.again(run)
    assert (told(run), statuses(run), fresh(run).status) == (before, rows, "Failed")
    assert (redone.redrive_of, redone.origin, redone.version) == (run, run, run.version)
    assert list(run.redrives.all()) == [redone]


def test_parameters_are_those_of_the_earlier_run(runs: Runs, fake: FakeAws) -> None:
    parameters = {"Word": {"type": "String"}}
    run = failed(
        runs, fake, FAILS, publish("tells", "{{ Word }}"),
        parameters=parameters, values={"Word": ["please"]},
    )  # fmt: skip
    redone = runs.again(run)
    assert (redone.parameters, redone.values) == (run.parameters, run.values)
    assert fake.calls[-1].request["Message"] == "please"


def test_the_state_is_read_again(runs: Runs, fake: FakeAws) -> None:
    fake.on("GetTopicAttributes", {"State": "ready", "Words": "then"}, {"State": "ready"})
    reads = read_topic("reads", outputs=[output("State", "$.State")])
    run = failed(runs, fake, reads, wait_for_topic("waits"), create_stack("makes"), FAILS)
    redone = runs.again(run)
    assert fake.operations == ["GetTopicAttributes", "GetTopicAttributes", "TerminateInstances"]
    assert kept(redone) == ["makes"]


def test_a_branch_chooses_anew_and_what_it_passes_over_is_not_needed(
    runs: Runs, fake: FakeAws
) -> None:
    fake.on("GetTopicAttributes", {"State": "on"}, {"State": "off"})
    run = failed(
        runs,
        fake,
        read_topic("reads", outputs=[output("State", "$.State")]),
        branch("chooses", "reads.State", "off", to="makes"),
        publish("stops"),
        create_stack("makes"),
        FAILS,
    )
    assert list(statuses(run)) == ["reads", "chooses", "stops", "makes", "fails"]
    redone = runs.again(run)
    assert list(statuses(redone)) == ["reads", "chooses", "makes", "fails"]
    assert kept(redone) == ["makes"]


def test_after_a_step_that_was_not_done_before_nothing_is_kept(runs: Runs, fake: FakeAws) -> None:
    """The document may want the later one after it, and not only once."""
    fake.on("GetTopicAttributes", {"State": "off"}, {"State": "on"})
    run = failed(
        runs,
        fake,
        read_topic("reads", outputs=[output("State", "$.State")]),
        branch("chooses", "reads.State", "off", to="makes"),
        publish("stops"),
        create_stack("makes"),
        FAILS,
    )
    redone = runs.again(run)
    assert kept(redone) == []
    assert fake.operations == [
        "GetTopicAttributes", "Publish", "CreateStack", "TerminateInstances",
    ]  # fmt: skip


def test_another_target_is_another_step(runs: Runs, fake: FakeAws) -> None:
    """What was done to one thing is not done to another."""
    fake.on("GetTopicAttributes", {"Name": "one"}, {"Name": "two"})
    reads = read_topic("reads", outputs=[output("Name", "$.Name")])
    run = failed(runs, fake, reads, publish("tells", "{{ reads.Name }}"), sleep("rests"), FAILS)
    redone = runs.again(run)
    assert kept(redone) == []
    assert fake.made("Publish")[0].request["Message"] == "two"


def test_names_with_the_runs_id_or_a_date_are_found_again(runs: Runs, fake: FakeAws) -> None:
    named = "{{ automation:EXECUTION_ID }}"
    run = failed(
        runs, fake, publish("first", named), publish("dated", "{{ global:DATE_TIME }}"), FAILS,
        publish("last", named),
    )  # fmt: skip
    runs.hand.move(days=1)
    redone = runs.again(run)
    assert kept(redone) == ["first", "dated"]
    assert fake.calls[-1].request["Message"] == str(run.pk)


def test_a_failure_that_was_passed_over_begins_it(runs: Runs, fake: FakeAws) -> None:
    """Nobody knows what the steps after it would be like without the failure."""
    fake.on("TerminateInstances", REFUSED, REFUSED, {})
    steps = create_stack("makes"), terminate("minor", onFailure="Continue"), publish("tells"), FAILS
    run = runs.run(*steps)
    fake.calls.clear()
    redone = runs.again(run)
    assert kept(redone) == ["makes"]
    assert fake.operations == ["TerminateInstances", "Publish", "TerminateInstances"]
    assert earlier.plan(run.pk).begins_at == "minor"


def test_what_cleaned_up_is_not_kept(runs: Runs, fake: FakeAws) -> None:
    clean_up = publish("cleans", isEnd=True)
    jumps = terminate("fails", onFailure="step:cleans", nextStep="cleans")
    run = failed(runs, fake, create_stack("makes"), jumps, clean_up)
    assert earlier.plan(run.pk).afterwards == ("cleans",)
    redone = runs.again(run)
    assert (redone.status, kept(redone)) == ("Success", ["makes"])
    assert fake.operations == ["TerminateInstances", "Publish"]


def test_a_pause_waits_again(runs: Runs, fake: FakeAws) -> None:
    pause = {"name": "pauses", "action": "aws:pause", "inputs": {}}
    fake.on("TerminateInstances", REFUSED, {})
    run = runs.run(pause, FAILS)
    signals.send(run, "Resume", "pauses", by=runs.person)
    runs.drain()
    redone = runs.again(run)
    assert (redone.status, statuses(redone)) == ("Waiting", {"pauses": "Waiting"})


def test_variables_are_set_anew(runs: Runs, fake: FakeAws) -> None:
    run = failed(
        runs, fake, update("sets", "Word", "hello"), FAILS, publish("tells", "{{ variable:Word }}"),
        variables={"Word": {"type": "String", "default": ""}},
    )  # fmt: skip
    redone = runs.again(run)
    assert kept(redone) == []
    assert fake.calls[-1].request["Message"] == "hello"


def test_passes_of_a_loop_are_kept_up_to_the_failed_one(runs: Runs, fake: FakeAws) -> None:
    body = publish("tells", "{{ loop.CurrentIteratorValue }}"), FAILS
    fake.on("TerminateInstances", {}, REFUSED, {})
    run = runs.run(each("loop", ["a", "b", "c"], *body))
    fake.calls.clear()
    redone = runs.again(run)
    assert [(row.name, row.iteration) for row in redone.steps.exclude(kept_from=None)] == [
        ("tells", 1), ("fails", 1), ("tells", 2),
    ]  # fmt: skip
    assert fake.operations == ["TerminateInstances", "Publish", "TerminateInstances"]
    assert fake.made("Publish")[0].request["Message"] == "c"


def test_a_loop_over_other_items_is_another_one(runs: Runs, fake: FakeAws) -> None:
    fake.on("GetTopicAttributes", {"Names": ["a", "b"]}, {"Names": ["x", "b"]})
    reads = read_topic("reads", outputs=[output("Names", "$.Names", "StringList")])
    tells = publish("tells", "{{ loop.CurrentIteratorValue }}")
    run = failed(runs, fake, reads, each("loop", "{{ reads.Names }}", tells), FAILS)
    runs.again(run)
    assert [seen.request["Message"] for seen in fake.made("Publish")] == ["x", "b"]


def test_a_child_that_ended_well_is_kept_and_another_one_is_new(runs: Runs, fake: FakeAws) -> None:
    fake.on("TerminateInstances", REFUSED, {})
    good, bad = (make_version(one).document.name for one in (publish("tells"), FAILS))
    run = runs.run(execute("good", good), execute("bad", bad))
    fake.calls.clear()
    redone = runs.again(run)
    assert (redone.status, kept(redone)) == ("Success", ["good"])
    assert [child.document_name for child in Execution.objects.filter(parent=redone)] == [bad]
    assert fake.operations == ["TerminateInstances"]


def test_it_can_be_run_again_and_again(runs: Runs, fake: FakeAws) -> None:
    fake.on("TerminateInstances", REFUSED, REFUSED, {})
    run = runs.run(create_stack("makes"), FAILS)
    second = runs.again(run)
    third = runs.again(second)
    assert (second.status, third.status) == ("Failed", "Success")
    assert (third.redrive_of, third.origin) == (second, run)
    assert step(third, "makes").kept_from == step(run, "makes")
    assert len(fake.made("CreateStack")) == 1


def test_a_cancelled_run_goes_on_at_the_step_that_was_cancelled(runs: Runs) -> None:
    run = runs.start(create_stack("makes"), sleep("rests", "PT1H"), publish("tells"))
    runs.work()
    runs.stop(run)
    runs.drain()
    redone = runs.again(run)
    assert (fresh(run).status, redone.status) == ("Cancelled", "Success")
    assert kept(redone) == ["makes"]


def test_a_cancelled_one_cleans_up_itself(runs: Runs, fake: FakeAws) -> None:
    """Also by a step that the earlier run had done."""
    fake.on("TerminateInstances", REFUSED, {})
    rest = wait_for_topic("waits", onCancel="step:makes")
    fake.on("GetTopicAttributes", {"State": "ready"}, {"State": "not"})
    run = runs.run(rest, create_stack("makes"), FAILS)
    redone = redrive.start(run.pk, by=runs.person)
    runs.work()
    fake.calls.clear()
    runs.stop(redone)
    runs.drain()
    assert (fresh(redone).status, kept(redone)) == ("Cancelled", [])
    assert "CreateStack" in fake.operations


def test_a_worker_that_is_lost_changes_nothing_of_it(runs: Runs, fake: FakeAws) -> None:
    run = failed(runs, fake, create_stack("makes"), FAILS)

    def die(_: object) -> dict[str, Any]:
        raise KeyboardInterrupt

    fake.on("TerminateInstances", die, {})
    redone = redrive.start(run.pk, by=runs.person)
    with pytest.raises(KeyboardInterrupt):
        runs.work()
    runs.hand.move(minutes=10)
    runs.drain()
    assert (fresh(redone).status, kept(redone)) == ("Success", ["makes"])
    assert fake.made("CreateStack") == []


def test_what_is_done_anew_are_actions() -> None:
    assert set(registry.specs()) >= earlier.ANEW
