"""Steps that are declared repeatable: who may declare, for which runs, and what follows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from approvals import facts
from approvals.models import ApprovalRequest
from console.iam.models import User
from executions import aws, lifecycle, sandbox
from executions.errors import BadParameters, NotAllowed
from executions.library import repeats
from executions.models import DocumentVersion, Event, Execution, JournalEntry, RepeatableStep
from tests.approvals.people import make_person
from tests.engine.fake_aws import FakeAws
from tests.engine.runs import REGION, Runs, fresh, make_version, step, told
from tests.engine.steps import approve, change_state, publish
from tests.engine.test_scripts import KEYS, WorkerDied, script

LOST = aws.OutcomeUnknown("connection reset")
WHY = "The receiver drops what it has had."


@pytest.fixture
def ada(runs: Runs) -> User:
    """She may change documents."""
    return make_person("ada", "ssm:UpdateDocument")


@pytest.fixture
def version(runs: Runs) -> DocumentVersion:
    """A document of one step that nothing makes safe to repeat."""
    return make_version(publish("a"))


def start(runs: Runs, version: DocumentVersion) -> Execution:
    return lifecycle.start(lifecycle.Start(version, REGION), by=runs.person)


def run(runs: Runs, version: DocumentVersion) -> Execution:
    execution = start(runs, version)
    runs.drain()
    return fresh(execution)


def test_a_declared_step_is_sent_again(
    runs: Runs, fake: FakeAws, ada: User, version: DocumentVersion
) -> None:
    repeats.declare(version, "a", WHY, by=ada)
    fake.on("Publish", LOST, {"MessageId": "m-2"})
    execution = run(runs, version)
    assert (execution.status, len(fake.made("Publish"))) == ("Success", 2)
    assert told(execution)[3:7] == [
        "step:call a", "step:recovering a", "step:repeating a", "step:call a",
    ]  # fmt: skip
    event = Event.objects.get(execution=execution, kind="step:repeating")
    assert (event.data["declared_by"], event.data["reason"]) == (ada.principal.arn, WHY)  # type: ignore[union-attr]


def test_it_is_sent_a_few_times_and_then_a_person_decides(
    runs: Runs, fake: FakeAws, ada: User, version: DocumentVersion
) -> None:
    repeats.declare(version, "a", WHY, by=ada)
    fake.on("Publish", LOST)
    execution = run(runs, version)
    assert (execution.status, len(fake.made("Publish"))) == ("Waiting", 4)
    unknown = step(execution, "a").unknown
    assert unknown
    assert unknown["reason"].endswith(
        "user/ada declared that the step may be repeated; that was done 3 times."
    )


def test_each_try_waits_until_the_one_before_cannot_arrive(
    runs: Runs, fake: FakeAws, ada: User, version: DocumentVersion, settings: Settings
) -> None:
    repeats.declare(version, "a", WHY, by=ada)
    fake.on("Publish", LOST, {"MessageId": "m-2"})
    run(runs, version)
    first, second = fake.made("Publish")
    assert second.at - first.at >= settings.QUIET_TIME
    assert second.request == first.request


def test_without_a_declaration_a_person_decides(
    runs: Runs, fake: FakeAws, version: DocumentVersion
) -> None:
    fake.on("Publish", LOST)
    assert (run(runs, version).status, len(fake.made("Publish"))) == ("Waiting", 1)


def test_a_run_that_began_before_the_declaration_is_not_repeated(
    runs: Runs, fake: FakeAws, ada: User, version: DocumentVersion
) -> None:
    execution = start(runs, version)
    runs.hand.now += timedelta(seconds=1)
    repeats.declare(version, "a", WHY, by=ada)
    fake.on("Publish", LOST)
    runs.drain()
    assert (fresh(execution).status, len(fake.made("Publish"))) == ("Waiting", 1)


def test_withdrawn_it_is_not_repeated_any_more(
    runs: Runs, fake: FakeAws, ada: User, version: DocumentVersion
) -> None:
    repeats.declare(version, "a", WHY, by=ada)
    execution = start(runs, version)
    repeats.withdraw(version, "a", by=ada)
    fake.on("Publish", LOST)
    runs.drain()
    assert (fresh(execution).status, len(fake.made("Publish"))) == ("Waiting", 1)
    assert [entry.data for entry in JournalEntry.objects.filter(person=ada)] == [
        {"version": 1, "repeatable": "a", "reason": WHY},
        {"version": 1, "repeatable": "a", "withdrawn": True},
    ]


def test_a_declaration_is_of_one_version(ada: User, version: DocumentVersion) -> None:
    repeats.declare(version, "a", WHY, by=ada)
    repeats.declare(version, "a", "Again.", by=ada)
    assert RepeatableStep.objects.get().reason == WHY
    assert not make_version(publish("a")).repeatable_steps.exists()


def test_whoever_may_not_change_the_document_may_not_declare(
    runs: Runs, version: DocumentVersion
) -> None:
    elsewhere = make_person(
        "oscar", "ssm:UpdateDocument", arn="arn:aws:iam::444455556666:user/oscar"
    )
    for person in (runs.person, elsewhere):
        with pytest.raises(NotAllowed, match="ssm:UpdateDocument"):
            repeats.declare(version, "a", WHY, by=person)
        with pytest.raises(NotAllowed, match="ssm:UpdateDocument"):
            repeats.withdraw(version, "a", by=person)
        assert not JournalEntry.objects.filter(person=person).latest("id").granted
    assert not RepeatableStep.objects.exists()


@pytest.mark.parametrize(
    ("name", "reason", "told_"),
    [("b", WHY, "no step b"), ("stop", WHY, "no step stop"), ("a", " \n", "Say why")],
    ids=["absent", "looked up", "no reason"],
)
def test_what_cannot_be_declared(ada: User, name: str, reason: str, told_: str) -> None:
    version = make_version(publish("a"), change_state("stop"))
    with pytest.raises(BadParameters, match=told_):
        repeats.declare(version, name, reason, by=ada)
    assert repeats.candidates(version) == ["a"]


def test_a_declared_script_starts_again_although_it_has_started(
    runs: Runs, ada: User, monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Any
) -> None:
    settings.SCRIPT_SPOOL = tmp_path / "spool"
    monkeypatch.setattr(aws, "lend", lambda *_: KEYS)
    version = make_version(script(payload={"n": 1}))
    repeats.declare(version, "a", WHY, by=ada)
    execution = start(runs, version)

    def die(*_: Any) -> None:
        raise WorkerDied

    with monkeypatch.context() as dying:
        dying.setattr(sandbox, "run", die)
        with pytest.raises(WorkerDied):
            runs.work()
    runs.hand.now += timedelta(minutes=5)
    runs.drain()
    assert fresh(execution).status == "Success"
    assert step(execution, "a").outputs["Payload"] == {"n": 1}
    assert "step:repeating a" in told(execution)


def test_approvers_see_it_and_are_asked_again_if_it_changes(runs: Runs, ada: User) -> None:
    version = make_version(approve("ask", "alice"), publish("a"))
    undeclared = facts_of(runs, version)
    repeats.declare(version, "a", WHY, by=ada)
    seen = facts_of(runs, version)
    assert "repeatable" not in undeclared["steps"][0]
    assert seen["steps"][0]["repeatable"] == {"by": ada.principal.arn, "reason": WHY}  # type: ignore[union-attr]
    assert facts.changes({**undeclared, "targets": []}, seen) == ["execution", "steps"]


def facts_of(runs: Runs, version: DocumentVersion) -> facts.Facts:
    """What the approval of a new run is bound to."""
    found: facts.Facts = ApprovalRequest.objects.get(execution=run(runs, version)).facts
    return found
