"""aws:invokeLambdaFunction: one invocation, its payload, and no repetition."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any

import pytest

from executions.actions.base import BadInput, Call, Done, Sent, StepFailed, Unknown
from executions.actions.invoke_lambda_function import InvokeLambdaFunction
from tests.actions.answers import MakeContext

NAME = "aws:invokeLambdaFunction"
INPUTS = {"FunctionName": "Automation-pick"}


def build(make_context: MakeContext, **inputs: Any) -> dict[str, Any]:
    outcome = InvokeLambdaFunction().begin(make_context(NAME, {**INPUTS, **inputs}))
    assert isinstance(outcome, Call)
    assert (outcome.service, outcome.operation) == ("lambda", "Invoke")
    return dict(outcome.request)


def answer(make_context: MakeContext, **response: Any) -> Done:
    outcome = InvokeLambdaFunction().called(make_context(NAME, INPUTS), response)
    assert isinstance(outcome, Done)
    return outcome


def test_it_waits_for_the_answer_and_its_log_by_default(make_context: MakeContext) -> None:
    request = build(make_context)
    context = json.loads(base64.b64decode(request.pop("ClientContext")))
    assert context["custom"]["countersignToken"] == "00000000-0000-0000-0000-000000000003"
    assert request == {**INPUTS, "InvocationType": "RequestResponse", "LogType": "Tail"}


@pytest.mark.parametrize("kind", ["Event", "DryRun"])
def test_others_have_neither_log_nor_context(make_context: MakeContext, kind: str) -> None:
    request = build(make_context, InvocationType=kind, Qualifier="live")
    assert request == {**INPUTS, "InvocationType": kind, "Qualifier": "live"}


def test_the_runbooks_own_context_stays(make_context: MakeContext) -> None:
    request = build(make_context, ClientContext="e30=", LogType="None")
    assert (request["ClientContext"], request["LogType"]) == ("e30=", "None")


@pytest.mark.parametrize(
    ("inputs", "payload"),
    [
        ({"InputPayload": {"a": [1, True]}}, '{"a": [1, true]}'),
        ({"Payload": '{"b": 2}'}, '{"b": 2}'),
        ({"Payload": {"b": 2}}, '{"b": 2}'),
        ({"InputPayload": {"a": 1}, "Payload": '{"b": 2}'}, '{"a": 1}'),
    ],
)
def test_the_payload_is_json_and_input_payload_wins(
    make_context: MakeContext, inputs: dict[str, Any], payload: str
) -> None:
    assert build(make_context, **inputs)["Payload"] == payload


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"FunctionName": ""}, "FunctionName is empty"),
        ({"InvocationType": "Later"}, "InvocationType must be"),
    ],
)
def test_it_refuses_inputs_that_cannot_be_right(
    make_context: MakeContext, inputs: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        InvokeLambdaFunction().begin(make_context(NAME, {**INPUTS, **inputs}))


def test_outputs_are_what_lambda_answered(make_context: MakeContext) -> None:
    done = answer(make_context, StatusCode=200, Payload='{"a": 1}', LogResult="bG9n")
    assert done.outputs == {"StatusCode": 200, "Payload": '{"a": 1}', "LogResult": "bG9n"}
    assert done.response["Payload"] == {"a": 1}


@pytest.mark.parametrize(
    ("payload", "wanted"),
    [('"ami-1"', "ami-1"), ('"', '"'), ("3", "3"), ("null", "null"), ('["a"]', '["a"]')],
)
def test_a_text_loses_its_quotes(make_context: MakeContext, payload: str, wanted: str) -> None:
    assert answer(make_context, StatusCode=200, Payload=payload).outputs["Payload"] == wanted


def test_an_event_has_only_a_status(make_context: MakeContext) -> None:
    done = answer(make_context, StatusCode=202, Payload="")
    assert (done.outputs, done.response["Payload"]) == ({"StatusCode": 202}, "")


def test_a_payload_has_a_limit(make_context: MakeContext) -> None:
    done = answer(make_context, StatusCode=200, Payload="x" * 300_000)
    assert len(done.outputs["Payload"]) == 200 * 1024


def test_a_function_that_failed_fails_the_step(make_context: MakeContext) -> None:
    response = {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": '{"errorMessage": "x"}'}
    with pytest.raises(StepFailed, match=r"Unhandled.*errorMessage") as failure:
        InvokeLambdaFunction().called(make_context(NAME, INPUTS), response)
    assert failure.value.outputs == response


@pytest.mark.parametrize(
    ("kind", "repeated"), [("RequestResponse", False), ("Event", False), ("DryRun", True)]
)
def test_after_a_lost_answer_only_a_dry_run_is_repeated(
    make_context: MakeContext, now: datetime, kind: str, repeated: bool
) -> None:
    request = {**INPUTS, "InvocationType": kind}
    sent = Sent("lambda", "Invoke", request, now)
    outcome = InvokeLambdaFunction().recover(make_context(NAME, INPUTS, sent=sent))
    if repeated:
        assert outcome == Call("lambda", "Invoke", request)
    else:
        assert isinstance(outcome, Unknown)
