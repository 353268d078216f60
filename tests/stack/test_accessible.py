"""Every page in Chromium, light and dark, wide and narrow: axe finds nothing, and all fits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize, expect

from tests.stack.account import Instances
from tests.stack.conftest import Troubles
from tests.stack.running import Stack
from tests.stack.session import TOPIC, Session

pytestmark = [pytest.mark.stack, pytest.mark.browser]

Open = Callable[[str], Page]
SIZES: dict[str, ViewportSize] = {
    "wide": {"width": 1440, "height": 900},
    "narrow": {"width": 390, "height": 844},
}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
# Colours are what they are only at the end of their transition; what turns for ever has none.
END_TRANSITIONS = """
document.getAnimations()
    .filter((each) => each.effect.getTiming().iterations !== Infinity)
    .forEach((each) => each.finish())
"""
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
    "execution, unknown": ("olivia", "{unknown}"),
    "run again, review": ("olivia", "{failed}redrive/"),
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

# An execution whose step waits for somebody who says what became of its call.
UNKNOWN = """
from console.iam.models import User
from executions import clock
from executions.models import DocumentVersion, Execution, StepExecution
from executions.states import NEVER
version = DocumentVersion.objects.get(document__name="AWS-StopEC2Instance")
olivia = User.objects.get(username="olivia")
execution = Execution.objects.create(
    account_id="111122223333", region="eu-west-1", version=version,
    document_name="AWS-StopEC2Instance", started_by=olivia, executed_by=olivia.principal.arn,
    status="Waiting", current_step="stopInstances", wake_at=NEVER,
)
StepExecution.objects.create(
    execution=execution, number=1, name="stopInstances", action="aws:changeInstanceState",
    status="Waiting", phase="unknown", started_at=clock.now(),
    inputs={"InstanceIds": ["i-0123456789abcdef0"], "DesiredState": "stopped"},
    unknown={"reason": "No answer to StopInstances has arrived.", "evidence": {}},
)
print(f"/executions/{execution.pk}/")
"""
CROWDED = """[...document.querySelectorAll(".btn")]
    .filter(one => one.scrollWidth > one.clientWidth).map(one => one.innerText)"""


@pytest.fixture(scope="module")
def places(stack: Stack, olivia: Session, alice: Session, instances: Instances) -> dict[str, str]:
    """Paths of executions in several states, and of their requests."""
    waiting, failed, success = (
        olivia.start(
            "AWS-StopEC2InstanceWithApproval",
            InstanceId=instances.take(),
            Approvers=["alice", "bob"],
            SNSTopicArn=TOPIC,
        )
        for _ in range(3)
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
        "unknown": stack.django(UNKNOWN).strip(),
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
    page.set_viewport_size(SIZES["wide"])
    assert found == []


def looks(page: Page) -> Iterator[str]:
    """Shows the page in each size and theme, and tells which."""
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    for size, viewport in SIZES.items():
        page.set_viewport_size(viewport)
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            page.locator(f"html[data-bs-theme={theme}]").wait_for(state="attached")
            page.evaluate(END_TRANSITIONS)
            yield f"{size} {theme}"


def problems(page: Page, look: str) -> Iterator[str]:
    """What axe finds, whether the page is wider than the window, and text than its button."""
    for violation in Axe().run(page).response["violations"]:
        for node in violation["nodes"]:
            yield f"{look}: {violation['id']} at {' '.join(map(str, node['target']))}"
    width = page.evaluate("document.scrollingElement.scrollWidth - innerWidth")
    if width > 0:
        yield f"{look}: {width} pixels wider than the window"
    for text in page.evaluate(CROWDED):
        yield f"{look}: the button {text!r} is narrower than its text"
