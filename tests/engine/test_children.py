"""aws:executeAutomation in a run: one child for each attempt, and how parent and child end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from console.iam.models import User
from executions import children, lifecycle
from executions.models import Event, Execution, JournalEntry, Tag
from executions.states import NEVER
from executions.turn import token
from tests.approvals.people import make_person, take_rights
from tests.engine.fake_aws import FakeAws
from tests.engine.runs import REGION, Runs, fresh, make_version, next_wake, statuses, step, told
from tests.engine.steps import Step, execute, output, publish, read_topic, sleep


def child_of(run: Execution) -> Execution:
    """The one child of a run."""
    return Execution.objects.get(parent=run)


def made(*steps: Step, **document: Any) -> str:
    """A document that can be run by its name, which this is."""
    return make_version(*steps, **document).document.name


def test_a_child_runs_and_its_outputs_come_back(runs: Runs, fake: FakeAws) -> None:
    fake.on("GetTopicAttributes", {"Attributes": {"A": "1", "B": ["2", "3"]}})
    wanted = [output("B", "$.Attributes.B", "StringList"), output("A", "$.Attributes.A")]
    name = made(read_topic("r", outputs=wanted), outputs=["r.B", "r.A"])
    run = runs.run(execute("a", name), publish("z", "{{ a.Output }} {{ a.Status }}"))
    child = child_of(run)
    assert (run.status, child.status) == ("Success", "Success")
    assert step(run, "a").outputs == {
        "ExecutionId": str(child.id),
        "Status": "Success",
        "Output": ["2", "3", "1"],
    }
    assert fake.calls[-1].request["Message"] == '["2", "3", "1"] Success'


def test_the_child_knows_its_parent_and_its_starter(runs: Runs) -> None:
    run = runs.run(execute("a", made(sleep("s"))))
    child = child_of(run)
    assert child.parent_step == step(run, "a")
    assert child.id == children.child_id(token(step(run, "a")))
    assert (child.depth, run.depth) == (1, 0)
    assert (child.started_by, child.executed_by) == (runs.person, run.executed_by)
    assert (child.account_id, child.region, child.mode) == (run.account_id, REGION, "Auto")
    assert told(child)[0] == "execution:accepted"
    assert "step:child a" in told(run)


def test_its_start_is_journalled_as_any_other(runs: Runs) -> None:
    run = runs.run(execute("a", made(sleep("s"))))
    entry = JournalEntry.objects.latest("id")
    assert (entry.person, entry.principal) == (runs.person, run.executed_by)
    assert (entry.action, entry.granted) == ("ssm:StartAutomationExecution", True)
    assert entry.data["execution"] == str(child_of(run).id)
    assert (entry.data["parent"], entry.data["step"]) == (str(run.id), "a")


def test_the_parent_waits_without_a_worker(runs: Runs) -> None:
    run = runs.start(execute("a", made(sleep("s", "PT3H"))))
    began = runs.hand.now
    runs.work()
    row = fresh(run)
    assert (row.status, row.lease_owner) == ("InProgress", "")
    assert row.wake_at == began + timedelta(minutes=1)
    runs.drain()
    assert fresh(run).status == "Success"
    assert timedelta(hours=3) == runs.hand.now - began


def test_the_end_of_the_child_wakes_the_parent(runs: Runs) -> None:
    run = runs.start(execute("a", made(sleep("s", "PT10S"))))
    runs.work()
    runs.hand.move(seconds=10)
    runs.work()
    assert fresh(run).status == "Success"


def test_a_parent_that_was_not_woken_looks_by_itself(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "nudge", lambda _: None)
    run = runs.run(execute("a", made(sleep("s", "PT10S"))))
    assert run.status == "Success"


@pytest.mark.parametrize(
    ("body", "status"),
    [(publish("s", "{{ nothing.Here }}"), "Failed"), (sleep("s", timeoutSeconds=1), "TimedOut")],
)
def test_any_other_end_fails_the_step(runs: Runs, body: Step, status: str) -> None:
    run = runs.run(execute("a", made(body)))
    child = child_of(run)
    assert (run.status, child.status) == ("Failed", status)
    message = step(run, "a").failure_message
    assert str(child.id) in message
    assert child.failure_message in message
    assert step(run, "a").outputs["Status"] == status


def test_each_attempt_has_its_own_child(runs: Runs) -> None:
    run = runs.run(execute("a", made(publish("s", "{{ nothing.Here }}")), maxAttempts=2))
    assert Execution.objects.filter(parent=run).count() == 2
    assert step(run, "a").attempt == 2


def test_parameters_are_checked_as_at_any_start(runs: Runs, fake: FakeAws) -> None:
    declared = {"N": {"type": "Integer"}, "L": {"type": "StringList"}, "B": {"type": "Boolean"}}
    name = made(publish("s", "{{ N }} {{ L }} {{ B }}"), parameters=declared)
    given = {"N": 3, "L": ["x", "y"], "B": True}
    run = runs.run(execute("a", name, inputs={"RuntimeParameters": given}))
    assert run.status == "Success"
    assert fake.calls[-1].request["Message"] == '3 ["x", "y"] true'
    assert child_of(run).parameters == {"N": ["3"], "L": ["x", "y"], "B": ["true"]}


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        ({"RuntimeParameters": {"X": "1", "Y": "2"}}, "Undefined execution inputs: Y"),
        ({}, "Missing required parameter: X"),
        ({"RuntimeParameters": {"X": ["1", "2"]}}, "takes one value, not 2"),
        ({"RuntimeParameters": {"X": "1"}, "DocumentVersion": "7"}, "has no version 7"),
        ({"RuntimeParameters": ["X"]}, "RuntimeParameters must be a map"),
    ],
)
def test_what_a_start_refuses_fails_the_step(
    runs: Runs, inputs: dict[str, Any], problem: str
) -> None:
    name = made(publish("s", "{{ X }}"), parameters={"X": {"type": "String"}})
    run = runs.run(execute("a", name, inputs=inputs, maxAttempts=3))
    assert (run.status, step(run, "a").attempt) == ("Failed", 1)
    assert problem in step(run, "a").failure_message
    assert not Execution.objects.filter(parent=run).exists()


def test_a_document_that_is_not_there_fails_the_step(runs: Runs) -> None:
    run = runs.run(execute("a", "Nothing"))
    assert "There is no document Nothing" in run.failure_message


def test_whoever_lost_the_right_meanwhile_starts_nothing(runs: Runs, olivia: User) -> None:
    run = runs.start(sleep("w"), execute("a", made(sleep("s"))))
    runs.work()
    take_rights(olivia)
    runs.drain()
    row = step(run, "a")
    assert (row.status, row.failure_type) == ("Failed", "Permission")
    assert "You may not start" in row.failure_message
    entry = JournalEntry.objects.latest("id")
    assert (entry.granted, entry.person) == (False, olivia)


def test_a_principal_that_is_another_persons_now_starts_nothing(runs: Runs, olivia: User) -> None:
    run = runs.start(sleep("w"), execute("a", made(sleep("s"))))
    runs.work()
    olivia.principals.update(user=make_person("bob"))
    runs.drain()
    assert "is not a principal of olivia any more" in step(run, "a").failure_message


def test_tags_are_put_on_the_child(runs: Runs, olivia: User) -> None:
    policy = olivia.principals.get().policies.get()
    policy.document["Statement"][0]["Action"].append("ssm:AddTagsToResource")
    policy.save()
    tags = [{"Key": "team", "Value": "web"}]
    run = runs.run(execute("a", made(sleep("s")), inputs={"Tags": tags}))
    assert run.status == "Success"
    (tag,) = Tag.objects.filter(resource_id=str(child_of(run).id))
    assert (tag.key, tag.value) == ("team", "web")


def test_a_runbook_that_starts_itself_ends_at_depth_five(runs: Runs) -> None:
    version = make_version(execute("a", "Doc-0"))
    run = lifecycle.start(lifecycle.Start(version, REGION), by=runs.person)
    runs.drain()
    depths = Execution.objects.order_by("depth").values_list("depth", "status")
    assert list(depths) == [(depth, "Failed") for depth in range(6)]
    assert "6 levels below the first execution, and 5 are the limit" in fresh(run).failure_message


def test_the_document_may_be_named_by_its_arn(runs: Runs) -> None:
    name = made(sleep("s"))
    arn = f"arn:aws:ssm:{REGION}:111122223333:document/{name}"
    run = runs.run(execute("a", arn, inputs={"DocumentVersion": "1"}))
    assert (run.status, child_of(run).document_name) == ("Success", name)


@pytest.mark.parametrize("kind", ["Cancel", "Complete"])
def test_a_stop_of_the_parent_cancels_all_below(runs: Runs, kind: str, fake: FakeAws) -> None:
    last = made(sleep("s", "PT9H", onCancel="step:c"), sleep("n"), publish("c", "clean up"))
    run = runs.start(execute("a", made(execute("b", last))))
    runs.work()
    assert Execution.objects.count() == 3
    lifecycle.stop(fresh(run), by=runs.person, kind=kind)
    began = runs.hand.now
    runs.drain()
    below = Execution.objects.exclude(pk=run.pk)
    assert {row.status for row in below} == {"Cancelled"}
    assert {row.stop_deadline for row in below} == {began + timedelta(minutes=2)}
    assert statuses(run) == {"a": "Cancelled"}
    assert [seen.request["Message"] for seen in fake.calls] == ["clean up"]
    assert next_wake() >= NEVER


def test_a_time_out_of_the_step_cancels_the_child(runs: Runs) -> None:
    run = runs.run(execute("a", made(sleep("s", "PT9H")), timeoutSeconds=60))
    assert (run.status, child_of(run).status) == ("TimedOut", "Cancelled")


def test_a_child_that_ended_first_overrules_the_time_out(runs: Runs) -> None:
    run = runs.start(execute("a", made(sleep("s", "PT30S")), timeoutSeconds=60))
    runs.work()
    child = child_of(run)
    runs.hand.move(seconds=30)
    Execution.objects.filter(pk=run.pk).update(wake_at=NEVER)
    Execution.objects.filter(pk=run.pk).update(lease_until=runs.hand.now + timedelta(minutes=2))
    runs.work()  # the child ends, while the parent is held elsewhere
    assert fresh(child).status == "Success"
    runs.hand.move(minutes=5)
    runs.drain()
    assert fresh(run).status == "Success"


def test_a_parent_that_the_engine_gives_up_cancels_its_child(runs: Runs) -> None:
    run = runs.start(execute("a", made(sleep("s", "PT9H"))))
    runs.work()
    Execution.objects.filter(pk=run.pk).update(takeovers=9, wake_at=runs.hand.now)
    runs.drain()
    assert (fresh(run).status, child_of(run).status) == ("Failed", "Cancelled")


def test_a_child_can_be_cancelled_alone(runs: Runs) -> None:
    run = runs.start(execute("a", made(sleep("s", "PT9H")), onFailure="Continue"), sleep("z"))
    runs.work()
    runs.stop(child_of(run))
    runs.drain()
    assert (fresh(run).status, statuses(run)) == ("Success", {"a": "Failed", "z": "Success"})


def test_the_events_of_parent_and_child_are_their_own(runs: Runs) -> None:
    run = runs.run(execute("a", made(sleep("s"))))
    for execution in (run, child_of(run)):
        seqs = list(Event.objects.filter(execution=execution).values_list("seq", flat=True))
        assert seqs == [*range(1, len(seqs) + 1)]
