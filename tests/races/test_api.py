"""Requests of the SSM API at the same moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from console.iam import key_rights
from console.iam.models import AccessKey, User
from executions.errors import Refused
from executions.models import DocumentVersion, Event, Execution, JournalEntry, Signal, Tag
from tests.api.conftest import TWO, create, make_people, refused, start
from tests.api.door import make_client
from tests.approvals.people import drain
from tests.races.rounds import rounds
from tests.races.together import at_once

pytestmark = [pytest.mark.race]
CALLS, REVOKED = 50, rounds(6, 100)


@pytest.fixture
def clients(any_db: None) -> dict[str, Any]:
    """Of the administrator and the operator, and a document."""
    people = make_people()
    found = {kind: make_client(people[kind]) for kind in ("administrator", "operator")}
    create(found["administrator"], "Two")
    return found


def answered(call: Callable[[], Any]) -> Callable[[], str]:
    """The answer of a call, or the name of its error."""

    def answer() -> str:
        try:
            return str(call())
        except Exception as error:  # noqa: BLE001 - looked at below
            return str(getattr(error, "response", {}).get("Error", {}).get("Code", error))

    return answer


def gather(calls: Sequence[Callable[[], Any]]) -> list[str]:
    """Their answers."""
    return [
        str(one)
        for one in at_once([answered(call) for call in calls])
        if not isinstance(one, Refused)
    ]


def test_one_token_is_one_execution(clients: dict[str, Any]) -> None:
    token, olivia = str(uuid4()), clients["operator"]
    tags = [{"Key": "team", "Value": "a"}]
    answers = gather([lambda: start(olivia, "Two", ClientToken=token, Tags=tags)] * CALLS)
    (run,) = Execution.objects.all()
    assert answers == [str(run.pk)] * CALLS
    assert Event.objects.filter(kind="execution:accepted").count() == 1
    assert Tag.objects.count() == 1
    assert JournalEntry.objects.filter(action="ssm:StartAutomationExecution").count() == CALLS


def test_one_token_with_two_requests(clients: dict[str, Any]) -> None:
    token, olivia = str(uuid4()), clients["operator"]
    calls = [
        partial(start, olivia, "Two", ClientToken=token, Parameters={"Word": [word]})
        for word in ["a", "b"] * (CALLS // 2)
    ]
    answers = gather(calls)
    (run,) = Execution.objects.all()
    won = 0 if run.parameters == {"Word": ["a"]} else 1
    assert set(answers[won::2]) == {str(run.pk)}
    assert set(answers[1 - won :: 2]) == {"IdempotentParameterMismatch"}


def test_one_document_of_a_name(clients: dict[str, Any]) -> None:
    ada = clients["administrator"]
    answers = gather([lambda: create(ada, "Three")] * 10)
    assert sorted(set(answers)) == ["DocumentAlreadyExists", "Three"]
    assert answers.count("Three") == 1


def test_each_update_is_its_own_version(clients: dict[str, Any]) -> None:
    ada = clients["administrator"]

    def update(number: int) -> str:
        answer = ada.update_document(
            Name="Two", Content=f"{TWO}# {number}\n", DocumentFormat="YAML"
        )
        return str(answer["DocumentDescription"]["DocumentVersion"])

    calls = [partial(update, number) for number in range(10)]
    answers = gather(calls)
    made = [answer for answer in answers if answer.isdigit()]
    assert set(answers) - set(made) <= {"TooManyUpdates"}
    assert len(made) == len(set(made)) >= 1
    numbers = sorted(DocumentVersion.objects.values_list("number", flat=True))
    assert numbers == list(range(1, len(made) + 2))


def test_one_step_begins(clients: dict[str, Any]) -> None:
    olivia = clients["operator"]
    run = start(olivia, "Two", Mode="Interactive")
    drain()

    def run_step(name: str) -> str:
        answer = olivia.send_automation_signal(
            AutomationExecutionId=run, SignalType="StartStep", Payload={"StepName": [name]}
        )
        return str(answer["ResponseMetadata"]["HTTPStatusCode"])

    calls = [partial(run_step, name) for name in ["first", "second"] * 5]
    answers = gather(calls)
    assert sorted(answers) == ["200", *["InvalidAutomationSignalException"] * 9]
    assert Signal.objects.count() == 1
    drain()
    assert Execution.objects.get(pk=run).steps.count() == 1
    with refused("AutomationStepNotFoundException"):
        olivia.send_automation_signal(
            AutomationExecutionId=run, SignalType="StartStep", Payload={"StepName": ["third"]}
        )


def test_a_key_that_is_replaced_meanwhile(clients: dict[str, Any]) -> None:
    """A request of the old one counts whole or not at all, and none after it is gone."""
    olivia = User.objects.get(username="olivia")
    code = "UnrecognizedClientException"
    for _ in range(REVOKED):
        client = make_client(olivia)
        key = AccessKey.objects.latest("id")
        before = Execution.objects.count()

        def replace(key_id: str = key.key_id) -> str:
            newer = make_client(User.objects.get(username="olivia"))
            key_rights.revoke(User.objects.get(username="olivia"), key_id)
            return start(newer, "Two")

        calls = [partial(start, client, "Two")] * 6
        answers = gather([replace, *calls])
        assert answers[0] != code
        started = {answer for answer in answers if answer != code}
        assert {UUID(answer) for answer in started} <= set(
            Execution.objects.values_list("pk", flat=True)
        )
        assert Execution.objects.count() == before + len(started)
        assert gather(calls) == [code] * len(calls)
