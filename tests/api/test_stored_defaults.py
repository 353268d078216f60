"""Defaults in Parameter Store by the API: read before anything is locked, and told afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from django.db import connection

from executions import aws
from executions.models import Execution
from tests.api.conftest import TWO, ClientOf, create, refused, start

STORED = TWO.replace("default: hello", 'default: "{{ssm:/app/word}}"')
DEPTH = 1  # of the transaction that is around each test


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was read from Parameter Store, which holds one value."""
    names: list[str] = []

    def call(
        identity: aws.Identity, region: str, target: aws.Operation, request: Mapping[str, Any]
    ) -> dict[str, Any]:
        assert target.name == "GetParameter"
        assert len(connection.savepoint_ids) < DEPTH, "a transaction is open while AWS is asked"
        names.append(request["Name"])
        if region != "eu-west-1":
            raise aws.AwsRefused("There is none.", "ParameterNotFound")
        return {"Parameter": {"Type": "String", "Value": "stored"}}

    monkeypatch.setattr(aws, "call", call)
    return names


@pytest.fixture
def name(ada: Any) -> str:
    """A document whose Word is in Parameter Store."""
    return create(ada, "Stored", STORED)


def test_a_start_reads_it_and_the_execution_shows_it(ada: Any, name: str, read: list[str]) -> None:
    run = start(ada, name)
    shown = ada.get_automation_execution(AutomationExecutionId=run)["AutomationExecution"]
    assert shown["Parameters"] == {"Word": ["stored"]}
    assert read == ["/app/word"]


def test_a_start_that_cannot_read_it_is_refused(
    client_of: ClientOf, ada: Any, name: str, read: list[str]
) -> None:
    other = client_of("administrator", "us-east-1")
    with refused("InvalidAutomationExecutionParametersException", journalled=True) as message:
        start(other, name)
    assert "kept in Parameter Store as /app/word" in message[0]
    assert "There is none." in message[0]


def test_the_viewer_reads_nothing(
    client_of: ClientOf, ada: Any, name: str, read: list[str]
) -> None:
    with refused("AccessDeniedException", journalled=True):
        start(client_of("viewer"), name)
    assert read == []


def test_a_preview_is_judged_with_it(ada: Any, name: str, read: list[str]) -> None:
    inputs: Any = {"Automation": {}}
    answer = ada.start_execution_preview(DocumentName=name, ExecutionInputs=inputs)
    shown = ada.get_execution_preview(ExecutionPreviewId=answer["ExecutionPreviewId"])
    assert shown["Status"] == "Success"
    assert read == ["/app/word"]
    assert not Execution.objects.exists()


def test_a_document_that_is_not_there_is_told_as_ever(ada: Any, read: list[str]) -> None:
    with refused("AutomationDefinitionNotFoundException"):
        start(ada, "Absent")
    assert read == []
