"""The page of an execution in a real browser: complete whatever the network does, no doubles."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from django.db import transaction
from django.test import Client
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from console.iam.models import User
from executions.events import record
from executions.models import Execution, StepExecution
from tests.live.rows import finish, tell
from tests.live.web import Web

pytestmark = pytest.mark.browser
PATIENCE = 30_000  # ms that any state may take to come


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright, pytest.MonkeyPatch.context() as environment:
        # Playwright's loop runs in this thread, which is no reason for Django to refuse.
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, web: Web, olivia: User) -> Iterator[Page]:
    """A tab in which Olivia is signed in; it may not break the CSP or throw anything."""
    client = Client()
    client.force_login(olivia)
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    cookie = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": web.url}])
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text))
    yield page
    context.close()
    # A server that is away is no fault of the page.
    assert [text for text in problems if "Failed to load resource" not in text] == []


@pytest.fixture
def open_page(page: Page, web: Web, execution: Execution) -> Callable[[], None]:
    """Open the page of the execution and wait until it follows."""

    def open_it() -> None:
        page.goto(f"{web.url}/executions/{execution.pk}/")
        expect_state(page, "live")

    return open_it


def expect_state(page: Page, state: str) -> None:
    expect(page.locator("#live")).to_have_attribute("data-state", state)


def expect_events(page: Page, last: int) -> None:
    expect(page.locator(f"#event-{last}")).to_be_attached()
    ids = page.locator(".event").evaluate_all("rows => rows.map((row) => row.id)")
    assert ids == [f"event-{seq}" for seq in range(1, last + 1)]


def refuse(route: Route) -> None:
    route.fulfill(status=503, body="No server is available")


def test_restart_in_the_middle(
    page: Page, web: Web, execution: Execution, open_page: Callable[[], None]
) -> None:
    tell(execution, 3)
    open_page()
    tell(execution, 7)
    expect_events(page, 10)
    web.kill()
    tell(execution, 5)
    web.start()
    tell(execution, 5)
    expect_events(page, 20)


def test_proxy_that_answers_503_for_a_while(
    page: Page, execution: Execution, open_page: Callable[[], None]
) -> None:
    open_page()
    tell(execution, 2)
    expect_events(page, 2)
    page.route(re.compile("/live/|/events/"), refuse)
    hide(page, True)
    tell(execution, 3)
    hide(page, False)
    for _ in range(4):
        page.wait_for_event("response", lambda response: response.status == 503)
    page.unroute_all()
    tell(execution, 3)
    expect_events(page, 8)


def test_polling_when_no_stream_gets_through(page: Page, web: Web, execution: Execution) -> None:
    page.route("**/live/**", refuse)
    page.goto(f"{web.url}/executions/{execution.pk}/")
    expect_state(page, "polling")
    tell(execution, 5)
    expect_events(page, 5)
    finish(execution)
    expect_events(page, 6)
    expect_state(page, "over")


def hide(page: Page, hidden: bool) -> None:
    """Tell the page that its tab is hidden, or shown again."""
    page.evaluate(
        """(hidden) => {
            Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def test_hidden_tab_lets_go_and_catches_up(
    page: Page, execution: Execution, open_page: Callable[[], None]
) -> None:
    open_page()
    with page.expect_event("requestfailed"):
        hide(page, True)
    tell(execution, 4)
    hide(page, False)
    expect_events(page, 4)


def test_steps_come_and_change(
    page: Page,
    execution: Execution,
    open_page: Callable[[], None],
    begin_step: Callable[[str], StepExecution],
) -> None:
    open_page()
    step = begin_step("stopInstances")
    expect(page.locator("#step-1")).to_be_visible()
    expect(page.locator("#upcoming-stopInstances")).to_have_count(0)
    expect(page.locator("#execution-steps_count")).to_have_text("1 begun, 1 to come")
    ids = page.locator(".steps-list > li").evaluate_all("rows => rows.map((row) => row.id)")
    assert ids == ["step-1", "upcoming-startInstances"]
    page.locator("#step-1 summary").click()
    with transaction.atomic():
        StepExecution.objects.filter(pk=step.pk).update(status="Success", outputs={"Done": "yes"})
        record(execution.pk, "step:succeeded", step=step.name)
    expect(page.locator("#step-1")).to_have_attribute("data-status", "Success")
    expect(page.locator("#step-1 details")).to_have_attribute("open", "")
    expect(page.locator("#step-1 summary")).to_be_focused()
    expect(page.locator("#live-status")).to_contain_text("stopInstances")


def test_open_dialog_is_left_alone_until_it_closes(
    page: Page, execution: Execution, open_page: Callable[[], None]
) -> None:
    open_page()
    page.get_by_role("button", name="Cancel", exact=True).click()
    finish(execution)
    expect_events(page, 1)
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_role("button", name="Keep running").click()
    expect(page.get_by_role("button", name="Cancel", exact=True)).to_have_count(0)


def test_form_that_came_by_the_stream_can_be_sent(
    page: Page, execution: Execution, open_page: Callable[[], None]
) -> None:
    open_page()
    tell(execution)
    expect_events(page, 1)
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel the execution").click()
    expect(page.locator("#main")).to_contain_text("It is being cancelled")
    execution.refresh_from_db()
    assert execution.stop_requested == "Cancel"


def test_end_ends_the_following(
    page: Page, execution: Execution, open_page: Callable[[], None]
) -> None:
    open_page()
    tell(execution)
    finish(execution)
    expect_state(page, "over")
    expect_events(page, 2)
    expect(page.locator("#execution-summary")).to_contain_text("Success")


def test_lost_right_is_told(
    page: Page, web: Web, olivia: User, execution: Execution, open_page: Callable[[], None]
) -> None:
    open_page()
    olivia.principals.get().policies.clear()
    web.kill()
    web.start()
    expect_state(page, "lost")
    expect(page.locator("#live-status")).to_contain_text("may not see this execution")
