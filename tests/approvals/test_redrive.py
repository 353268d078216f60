"""Approving a run that keeps steps of an earlier one: asked anew, told what is kept, by others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from approvals import decisions
from approvals import history as approvals_history
from approvals.facts import digest
from approvals.models import ApprovalRequest
from console.iam.models import User
from executions import earlier, history, lifecycle, redrive
from executions.errors import NotAllowed
from executions.models import Account, Document, DocumentVersion, Execution, StepExecution
from tests.approvals.people import ACCOUNT, DECIDE, READ, ROLE, RUN, drain, make_person
from tests.conftest import HandClock

pytestmark = pytest.mark.django_db
NOBODY = "ask succeeded, and nobody approved it"
START = (*RUN, "ssm:StartAutomationExecution", "iam:PassRole")


def sleep(name: str, duration: str, **step: Any) -> dict[str, Any]:
    return {"name": name, "action": "aws:sleep", "inputs": {"Duration": duration}, **step}


@pytest.fixture
def olivia(hand_clock: HandClock) -> User:
    """She starts runs, and is named as an approver too."""
    Account.objects.create(
        account_id=ACCOUNT, name="Production", regions=["eu-west-1"], role_arn=ROLE
    )
    return make_person("olivia", *START)


@pytest.fixture
def bob() -> User:
    """He may start, and approve."""
    return make_person("bob", *START)


@pytest.fixture
def run(olivia: User, bob: User, alice: User) -> Execution:
    """alice approved it; then `rests` was done and `fails` failed."""
    ask = {
        "name": "ask",
        "action": "aws:approve",
        "inputs": {"Approvers": ["alice", "bob", "olivia"], "MinRequiredApprovals": 1},
    }
    steps = [sleep("before", "PT0S"), ask, sleep("rests", "PT0S"), sleep("fails", "nonsense")]
    run = lifecycle.start(lifecycle.Start(make_version("Asking", *steps), "eu-west-1"), by=olivia)
    drain()
    approve(run, alice)
    return Execution.objects.get(pk=run.pk)


def make_version(name: str, *steps: dict[str, Any]) -> DocumentVersion:
    text = json.dumps({"schemaVersion": "0.3", "mainSteps": steps})
    document = Document.objects.create(owner=ACCOUNT, name=name)
    return DocumentVersion.objects.create(
        document=document, number=1, content=text, format="JSON", sha256="0" * 64
    )


def request_of(run: Execution) -> ApprovalRequest:
    return ApprovalRequest.objects.get(execution=run)


def approve(run: Execution, person: User) -> None:
    decisions.decide(request_of(run).pk, by=person, verdict="Approve")
    drain()


def again(run: Execution, by: User) -> Execution:
    made = redrive.start(run.pk, by=by)
    drain()
    return made


def kept(run: Execution) -> list[str]:
    return [row.name for row in run.steps.exclude(kept_from=None)]


def test_nothing_after_the_gate_is_kept_before_it_is_passed_again(
    run: Execution, olivia: User, alice: User
) -> None:
    redone = again(run, olivia)
    assert kept(redone) == ["before"]
    assert request_of(redone).status == "Pending"
    approve(redone, alice)
    assert kept(redone) == ["before", "rests"]


def test_a_gate_that_is_kept_is_seen(
    run: Execution, olivia: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: were approvals kept like other steps, nobody would be asked."""
    monkeypatch.setattr(earlier, "ANEW", earlier.ANEW - {"aws:approve"})
    redone = again(run, olivia)
    assert kept(redone) == ["before", "ask", "rests"]
    monkeypatch.undo()
    said = [*history.problems(redone), *approvals_history.problems(redone)]
    assert said[-2:] == ["ask is kept, and was to be done anew", NOBODY]


def test_the_digest_covers_what_is_kept(run: Execution, olivia: User) -> None:
    facts = request_of(again(run, olivia)).facts
    assert "again" not in request_of(run).facts
    assert facts["again"]["execution"] == str(run.pk)
    assert facts["again"]["begins_at"] == "fails"
    assert "nonsense" in facts["again"]["because"]
    assert [step["name"] for step in facts["again"]["kept"]] == ["before", "rests"]
    changed = json.loads(json.dumps(facts))
    changed["again"]["kept"][1]["outputs"] = {"Id": "another"}
    assert digest(changed) != digest(facts)


def test_what_is_kept_must_be_so_when_the_run_goes_on(
    run: Execution, olivia: User, alice: User
) -> None:
    """The record of what was approved is compared with what there is to keep then."""
    request = request_of(again(run, olivia))
    facts = {**request.facts, "again": {**request.facts["again"], "kept": []}}
    ApprovalRequest.objects.filter(pk=request.pk).update(facts=facts, digest=digest(facts))
    approve(request.execution, alice)
    step = StepExecution.objects.get(pk=request.step_id)
    assert step.status == "Failed"
    assert "again changed after the request was made" in step.failure_message


def test_neither_who_ran_it_again_nor_who_chose_it_first_decides(
    run: Execution, olivia: User, bob: User, alice: User
) -> None:
    redone = again(run, bob)
    for person, which in ((bob, "this execution"), (olivia, "the one that is run again here")):
        with pytest.raises(NotAllowed, match=f"started {which}, and"):
            approve(redone, person)
        waiting = ApprovalRequest.objects.waiting_for(person)
        assert not waiting.filter(execution=redone).exists()
    assert ApprovalRequest.objects.waiting_for(alice).filter(execution=redone).exists()
    approve(redone, alice)
    assert request_of(redone).status == "Approved"


def test_who_chose_it_first_does_not_decide_in_the_runs_that_its_steps_start(
    run: Execution, olivia: User, bob: User, alice: User
) -> None:
    starts = {"name": "starts", "action": "aws:executeAutomation"}
    outer = make_version("Outer", starts | {"inputs": {"DocumentName": "Asking"}})
    first = lifecycle.start(lifecycle.Start(outer, "eu-west-1"), by=olivia)
    drain()
    approve(Execution.objects.get(parent=first), alice)
    inner = Execution.objects.get(parent=again(first, bob))
    with pytest.raises(NotAllowed, match="olivia started the one that is run again here"):
        approve(inner, olivia)
    assert not ApprovalRequest.objects.waiting_for(olivia).filter(execution=inner).exists()
    assert (inner.origin, inner.named_id, inner.redrive_of) == (first, inner.pk, None)
    approve(inner, alice)
    assert request_of(inner).status == "Approved"
    assert list(history.problems(Execution.objects.get(pk=inner.pk))) == []


def test_history_names_a_decision_of_who_chose_it_first(
    run: Execution, olivia: User, bob: User, settings: Settings
) -> None:
    redone = again(run, bob)
    settings.STARTER_MAY_APPROVE = True
    approve(redone, olivia)
    settings.STARTER_MAY_APPROVE = False
    (said,) = approvals_history.problems(Execution.objects.get(pk=redone.pk))
    assert "olivia, who started the execution" in said
    assert list(history.problems(Execution.objects.get(pk=redone.pk))) == []


@pytest.mark.parametrize("who", ["alice", "olivia", "mallory"])
def test_the_page_says_what_is_kept_to_those_who_may_see_it(
    run: Execution, olivia: User, alice: User, mallory: User, who: str
) -> None:
    redone = again(run, olivia)
    client = Client()
    client.force_login({"alice": alice, "olivia": olivia, "mallory": mallory}[who])
    answer = client.get(f"/approvals/{request_of(redone).pk}/")
    if who == "mallory":
        assert answer.status_code == 404
        return
    page = answer.content.decode()
    assert "again from <b>fails</b>" in page
    assert "What is kept" in page
    assert "It ended there: " in page
    assert f"/executions/{run.pk}/" in page


def test_a_reader_may_not_run_it_again(run: Execution) -> None:
    with pytest.raises(NotAllowed):
        redrive.start(run.pk, by=make_person("reader", *READ, *DECIDE))
    assert Execution.objects.count() == 1
