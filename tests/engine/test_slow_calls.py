"""lambda:Invoke answers when its function has ended, in a stream: one call of its own kind."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from botocore.response import StreamingBody
from pytest_django import Settings

from executions import aws, store
from tests.engine.fake_aws import FakeAws
from tests.engine.runs import Runs, fresh, step
from tests.engine.steps import Step

INVOKE = aws.operation("lambda", "Invoke")
WHO = aws.Identity("111122223333", "arn:aws:iam::111122223333:role/x", "session")


def function(name: str, **more: Any) -> Step:
    inputs = {"FunctionName": "f", "InputPayload": {"a": 1}}
    return {"name": name, "action": "aws:invokeLambdaFunction", "inputs": inputs, **more}


def body(data: bytes, length: int) -> StreamingBody:
    return StreamingBody(io.BytesIO(data), length)


class Client:
    """A boto3 client with one operation."""

    def __init__(self, response: dict[str, Any]) -> None:
        self.response = response

    def invoke(self, **_: Any) -> dict[str, Any]:
        return self.response


def answer_with(monkeypatch: pytest.MonkeyPatch, response: dict[str, Any]) -> list[Any]:
    """Put a client in the place of boto3's; notes what it was asked for with."""
    asked: list[Any] = []

    def make(*key: Any) -> tuple[Client, bool]:
        asked.append(key)
        return Client(response), True

    monkeypatch.setattr("executions.aws.client._client", make)
    return asked


def test_the_text_of_the_stream_is_the_payload(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answer_with(monkeypatch, {"StatusCode": 200, "Payload": body(b'"\xc3\xa4"', 4)})
    response = aws.call(WHO, "eu-west-1", INVOKE, {"FunctionName": "f"})
    assert response == {"StatusCode": 200, "Payload": '"ä"'}
    assert asked[0][2:] == ("lambda", timedelta(seconds=310))


def test_an_answer_holds_no_nul_which_postgresql_would_not_keep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer_with(monkeypatch, {"Payload": body(b"a\x00b", 3), "Headers": {"c\x00": ["d\x00"]}})
    response = aws.call(WHO, "eu-west-1", INVOKE, {"FunctionName": "f"})
    assert response == {"Payload": "a\ufffdb", "Headers": {"c\ufffd": ["d\ufffd"]}}


def test_a_stream_that_breaks_is_a_lost_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, {"StatusCode": 200, "Payload": body(b"ab", 4)})
    with pytest.raises(aws.OutcomeUnknown):
        aws.call(WHO, "eu-west-1", INVOKE, {"FunctionName": "f"})


def test_other_streams_are_refused() -> None:
    with pytest.raises(aws.AwsRefused, match="streams its answer"):
        aws.operation("s3", "GetObject")


def test_only_this_call_may_be_silent_for_so_long(settings: Settings) -> None:
    settings.AWS_CONNECT_TIMEOUT = timedelta(seconds=5)
    settings.AWS_READ_TIMEOUT = timedelta(seconds=25)
    assert aws.call_time() == timedelta(seconds=30)
    assert aws.call_time(aws.operation("lambda", "ListFunctions")) == timedelta(seconds=30)
    assert aws.call_time(INVOKE) == timedelta(seconds=315)


def test_the_lease_outlasts_the_call(
    runs: Runs, fake: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, leases = store.write, []

    def note(lease: store.Lease, change: store.Change) -> str:
        if any(event.kind == "step:call" for event in change.events):
            leases.append((change.lease_until or runs.hand.now) - runs.hand.now)
        return write(lease, change)

    monkeypatch.setattr(store, "write", note)
    fake.on("Invoke", {"StatusCode": 200, "Payload": '"i-1"'})
    run = runs.run(function("a"))
    assert step(run, "a").outputs == {"StatusCode": 200, "Payload": "i-1"}
    assert len(leases) == 1
    assert leases[0] > aws.call_time(INVOKE)


def test_a_lost_invocation_is_put_to_a_person(runs: Runs, fake: FakeAws) -> None:
    fake.on("Invoke", aws.OutcomeUnknown("reset"))
    run = runs.run(function("a", maxAttempts=3))
    row = step(run, "a")
    assert (fresh(run).status, row.phase, len(fake.made("Invoke"))) == ("Waiting", "unknown", 1)


def test_outputs_select_from_the_parsed_payload(runs: Runs, fake: FakeAws) -> None:
    fake.on("Invoke", {"StatusCode": 200, "Payload": '{"ids": ["a", "b"]}'})
    ids = {"Name": "Ids", "Selector": "$.Payload.ids", "Type": "StringList"}
    run = runs.run(function("a", outputs=[ids]))
    assert step(run, "a").outputs["Ids"] == ["a", "b"]
