"""Starting, reading and stopping executions, and what is refused by which name."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from executions.models import Event, Execution, JournalEntry
from tests.api.conftest import ClientOf, create, refused, start
from tests.approvals.people import drain

NOBODY = "00000000-0000-0000-0000-000000000000"
BROKEN = """schemaVersion: "0.3"
mainSteps:
  - name: first
    action: aws:assertAwsResourceProperty
    onFailure: Continue
    inputs: {Service: sns, Api: NoSuchCall, PropertySelector: $.A, DesiredValues: [x]}
  - {name: second, action: "aws:sleep", inputs: {Duration: PT0S}}
"""
BIG = 'schemaVersion: "0.3"\nmainSteps:\n' + "".join(
    f'  - {{name: s{number}, action: "aws:sleep", inputs: {{Duration: PT0S}}}}\n'
    for number in range(120)
)


def read(client: Any, execution: str) -> dict[str, Any]:
    """AutomationExecution."""
    answer = client.get_automation_execution(AutomationExecutionId=execution)
    return dict(answer["AutomationExecution"])


def listed(client: Any, **filters: list[str]) -> list[str]:
    """Ids of the executions that match."""
    wanted = [{"Key": key, "Values": values} for key, values in filters.items()]
    more = {"Filters": wanted} if wanted else {}
    found = client.describe_automation_executions(**more)["AutomationExecutionMetadataList"]
    return [one["AutomationExecutionId"] for one in found]


def steps(client: Any, run: str, **more: Any) -> list[str]:
    """Names of the steps."""
    found = client.describe_automation_step_executions(AutomationExecutionId=run, **more)
    return [one["StepName"] for one in found["StepExecutions"]]


def test_run_from_start_to_success(olivia: Any, two: str) -> None:
    run = start(olivia, two, Parameters={"Word": ["bye"]})
    before = read(olivia, run)
    assert before["AutomationExecutionStatus"] == "Pending"
    assert [step["StepStatus"] for step in before["StepExecutions"]] == ["Pending", "Pending"]
    assert "ExecutionStartTime" not in before["StepExecutions"][0]
    assert "ExecutionEndTime" not in before
    drain()
    after = read(olivia, run)
    assert after["AutomationExecutionStatus"] == "Success"
    assert after["DocumentName"] == two
    assert after["DocumentVersion"] == "1"
    assert after["Mode"] == "Auto"
    assert after["ExecutedBy"] == "arn:aws:iam::111122223333:user/olivia"
    assert after["Parameters"] == {"Word": ["bye"]}
    assert after["ExecutionEndTime"] >= after["ExecutionStartTime"]
    first, second = after["StepExecutions"]
    assert (first["StepName"], second["StepName"]) == ("first", "second")
    assert first["StepStatus"] == second["StepStatus"] == "Success"
    assert first["Inputs"] == {"Duration": '"PT0S"'}
    assert first["NextStep"] == "second"
    assert first["ValidNextSteps"] == ["second"]
    assert first["OnFailure"] == "Abort"
    assert first["IsCritical"] is True
    assert len(first["StepExecutionId"]) == 36


def test_defaults_are_among_the_parameters(olivia: Any, two: str) -> None:
    assert read(olivia, start(olivia, two))["Parameters"] == {"Word": ["hello"]}


def test_failed_step_says_how(ada: Any, olivia: Any) -> None:
    run = start(olivia, create(ada, "Broken", BROKEN))
    drain()
    first = read(olivia, run)["StepExecutions"][0]
    assert first["StepStatus"] == "Failed"
    assert "NoSuchCall" in first["FailureMessage"]
    assert set(first["FailureDetails"]) == {"FailureStage", "FailureType", "Details"}


def test_hundred_steps_and_then_truncated(ada: Any, olivia: Any) -> None:
    found = read(olivia, start(olivia, create(ada, "Big", BIG)))
    assert len(found["StepExecutions"]) == 100
    assert found["StepExecutionsTruncated"] is True


def test_version_that_is_meant(ada: Any, olivia: Any, two: str) -> None:
    ada.update_document(
        Name=two, Content=BIG, DocumentFormat="YAML", DocumentVersion="$LATEST", VersionName="big"
    )
    wanted = {None: "1", "$DEFAULT": "1", "$LATEST": "2", "1": "1", "2": "2"}
    for version, number in wanted.items():
        run = start(olivia, two, **({"DocumentVersion": version} if version else {}))
        assert read(olivia, run)["DocumentVersion"] == number
    for version in ("3", "9" * 5000):
        with refused("AutomationDefinitionVersionNotFoundException"):
            start(olivia, two, DocumentVersion=version)


def test_document_by_arn(olivia: Any, two: str, predefined: None) -> None:
    assert start(olivia, f"arn:aws:ssm:eu-west-1:111122223333:document/{two}")
    with refused("AutomationDefinitionNotFoundException"):
        start(olivia, f"arn:aws:ssm:us-east-1:111122223333:document/{two}")
    with refused("InvalidAutomationExecutionParametersException") as message:
        start(olivia, "arn:aws:ssm:eu-west-1::document/AWS-StopEC2Instance")
    assert "InstanceId" in message[0]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"DocumentName": "Nothing"}, "AutomationDefinitionNotFoundException"),
        ({"Parameters": {"Other": ["x"]}}, "InvalidAutomationExecutionParametersException"),
        ({"Parameters": {"Word": ["a", "b"]}}, "InvalidAutomationExecutionParametersException"),
        ({"Mode": "Manual"}, "ValidationException"),
        ({"ClientToken": "x" * 36}, "ValidationException"),
        ({"DocumentVersion": "0"}, "ValidationException"),
        ({"Tags": [{"Key": "aws:x", "Value": "y"}]}, "ValidationException"),
    ],
)
def test_start_that_cannot_be(olivia: Any, two: str, more: dict[str, Any], code: str) -> None:
    with refused(code):
        olivia.start_automation_execution(**{"DocumentName": two, **more})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TargetParameterName", "Word"),
        ("Targets", [{"Key": "ParameterValues", "Values": ["a"]}]),
        ("TargetMaps", [{"Word": ["a"]}]),
        ("MaxConcurrency", "1"),
        ("MaxErrors", "1"),
        ("TargetLocations", [{"Accounts": ["111122223333"], "Regions": ["eu-west-1"]}]),
        ("TargetLocationsURL", "https://b.s3.amazonaws.com/k"),
        ("AlarmConfiguration", {"Alarms": [{"Name": "a"}]}),
    ],
)
def test_what_there_is_not_is_refused_by_name(olivia: Any, two: str, name: str, value: Any) -> None:
    with refused("InvalidAutomationExecutionParametersException") as message:
        start(olivia, two, **{name: value})
    assert f"does not take {name} yet" in message[0]


def test_region_that_the_account_does_not_have(client_of: ClientOf, two: str) -> None:
    with refused("ValidationException") as message:
        start(client_of("operator", "sa-east-1"), two)
    assert "sa-east-1" in message[0]


# -- client tokens


def test_client_token_gives_the_same_execution(olivia: Any, two: str) -> None:
    token = str(uuid4())
    first = start(olivia, two, ClientToken=token, Parameters={"Word": ["a"]})
    assert start(olivia, two, ClientToken=token, Parameters={"Word": ["a"]}) == first
    assert Execution.objects.count() == 1
    assert Event.objects.filter(kind="execution:accepted").count() == 1


@pytest.mark.parametrize("more", [{"Parameters": {"Word": ["b"]}}, {"Mode": "Interactive"}])
def test_client_token_of_something_else(olivia: Any, two: str, more: dict[str, Any]) -> None:
    token = str(uuid4())
    start(olivia, two, ClientToken=token)
    with refused("IdempotentParameterMismatch", journalled=True):
        start(olivia, two, ClientToken=token, **more)


def test_client_token_is_its_principals(client_of: ClientOf, two: str) -> None:
    token = str(uuid4())
    first = start(client_of("operator"), two, ClientToken=token)
    assert start(client_of("administrator"), two, ClientToken=token) != first


# -- who may


def test_only_who_may_start(client_of: ClientOf, two: str) -> None:
    for kind in ("approver", "viewer", "stranger"):
        with refused("AccessDeniedException", journalled=True):
            start(client_of(kind), two)
    with refused("AutomationDefinitionNotFoundException"):
        start(client_of("outsider"), two)
    assert start(client_of("operator"), two)


def test_stranger_learns_of_no_document(client_of: ClientOf, two: str) -> None:
    stranger = client_of("stranger")
    with refused("AccessDeniedException") as one:
        start(stranger, "Nothing")
    with refused("AccessDeniedException"):
        start(stranger, two, DocumentVersion="7")
    assert "arn:aws:ssm:eu-west-1:111122223333:document/Nothing" in one[0]


def test_who_may_read(client_of: ClientOf, two: str) -> None:
    run = start(client_of("operator"), two)
    for kind in ("operator", "approver", "viewer", "administrator"):
        client = client_of(kind)
        assert read(client, run)["AutomationExecutionId"] == run
        assert len(listed(client)) == 1
        assert len(steps(client, run)) == 2
    stranger, outsider = client_of("stranger"), client_of("outsider")
    for execution in (run, NOBODY):
        with refused("AccessDeniedException"):
            read(stranger, execution)
        with refused("AccessDeniedException"):
            steps(stranger, execution)
        with refused("AutomationExecutionNotFoundException"):
            read(outsider, execution)
    with refused("AccessDeniedException"):
        listed(stranger)
    assert listed(outsider) == []


def test_executions_are_of_a_region(client_of: ClientOf, two: str) -> None:
    run = start(client_of("operator"), two)
    elsewhere = client_of("operator", "us-east-1")
    assert listed(elsewhere) == []
    with refused("AutomationExecutionNotFoundException"):
        read(elsewhere, run)


@pytest.mark.parametrize("text", [NOBODY, "x" * 36, "-" * 4 + "0" * 32])
def test_execution_that_there_is_not(olivia: Any, text: str) -> None:
    with refused("AutomationExecutionNotFoundException"):
        read(olivia, text)
    with refused("AutomationExecutionNotFoundException"):
        olivia.stop_automation_execution(AutomationExecutionId=text)


# -- stopping


@pytest.mark.parametrize(("kind", "status"), [(None, "Cancelled"), ("Complete", "Success")])
def test_stop(olivia: Any, two: str, kind: str | None, status: str) -> None:
    run = start(olivia, two)
    more = {"Type": kind} if kind else {}
    assert olivia.stop_automation_execution(AutomationExecutionId=run, **more)
    drain()
    assert read(olivia, run)["AutomationExecutionStatus"] == status
    with refused("InvalidAutomationStatusUpdateException", journalled=True):
        olivia.stop_automation_execution(AutomationExecutionId=run)


def test_only_who_may_stop(client_of: ClientOf, two: str) -> None:
    run = start(client_of("operator"), two)
    for kind in ("approver", "viewer", "stranger"):
        with refused("AccessDeniedException", journalled=True):
            client_of(kind).stop_automation_execution(AutomationExecutionId=run)
    with refused("AutomationExecutionNotFoundException"):
        client_of("outsider").stop_automation_execution(AutomationExecutionId=run)


def test_journal_is_that_of_the_pages(olivia: Any, two: str) -> None:
    run = start(olivia, two)
    entry = JournalEntry.objects.get(action="ssm:StartAutomationExecution")
    assert entry.granted
    assert entry.principal == "arn:aws:iam::111122223333:user/olivia"
    assert entry.data["execution"] == run
