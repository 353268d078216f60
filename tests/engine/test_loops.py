"""aws:loop in a run: passes in order, what each knows, and how a loop ends."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from executions import store
from executions.models import Execution
from tests.engine.fake_aws import FakeAws
from tests.engine.runs import Runs, is_idle, statuses, step, told
from tests.engine.steps import branch, each, output, publish, read_topic, repeat, sleep, update

VALUE, PASS = "{{ l.CurrentIteratorValue }}", "{{ l.CurrentIteration }}"
COUNTER = {"n": {"type": "Integer", "default": 0}}


def below(most: int) -> dict[str, Any]:
    """A condition: the variable n is below this number."""
    return {"Variable": "{{ variable:n }}", "NumericLesser": most}


def passes(run: Execution) -> list[tuple[str, int | None, str]]:
    """Name, pass and value of each row, in the order in which they began."""
    rows = run.steps.order_by("number")
    return list(rows.values_list("name", "iteration", "iterator_value"))


def messages(fake: FakeAws) -> list[str]:
    """What was published."""
    return [seen.request["Message"] for seen in fake.made("Publish")]


def test_once_for_each_item(runs: Runs, fake: FakeAws) -> None:
    run = runs.run(each("l", ["x", "y"], publish("a", f"{PASS}: {VALUE}"), sleep("b")))
    assert run.status == "Success"
    assert passes(run) == [
        ("l", None, ""),
        *(("a", 1, "x"), ("b", 1, "x")),
        *(("a", 2, "y"), ("b", 2, "y")),
    ]
    assert messages(fake) == ["1: x", "2: y"]
    assert {row.parent for row in run.steps.exclude(name="l")} == {step(run, "l")}
    assert told(run).count("step:pass l") == 2


def test_its_outputs_are_those_of_the_last_pass(runs: Runs, fake: FakeAws) -> None:
    run = runs.run(
        each("l", ["x", "y"], publish("a", VALUE)),
        publish("z", f"{PASS} {VALUE}"),
        outputs=["l.CurrentIteration", "l.CurrentIteratorValue"],
    )
    assert messages(fake) == ["x", "y", "2 y"]
    assert run.outputs == {"l.CurrentIteration": ["2"], "l.CurrentIteratorValue": ["y"]}


def test_inner_outputs_are_those_of_the_last_time(runs: Runs, fake: FakeAws) -> None:
    answers = iter(["one", "two"])
    fake.on("GetTopicAttributes", lambda _: {"Attributes": {"State": next(answers)}})
    read = read_topic("a", outputs=[output("State", "$.Attributes.State")])
    run = runs.run(each("l", ["x", "y"], read), publish("z", "{{ a.State }}"))
    assert run.status == "Success"
    assert messages(fake) == ["two"]


def test_no_items_is_a_success_without_a_pass(runs: Runs, fake: FakeAws) -> None:
    run = runs.run(each("l", [], publish("a")), publish("z", "after"))
    assert statuses(run) == {"l": "Success", "z": "Success"}
    assert messages(fake) == ["after"]


def test_items_of_a_parameter(runs: Runs, fake: FakeAws) -> None:
    run = runs.run(
        each("l", "{{ Names }}", publish("a", VALUE)),
        parameters={"Names": {"type": "StringList"}},
        values={"Names": ["x", "y", "z"]},
    )
    assert run.status == "Success"
    assert messages(fake) == ["x", "y", "z"]


def test_items_end_at_the_most_iterations(runs: Runs, fake: FakeAws) -> None:
    run = runs.run(each("l", ["x", "y", "z"], publish("a", VALUE), inputs={"MaxIterations": 2}))
    assert (run.status, messages(fake)) == ("Success", ["x", "y"])


def test_a_condition_is_looked_at_after_each_pass(runs: Runs, fake: FakeAws) -> None:
    body = (publish("a", "{{ variable:n }}"), update("b", "n", 7))
    run = runs.run(repeat("l", below(5), 3, *body), variables=COUNTER)
    assert (run.status, messages(fake)) == ("Success", ["0"])


def test_a_condition_that_is_false_from_the_start_has_one_pass(runs: Runs, fake: FakeAws) -> None:
    run = runs.run(repeat("l", below(0), 3, publish("a", PASS)), variables=COUNTER)
    assert (run.status, messages(fake)) == ("Success", ["1"])


def test_a_condition_ends_at_the_most_iterations(runs: Runs, fake: FakeAws) -> None:
    run = runs.run(repeat("l", below(5), 3, publish("a", PASS)), variables=COUNTER)
    assert (run.status, messages(fake)) == ("Success", ["1", "2", "3"])
    assert "CurrentIteratorValue" not in step(run, "l").outputs


def test_a_condition_names_what_only_a_pass_puts_out(runs: Runs, fake: FakeAws) -> None:
    states = iter(["busy", "busy", "ready"])
    fake.on("GetTopicAttributes", lambda _: {"Attributes": {"State": next(states)}})
    busy = {"Variable": "{{ a.State }}", "StringEquals": "busy"}
    read = read_topic("a", outputs=[output("State", "$.Attributes.State")])
    run = runs.run(repeat("l", busy, 10, read))
    assert run.status == "Success"
    assert step(run, "l").outputs == {"CurrentIteration": 3}
    assert step(run, "l").inputs["LoopCondition"] == busy


@pytest.mark.parametrize("most", [0, 101, "many"])
def test_a_wrong_number_of_passes_fails_the_loop(runs: Runs, most: object) -> None:
    run = runs.run(repeat("l", below(5), most, publish("a")), variables=COUNTER)
    assert statuses(run) == {"l": "Failed"}
    assert "MaxIterations must be" in run.failure_message


def test_a_jump_out_leaves_the_loop(runs: Runs, fake: FakeAws) -> None:
    body = (branch("a", "l.CurrentIteratorValue", "y", to="z"), publish("b", VALUE))
    run = runs.run(each("l", ["x", "y", "w"], *body), publish("n"), publish("z", "out"))
    assert run.status == "Success"
    assert statuses(run) == {"l": "Exited", "a": "Success", "b": "Success", "z": "Success"}
    assert step(run, "l").outputs["CurrentIteration"] == 2
    assert messages(fake) == ["x", "out"]
    assert "step:exited l" in told(run)


def test_a_failure_may_lead_out(runs: Runs) -> None:
    body = publish("a", "{{ nothing.Here }}", onFailure="step:z")
    run = runs.run(each("l", ["x", "y"], body), publish("n"), publish("z"))
    assert statuses(run) == {"l": "Exited", "a": "Failed", "z": "Success"}
    assert run.status == "Failed"


def test_an_end_step_inside_ends_the_run(runs: Runs) -> None:
    run = runs.run(each("l", ["x", "y"], publish("a", isEnd=True), publish("b")), publish("z"))
    assert statuses(run) == {"l": "Exited", "a": "Success"}
    assert run.status == "Success"


def test_a_failure_that_aborts_fails_loop_and_run(runs: Runs) -> None:
    run = runs.run(
        each("l", ["x"], publish("a", "{{ nothing.Here }}"), onFailure="Continue"), publish("z")
    )
    assert statuses(run) == {"l": "Failed", "a": "Failed"}
    assert run.status == "Failed"
    assert "Step a failed" in run.failure_message
    assert "Step a of pass 1 failed" in step(run, "l").failure_message


def test_a_failure_that_continues_goes_on_with_the_pass(runs: Runs, fake: FakeAws) -> None:
    body = (publish("a", "{{ nothing.Here }}", onFailure="Continue"), publish("b", VALUE))
    run = runs.run(each("l", ["x", "y"], *body))
    assert (run.status, messages(fake)) == ("Success", ["x", "y"])
    assert statuses(run) == {"l": "Success", "a": "Failed", "b": "Success"}


def test_a_critical_failure_counts_at_the_end(runs: Runs, fake: FakeAws) -> None:
    body = publish("a", "{{ nothing.Here }}", onFailure="Continue", isCritical=True)
    run = runs.run(each("l", ["x", "y"], body), publish("z", "after"))
    assert (run.status, messages(fake)) == ("Failed", ["after"])


def test_a_jump_inside_stays_inside(runs: Runs, fake: FakeAws) -> None:
    body = (publish("a", VALUE, nextStep="c"), publish("b", "never"), publish("c", "c"))
    run = runs.run(each("l", ["x", "y"], *body))
    assert (run.status, messages(fake)) == ("Success", ["x", "c", "y", "c"])


def test_two_loops_one_after_the_other(runs: Runs, fake: FakeAws) -> None:
    second = each("m", [1, 2], publish("b", "{{ m.CurrentIteratorValue }} after " + VALUE))
    run = runs.run(each("l", ["x", "y"], publish("a", VALUE)), second)
    assert run.status == "Success"
    assert messages(fake) == ["x", "y", "1 after y", "2 after y"]


def test_a_loop_may_be_begun_again(runs: Runs, settings: Settings) -> None:
    settings.MOST_STEPS = 25
    run = runs.run(each("l", ["x"], publish("a", nextStep="l")))
    assert run.status == "Failed"
    assert "it has had 25 steps" in run.failure_message
    assert run.steps.count() == 25
    assert run.steps.exclude(phase="ended").count() == 0
    assert is_idle(run)


def test_a_full_run_fails_its_open_loop(runs: Runs, settings: Settings) -> None:
    settings.MOST_STEPS = 10
    run = runs.run(repeat("l", below(5), 100, update("a", "n", 1)), variables=COUNTER)
    assert statuses(run) == {"l": "Failed", "a": "Success"}
    assert run.failure_message == step(run, "l").failure_message
    assert "before step a" in run.failure_message


def test_passes_without_effects_share_commits(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    write, commits = store.write, []

    def counted(lease: store.Lease, change: store.Change) -> str:
        commits.append(len(change.steps))
        return write(lease, change)

    monkeypatch.setattr(store, "write", counted)
    run = runs.run(repeat("l", below(5), 60, update("a", "n", 1)), variables=COUNTER)
    assert (run.status, run.steps.count()) == ("Success", 61)
    assert len(commits) == 61 // settings.TURN_STEPS + 1
