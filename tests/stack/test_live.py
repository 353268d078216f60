"""The page of a run in a real browser: no event is lost or doubled, whatever happens to web."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.stack.conftest import Troubles
from tests.stack.running import Stack, wait_until
from tests.stack.session import EVENT, TOPIC, Session

pytestmark = [pytest.mark.stack, pytest.mark.browser]
expect.set_options(timeout=60_000)

Open = Callable[[str], Page]


@pytest.fixture
def waiting(olivia: Session, instance: str) -> tuple[str, str]:
    """The paths of an execution that waits, and of its request."""
    execution = olivia.start(
        "AWS-StopEC2InstanceWithApproval",
        InstanceId=instance, Approvers="alice", SNSTopicArn=TOPIC,
    )  # fmt: skip
    return execution, olivia.wait_for_request(execution)


def expect_every_event(page: Page, session: Session, execution: str) -> None:
    """It shows the events of a page that is loaded now, in order, each once."""
    expect(page.locator("#execution-verdict .state")).to_have_text("Success")
    expect(page.locator("#live")).to_have_attribute("data-state", "over")
    shown = page.locator("#execution-events li").evaluate_all("rows => rows.map(row => row.id)")
    expected = [f"event-{number}" for number in EVENT.findall(session.get(execution))]
    assert len(expected) > 10
    assert shown == expected
    assert page.locator(".step-upcoming").count() == 0
    ids = page.locator("[id]").evaluate_all("all => all.map(each => each.id)")
    assert len(ids) == len(set(ids))


def test_web_killed_while_the_page_is_open(
    stack: Stack, open_as: Open, alice: Session, waiting: tuple[str, str], troubles: Troubles
) -> None:
    execution, request = waiting
    page = open_as("olivia")
    page.goto(execution)
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    stack.signal("uvicorn", signal.SIGKILL)
    wait_until(stack.serves, "web serves again")
    alice.post(request, verdict="Approve")
    stack.signal("uvicorn", signal.SIGKILL)  # and once more, while the steps run
    wait_until(stack.serves, "web serves again")
    expect_every_event(page, alice, execution)
    assert "web ended (SIGKILL). It is started again" in stack.said()
    troubles.clear()  # the browser tells of the connections that broke


def test_polling_when_no_stream_gets_through(
    open_as: Open, alice: Session, waiting: tuple[str, str], troubles: Troubles
) -> None:
    execution, request = waiting
    page = open_as("olivia")
    page.route("**/live/executions/**", lambda route: route.abort())
    page.goto(execution)
    expect(page.locator("#live")).to_have_attribute("data-state", "polling")
    alice.post(request, verdict="Approve")
    expect_every_event(page, alice, execution)
    troubles.clear()  # the browser tells of the streams that were kept from it
