"""aws:invokeWebhook: the call names the integration, and one answer decides."""

from __future__ import annotations

import pytest

from executions.actions.base import WEBHOOK, BadInput, Call, Done, StepFailed, Unknown
from executions.actions.invoke_webhook import InvokeWebhook
from tests.actions.answers import MakeContext

NAME = "aws:invokeWebhook"
INPUTS = {"IntegrationName": "chat", "Body": '{"text": "hi"}'}
TOKEN = "00000000-0000-0000-0000-000000000003"


def test_the_call_holds_no_address(make_context: MakeContext) -> None:
    outcome = InvokeWebhook().begin(make_context(NAME, INPUTS))
    assert outcome == Call(*WEBHOOK, {**INPUTS, "IdempotencyKey": TOKEN})


@pytest.mark.parametrize("body", ["", None])
def test_without_a_body_the_integrations_own_is_posted(
    make_context: MakeContext, body: str | None
) -> None:
    outcome = InvokeWebhook().begin(make_context(NAME, {**INPUTS, "Body": body}))
    assert isinstance(outcome, Call)
    assert "Body" not in outcome.request


@pytest.mark.parametrize("name", ["", "../secret", "a/b", "a" * 129, "a b"])
def test_a_name_leads_to_no_other_parameter(make_context: MakeContext, name: str) -> None:
    with pytest.raises(BadInput, match="IntegrationName"):
        InvokeWebhook().begin(make_context(NAME, {"IntegrationName": name}))


@pytest.mark.parametrize("status", [200, 204, 299])
def test_two_hundreds_are_a_success(make_context: MakeContext, status: int) -> None:
    answer = {"Response": "ok", "ResponseCode": status}
    outcome = InvokeWebhook().called(make_context(NAME, INPUTS), answer)
    assert outcome == Done(answer, response=answer)


@pytest.mark.parametrize("status", [199, 301, 404, 500])
def test_anything_else_fails_with_the_answer(make_context: MakeContext, status: int) -> None:
    answer = {"Response": "sorry", "ResponseCode": status}
    with pytest.raises(StepFailed, match=f"chat answered {status}: sorry") as failure:
        InvokeWebhook().called(make_context(NAME, INPUTS), answer)
    assert failure.value.outputs == answer


def test_after_a_lost_answer_only_the_receiver_knows(make_context: MakeContext) -> None:
    outcome = InvokeWebhook().recover(make_context(NAME, INPUTS))
    assert isinstance(outcome, Unknown)
    assert outcome.evidence == {"IdempotencyKey": TOKEN}
