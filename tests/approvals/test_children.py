"""What an approval is bound to where steps repeat, and where they start other runbooks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from approvals import decisions
from approvals.facts import Facts, changes
from approvals.models import ApprovalRequest
from console.iam.models import User
from executions import library, lifecycle
from executions.library import changes as library_changes
from executions.models import Account, Document, Execution
from tests.approvals.people import ACCOUNT, DECIDE, RUN, drain, make_person
from tests.conftest import HandClock

pytestmark = pytest.mark.django_db
APPROVE = {"name": "ask", "action": "aws:approve", "inputs": {"Approvers": ["alice"]}}
START = (*RUN, "ssm:StartAutomationExecution", "iam:PassRole", "ssm:*Document*")


def sleep(name: str, duration: str = "PT0S") -> dict[str, Any]:
    return {"name": name, "action": "aws:sleep", "inputs": {"Duration": duration}}


@pytest.fixture
def olivia() -> User:
    """She starts runs and saves documents."""
    role = f"arn:aws:iam::{ACCOUNT}:role/CountersignExecution"
    Account.objects.create(
        account_id=ACCOUNT, name="Production", regions=["eu-west-1"], role_arn=role
    )
    return make_person("olivia", *START)


def make(olivia: User, name: str, *steps: dict[str, Any]) -> Document:
    text = json.dumps({"schemaVersion": "0.3", "mainSteps": steps})
    return library.create(name, library.Draft(text, "JSON"), by=olivia).document


def ask(olivia: User, *steps: dict[str, Any]) -> ApprovalRequest:
    """The request of a run of these steps."""
    document = make(olivia, "Asking", *steps)
    version = library_changes.find_version(document, by=olivia)
    lifecycle.start(lifecycle.Start(version, "eu-west-1"), by=olivia)
    drain()
    return ApprovalRequest.objects.get()


def facts_of(request: ApprovalRequest) -> Facts:
    return dict(request.facts)


def test_the_text_of_what_will_be_started_is_bound(olivia: User) -> None:
    make(olivia, "Inner", sleep("wait"))
    step = {
        "name": "run",
        "action": "aws:executeAutomation",
        "inputs": {"DocumentName": "Inner"},
    }
    (described,) = facts_of(ask(olivia, APPROVE, step))["steps"]
    assert described["starts"]["document"] == "Inner"
    assert described["starts"]["version"] == 1
    assert len(described["starts"]["sha256"]) == 64


def test_another_default_version_is_another_fact(olivia: User) -> None:
    inner = make(olivia, "Inner", sleep("wait"))
    step = {
        "name": "run",
        "action": "aws:executeAutomation",
        "inputs": {"DocumentName": "Inner"},
    }
    asked = facts_of(ask(olivia, APPROVE, step))
    text = json.dumps({"schemaVersion": "0.3", "mainSteps": [sleep("longer", "PT1S")]})
    library.save_version(inner, library.Draft(text, "JSON"), by=olivia)
    Document.objects.filter(pk=inner.pk).update(default_version=2)
    ApprovalRequest.objects.all().delete()
    Document.objects.filter(name="Asking").update(name="Asked")
    now = facts_of(ask(olivia, APPROVE, step))
    assert "steps" in changes(asked, now)
    assert now["steps"][0]["starts"]["version"] == 2


@pytest.mark.parametrize("changes_meanwhile", [True, False])
def test_only_the_text_that_was_approved_is_started(
    olivia: User, hand_clock: HandClock, changes_meanwhile: bool
) -> None:
    """Also if it changes after the approval, while the run sleeps."""
    inner = make(olivia, "Inner", sleep("wait"))
    step = {"name": "run", "action": "aws:executeAutomation", "inputs": {"DocumentName": "Inner"}}
    request = ask(olivia, APPROVE, sleep("later", "PT1H"), step)
    decisions.decide(request.pk, by=make_person("alice", *DECIDE), verdict="Approve")
    drain()
    if changes_meanwhile:
        text = json.dumps({"schemaVersion": "0.3", "mainSteps": [sleep("longer", "PT1S")]})
        library.save_version(inner, library.Draft(text, "JSON"), by=olivia)
        Document.objects.filter(pk=inner.pk).update(default_version=2)
    hand_clock.move(hours=1)
    drain()
    run = Execution.objects.get(document_name="Asking")
    assert run.children.exists() is not changes_meanwhile
    if changes_meanwhile:
        assert run.status == "Failed"
        assert "is not the text that was approved for step run" in run.failure_message


def test_a_runbook_that_is_not_known_yet_is_bound_as_written(olivia: User) -> None:
    inputs = {"DocumentName": "{{ nothing.Yet }}"}
    step = {"name": "run", "action": "aws:executeAutomation", "inputs": inputs}
    before = {"name": "nothing", **{k: v for k, v in sleep("x").items() if k != "name"}}
    (described,) = facts_of(ask(olivia, before, APPROVE, step))["steps"]
    assert described == {"name": "run", "action": "aws:executeAutomation", "inputs": inputs}


def test_the_passes_to_come_are_bound_too(olivia: User) -> None:
    value = "{{ each.CurrentIteratorValue }}"
    body = [sleep("first", f"PT0{value}S"), APPROVE, sleep("last", f"PT{value}S")]
    loop = {
        "name": "each",
        "action": "aws:loop",
        "inputs": {"Iterators": ["0", "1"], "Steps": body},
    }
    steps = facts_of(ask(olivia, sleep("before"), loop, sleep("after")))["steps"]
    assert [(step["name"], step["inputs"].get("Duration")) for step in steps] == [
        ("last", "PT0S"),
        ("after", "PT0S"),
        ("each", None),
        ("first", f"PT0{value}S"),
    ]
