"""Defaults that are kept in Parameter Store: read when a run starts, as its role, or refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from console.iam.models import User
from executions import aws, lifecycle, parameter_store
from executions.errors import BadParameters, NotAllowed
from executions.models import Account, Execution, JournalEntry
from tests.approvals.people import make_person
from tests.engine.fake_aws import FakeAws
from tests.engine.runs import REGION, WORKER_ROLE, Runs, make_version

SLEEP = {"name": "a", "action": "aws:sleep", "inputs": {"Duration": "PT0S"}}
OTHER_ROLE = "arn:aws:iam::111122223333:role/Other"
STORED = "{{ssm:/app/word}}"


def stored(value: str, kind: str = "String") -> dict[str, Any]:
    """What GetParameter answers."""
    return {"Parameter": {"Name": "/app/word", "Type": kind, "Value": value}}


def request(given: dict[str, list[str]] | None = None, **parameters: Any) -> lifecycle.Start:
    """A start of a document with these parameters; one of Word alone by default."""
    declared = parameters or {"Word": {"type": "String", "default": STORED}}
    return lifecycle.Start(make_version(SLEEP, parameters=declared), REGION, given or {})


def start(runs: Runs, wish: lifecycle.Start) -> Execution:
    return lifecycle.start(parameter_store.complete(wish, by=runs.person), by=runs.person)


def problems(runs: Runs, wish: lifecycle.Start) -> dict[str, list[str]]:
    with pytest.raises(BadParameters) as refused:
        start(runs, wish)
    assert not Execution.objects.exists()
    assert not JournalEntry.objects.latest("id").granted
    return refused.value.fields


def test_the_value_is_read_as_the_role_of_the_run_and_kept(runs: Runs, fake: FakeAws) -> None:
    fake.on("GetParameter", stored("hello {{ global:DATE }}"))
    run = start(runs, request())
    assert (run.values, run.parameters) == ({"Word": "hello {{ global:DATE }}"}, {})
    (seen,) = fake.made("GetParameter")
    assert (seen.request, seen.region) == ({"Name": "/app/word"}, REGION)
    assert seen.identity.role_arn == WORKER_ROLE


def test_it_is_read_as_the_documents_own_role(runs: Runs, fake: FakeAws, account: Account) -> None:
    Account.objects.filter(pk=account.pk).update(allowed_roles=[OTHER_ROLE])
    fake.on("GetParameter", stored("hello"))
    version = make_version(
        SLEEP, assumeRole=OTHER_ROLE, parameters={"Word": {"type": "String", "default": STORED}}
    )
    start(runs, lifecycle.Start(version, REGION))
    assert fake.made("GetParameter")[0].identity.role_arn == OTHER_ROLE


@pytest.mark.parametrize(
    ("declared", "answer", "value"),
    [
        ({"type": "String"}, stored("a,b"), "a,b"),
        ({"type": "StringList"}, stored("a,b", "StringList"), ["a", "b"]),
        ({"type": "StringList"}, stored("a,b"), ["a,b"]),
        ({"type": "Integer"}, stored("42"), 42),
        ({"type": "Boolean"}, stored("true"), True),
        ({"type": "StringMap"}, stored('{"a": "b"}'), {"a": "b"}),
        ({"type": "String", "allowedValues": ["x", "y"]}, stored("y"), "y"),
    ],
)
def test_the_value_has_the_declared_type(
    runs: Runs, fake: FakeAws, declared: Any, answer: Any, value: Any
) -> None:
    fake.on("GetParameter", answer)
    run = start(runs, request(Word={**declared, "default": STORED}))
    assert run.values == {"Word": value}


@pytest.mark.parametrize(
    ("declared", "answer", "told"),
    [
        ({"type": "Integer"}, stored("many"), "write an integer"),
        ({"type": "String"}, stored("a,b", "StringList"), "takes one value, not 2"),
        ({"type": "String", "allowedValues": ["x"]}, stored("y"), "x"),
        ({"type": "String"}, stored("AQI", "SecureString"), "It is a SecureString"),
        (
            {"type": "String"},
            aws.AwsRefused("not found", "ParameterNotFound"),
            f"{WORKER_ROLE} cannot read it in {REGION}: not found (ParameterNotFound)",
        ),
        ({"type": "String"}, aws.NotSent("no connection"), "no connection"),
    ],
    ids=["integer", "list", "allowed", "secure", "absent", "no connection"],
)
def test_what_cannot_be_a_default_is_told_at_its_field(
    runs: Runs, fake: FakeAws, declared: Any, answer: Any, told: str
) -> None:
    fake.on("GetParameter", answer)
    (message,) = problems(runs, request(Word={**declared, "default": STORED}))["Word"]
    assert message.startswith("Its default is kept in Parameter Store as /app/word. ")
    assert told in message


def test_every_field_that_cannot_be_read_is_told(runs: Runs, fake: FakeAws) -> None:
    fake.on("GetParameter", aws.AwsRefused("denied", "AccessDeniedException"))
    declared = {"type": "String", "default": STORED}
    assert set(problems(runs, request(A=declared, B=declared))) == {"A", "B"}


def test_other_problems_come_first_and_nothing_is_read(runs: Runs, fake: FakeAws) -> None:
    wish = request(Word={"type": "String", "default": STORED}, Count={"type": "Integer"})
    assert problems(runs, wish) == {"Count": ["Missing required parameter: Count."]}
    assert fake.calls == []


def test_a_given_value_is_not_looked_up(runs: Runs, fake: FakeAws) -> None:
    assert start(runs, request({"Word": ["mine"]})).values == {"Word": "mine"}
    assert fake.calls == []


def test_a_document_without_such_a_default_is_left_alone(runs: Runs) -> None:
    wish = request(Word={"type": "String", "default": "hello"})
    assert parameter_store.complete(wish, by=runs.person) is wish


def test_whoever_may_not_start_makes_us_read_nothing(runs: Runs, fake: FakeAws) -> None:
    victor = make_person("victor", "ssm:GetAutomationExecution")
    wish = parameter_store.complete(request(), by=victor)
    with pytest.raises(NotAllowed, match="You may not start"):
        lifecycle.start(wish, by=victor)
    assert fake.calls == []


def test_whoever_may_not_pass_the_role_makes_us_read_nothing(
    runs: Runs, fake: FakeAws, account: Account
) -> None:
    Account.objects.filter(pk=account.pk).update(allowed_roles=[OTHER_ROLE])
    eve = make_person("eve", "ssm:StartAutomationExecution")
    version = make_version(
        SLEEP, assumeRole=OTHER_ROLE, parameters={"Word": {"type": "String", "default": STORED}}
    )
    wish = parameter_store.complete(lifecycle.Start(version, REGION), by=eve)
    with pytest.raises(NotAllowed, match="may not pass the role"):
        lifecycle.start(wish, by=eve)
    assert fake.calls == []


def test_a_role_cannot_be_kept_there(runs: Runs, fake: FakeAws) -> None:
    declared = {"Role": {"type": "String", "default": STORED}}
    version = make_version(SLEEP, assumeRole="{{ Role }}", parameters=declared)
    fields = problems(runs, lifecycle.Start(version, REGION))
    assert fields == {
        "AutomationAssumeRole": [
            "{{ssm:/app/word}} is not the ARN of a role in Production (111122223333)."
        ]
    }
    assert fake.calls == []


def test_a_start_without_the_values_is_refused(runs: Runs, olivia: User) -> None:
    with pytest.raises(BadParameters, match="kept in Parameter Store as /app/word; give a value"):
        lifecycle.start(request(), by=olivia)


def test_the_same_token_is_the_same_run_whatever_is_stored_meanwhile(
    runs: Runs, fake: FakeAws
) -> None:
    fake.on("GetParameter", stored("one"), aws.AwsRefused("gone", "ParameterNotFound"))
    wish = replace(request(), client_token="token-1")
    first = start(runs, wish)
    assert start(runs, wish).pk == first.pk
    assert Execution.objects.get().values == {"Word": "one"}


def test_a_running_execution_keeps_what_it_began_with(runs: Runs, fake: FakeAws) -> None:
    fake.on("GetParameter", stored("PT0S"))
    step = {"name": "a", "action": "aws:sleep", "inputs": {"Duration": "{{ Word }}"}}
    declared = {"Word": {"type": "String", "default": STORED}}
    run = start(runs, lifecycle.Start(make_version(step, parameters=declared), REGION))
    fake.on("GetParameter", stored("PT1H"))
    runs.drain()
    assert run.steps.get().inputs == {"Duration": "PT0S"}
    assert len(fake.made("GetParameter")) == 1
