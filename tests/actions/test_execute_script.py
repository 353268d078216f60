"""aws:executeScript: what it asks of the engine, and what it makes of how a script ended."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from executions.actions.base import (
    SCRIPT,
    BadInput,
    Call,
    CallFailed,
    Done,
    StepFailed,
    StepTimedOut,
    Unknown,
    Wait,
    registry,
)
from executions.actions.execute_script import LOG_LENGTH, shorten
from tests.actions.conftest import MakeContext

ACTION = "aws:executeScript"
SOURCE = "def main(events, context):\n    return '{{ not.ours }}'"
INPUTS: dict[str, Any] = {"Runtime": "python3.11", "Handler": "main", "Script": SOURCE}


def begin(make_context: MakeContext, **inputs: Any) -> Call:
    given = {**INPUTS, **inputs}
    action = registry.actions[ACTION]
    outcome = action.begin(make_context(ACTION, {k: v for k, v in given.items() if v is not None}))
    assert isinstance(outcome, Call)
    return outcome


def called(make_context: MakeContext, **response: Any) -> Any:
    answer = {"Status": "Success", "Payload": None, "Message": "", "Log": "", **response}
    return registry.actions[ACTION].called(make_context(ACTION, INPUTS), answer)


def test_it_asks_the_engine_to_run_the_script(make_context: MakeContext) -> None:
    call = begin(make_context, InputPayload={"ids": ["i-1"], "dry": True})
    assert (call.service, call.operation) == SCRIPT
    assert call.request == {
        "Token": "00000000-0000-0000-0000-000000000003",
        "Step": "theStep",
        "Language": "python",
        "Runtime": "python3.11",
        "Script": SOURCE,
        "Handler": "main",
        "InputPayload": {"ids": ["i-1"], "dry": True},
    }


@pytest.mark.parametrize(
    ("given", "events"),
    [
        (None, {}),
        ({}, {}),
        ({"a": [1, True, None]}, {"a": [1, True, None]}),
        ('{"a": 1}', {"a": 1}),
        ("plain text", "plain text"),
        ("[1]", "[1]"),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_the_payload_keeps_its_types(make_context: MakeContext, given: Any, events: Any) -> None:
    assert begin(make_context, InputPayload=given).request["InputPayload"] == events


@pytest.mark.parametrize("runtime", [f"python3.{minor}" for minor in range(6, 14)])
def test_every_python_runs_on_ours(make_context: MakeContext, runtime: str) -> None:
    request = begin(make_context, Runtime=runtime).request
    assert (request["Language"], request["Runtime"]) == ("python", runtime)


@pytest.mark.parametrize(
    "runtime",
    ["PowerShell 7.4", "PowerShell 7.0", "PowerShell Core 6.0", "PowerShell Core 7.0"],
)
def test_powershell_has_no_handler(make_context: MakeContext, runtime: str) -> None:
    request = begin(make_context, Runtime=runtime, Handler=None).request
    assert (request["Language"], request["Handler"]) == ("powershell", "")
    with pytest.raises(BadInput, match="Handler is for Python only"):
        begin(make_context, Runtime=runtime)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"Runtime": "ruby3"}, "Runtime 'ruby3' is none that runs here"),
        ({"Runtime": "python2.7"}, "Runtime 'python2.7' is none that runs here"),
        ({"Script": " \n"}, "Script is empty"),
        ({"Script": None}, "Script is empty"),
        ({"Handler": None}, "Handler is empty"),
        ({"Handler": "file.main"}, "name of a function in Script, not 'file.main'"),
        ({"Attachment": "a.zip"}, "a.zip is not listed under files of the document"),
    ],
)
def test_what_cannot_be_run_is_refused(
    make_context: MakeContext, inputs: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        begin(make_context, **inputs)


@pytest.mark.parametrize("payload", [None, "text", 3, [1, {"a": True}], {"a": {"b": None}}])
def test_the_payload_is_what_outputs_select_from(make_context: MakeContext, payload: Any) -> None:
    outcome = called(make_context, Payload=payload, Log="printed\n")
    assert outcome == Done(
        {
            "Payload": payload,
            "OutputPayload": json.dumps({"Payload": payload}),
            "ExecutionLog": "printed\n",
        },
        response={"Payload": payload},
    )


def test_a_script_that_printed_nothing_has_no_log(make_context: MakeContext) -> None:
    assert set(called(make_context).outputs) == {"Payload", "OutputPayload"}


def test_a_failure_keeps_message_and_log(make_context: MakeContext) -> None:
    with pytest.raises(StepFailed, match=r"The script failed\. KeyError: 'a'") as failed:
        called(make_context, Status="Failed", Message="KeyError: 'a'\n", Log="before\n")
    assert failed.value.outputs == {"ExecutionLog": "before\n"}
    assert failed.value.retryable


def test_its_time_out_is_a_time_out(make_context: MakeContext) -> None:
    with pytest.raises(StepTimedOut, match="killed") as failed:
        called(make_context, Status="TimedOut", Log="before\n")
    assert failed.value.outputs == {"ExecutionLog": "before\n"}


def test_a_script_that_a_stop_ended_leaves_the_rest_to_the_engine(
    make_context: MakeContext, now: datetime
) -> None:
    outcome = called(make_context, Status="Stopped", Log="before\n")
    assert outcome == Wait(now, outputs={"ExecutionLog": "before\n"})


def test_a_host_without_sandbox_fails_the_step_at_once(make_context: MakeContext) -> None:
    refusal = CallFailed("SandboxUnavailable", "bubblewrap is not installed.")
    with pytest.raises(StepFailed, match=r"no sandbox\. bubblewrap is not") as failed:
        registry.actions[ACTION].refused(make_context(ACTION, INPUTS), refusal)
    assert not failed.value.retryable


def test_a_role_that_cannot_be_assumed_fails_the_step(make_context: MakeContext) -> None:
    refusal = CallFailed("AccessDenied", "not authorized to perform sts:AssumeRole")
    with pytest.raises(StepFailed, match="role could not be assumed") as failed:
        registry.actions[ACTION].refused(make_context(ACTION, INPUTS), refusal)
    assert (failed.value.kind, failed.value.stage) == ("Permission", "PreVerification")


def test_a_lost_script_is_for_a_person_to_judge(make_context: MakeContext) -> None:
    outcome = registry.actions[ACTION].recover(make_context(ACTION, INPUTS))
    assert isinstance(outcome, Unknown)
    assert "how far the script came" in outcome.reason


def test_a_long_log_keeps_its_beginning_and_its_end() -> None:
    assert shorten("x" * LOG_LENGTH) == "x" * LOG_LENGTH
    cut = shorten("BEGIN" + "x" * LOG_LENGTH + "END")
    assert cut.startswith("BEGIN")
    assert cut.endswith("END")
    assert "\n[8 characters left out here]\n" in cut


FILES = {"code.zip": "a" * 64, "tool.py": "b" * 64, "notes.txt": "c" * 64}


def attached(make_context: MakeContext, **inputs: Any) -> Any:
    """What the action asks of a document with these files."""
    given = {"Runtime": "python3.11", "Attachment": "code.zip", **inputs}
    return registry.actions[ACTION].begin(make_context(ACTION, given, files=FILES))


def test_an_attachment_is_named_with_the_documents_checksum(make_context: MakeContext) -> None:
    request = attached(make_context, Handler="main.handler").request
    assert request["Attachment"] == {"Name": "code.zip", "Sha256": "a" * 64}
    assert (request["Handler"], request["Script"]) == ("main.handler", "")


@pytest.mark.parametrize("handler", ["main", "lib.tool-2.handler", "main.handler"])
def test_a_script_with_an_attachment_may_call_either(
    make_context: MakeContext, handler: str
) -> None:
    request = attached(make_context, Handler=handler, Script=SOURCE).request
    assert request["Handler"] == handler


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({"Handler": "main"}, "such as main.handler, and not 'main'"),
        ({"Handler": "../main.handler"}, "such as main.handler"),
        ({"Handler": "main."}, "such as main.handler"),
        ({"Handler": "a.b", "Attachment": "notes.txt"}, "neither a script nor a .zip archive"),
        ({"Runtime": "PowerShell 7.4"}, "Script is empty"),
    ],
)
def test_what_an_attachment_does_not_make_good(
    make_context: MakeContext, inputs: dict[str, Any], told: str
) -> None:
    with pytest.raises(BadInput, match=told):
        attached(make_context, **inputs)


def test_powershell_has_its_archive_beside_the_script(make_context: MakeContext) -> None:
    request = attached(make_context, Runtime="PowerShell 7.4", Script="./run.ps1").request
    assert (request["Language"], request["Attachment"]["Name"]) == ("powershell", "code.zip")


def test_an_attachment_that_is_gone_fails_for_good(make_context: MakeContext) -> None:
    refusal = CallFailed("AttachmentMissing", "Its attachment code.zip is not kept here.")
    with pytest.raises(StepFailed, match=r"code\.zip is not kept here") as failed:
        registry.actions[ACTION].refused(make_context(ACTION, INPUTS), refusal)
    assert not failed.value.retryable
