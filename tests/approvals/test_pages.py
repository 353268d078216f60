"""The inbox and the request's page: who sees what, and what a click does."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from approvals import decisions
from approvals.models import ApprovalRequest
from console.iam.middleware import SESSION_KEY
from console.iam.models import Principal, User
from executions import aws, lifecycle
from executions.models import Account
from tests.approvals.people import (
    ACCOUNT,
    INSTANCE,
    OTHER_ACCOUNT,
    READ,
    ROLE,
    Ask,
    drain,
    make_person,
)
from tests.conftest import HandClock

pytestmark = pytest.mark.django_db

INBOX = "/approvals/"


@pytest.fixture
def visit(client: Client, settings: Settings, tmp_path: Path) -> Client:
    """A browser in which nobody is signed in yet."""
    return client


def page_of(request: ApprovalRequest) -> str:
    """The request's address."""
    return reverse("approval", args=[request.id])


def post(
    client: Client, request: ApprovalRequest, verdict: str, comment: str = ""
) -> tuple[int, str]:
    """Press a button: the status and the text of the page that answers."""
    data = {"verdict": verdict, "comment": comment}
    response = client.post(page_of(request), data, follow=True)
    return response.status_code, response.content.decode()


def waiting(user: User) -> list[ApprovalRequest]:
    """What waits for the person."""
    return list(ApprovalRequest.objects.waiting_for(user))


def test_addresses() -> None:
    assert reverse("approvals") == INBOX
    some_id = uuid4()
    assert reverse("approval", args=[some_id]) == f"/approvals/{some_id}/"


def test_nobody_is_let_in_without_signing_in(ask: Ask, visit: Client) -> None:
    request = ask("alice")
    for path in (INBOX, page_of(request)):
        assert visit.get(path).headers["Location"].startswith("/accounts/login/")
    visit.post(page_of(request), {"verdict": "Approve"})
    request.refresh_from_db()
    assert request.status == "Pending"


def test_approving_in_the_browser(ask: Ask, alice: User, visit: Client) -> None:
    request = ask("alice", "bob", required=2, message="Stop <b>it</b>?")
    visit.force_login(alice)
    assert page_of(request) in visit.get(INBOX).content.decode()
    page = visit.get(page_of(request)).content.decode()
    for part in ("olivia", "Doc-0", "Production", INSTANCE, request.digest, "0 of 2", "eu-west-1"):
        assert part in page
    assert "Stop &lt;b&gt;it&lt;/b&gt;?" in page
    status, page = post(visit, request, "Approve", "Looks right.")
    assert status == 200
    assert "1 of 2 approvals are given" in page
    assert "Looks right." in page
    assert page_of(request) not in visit.get(INBOX).content.decode()
    assert page_of(request) in visit.get(INBOX, {"tab": "decided"}).content.decode()


@pytest.mark.parametrize(
    ("verdict", "said"), [("Approve", "the execution goes on"), ("Reject", "You rejected")]
)
def test_the_last_word(ask: Ask, alice: User, visit: Client, verdict: str, said: str) -> None:
    request = ask("alice")
    visit.force_login(alice)
    assert said in post(visit, request, verdict)[1]
    request.refresh_from_db()
    assert request.status == {"Approve": "Approved", "Reject": "Rejected"}[verdict]


def test_looking_changes_nothing(ask: Ask, alice: User, visit: Client) -> None:
    request = ask("alice")
    visit.force_login(alice)
    assert visit.get(page_of(request), {"verdict": "Approve"}).status_code == 200
    assert visit.head(page_of(request)).status_code == 200
    assert visit.put(page_of(request)).status_code == 405
    request.refresh_from_db()
    assert (request.status, request.decisions.count()) == ("Pending", 0)


def test_a_forged_form_is_refused(ask: Ask, alice: User, visit: Client) -> None:
    request = ask("alice")
    visit.handler.enforce_csrf_checks = True
    visit.force_login(alice)
    assert visit.post(page_of(request), {"verdict": "Approve"}).status_code == 403
    assert not request.decisions.exists()


def test_a_stranger_finds_nothing(ask: Ask, mallory: User, visit: Client) -> None:
    request = ask("alice")
    visit.force_login(mallory)
    assert visit.get(page_of(request)).status_code == 404
    assert post(visit, request, "Approve")[0] == 404
    assert visit.get(reverse("approval", args=[uuid4()])).status_code == 404
    assert page_of(request) not in visit.get(INBOX).content.decode()
    assert not request.decisions.exists()


def test_the_starter_looks_on(ask: Ask, olivia: User, visit: Client) -> None:
    request = ask("olivia", "alice")
    visit.force_login(olivia)
    assert not waiting(olivia)
    page = visit.get(page_of(request)).content.decode()
    assert "olivia started this execution" in page
    assert 'name="verdict"' not in page
    status, page = post(visit, request, "Approve", "It is mine.")
    assert status == 403
    assert "olivia started this execution" in page
    assert "It is mine." in page


def test_whoever_sees_the_run_looks_on(ask: Ask, visit: Client) -> None:
    request = ask("alice")
    visit.force_login(make_person("vera", *READ))
    page = visit.get(page_of(request)).content.decode()
    assert "user/vera is not among the approvers" in page
    assert 'name="verdict"' not in page
    assert post(visit, request, "Reject")[0] == 403


def test_a_starter_without_any_right_left_still_sees_the_request(
    ask: Ask, olivia: User, visit: Client
) -> None:
    request = ask("alice")
    Principal.objects.filter(user=olivia).delete()
    visit.force_login(olivia)
    assert visit.get(page_of(request)).status_code == 200


def test_an_approver_of_another_account(ask: Ask, visit: Client) -> None:
    arn = f"arn:aws:iam::{OTHER_ACCOUNT}:user/wanda"
    request = ask(arn)
    visit.force_login(make_person("wanda", "ssm:SendAutomationSignal", arn=arn))
    page = visit.get(page_of(request)).content.decode()
    assert "<b>Production</b>" in page
    assert "goes on" in post(visit, request, "Approve")[1]


def test_only_the_principal_one_acts_as_counts(ask: Ask, alice: User, visit: Client) -> None:
    other = Principal.objects.create(arn=f"arn:aws:iam::{OTHER_ACCOUNT}:user/alice", user=alice)
    request = ask("alice")
    visit.force_login(alice)
    session = visit.session
    session[SESSION_KEY] = other.arn
    session.save()
    assert page_of(request) not in visit.get(INBOX).content.decode()
    assert post(visit, request, "Approve")[0] == 404


def test_too_late_keeps_what_was_typed(ask: Ask, alice: User, bob: User, visit: Client) -> None:
    request = ask("alice", "bob")
    decisions.decide(request.id, by=bob, verdict="Reject", comment="No.")
    visit.force_login(alice)
    status, page = post(visit, request, "Approve", "All my <thoughts>.")
    assert status == 409
    assert "This was rejected on 02 Mar 2026 at 12:00 UTC, by bob: No." in page
    assert "All my &lt;thoughts&gt;." in page


def test_deciding_twice(ask: Ask, alice: User, visit: Client) -> None:
    request = ask("alice", "bob", required=2)
    visit.force_login(alice)
    post(visit, request, "Approve")
    assert "You decided already." in visit.get(page_of(request)).content.decode()
    status, page = post(visit, request, "Approve")
    assert (status, "You decided already. You approved this" in page) == (409, True)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"verdict": ""}, "Choose Approve or Reject."),
        ({"verdict": "Maybe"}, "Choose Approve or Reject."),
        ({"verdict": "Approve", "comment": "x" * 1001}, "1001 characters; 1000 are the limit"),
        ({"verdict": "Approve", "comment": "\x00"}, "is no text (NUL)"),
    ],
    ids=["no verdict", "no such verdict", "long comment", "no text"],
)
def test_bad_input(
    ask: Ask, alice: User, visit: Client, typed: dict[str, str], message: str
) -> None:
    request = ask("alice")
    visit.force_login(alice)
    status, page = post(visit, request, **typed)
    assert status == 400
    assert message in page
    assert not request.decisions.exists()


def test_the_present_state_of_targets(
    ask: Ask, alice: User, visit: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    Account.objects.create(
        account_id=ACCOUNT, name="Production", regions=["eu-west-1"], role_arn=ROLE
    )
    instance = {"InstanceId": INSTANCE, "State": {"Name": "running"}}
    monkeypatch.setattr(aws, "call", lambda *_: {"Reservations": [{"Instances": [instance]}]})
    request = ask("alice")
    instance["State"] = {"Name": "stopping"}
    visit.force_login(alice)
    context = visit.get(page_of(request)).context
    (target,) = context["targets"]
    assert (target["was"], target["state"]) == ("running", "stopping")
    assert context["targets_problem"] == ""


def test_a_state_that_cannot_be_read_is_said(ask: Ask, alice: User, visit: Client) -> None:
    request = ask("alice")
    visit.force_login(alice)
    page = visit.get(page_of(request)).content.decode()
    assert "Their present state could not be read. Account 111122223333 has no role" in page


def test_what_waits_for_whom(
    ask: Ask, alice: User, bob: User, carol: User, hand_clock: HandClock
) -> None:
    both = ask("alice", "bob", required=2)
    hand_clock.move(hours=-1)
    urgent = ask("alice")
    by_role = ask(f"arn:aws:iam::{ACCOUNT}:role/ReleaseManagers")
    assert waiting(alice) == [urgent, both]
    assert waiting(bob) == [both]
    assert waiting(carol) == [by_role]
    assert waiting(make_person("mallory")) == []
    decisions.decide(both.id, by=alice, verdict="Approve")
    assert waiting(alice) == [urgent]


@pytest.mark.parametrize("end", ["approve", "time", "cancel"])
def test_what_has_ended_waits_for_nobody(
    ask: Ask, alice: User, bob: User, hand_clock: HandClock, end: str
) -> None:
    request = ask("alice", "bob")
    olivia = request.execution.started_by
    if end == "approve":
        decisions.decide(request.id, by=bob, verdict="Approve")
    elif end == "time":
        hand_clock.move(days=7)
    else:
        lifecycle.stop(request.execution, by=olivia)
    assert waiting(alice) == []
    drain()
    assert waiting(alice) == []
    assert list(ApprovalRequest.objects.settled_for(alice)) == [request]
    assert list(ApprovalRequest.objects.settled_for(olivia)) == [request]


def count_queries(client: Client) -> int:
    """How many queries the inbox takes."""
    with CaptureQueriesContext(connection) as queries:
        client.get(INBOX)
    return len(queries)


def test_the_inbox_takes_as_many_queries_for_ten_as_for_one(
    ask: Ask, alice: User, visit: Client
) -> None:
    visit.force_login(alice)
    ask("alice")
    for_one = count_queries(visit)
    for _ in range(9):
        ask("alice")
    assert len(waiting(alice)) == 10
    assert count_queries(visit) == for_one
