"""Starting: what is accepted, what is refused, and what a refusal leaves behind."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from console.iam.models import User
from executions import lifecycle
from executions.errors import BadParameters, Conflict, NotAllowed
from executions.models import Account, Event, Execution, JournalEntry, Signal, StepExecution
from tests.approvals.people import make_person
from tests.engine.fake_aws import FakeAws
from tests.engine.runs import ACCOUNT, REGION, WORKER_ROLE, Runs, fresh, make_version, step
from tests.engine.steps import publish

OTHER_ROLE = f"arn:aws:iam::{ACCOUNT}:role/Patching"
WORD = {"Word": {"type": "String"}}
ROLE = {"AutomationAssumeRole": {"type": "String"}}


@pytest.fixture
def request_of(runs: Runs) -> lifecycle.Start:
    """A request with a parameter and a client token."""
    version = make_version(publish("a", "{{ Word }}"), parameters=WORD)
    return lifecycle.Start(version, REGION, {"Word": ["hello"]}, client_token="token-1")


def only_a_journal_entry() -> JournalEntry:
    """The one thing that a refusal leaves."""
    for model in (Execution, StepExecution, Event, Signal):
        assert not model._default_manager.exists()
    return JournalEntry.objects.get()


def test_the_same_token_gives_the_same_run(request_of: lifecycle.Start, olivia: User) -> None:
    first = lifecycle.start(request_of, by=olivia)
    second = lifecycle.start(request_of, by=olivia)
    assert first.pk == second.pk
    assert Execution.objects.count() == 1
    assert Event.objects.filter(kind="execution:accepted").count() == 1


def test_the_same_token_gives_the_same_run_when_it_has_ended(
    runs: Runs, request_of: lifecycle.Start, olivia: User
) -> None:
    first = lifecycle.start(request_of, by=olivia)
    runs.drain()
    assert lifecycle.start(request_of, by=olivia).pk == first.pk


def test_a_token_with_other_parameters_is_refused(
    request_of: lifecycle.Start, olivia: User
) -> None:
    lifecycle.start(request_of, by=olivia)
    with pytest.raises(Conflict) as refused:
        lifecycle.start(replace(request_of, parameters={"Word": ["bye"]}), by=olivia)
    assert refused.value.code == "IdempotentParameterMismatch"
    assert Execution.objects.count() == 1


def test_tokens_of_two_people_do_not_meet(request_of: lifecycle.Start, olivia: User) -> None:
    other = make_person("oscar", "ssm:StartAutomationExecution")
    assert lifecycle.start(request_of, by=olivia).pk != lifecycle.start(request_of, by=other).pk


@pytest.mark.parametrize("token", [None, ""])
def test_starts_without_a_token_are_many(
    request_of: lifecycle.Start, olivia: User, token: str | None
) -> None:
    for _ in range(2):
        lifecycle.start(replace(request_of, client_token=token), by=olivia)
    assert Execution.objects.count() == 2


@pytest.mark.parametrize(
    ("parameters", "field"),
    [({}, "Word"), ({"Word": ["a", "b"]}, "Word"), ({"Word": ["a"], "Colour": ["red"]}, "")],
)
def test_bad_parameters_leave_a_journal_entry_and_nothing_else(
    request_of: lifecycle.Start, olivia: User, parameters: dict[str, list[str]], field: str
) -> None:
    with pytest.raises(BadParameters) as refused:
        lifecycle.start(replace(request_of, parameters=parameters), by=olivia)
    assert list(refused.value.fields) == [field]
    entry = only_a_journal_entry()
    assert (entry.granted, entry.person, entry.reason) == (False, olivia, refused.value.message)


def test_a_region_that_is_not_the_accounts_is_refused(
    request_of: lifecycle.Start, olivia: User
) -> None:
    with pytest.raises(BadParameters):
        lifecycle.start(replace(request_of, region="us-west-2"), by=olivia)
    assert not only_a_journal_entry().granted


def test_a_person_without_the_right_is_refused(request_of: lifecycle.Start) -> None:
    with pytest.raises(NotAllowed):
        lifecycle.start(request_of, by=make_person("victor", "ssm:GetAutomationExecution"))
    assert not only_a_journal_entry().granted


def test_a_person_of_an_account_that_is_not_connected_is_refused(
    request_of: lifecycle.Start, account: Account, olivia: User
) -> None:
    account.delete()
    with pytest.raises(NotAllowed):
        lifecycle.start(request_of, by=olivia)
    assert not only_a_journal_entry().granted


def start_as(runs: Runs, role: str, by: User | None = None) -> Execution:
    """Start a document that acts as the role."""
    document = {"assumeRole": "{{ AutomationAssumeRole }}", "parameters": ROLE}
    version = make_version(publish("a"), **document)
    request = lifecycle.Start(version, REGION, {"AutomationAssumeRole": [role]})
    return lifecycle.start(request, by=by or runs.person)


def test_steps_act_as_the_documents_role(runs: Runs, account: Account, fake: FakeAws) -> None:
    Account.objects.update(allowed_roles=[OTHER_ROLE])
    run = start_as(runs, OTHER_ROLE)
    runs.drain()
    (seen,) = fake.calls
    assert (seen.identity.role_arn, seen.region) == (OTHER_ROLE, REGION)
    assert seen.identity.session_name == f"Automation-{run.pk}"


def test_steps_act_as_the_accounts_role_otherwise(runs: Runs, fake: FakeAws) -> None:
    runs.run(publish("a"))
    (seen,) = fake.calls
    assert (seen.identity.account_id, seen.identity.role_arn) == (ACCOUNT, WORKER_ROLE)


@pytest.mark.parametrize(
    "role",
    [
        "arn:aws:iam::444455556666:role/CountersignExecution",
        OTHER_ROLE,
        f"arn:aws:iam::{ACCOUNT}:user/olivia",
        "Administrator",
    ],
)
def test_a_role_of_elsewhere_or_not_allowed_is_refused(runs: Runs, role: str) -> None:
    with pytest.raises(BadParameters) as refused:
        start_as(runs, role)
    assert list(refused.value.fields) == ["AutomationAssumeRole"]
    assert not only_a_journal_entry().granted


def test_a_role_must_be_the_persons_to_pass(runs: Runs) -> None:
    victor = make_person("victor", "ssm:StartAutomationExecution")
    with pytest.raises(NotAllowed):
        start_as(runs, WORKER_ROLE, by=victor)
    assert not only_a_journal_entry().granted


def test_without_a_role_a_step_fails_without_a_call(runs: Runs, fake: FakeAws) -> None:
    Account.objects.update(role_arn="")
    run = runs.run(publish("a", maxAttempts=3))
    failed = step(run, "a")
    assert (run.status, fake.calls) == ("Failed", [])
    assert (failed.failure_stage, failed.failure_type) == ("PreVerification", "Permission")


def test_an_account_that_was_taken_away_is_not_called(runs: Runs, fake: FakeAws) -> None:
    run = start_as(runs, WORKER_ROLE)
    Account.objects.all().delete()
    runs.drain()
    assert (fresh(run).status, fake.calls) == ("Failed", [])


def test_a_start_is_accepted_while_redis_is_away(
    runs: Runs, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True) as rung:
        run = runs.start(publish("a"))
    assert len(rung) >= 2  # the bell, and the news for the pages
    runs.drain()
    assert fresh(run).status == "Success"
