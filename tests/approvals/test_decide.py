"""The rules of a decision: who, when, once, and what counts."""

from __future__ import annotations

from uuid import uuid4

import pytest
from pytest_django import Settings

from approvals import decisions
from approvals.models import ApprovalRequest, Decision
from console.iam.models import Principal, User
from executions import lifecycle
from executions.errors import BadParameters, Conflict, NotAllowed, NotFound
from executions.models import Event, Execution, JournalEntry
from executions.states import Status
from tests.approvals.people import (
    ACCOUNT,
    OTHER_ACCOUNT,
    Ask,
    drain,
    make_person,
    take_rights,
    user_arn,
)
from tests.conftest import HandClock

pytestmark = pytest.mark.django_db


def kinds(request: ApprovalRequest) -> list[str]:
    """What the execution's journal tells of approvals."""
    events = Event.objects.filter(execution=request.execution, kind__startswith="approval:")
    return [event.kind for event in events]


def test_an_approver_approves(ask: Ask, alice: User) -> None:
    request = decisions.decide(
        ask("alice").id, by=alice, verdict="Approve", comment=" Checked.\r\n"
    )
    assert request.status == "Approved"
    decision = request.decisions.get()
    assert (decision.person, decision.principal) == (alice, user_arn("alice"))
    assert (decision.comment, decision.digest) == ("Checked.", request.digest)
    assert kinds(request) == ["approval:asked", "approval:vote", "approval:approved"]


def test_a_decision_makes_the_execution_due(ask: Ask, alice: User, hand_clock: HandClock) -> None:
    request = ask("alice")
    assert not Execution.objects.due().exists()
    decisions.decide(request.id, by=alice, verdict="Approve")
    assert Execution.objects.due().get() == request.execution


def test_one_rejection_is_enough(ask: Ask, alice: User, bob: User) -> None:
    request = ask("alice", "bob", required=2)
    decisions.decide(request.id, by=alice, verdict="Approve")
    request = decisions.decide(request.id, by=bob, verdict="Reject", comment="Not on a Friday.")
    assert request.status == "Rejected"
    assert (
        request.ending()
        == "This was rejected on 02 Mar 2026 at 12:00 UTC, by bob: Not on a Friday."
    )
    assert kinds(request)[-1] == "approval:rejected"


def test_as_many_people_as_are_required(ask: Ask, alice: User, bob: User, carol: User) -> None:
    managers = f"arn:aws:iam::{ACCOUNT}:role/ReleaseManagers"
    request = ask("alice", "bob", managers, required=2)
    assert decisions.decide(request.id, by=carol, verdict="Approve").status == "Pending"
    request = decisions.decide(request.id, by=bob, verdict="Approve")
    assert request.status == "Approved"
    with pytest.raises(Conflict, match=r"was approved on .*, by carol and bob"):
        decisions.decide(request.id, by=alice, verdict="Reject")


def test_two_sessions_of_a_role_are_two_people(ask: Ask, carol: User) -> None:
    dan = make_person(
        "dan",
        "ssm:SendAutomationSignal",
        arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/ReleaseManagers/dan",
    )
    request = ask(f"arn:aws:iam::{ACCOUNT}:role/ReleaseManagers", "bob", required=2)
    decisions.decide(request.id, by=carol, verdict="Approve")
    assert decisions.decide(request.id, by=dan, verdict="Approve").status == "Approved"


def test_one_person_as_two_principals_is_one(ask: Ask, alice: User) -> None:
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/Ops/alice"
    second = Principal.objects.create(arn=session, user=alice)
    second.policies.set(alice.principals.first().policies.all())  # type: ignore[union-attr]
    request = ask("alice", session, required=2)
    decisions.decide(request.id, by=alice, verdict="Approve")
    assert alice.act_as(session)
    with pytest.raises(Conflict, match=r"You decided already\. You approved this on 02 Mar 2026"):
        decisions.decide(request.id, by=alice, verdict="Approve")
    assert ApprovalRequest.objects.get().approved_count == 1


@pytest.mark.parametrize("second", ["Approve", "Reject"])
def test_a_decision_stands(ask: Ask, alice: User, second: str) -> None:
    request = ask("alice", "bob", required=2)
    decisions.decide(request.id, by=alice, verdict="Approve")
    with pytest.raises(Conflict, match=r"You decided already\. You approved this"):
        decisions.decide(request.id, by=alice, verdict=second)
    assert Decision.objects.count() == 1


def test_a_double_click_is_told_the_same_after_the_end(ask: Ask, alice: User) -> None:
    request = ask("alice")
    decisions.decide(request.id, by=alice, verdict="Approve")
    with pytest.raises(Conflict, match=r"You decided already\. You approved this"):
        decisions.decide(request.id, by=alice, verdict="Approve")


def test_the_starter_has_no_vote(ask: Ask, olivia: User) -> None:
    request = ask("olivia", "alice")
    for verdict in Decision.Verdict.values:
        with pytest.raises(NotAllowed, match="olivia started this execution"):
            decisions.decide(request.id, by=olivia, verdict=verdict)
    assert not Decision.objects.exists()


def test_the_starter_has_no_vote_as_another_principal(ask: Ask, olivia: User) -> None:
    session = f"arn:aws:sts::{OTHER_ACCOUNT}:assumed-role/Operators/olivia"
    second = Principal.objects.create(arn=session, user=olivia)
    second.policies.set(olivia.principals.first().policies.all())  # type: ignore[union-attr]
    request = ask(session)
    assert olivia.act_as(session)
    with pytest.raises(NotAllowed, match="olivia started this execution"):
        decisions.decide(request.id, by=olivia, verdict="Approve")


def test_a_starter_may_approve_where_that_is_allowed(
    ask: Ask, olivia: User, settings: Settings
) -> None:
    settings.STARTER_MAY_APPROVE = True
    request = ask("olivia")
    assert decisions.decide(request.id, by=olivia, verdict="Approve").status == "Approved"


def test_being_allowed_is_not_being_named(ask: Ask, victor: User) -> None:
    request = ask("alice")
    with pytest.raises(NotAllowed, match="user/victor is not among the approvers"):
        decisions.decide(request.id, by=victor, verdict="Approve")


def test_being_a_superuser_is_not_being_named(ask: Ask, victor: User) -> None:
    victor.is_superuser = victor.is_staff = True
    victor.save()
    with pytest.raises(NotAllowed, match="not among the approvers"):
        decisions.decide(ask("alice").id, by=victor, verdict="Approve")


def test_being_named_is_not_being_allowed(ask: Ask, alice: User) -> None:
    request = ask("alice")
    take_rights(alice)
    with pytest.raises(NotAllowed, match="do not allow ssm:SendAutomationSignal"):
        decisions.decide(request.id, by=alice, verdict="Approve")


def test_a_stranger_hears_of_nothing(ask: Ask, mallory: User, alice: User) -> None:
    request = ask("alice")
    with pytest.raises(NotFound):
        decisions.decide(request.id, by=mallory, verdict="Approve")
    decisions.decide(request.id, by=alice, verdict="Approve")
    with pytest.raises(NotFound):
        decisions.decide(request.id, by=mallory, verdict="Approve")


def test_there_is_no_such_request(alice: User) -> None:
    with pytest.raises(NotFound):
        decisions.decide(uuid4(), by=alice, verdict="Approve")


def test_someone_deactivated_meanwhile_has_no_vote(ask: Ask, alice: User) -> None:
    request = ask("alice")
    User.objects.filter(pk=alice.pk).update(is_active=False)
    with pytest.raises(NotAllowed, match="alice cannot act as"):
        decisions.decide(request.id, by=alice, verdict="Approve")


@pytest.mark.parametrize("lose", ["rights", "account", "principal"])
def test_approvals_of_people_who_lost_their_right_do_not_count(
    ask: Ask, alice: User, bob: User, carol: User, lose: str
) -> None:
    request = ask("alice", "bob", f"arn:aws:iam::{ACCOUNT}:role/ReleaseManagers", required=2)
    decisions.decide(request.id, by=alice, verdict="Approve")
    if lose == "rights":
        take_rights(alice)
    elif lose == "account":
        User.objects.filter(pk=alice.pk).update(is_active=False)
    else:
        Principal.objects.filter(user=alice).update(user=bob)
    assert decisions.decide(request.id, by=bob, verdict="Approve").status == "Pending"
    assert decisions.decide(request.id, by=carol, verdict="Approve").status == "Approved"


@pytest.mark.parametrize(
    ("verdict", "comment", "field"),
    [
        ("approve", "", "verdict"),
        ("Deny", "", "verdict"),
        ("", "", "verdict"),
        ("Approve", "x" * 1001, "comment"),
        ("Reject", "nul\x00", "comment"),
    ],
)
def test_what_cannot_be_used_is_refused(
    ask: Ask, alice: User, verdict: str, comment: str, field: str
) -> None:
    request = ask("alice")
    with pytest.raises(BadParameters) as refused:
        decisions.decide(request.id, by=alice, verdict=verdict, comment=comment)
    assert set(refused.value.fields) == {field}
    assert not Decision.objects.exists()


def test_lines_of_a_comment_count_as_they_were_typed(ask: Ask, alice: User) -> None:
    comment = "\r\n".join(["x" * 99] * 10)
    decisions.decide(ask("alice").id, by=alice, verdict="Approve", comment=comment)
    assert len(Decision.objects.get().comment) == 999


def test_too_late(ask: Ask, alice: User, hand_clock: HandClock) -> None:
    request = ask("alice")
    hand_clock.move(days=7)
    with pytest.raises(Conflict, match="was up on 09 Mar 2026 at 12:00 UTC"):
        decisions.decide(request.id, by=alice, verdict="Approve")
    drain()
    with pytest.raises(Conflict, match="was up on 09 Mar 2026"):
        decisions.decide(request.id, by=alice, verdict="Approve")


def test_just_in_time(ask: Ask, alice: User, hand_clock: HandClock) -> None:
    request = ask("alice")
    hand_clock.move(days=7, microseconds=-1)
    assert decisions.decide(request.id, by=alice, verdict="Approve").status == "Approved"


def test_a_run_that_is_being_cancelled_takes_no_decision(
    ask: Ask, alice: User, olivia: User
) -> None:
    request = ask("alice")
    lifecycle.stop(request.execution, by=olivia)
    with pytest.raises(Conflict, match="it is Cancelling"):
        decisions.decide(request.id, by=alice, verdict="Approve")
    drain()
    with pytest.raises(Conflict, match="was cancelled on 02 Mar 2026"):
        decisions.decide(request.id, by=alice, verdict="Approve")


def test_a_run_that_has_ended_takes_no_decision(ask: Ask, alice: User) -> None:
    request = ask("alice")
    Execution.objects.update(status=Status.FAILED)
    with pytest.raises(Conflict, match="it is Failed"):
        decisions.decide(request.id, by=alice, verdict="Approve")


def test_everything_asked_for_is_journalled(ask: Ask, alice: User, victor: User) -> None:
    request = ask("alice")
    with pytest.raises(NotAllowed):
        decisions.decide(request.id, by=victor, verdict="Approve", comment="Me too.")
    decisions.decide(request.id, by=alice, verdict="Approve")
    refused, granted = JournalEntry.objects.filter(action="ssm:SendAutomationSignal")
    assert (refused.person, refused.granted) == (victor, False)
    assert "not among the approvers" in refused.reason
    assert refused.data["comment"] == "Me too."
    assert (granted.person, granted.granted) == (alice, True)
    assert granted.resource == request.execution.arn


def test_decisions_are_append_only(ask: Ask, alice: User) -> None:
    request = ask("alice")
    decisions.decide(request.id, by=alice, verdict="Approve")
    decision = Decision.objects.get()
    decision.comment = "What I meant to say."
    with pytest.raises(TypeError):
        decision.save()
    with pytest.raises(TypeError):
        Decision.objects.all().delete()
    with pytest.raises(TypeError):
        Decision.objects.update(verdict="Reject")
