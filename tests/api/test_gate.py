"""The gate: whose key it is, one effect for each signed request, and answers to our own defects."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError

from console.api import gate
from console.api.models import KEPT, TWINS, SignedRequest
from console.api.operations import OPERATIONS
from console.api.sigv4 import SKEW
from console.iam import keys
from console.iam.models import AccessKey, User
from executions.models import Document, Execution, JournalEntry
from tests.api.conftest import TWO, rows
from tests.api.raw import Door, error
from tests.api.signing import edit, with_header
from tests.conftest import HandClock

CREATE = "AmazonSSM.CreateDocument"
START = "AmazonSSM.StartAutomationExecution"
LIST = "AmazonSSM.ListDocuments"
DOCUMENT = {
    "Name": "Two",
    "Content": TWO,
    "DocumentType": "Automation",
    "DocumentFormat": "YAML",
}
USED = "InvalidSignatureException"


@pytest.fixture
def door(people: dict[str, User], hand_clock: HandClock) -> Door:
    """The administrator's."""
    return Door(people["administrator"], hand_clock)


@pytest.fixture
def olivia(people: dict[str, User], door: Door) -> Door:
    """The operator's; there is a document to start."""
    assert door.ask(CREATE, DOCUMENT) == ""
    return Door(people["operator"], door.clock)


def test_key_that_was_revoked(door: Door) -> None:
    received = door.sign(LIST)
    assert error(received) == ""
    keys.revoke(door.row)
    assert error(received) == "UnrecognizedClientException"


def test_key_of_somebody_who_may_not_sign_in(door: Door) -> None:
    received = door.sign(LIST)
    User.objects.filter(username="ada").update(is_active=False)
    assert error(received) == "UnrecognizedClientException"


def test_key_that_was_encrypted_under_another_secret(door: Door, settings: Any) -> None:
    received = door.sign(LIST)
    settings.SECRET_KEY = "another one"
    assert error(received) == "UnrecognizedClientException"


def test_key_of_one_with_the_secret_of_another(door: Door, people: dict[str, User]) -> None:
    received = door.sign(CREATE, DOCUMENT)
    other = Door(people["operator"], door.clock)
    before = rows()
    assert error(edit(received, door.row.key_id, other.row.key_id)) == USED
    assert rows() == before
    assert not Document.objects.exists()


def test_rights_are_those_of_this_moment(door: Door, people: dict[str, User]) -> None:
    assert door.ask(LIST) == ""
    assert people["administrator"].principal
    people["administrator"].principal.policies.clear()
    assert door.ask(LIST) == "AccessDeniedException"


def test_use_is_noted_once_a_minute(door: Door) -> None:
    def used() -> Any:
        return AccessKey.objects.get(pk=door.row.pk).last_used_at

    first = door.clock()
    assert door.ask(LIST) == ""
    assert used() == first
    door.clock.move(seconds=59)
    assert door.ask(LIST) == ""
    assert used() == first
    door.clock.move(seconds=2)
    assert door.ask(LIST) == ""
    assert used() == door.clock()


def test_refused_signature_notes_no_use(door: Door) -> None:
    assert error(edit(door.sign(LIST), "Signature=", "Signature=0")) != ""
    assert AccessKey.objects.get(pk=door.row.pk).last_used_at is None


def test_same_signed_request_twice_has_one_effect(olivia: Door) -> None:
    received = olivia.sign(START, {"DocumentName": "Two"})
    assert error(received) == ""
    assert error(received) == USED
    assert "used before" in json.loads(gate.answer(received).body)["message"]
    assert Execution.objects.count() == 1


def test_reading_twice_is_no_harm(door: Door) -> None:
    received = door.sign(LIST)
    assert [error(received) for _ in range(3)] == ["", "", ""]
    assert not SignedRequest.objects.exists()


def test_twins_of_one_second_are_two_requests(olivia: Door) -> None:
    """botocore signs to the second, and adds its invocation's id after that."""
    assert olivia.ask(START, {"DocumentName": "Two"}) == ""
    assert olivia.ask(START, {"DocumentName": "Two"}) == ""
    assert (
        len(set(SignedRequest.objects.values_list("signature"))) == 2
    )  # the other is CreateDocument
    assert Execution.objects.count() == 2


def test_attempts_of_one_invocation_are_two_requests(olivia: Door) -> None:
    received = olivia.sign(START, {"DocumentName": "Two"}, amz_sdk_request="attempt=1; max=3")
    again = with_header(received, "amz-sdk-request", "attempt=2; max=3")
    assert [error(received), error(again), error(again)] == ["", "", USED]


def test_late_twin_is_refused_whatever_its_unsigned_headers_say(olivia: Door) -> None:
    received = olivia.sign(START, {"DocumentName": "Two"})
    assert error(received) == ""
    olivia.clock.now += TWINS + timedelta(seconds=1)
    assert error(with_header(received, "amz-sdk-invocation-id", "another")) == USED
    assert error(with_header(received, "amz-sdk-invocation-id")) == USED
    assert Execution.objects.count() == 1


def test_signatures_are_kept_as_long_as_they_could_be_used(olivia: Door) -> None:
    early = olivia.clock() + SKEW  # the client's clock is fast
    olivia.clock.now, now = early, olivia.clock.now
    received = olivia.sign(START, {"DocumentName": "Two"})
    olivia.clock.now = now
    assert error(received) == ""
    olivia.clock.now = early + SKEW
    assert olivia.ask(LIST) == ""  # which forgets what is old
    assert error(received) == USED
    olivia.clock.move(seconds=61)
    assert olivia.ask(LIST) == ""
    assert not SignedRequest.objects.filter(at__lt=olivia.clock() - KEPT).exists()
    assert error(received) == USED  # it is too old by itself now


def test_refused_request_is_journalled_and_used(people: dict[str, User], door: Door) -> None:
    assert door.ask(CREATE, DOCUMENT) == ""
    victor = Door(people["viewer"], door.clock)
    received = victor.sign(START, {"DocumentName": "Two"})
    assert error(received) == "AccessDeniedException"
    entry = JournalEntry.objects.get(person__username="victor")
    assert (entry.granted, entry.action) == (False, "ssm:StartAutomationExecution")
    assert error(received) == USED
    assert not Execution.objects.exists()


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """CreateDocument writes, then fails with what is in the list."""
    failures: list[Exception] = [RuntimeError("the secret of our defect")]

    def fail(caller: Any, params: Any) -> dict[str, Any]:
        Document.objects.create(owner=caller.account_id, name="half")
        raise failures[0]

    monkeypatch.setitem(OPERATIONS, "CreateDocument", fail)
    return failures


@pytest.mark.parametrize(
    "failure", [RuntimeError("the secret"), DatabaseError("the secret"), KeyError("the secret")]
)
def test_defect_of_ours_is_logged_and_not_told(
    door: Door, broken: list[Exception], failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    broken[0] = failure
    answer = gate.answer(door.sign(CREATE, DOCUMENT))
    assert answer.status == 500
    assert json.loads(answer.body)["__type"] == "InternalServerError"
    assert b"the secret" not in answer.body
    assert answer.request_id in answer.body.decode()
    (record,) = caplog.records
    assert answer.request_id in record.getMessage()
    assert record.exc_info


@pytest.mark.usefixtures("broken")
def test_defect_leaves_nothing_and_may_be_sent_again(door: Door) -> None:
    received, before = door.sign(CREATE, DOCUMENT), rows()
    assert [error(received, 500), error(received, 500)] == ["InternalServerError"] * 2
    assert rows() == before
    assert not SignedRequest.objects.exists()


def test_operation_that_we_do_not_have(door: Door) -> None:
    before = rows()
    assert door.ask("AmazonSSM.PutParameter", {"Name": "a", "Value": "b"}) == (
        "UnknownOperationException"
    )
    assert rows() == before
