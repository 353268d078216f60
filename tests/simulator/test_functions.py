"""Lambda over a real socket: functions that really run, apart from everything else."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import subprocess
import sys
import time
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from console.simulator import client
from tests.simulator.aws import PRODUCTION, assume, make_client
from tests.simulator.stacks import ROLE

CODE = """
import json, os, sys, urllib.request
import boto3
import helper

def who(event, context):
    return boto3.client("sts").get_caller_identity()["Arn"]

def echo(event, context):
    print("seen", event)
    return {"event": event, "name": context.function_name, "colour": os.environ["COLOUR"],
            "helped": helper.HELP, "token": context.client_context.custom.get("token"),
            "left": 0 < context.get_remaining_time_in_millis() <= 60000}

def fail(event, context):
    raise ValueError("not today")

def spin(event, context):
    while True:
        pass

def leave(event, context):
    sys.exit(3)

def wander(event, context):
    try:
        urllib.request.urlopen("http://127.0.0.2:80/", timeout=1)
    except OSError as error:
        return "refused"

def odd(event, context):
    return {1, 2}

def mark(event, context):
    boto3.client("sns").publish(TopicArn=event["topic"], Message="from the function")
"""


def pack(code: str) -> bytes:
    """A ZIP of the code and of a module that it imports."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app/main.py", code)
        archive.writestr("helper.py", "HELP = 'helped'")
    return packed.getvalue()


@pytest.fixture
def functions(endpoint: str) -> Any:
    return make_client(endpoint, "lambda", assume(endpoint, PRODUCTION), read_timeout=60)


def create(functions: Any, handler: str, **given: Any) -> str:
    """A function of the code above, called after its handler."""
    facts = {"Runtime": "python3.11", "Role": ROLE, "Timeout": 60, **given}
    environment = {"Variables": {"COLOUR": "green"}}
    with contextlib.suppress(functions.exceptions.ResourceNotFoundException):
        functions.delete_function(FunctionName=f"Automation-{handler}")
    made = functions.create_function(
        FunctionName=f"Automation-{handler}",
        Handler=f"app/main.{handler}",
        Code={"ZipFile": pack(CODE)},
        Environment=environment,
        **facts,
    )
    name: str = made["FunctionName"]
    return name


def test_a_function_runs_with_its_event_context_and_environment(functions: Any) -> None:
    context = base64.b64encode(json.dumps({"custom": {"token": "t-1"}}).encode()).decode()
    answer = functions.invoke(
        FunctionName=create(functions, "echo"),
        Payload=json.dumps({"n": [1, "é"]}),
        LogType="Tail",
        ClientContext=context,
    )
    assert (answer["StatusCode"], "FunctionError" in answer) == (200, False)
    assert json.load(answer["Payload"]) == {
        "event": {"n": [1, "é"]},
        "name": "Automation-echo",
        "colour": "green",
        "helped": "helped",
        "token": "t-1",
        "left": True,
    }
    log = base64.b64decode(answer["LogResult"]).decode()
    assert log.startswith("START RequestId: ")
    assert "seen {'n': [1, 'é']}" in log
    assert "REPORT RequestId: " in log


def test_a_function_is_its_role_and_reaches_its_account(functions: Any, endpoint: str) -> None:
    answer = functions.invoke(FunctionName=create(functions, "who"))
    assert json.load(answer["Payload"]) == (
        "arn:aws:sts::111122223333:assumed-role/CountersignExecution/Automation-who"
    )
    seen = client.calls(endpoint, operation="GetCallerIdentity")[-1]
    assert seen["principal"].endswith("assumed-role/CountersignExecution/Automation-who")


def test_a_function_reaches_nothing_else(functions: Any) -> None:
    answer = functions.invoke(FunctionName=create(functions, "wander"))
    assert json.load(answer["Payload"]) == "refused"


@pytest.mark.parametrize(
    ("handler", "kind", "message"),
    [
        ("fail", "ValueError", "not today"),
        ("spin", "Sandbox.Timedout", "Task timed out after 2.00 seconds"),
        ("leave", "Runtime.ExitError", "Runtime exited with error: exit status 3"),
        ("odd", "TypeError", "Object of type set is not JSON serializable"),
        ("absent", "AttributeError", "Handler 'absent' missing on module 'app/main'"),
    ],
)
def test_what_goes_wrong_is_a_function_error(
    functions: Any, handler: str, kind: str, message: str
) -> None:
    name = create(functions, handler, Timeout=2 if handler == "spin" else 60)
    answer = functions.invoke(FunctionName=name, LogType="Tail")
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    error = json.load(answer["Payload"])
    assert (error["errorType"], error["errorMessage"]) == (kind, message)
    assert answer["LogResult"]


def test_a_dry_run_does_not_run(functions: Any, endpoint: str) -> None:
    name = create(functions, "fail")
    answer = functions.invoke(FunctionName=name, InvocationType="DryRun")
    assert (answer["StatusCode"], answer["Payload"].read()) == (204, b"")
    assert client.calls(endpoint, operation="Invoke")[-1]["effective"] == []


def test_an_event_runs_later(functions: Any, endpoint: str) -> None:
    sns = make_client(endpoint, "sns", assume(endpoint, PRODUCTION))
    topic = sns.create_topic(Name="Automation-later")["TopicArn"]
    answer = functions.invoke(
        FunctionName=create(functions, "mark"),
        InvocationType="Event",
        Payload=json.dumps({"topic": topic}),
    )
    assert answer["StatusCode"] == 202
    deadline = time.monotonic() + 60
    found: list[dict[str, Any]] = []
    while not found and time.monotonic() < deadline:
        found = [each for each in client.messages(endpoint) if each["topic"] == topic]
    assert [each["message"] for each in found] == ["from the function"]


def test_another_language_is_refused_with_the_reason(functions: Any) -> None:
    name = create(functions, "echo", Runtime="nodejs20.x")
    with pytest.raises(ClientError, match="runs functions in Python only"):
        functions.invoke(FunctionName=name)


def test_a_role_that_is_gone_cannot_be_assumed(functions: Any, endpoint: str) -> None:
    iam = make_client(endpoint, "iam", assume(endpoint, PRODUCTION))
    role = iam.create_role(RoleName="Passing", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    name = create(functions, "echo", Role=role)
    iam.delete_role(RoleName="Passing")
    with pytest.raises(ClientError, match="cannot be assumed: it is not there"):
        functions.invoke(FunctionName=name)


def test_no_function_is_not_found(functions: Any) -> None:
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.invoke(FunctionName="Automation-nobody")


def test_without_a_sandbox_nothing_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    python = tmp_path / "python3"
    python.symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path))  # where there is no bwrap
    assert subprocess.run([python, "-c", ""], check=False, env=os.environ).returncode == 0
    with client.started("--time-scale", "0.02") as endpoint:
        functions = make_client(endpoint, "lambda", assume(endpoint, PRODUCTION), read_timeout=60)
        name = create(functions, "echo")
        with pytest.raises(ClientError, match="bubblewrap is not installed"):
            functions.invoke(FunctionName=name)
