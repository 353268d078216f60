"""aws:invokeWebhook in a run: the integration is read, posted to once, and kept nowhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from executions import aws, egress
from executions.models import Event
from executions.turn import CALL_MARGIN
from tests.engine.fake_aws import FakeAws
from tests.engine.runs import Runs, fresh, statuses, step
from tests.engine.steps import Step

SECRET = "https://hooks.example.com/T0/s3cr3t"
INTEGRATION = {
    "description": "Chat",
    "url": SECRET,
    "headers": {"X-Key": "k3y", "content-type": "text/plain"},
    "payload": {"text": "default"},
}


@dataclass
class Web:
    """What was posted, and the answers, one after the other; the last one stays."""

    answers: list[egress.Answer | Exception] = field(
        default_factory=lambda: [egress.Answer(200, "thanks")]
    )
    seen: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> egress.Answer:
        self.seen.append((url, dict(headers), body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Web:
    """The web, as egress.post reaches it."""
    web = Web()
    monkeypatch.setattr("executions.egress.post", web.post)
    return web


@pytest.fixture
def fake(fake: FakeAws) -> FakeAws:
    """An account with one integration."""
    keep(fake, json.dumps(INTEGRATION))
    return fake


def keep(fake: FakeAws, value: str, kind: str = "SecureString") -> None:
    fake.on("GetParameter", {"Parameter": {"Type": kind, "Value": value}})


def webhook(name: str, **more: Any) -> Step:
    inputs = {"IntegrationName": "chat", "Body": '{"text": "hi"}'}
    return {"name": name, "action": "aws:invokeWebhook", "inputs": inputs, **more}


def test_it_posts_what_the_step_says(runs: Runs, fake: FakeAws, web: Web) -> None:
    run = runs.run(webhook("a"))
    assert (run.status, step(run, "a").outputs) == (
        "Success",
        {"Response": "thanks", "ResponseCode": 200},
    )
    ((url, headers, body),) = web.seen
    assert (url, body) == (SECRET, b'{"text": "hi"}')
    assert headers["X-Key"] == "k3y"
    assert headers["Content-Type"] == "text/plain"
    assert len(headers["Idempotency-Key"]) == 36
    (read,) = fake.made("GetParameter")
    path = "/d9d01087-4a3f-49e0-b0b4-d568d7826553/ssm/integrations/webhook/chat"
    assert read.request == {"Name": path, "WithDecryption": True}


def test_without_a_body_it_posts_the_integrations_payload(
    runs: Runs, fake: FakeAws, web: Web
) -> None:
    runs.run(webhook("a", inputs={"IntegrationName": "chat"}))
    assert json.loads(web.seen[0][2]) == {"text": "default"}


def test_a_secret_is_kept_nowhere(runs: Runs, fake: FakeAws, web: Web) -> None:
    run = runs.run(webhook("a"))
    row = step(run, "a")
    kept = [row.call, row.inputs, row.outputs, row.state]
    kept += [event.data for event in Event.objects.filter(execution=run)]
    assert "s3cr3t" not in json.dumps(kept)
    assert "k3y" not in json.dumps(kept)


def test_an_answer_that_is_no_success_fails_the_step(runs: Runs, fake: FakeAws, web: Web) -> None:
    web.answers = [egress.Answer(500, "broken")]
    run = runs.run(webhook("a"))
    assert (run.status, len(web.seen)) == ("Failed", 1)
    assert step(run, "a").outputs == {"Response": "broken", "ResponseCode": 500}


def test_a_lost_answer_is_put_to_a_person_and_never_repeated(
    runs: Runs, fake: FakeAws, web: Web
) -> None:
    web.answers = [egress.AnswerLost("broke")]
    run = runs.run(webhook("a", maxAttempts=3))
    assert (run.status, step(run, "a").phase, len(web.seen)) == ("Waiting", "unknown", 1)


@pytest.mark.parametrize("answer", [egress.NotSent("refused"), egress.Answer(429, "slow down")])
def test_what_was_not_taken_is_tried_again(
    runs: Runs, fake: FakeAws, web: Web, answer: egress.Answer | Exception
) -> None:
    web.answers = [answer, egress.Answer(200, "thanks")]
    run = runs.run(webhook("a"))
    assert (run.status, step(run, "a").attempt, len(web.seen)) == ("Success", 1, 2)
    assert len({headers["Idempotency-Key"] for _, headers, _ in web.seen}) == 1


def test_an_address_that_is_not_allowed_fails_the_step(runs: Runs, fake: FakeAws, web: Web) -> None:
    web.answers = [egress.Refused("10.0.0.1 is not a public address.")]
    run = runs.run(webhook("a"))
    assert run.status == "Failed"
    assert "not a public address" in step(run, "a").failure_message


@pytest.mark.parametrize(
    "value",
    ["{", "[]", "{}", '{"url": 1}', '{"url": "https://x", "headers": {"a": 1}}'],
)
def test_an_integration_that_cannot_be_read_fails_the_step(
    runs: Runs, fake: FakeAws, web: Web, value: str
) -> None:
    keep(fake, value)
    run = runs.run(webhook("a"))
    assert (run.status, web.seen) == ("Failed", [])
    assert "Integration chat is not a JSON object" in step(run, "a").failure_message


def test_an_integration_has_to_be_encrypted(runs: Runs, fake: FakeAws, web: Web) -> None:
    keep(fake, json.dumps(INTEGRATION), kind="String")
    run = runs.run(webhook("a"))
    assert (run.status, web.seen) == ("Failed", [])


def test_one_that_is_not_there_fails_the_step(runs: Runs, fake: FakeAws, web: Web) -> None:
    fake.on("GetParameter", aws.AwsRefused("not there", "ParameterNotFound"))
    run = runs.run(webhook("a"))
    assert (run.status, web.seen) == ("Failed", [])
    assert "ParameterNotFound" in step(run, "a").failure_message


def test_a_lost_read_is_no_lost_post(runs: Runs, fake: FakeAws, web: Web) -> None:
    found = fake.answers["GetParameter"][0]
    fake.on("GetParameter", aws.OutcomeUnknown("reset"), found)
    run = runs.run(webhook("a"))
    assert (fresh(run).status, statuses(run), len(web.seen)) == ("Success", {"a": "Success"}, 1)


def test_a_worker_that_is_held_up_after_the_read_posts_nothing(
    runs: Runs, fake: FakeAws, web: Web
) -> None:
    """Its lease is about to end, and another worker might ask a person about that very post."""
    found, waits = {"Parameter": {"Type": "SecureString", "Value": json.dumps(INTEGRATION)}}, [1]

    def read_slowly(_: Mapping[str, Any]) -> dict[str, Any]:
        if waits:
            late = aws.call_time() + CALL_MARGIN
            runs.hand.move(seconds=late.total_seconds() + waits.pop())
        return found

    fake.on("GetParameter", read_slowly)
    run = runs.start(webhook("a"))
    runs.work()
    assert (web.seen, (step(run, "a").call or {})["answer"]) == ([], "none")
    runs.drain()
    assert (fresh(run).status, len(web.seen)) == ("Success", 1)
