"""Every page in Chromium, light and dark, wide and narrow: axe finds nothing and nothing sticks out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.stack.account import Instances
from tests.stack.conftest import Troubles
from tests.stack.session import TOPIC, Session

pytestmark = [pytest.mark.stack, pytest.mark.browser]

Open = Callable[[str], Page]
SIZES = {"wide": {"width": 1440, "height": 900}, "narrow": {"width": 390, "height": 844}}
STOP = "/documents/Amazon/AWS-StopEC2InstanceWithApproval/"

# name -> who looks, and where; braces are filled in with the paths of `places`.
PAGES = {
    "home": ("olivia", "/"),
    "home of an approver": ("alice", "/"),
    "documents": ("olivia", "/documents/"),
    "documents, none found": ("olivia", "/documents/?q=nothing"),
    "document": ("olivia", STOP),
    "document, parameters": ("olivia", f"{STOP}?tab=parameters"),
    "document, content": ("olivia", f"{STOP}?tab=content"),
    "document, versions": ("olivia", f"{STOP}?tab=versions"),
    "start": ("olivia", f"{STOP}start/"),
    "execution, waiting": ("olivia", "{waiting}"),
    "execution, success": ("olivia", "{success}"),
    "execution, failed": ("olivia", "{failed}"),
    "inbox": ("alice", "/approvals/"),
    "inbox, empty": ("victor", "/approvals/"),
    "inbox, decided": ("alice", "/approvals/?tab=decided"),
    "request, for its approver": ("alice", "{request}"),
    "request, for its starter": ("olivia", "{request}"),
    "request, decided": ("alice", "{decided}"),
    "history": ("olivia", "/executions/"),
    "history, none found": ("olivia", "/executions/?q=nothing&status=Failed"),
    "history, bad filter": ("olivia", "/executions/?after=yesterday"),
    "sign in": ("", "/accounts/login/"),
    "sign out": ("olivia", "/accounts/logout/"),
    "password": ("olivia", "/accounts/password/"),
    "refused": ("victor", "{waiting}stop/"),
    "nothing there": ("olivia", "/nothing/"),
}


@pytest.fixture(scope="module")
def places(stack: Any, olivia: Session, alice: Session, instances: Instances) -> dict[str, str]:
    """Paths of executions in several states, and of their requests."""
    del stack
    terms = {"Approvers": ["alice", "bob"], "SNSTopicArn": TOPIC}
    name = "AWS-StopEC2InstanceWithApproval"
    waiting, failed, success = (
        olivia.start(name, InstanceId=instances.take(), **terms) for _ in range(3)
    )
    decided = olivia.wait_for_request(failed)
    alice.post(decided, verdict="Reject", comment="Not during the sale.")
    alice.post(olivia.wait_for_request(success), verdict="Approve", comment="Checked.")
    olivia.wait_for(success, "Success")
    olivia.wait_for(failed, "Failed")
    return {
        "waiting": waiting,
        "success": success,
        "failed": failed,
        "decided": decided,
        "request": olivia.wait_for_request(waiting),
    }


@pytest.mark.parametrize("name", PAGES)
def test_page(name: str, open_as: Open, places: dict[str, str], troubles: Troubles) -> None:
    person, path = PAGES[name]
    page = open_as(person)
    answer = page.goto(path.format_map(places))
    assert answer
    if answer.status >= 400:
        troubles.clear()  # the browser tells of the status
    check(page)


def test_start_form_with_errors_and_review(
    open_as: Open, instances: Instances, troubles: Troubles
) -> None:
    page = open_as("olivia")
    page.goto(f"{STOP}start/?Approvers=alice")
    page.get_by_role("button", name="Review").click()
    page.get_by_text("This field is required.").first.wait_for()
    page.locator("input[data-pick]").first.wait_for()
    troubles.clear()  # the browser tells of the 400
    check(page)
    page.locator(f"input[data-pick][value={instances.take()}]").check()
    page.get_by_label("SNSTopicArn").fill(TOPIC)
    page.get_by_role("button", name="Review").click()
    page.get_by_role("heading", name="Review before it starts").wait_for()
    check(page)


def test_running_execution(open_as: Open, olivia: Session, instances: Instances) -> None:
    execution = olivia.start("AWS-RestartEC2Instance", InstanceId=instances.take())
    page = open_as("alice")
    page.goto(execution)
    check(page)
    olivia.wait_for(execution, "Success")


def test_what_opens(open_as: Open, places: dict[str, str]) -> None:
    page = open_as("olivia")
    page.goto(places["waiting"])
    for selector in ("#principal-menu", "#user-menu"):
        page.locator(f"{selector} > summary").click()
        check(page)
        page.keyboard.press("Escape")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("dialog", name="Cancel this execution?").wait_for()
    check(page)


def check(page: Page) -> None:
    """In both themes and sizes."""
    found = [problem for look in looks(page) for problem in problems(page, look)]
    page.set_viewport_size({"width": 1440, "height": 900})
    assert found == []


def looks(page: Page) -> Iterator[str]:
    """Shows the page in each size and theme, and tells which."""
    page.wait_for_load_state("networkidle")
    for size, viewport in SIZES.items():
        page.set_viewport_size({"width": viewport["width"], "height": viewport["height"]})
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # one of the literals
            page.wait_for_function(f"document.documentElement.dataset.bsTheme === '{theme}'")
            page.wait_for_function("document.getAnimations().every(each => each.playState !== 'running' || each.effect.getTiming().iterations === Infinity)")
            yield f"{size} {theme}"


def problems(page: Page, look: str) -> Iterator[str]:
    """What axe finds, and whether the page is wider than the window."""
    for violation in Axe().run(page).response["violations"]:
        for node in violation["nodes"]:
            yield f"{look}: {violation['id']} at {' '.join(map(str, node['target']))}"
    width = page.evaluate("document.scrollingElement.scrollWidth - innerWidth")
    if width > 0:
        yield f"{look}: {width} pixels wider than the window"
