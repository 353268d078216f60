"""The promise of the product in real browsers: somebody starts, somebody else decides."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.stack.account import Instances
from tests.stack.conftest import Troubles
from tests.stack.session import TOPIC

pytestmark = [pytest.mark.stack, pytest.mark.browser]
expect.set_options(timeout=60_000)

Open = Callable[[str], Page]
STOP = "AWS-StopEC2InstanceWithApproval"


def start(page: Page, instance: str, *approvers: str) -> None:
    """Fill in the form, look at the review, start; the page is then the execution's."""
    page.goto(f"/documents/Amazon/{STOP}/start/")
    page.locator("input[data-pick]").first.wait_for()
    page.get_by_label("Find instances for InstanceId").fill(instance)
    page.locator(f"input[data-pick][value={instance}]").check()
    page.get_by_label("Approvers").fill("\n".join(approvers))
    page.get_by_label("SNSTopicArn").fill(TOPIC)
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_role("heading", name="Review before it starts")).to_be_visible()
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", name=STOP)).to_be_visible()
    # A page that is loaded anew forgets this.
    page.evaluate("window.sameDocument = true")


def expect_end(page: Page, status: str) -> None:
    """The page shows the status, and has not been loaded again since `start`."""
    expect(page.locator("#execution-verdict .state")).to_have_text(status)
    assert page.evaluate("window.sameDocument")


def open_request(page: Page, starter: Page, name: str) -> None:
    """From the inbox, once the starter sees that it waits."""
    link = starter.get_by_role("link", name="Open the request").get_attribute("href")
    page.goto("/approvals/")
    page.locator(f'#approval-list a[href="{link}"]').click()
    expect(page.locator("#approval-sentence")).to_contain_text(name)


def test_approved(open_as: Open, instances: Instances, instance: str) -> None:
    starter = open_as("olivia")
    start(starter, instance, "alice", "bob")
    expect(starter.locator("#execution-verdict .state")).to_have_text("Waiting")
    assert instances.state(instance) == "running"
    approver = open_as("alice")
    open_request(approver, starter, instances.name(instance))
    approver.get_by_label("Comment").fill("Checked the load balancer.")
    approver.get_by_role("button", name="Approve").click()
    expect(approver.get_by_role("status")).to_contain_text("You approved")
    expect_end(starter, "Success")
    assert instances.state(instance) == "stopped"
    assert instances.effects(instance) == 1
    events = starter.locator("#execution-events")
    expect(events).to_contain_text("Checked the load balancer.")


def test_rejected(open_as: Open, instances: Instances, instance: str) -> None:
    starter = open_as("olivia")
    start(starter, instance, "alice")
    expect(starter.locator("#execution-verdict .state")).to_have_text("Waiting")
    approver = open_as("alice")
    open_request(approver, starter, instances.name(instance))
    approver.get_by_label("Comment").fill("Not during the sale.")
    approver.get_by_role("button", name="Reject").click()
    expect(approver.get_by_role("status")).to_contain_text("You rejected")
    expect_end(starter, "Failed")
    expect(starter.locator("#execution-verdict")).to_contain_text("Not during the sale.")
    assert instances.state(instance) == "running"
    assert instances.stops(instance) == []


def test_expired(open_as: Open, instances: Instances, instance: str) -> None:
    starter = open_as("olivia")
    starter.goto(f"/documents/111122223333/Ask-Briefly/start/?InstanceId={instance}")
    expect(starter.locator(f"input[data-pick][value={instance}]")).to_be_checked()
    starter.get_by_role("button", name="Review").click()
    starter.get_by_role("button", name="Start").click()
    starter.evaluate("window.sameDocument = true")
    expect_end(starter, "Timed out")
    expect(starter.locator("#execution-verdict")).to_contain_text("approve did not end in the time")
    approver = open_as("alice")
    approver.goto("/approvals/?tab=decided")
    approver.locator("#approval-list a").first.click()
    expect(approver.locator("#approval-decide")).to_contain_text("The time for a decision was up")
    expect(approver.get_by_role("button", name="Approve")).to_have_count(0)
    assert instances.state(instance) == "running"
    assert instances.stops(instance) == []


def test_starter_cannot_approve(
    open_as: Open, instances: Instances, instance: str, troubles: Troubles
) -> None:
    starter = open_as("olivia")
    start(starter, instance, "olivia", "alice")
    starter.get_by_role("link", name="Open the request").click()
    refusal = "whoever starts one does not decide on it"
    expect(starter.locator("#approval-decide")).to_contain_text(refusal)
    expect(starter.get_by_role("button", name="Approve")).to_have_count(0)
    # Nor by a request that the page does not offer.
    status = starter.evaluate(
        """async () => {
            const body = new FormData(document.querySelector("#user-menu form"));
            body.set("verdict", "Approve");
            return (await fetch(location.href, {method: "POST", body})).status;
        }"""
    )
    assert status == 403
    troubles.clear()  # the browser tells of the 403
    starter.reload()
    expect(starter.locator("#approval-decisions")).to_contain_text("Nobody has decided yet.")
    assert instances.state(instance) == "running"
    assert instances.stops(instance) == []


def test_keyboard_is_enough(open_as: Open, instances: Instances, instance: str) -> None:
    starter = open_as("olivia")
    start(starter, instance, "alice")
    expect(starter.locator("#execution-verdict .state")).to_have_text("Waiting")
    approver = open_as("alice")
    approver.goto("/")
    approver.keyboard.press("g")
    approver.keyboard.press("a")
    approver.wait_for_url("**/approvals/")
    link = starter.get_by_role("link", name="Open the request").get_attribute("href")
    tab_to(approver, f'#approval-list a[href="{link}"]')
    approver.keyboard.press("Enter")
    expect(approver.locator("#approval-sentence")).to_contain_text(instances.name(instance))
    tab_to(approver, "#comment")
    approver.keyboard.type("By hand.")
    tab_to(approver, "button[value=Approve]")
    approver.keyboard.press("Enter")
    expect(approver.get_by_role("status")).to_contain_text("You approved")
    expect_end(starter, "Success")


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus, which must be visible there."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            break
    focus = page.locator(":focus-visible")
    assert focus.evaluate("(element, selector) => element.matches(selector)", selector)
    style = focus.evaluate(
        "element => [getComputedStyle(element).outlineStyle, getComputedStyle(element).boxShadow]"
    )
    assert style != ["none", "none"], f"{selector} does not show that it has the focus"


def test_choice_made_while_the_list_is_loaded_is_kept(open_as: Open, instance: str) -> None:
    page = open_as("olivia")
    page.goto(f"/documents/Amazon/{STOP}/start/")
    choice = page.locator(f"input[data-pick][value={instance}]")
    choice.wait_for()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/instances/**", hold, times=1)
    with page.expect_request("**/instances/**"):
        page.get_by_label("Find instances for InstanceId").fill("orders")
    choice.check()
    held[0].continue_()
    expect(page.get_by_text("not among the instances below")).to_be_visible()
    expect(choice).to_be_checked()
    expect(page.get_by_text("1 selected")).to_be_visible()
