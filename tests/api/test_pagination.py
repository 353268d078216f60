"""Lists in pages: nothing twice, nothing missed while rows are added, tokens of one caller."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from console.iam.models import User
from executions import clock
from executions.models import Document, DocumentVersion, Execution
from executions.states import NEVER
from tests.api.conftest import TWO, ClientOf, create, refused, start
from tests.api.test_executions import steps
from tests.approvals.people import drain
from tests.pages.conftest import make_version

SAME_TIME = 7  # so many began at the same moment


def add_runs(count: int, starter: User, version: DocumentVersion) -> list[str]:
    """Finished executions of the last hours, the newest first."""
    now = clock.now() - timedelta(hours=1)
    assert starter.principal
    rows = [
        Execution(
            account_id="111122223333", region="eu-west-1", version=version,
            document_name=version.document.name, started_by=starter,
            executed_by=starter.principal.arn, status="Success", wake_at=NEVER,
            created_at=now - timedelta(seconds=number // SAME_TIME), ended_at=now,
        )
        for number in range(count)
    ]  # fmt: skip
    Execution.objects.bulk_create(rows)
    return [str(pk) for pk in Execution.objects.values_list("pk", flat=True)]


@pytest.fixture
def runs(people: dict[str, User], two: str) -> list[str]:
    """A thousand."""
    return add_runs(1000, people["operator"], DocumentVersion.objects.get())


def pages_of(client: Any, **request: Any) -> Any:
    """boto3's own paginator."""
    return client.get_paginator("describe_automation_executions").paginate(**request)


@pytest.mark.parametrize("size", [50, 33])
def test_thousand_executions_while_others_start(
    olivia: Any, two: str, runs: list[str], size: int
) -> None:
    found: list[str] = []
    for page in pages_of(olivia, PaginationConfig={"PageSize": size}):
        rows = page["AutomationExecutionMetadataList"]
        assert len(rows) <= size
        found += [row["AutomationExecutionId"] for row in rows]
        if len(found) < 400:
            start(olivia, two)
    assert found == runs
    assert Execution.objects.count() > 1000


def test_filtered_pages(olivia: Any, two: str, runs: list[str]) -> None:
    mine = [start(olivia, two) for _ in range(3)]
    for status, expected in (("Success", runs), ("Pending", mine[::-1])):
        filters = [{"Key": "ExecutionStatus", "Values": [status]}]
        pages = pages_of(
            olivia, Filters=filters, PaginationConfig={"PageSize": 1 if mine is expected else 50}
        )
        found = [
            row["AutomationExecutionId"]
            for page in pages
            for row in page["AutomationExecutionMetadataList"]
        ]
        assert found == expected


def test_fifty_unless_fewer_are_asked_for(olivia: Any, runs: list[str]) -> None:
    answer = olivia.describe_automation_executions()
    assert len(answer["AutomationExecutionMetadataList"]) == 50
    answer = olivia.describe_automation_executions(MaxResults=1)
    assert len(answer["AutomationExecutionMetadataList"]) == 1
    with refused("ValidationException"):
        olivia.describe_automation_executions(MaxResults=51)


def test_token_is_of_this_list_and_caller(
    client_of: ClientOf, olivia: Any, runs: list[str]
) -> None:
    token = olivia.describe_automation_executions(MaxResults=5)["NextToken"]
    more = olivia.describe_automation_executions(MaxResults=3, NextToken=token)
    found = [row["AutomationExecutionId"] for row in more["AutomationExecutionMetadataList"]]
    assert found == runs[5:8]
    for client in (client_of("viewer"), client_of("operator", "us-east-1")):
        with refused("InvalidNextToken"):
            client.describe_automation_executions(NextToken=token)
    with refused("InvalidNextToken"):
        olivia.describe_automation_executions(
            NextToken=token, Filters=[{"Key": "AutomationType", "Values": ["Local"]}]
        )
    with refused("InvalidNextToken"):
        olivia.list_documents(NextToken=token)
    for forged in (token[:-1] + ("A" if token[-1] != "A" else "B"), "", "x", "é", ".x:y:z"):
        with refused("InvalidNextToken"):
            olivia.describe_automation_executions(NextToken=forged)


def test_pages_of_steps_while_steps_begin(ada: Any, olivia: Any, two: str) -> None:
    run = start(olivia, two, Mode="Interactive")
    drain()
    first = olivia.describe_automation_step_executions(AutomationExecutionId=run, MaxResults=1)
    assert [step["StepName"] for step in first["StepExecutions"]] == ["first"]
    olivia.send_automation_signal(
        AutomationExecutionId=run, SignalType="StartStep", Payload={"StepName": ["second"]}
    )
    drain()
    assert steps(olivia, run) == ["second", "first"]  # as the steps began
    rest = olivia.describe_automation_step_executions(
        AutomationExecutionId=run, MaxResults=1, NextToken=first["NextToken"]
    )
    assert [step["StepName"] for step in rest["StepExecutions"]] == ["second"]
    assert rest["StepExecutions"][0]["StepStatus"] == "Success"
    assert "NextToken" not in rest


@pytest.mark.parametrize("reverse", [False, True])
def test_pages_of_many_steps(ada: Any, olivia: Any, reverse: bool) -> None:
    many = 'schemaVersion: "0.3"\nmainSteps:\n' + "".join(
        f'  - {{name: s{number}, action: "aws:sleep", inputs: {{Duration: PT0S}}}}\n'
        for number in range(120)
    )
    run = start(olivia, create(ada, "Many", many))
    pages = olivia.get_paginator("describe_automation_step_executions").paginate(
        AutomationExecutionId=run, ReverseOrder=reverse,
        Filters=[{"Key": "StepExecutionStatus", "Values": ["Pending"]}],
        PaginationConfig={"PageSize": 7},
    )  # fmt: skip
    found = [step["StepName"] for page in pages for step in page["StepExecutions"]]
    expected = [f"s{number}" for number in range(120)]
    assert found == (expected[::-1] if reverse else expected)


def test_pages_of_documents_with_the_same_name(ada: Any, two: str) -> None:
    for owner in ("222233334444", "333344445555"):
        for name in ("Two", "Three"):
            version = make_version(name, TWO, owner)
            version.document.permissions.create(account_id="all")
    found = []
    for page in ada.get_paginator("list_documents").paginate(PaginationConfig={"PageSize": 2}):
        found += [(one["Name"], one["Owner"]) for one in page["DocumentIdentifiers"]]
        if len(found) == 2:
            create(ada, "A-new-one", TWO + "#\n")
    assert len(found) == len(set(found)) == Document.objects.count() - 1
    assert [name for name, _ in found] == ["Three", "Three", "Two", "Two", "Two"]


def test_pages_of_versions_and_permissions(ada: Any, two: str) -> None:
    for number in range(2, 6):
        ada.update_document(
            Name=two, Content=f"{TWO}# {number}\n", DocumentFormat="YAML", DocumentVersion="$LATEST"
        )
    pages = ada.get_paginator("list_document_versions").paginate(
        Name=two, PaginationConfig={"PageSize": 2}
    )
    found = [one["DocumentVersion"] for page in pages for one in page["DocumentVersions"]]
    assert found == ["5", "4", "3", "2", "1"]
    accounts = [f"{number:012}" for number in range(20)]
    ada.modify_document_permission(Name=two, PermissionType="Share", AccountIdsToAdd=accounts)
    token: dict[str, str] = {}
    shared: list[str] = []
    while not shared or token:
        page = ada.describe_document_permission(
            Name=two, PermissionType="Share", MaxResults=7, **token
        )
        shared += page["AccountIds"]
        token = {"NextToken": page["NextToken"]} if "NextToken" in page else {}
    assert shared == accounts
