"""Defaults in Parameter Store on the start page: read for the review, and again for the start."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponseBase
from django.test import Client

from executions import aws as door
from executions.models import Execution
from tests.pages.conftest import SignIn, make_version
from tests.simulator.aws import PRODUCTION, assume, make_client

PAGE = "/documents/111122223333/Stored/start/"
CONTENT = """
schemaVersion: "0.3"
parameters:
  Word: {type: String, default: "{{ssm:/app/word}}", description: What is said.}
  Loud: {type: Boolean, default: "{{ssm:/app/loud}}"}
mainSteps:
  - {name: wait, action: "aws:sleep", inputs: {Duration: PT0S}}
"""


@pytest.fixture
def ssm(aws: str) -> Any:
    """Parameter Store of the simulated account, with what the document asks for."""
    client = make_client(aws, "ssm", assume(aws, PRODUCTION))
    put(client, "/app/word", "hello-from-the-store")
    put(client, "/app/loud", "true")
    return client


def put(ssm: Any, name: str, value: str, kind: str = "String") -> None:
    ssm.put_parameter(Name=name, Value=value, Type=kind, Overwrite=True)


@pytest.fixture
def client(client_of: SignIn, ssm: Any) -> Client:
    """The operator's."""
    make_version("Stored", CONTENT)
    return client_of("operator")


def text(answer: HttpResponseBase) -> str:
    return unescape(b"".join(answer).decode())


def review(client: Client, **given: str) -> dict[str, str]:
    """The hidden fields of the review, as its form would send them."""
    answer = client.post(PAGE, {"region": "eu-west-1", "token": str(uuid4()), **given})
    page = text(answer)
    assert answer.status_code == 200, page
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page))


def test_the_form_says_where_a_default_is_and_reads_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "call", lambda *request: pytest.fail(f"{request} was called"))
    page = text(client.get(PAGE))
    assert "What is said. Left empty, it is what Parameter Store has as /app/word" in page
    assert "{{ssm:" not in page
    assert page.count("(the document's default)") == 1


def test_the_review_shows_the_value_and_the_start_takes_it(client: Client) -> None:
    answer = client.post(PAGE, {"region": "eu-west-1", "token": str(uuid4())})
    assert "hello-from-the-store" in text(answer)
    fields = review(client)
    client.post(PAGE, {**fields, "confirm": "1"})
    run = Execution.objects.get()
    assert run.values == {"Word": "hello-from-the-store", "Loud": True}
    assert run.parameters == {}


def test_a_value_that_changed_since_is_reviewed_again(client: Client, ssm: Any) -> None:
    fields = review(client)
    put(ssm, "/app/word", "changed-meanwhile")
    answer = client.post(PAGE, {**fields, "confirm": "1"})
    assert "has changed since you looked" in text(answer)
    assert "changed-meanwhile" in text(answer)
    assert not Execution.objects.exists()
    client.post(PAGE, {**review(client), "confirm": "1"})
    assert Execution.objects.get().values["Word"] == "changed-meanwhile"


def test_what_is_typed_goes_before_what_is_stored(client: Client) -> None:
    fields = review(client, **{"p-Word": "mine", "p-Loud": "false"})
    client.post(PAGE, {**fields, "confirm": "1"})
    assert Execution.objects.get().values == {"Word": "mine", "Loud": False}


def test_a_value_that_cannot_be_read_is_told_at_its_field(client: Client, ssm: Any) -> None:
    put(ssm, "/app/loud", "perhaps")
    ssm.delete_parameter(Name="/app/word")
    answer = client.post(PAGE, {"region": "eu-west-1", "token": str(uuid4()), "confirm": "1"})
    page = text(answer)
    assert answer.status_code == 400
    assert "as /app/word. arn:aws:iam::111122223333:role/CountersignExecution cannot read" in page
    assert "write true or false" in page
    assert not Execution.objects.exists()
