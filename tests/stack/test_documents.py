"""Documents in a real browser: written, checked while typed, compared, shared and run."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.stack.conftest import Troubles
from tests.stack.running import Stack
from tests.stack.test_accessible import check

pytestmark = [pytest.mark.stack, pytest.mark.browser]
expect.set_options(timeout=60_000)

Open = Callable[[str], Page]
OWNER, OTHER = "111122223333", "444455556666"
TEXT = """description: Waits a moment, or ends at once.
schemaVersion: "0.3"
assumeRole: "{{ Role }}"
parameters:
  Role: {type: "AWS::IAM::Role::Arn", default: ""}
  Mode: {type: String, default: short}
mainSteps:
  - name: pick
    action: aws:branch
    inputs:
      Choices:
        - {NextStep: rest, Variable: "{{ Mode }}", StringEquals: long}
      Default: done
  - name: rest
    action: aws:sleep
    onFailure: step:done
    inputs: {Duration: PT1S}
  - name: done
    action: aws:sleep
    inputs: {Duration: PT0S}
"""
PASTE = """(element, text) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", text);
    element.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
}"""


def write(page: Page, text: str) -> None:
    """Put a text in the place of what the editor shows, as by pasting."""
    content = page.get_by_role("textbox", name="Runbook")
    content.click()
    page.keyboard.press("Control+a")
    content.evaluate(PASTE, text)


def create(page: Page, name: str, text: str = TEXT) -> str:
    """A document; its path."""
    page.goto("/documents/new/")
    page.get_by_label("Name", exact=True).fill(name)
    write(page, text)
    page.get_by_role("button", name="Create document").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    return f"/documents/{OWNER}/{name}/"


def test_problems_stand_in_the_margin(open_as: Open) -> None:
    page = open_as("ada")
    page.goto("/documents/")
    page.get_by_role("link", name="New document").click()
    title = page.locator("#problems .problems-title")
    expect(title).to_have_text("No problems")
    write(page, TEXT.replace("PT1S}", "PT1S}\n    nextStep: nowhere"))
    expect(title).to_have_text("1 error")
    expect(page.locator(".editor .cm-lint-marker-error")).to_have_count(1)
    problem = page.locator("#problems .problem-error")
    expect(problem).to_contain_text("nowhere")
    check(page)
    problem.get_by_role("button", name="Line 18").click()
    expect(page.locator(".editor .cm-activeLine")).to_contain_text("nextStep: nowhere")
    page.keyboard.press("Control+Shift+k")  # deletes the line
    expect(title).to_have_text("No problems")
    expect(page.locator(".editor .cm-lint-marker-error")).to_have_count(0)
    page.get_by_label("JSON").check()
    expect(title).to_contain_text("error")
    page.on("dialog", lambda dialog: dialog.accept())  # of leaving what is not saved


def test_completion(open_as: Open) -> None:
    page = open_as("ada")
    page.on("dialog", lambda dialog: dialog.accept())  # of leaving what is not saved
    page.goto("/documents/new/")
    write(page, TEXT)
    expect(page.locator("#problems .problems-title")).to_have_text("No problems")
    page.keyboard.press("Control+End")
    take(page, "  - name: last\naction: aws:changeIn", "aws:changeInstanceState")
    take(page, "\ninputs:\n  Inst", "InstanceIds")
    take(page, '"{{ Mo', "Mode")
    page.keyboard.press("Control+End")
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Tab")  # out of the inputs
    take(page, "onFailure: step:don", "step:done")
    page.keyboard.type("\nnex")
    expect(page.get_by_role("listbox").get_by_role("option")).to_have_text(["nextStep"])
    text = page.locator("textarea[name=content]").input_value()
    assert "action: aws:changeInstanceState\n" in text
    assert 'InstanceIds: "{{ Mode"' in text
    assert "onFailure: step:done\n" in text
    check(page)


def take(page: Page, typed: str, word: str) -> None:
    """Type, and take what is offered first."""
    page.keyboard.type(typed)
    offered = page.get_by_role("listbox").get_by_role("option").first
    expect(offered).to_contain_text(word)
    offered.click()


def test_keys_of_pages_do_nothing_in_the_editor(open_as: Open) -> None:
    page = open_as("ada")
    page.goto("/documents/new/")
    page.get_by_role("textbox", name="Runbook").click()
    page.keyboard.press("Control+Home")
    page.keyboard.type("gh/?")
    assert page.locator("textarea[name=content]").input_value().startswith("gh/?")
    assert page.url.endswith("/documents/new/")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Escape")  # closes what is offered
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")  # leaves the editor
    assert page.evaluate("!document.activeElement.matches('.editor')")
    page.on("dialog", lambda dialog: dialog.accept())


def test_life_of_a_document(open_as: Open, stack: Stack) -> None:
    page = open_as("ada")
    path = create(page, "Wait-Or-Not")
    check(page)
    page.get_by_role("link", name="Edit").click()
    write(page, TEXT.replace("PT1S", "PT2S"))
    page.get_by_label("Version name").fill("Slower")
    check(page)
    page.get_by_role("button", name="Save version").click()
    expect(page.locator("#messages")).to_contain_text("Version 2 is saved. Starts still use")
    page.goto(f"{path}?tab=graph")
    page.get_by_text("The same as text").click()
    check(page)
    page.locator(".graph .node", has_text="rest").click()
    expect(page.locator("#at-rest")).to_be_visible()
    page.goto(f"{path}?tab=versions")
    check(page)
    page.get_by_role("button", name="Show the difference").click()
    expect(page.locator("#difference ins")).to_have_text("PT2S")
    check(page)
    page.goto(f"{path}?tab=versions")
    page.get_by_role("button", name="Make default (version 2)").click()
    expect(page.locator("#messages")).to_contain_text("Version 2 is the default now.")
    page.get_by_role("link", name="Sharing and tags").click()
    page.get_by_label("All tags").fill("team=payments")
    page.get_by_role("button", name="Save the tags").click()
    page.get_by_label("Accounts").fill(OTHER)
    page.get_by_role("button", name="Share", exact=True).click()
    expect(page.locator("#document-sharing")).to_contain_text(OTHER)
    check(page)
    page.get_by_role("button", name="Delete the document").click()
    check(page)
    page.get_by_role("button", name="Keep it").click()
    page.goto("/documents/?q=team=payments")
    expect(page.locator("#document-table tbody tr")).to_have_count(1)
    check(page)
    run_in_the_other_account(open_as("olivia"), path)
    page.goto(f"{path}?tab=use")
    expect(page.get_by_text("No run yet in this account.")).to_be_visible()
    check(page)


def run_in_the_other_account(page: Page, path: str) -> None:
    """Olivia acts in Staging, finds what is shared with it, and runs it there."""
    page.goto("/documents/")
    switch(page, OTHER)
    page.goto("/documents/?owner=shared")
    page.get_by_role("link", name="Wait-Or-Not").click()
    expect(page.locator("#document-about")).to_contain_text("shared with you")
    page.get_by_role("link", name="Start").click()
    expect(page.get_by_text(f"of account {OWNER}")).to_be_visible()
    page.get_by_role("button", name="Review").click()
    expect(page.locator("#review-side")).to_contain_text(f"{OWNER}, shared with you, version 2")
    check(page)
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#execution-verdict .state")).to_have_text("Success")
    page.goto(f"{path}?tab=use")
    expect(page.locator("#document-use .rows").first).to_contain_text("Wait-Or-Not")
    check(page)
    switch(page, OWNER)


def switch(page: Page, account: str) -> None:
    """Act as the principal in that account."""
    page.locator("#principal-menu > summary").click()
    page.locator("#principal-menu button", has_text=account).click()
    page.wait_for_load_state()


def test_what_was_typed_outlives_the_session(open_as: Open) -> None:
    page = open_as("ada")
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/documents/new/")
    write(page, TEXT.replace("PT1S", "PT9S"))
    expect(page.locator("#problems .problems-title")).to_have_text("No problems")
    page.goto("/documents/")
    page.goto("/documents/new/")
    expect(page.locator(".editor")).not_to_contain_text("PT9S")
    check(page)
    page.get_by_role("button", name="Put it back").click()
    expect(page.locator(".editor")).to_contain_text("PT9S")
    page.get_by_label("Name", exact=True).fill("Put-Back")
    page.get_by_role("button", name="Create document").click()
    expect(page.get_by_role("heading", name="Put-Back")).to_be_visible()
    page.goto("/documents/new/")
    expect(page.locator("#problems .problems-title")).to_have_text("No problems")
    expect(page.get_by_role("button", name="Put it back")).to_have_count(0)


def test_without_scripts(stack: Stack, browser: Browser, open_as: Open) -> None:
    open_as("ada")
    context = browser.new_context(
        base_url=stack.url, storage_state=stack.cookies["ada"], java_script_enabled=False
    )
    page = context.new_page()
    page.goto("/documents/new/")
    page.get_by_label("Name", exact=True).fill("Plain-Text")
    field = page.locator("textarea[name=content]")
    bad = TEXT.replace("PT1S}", "PT1S}\n    nextStep: nowhere")
    field.fill(bad)
    page.get_by_role("button", name="Create document").click()
    expect(page.locator("#problems .problem-error")).to_contain_text("Line 18")
    expect(field).to_have_value(bad)
    field.fill(TEXT)
    page.get_by_role("button", name="Create document").click()
    expect(page.get_by_role("heading", name="Plain-Text")).to_be_visible()
    context.close()


def test_two_people_at_once(open_as: Open, troubles: Troubles) -> None:
    first, second = open_as("ada"), open_as("ada")
    path = create(first, "Both-Write")
    first.goto(f"{path}edit/")
    second.goto(f"{path}edit/")
    write(second, TEXT.replace("PT1S", "PT2S"))
    second.get_by_role("button", name="Save version").click()
    expect(second.locator("#messages")).to_contain_text("Version 2 is saved.")
    write(first, TEXT.replace("PT1S", "PT3S"))
    first.get_by_role("button", name="Save version").click()
    expect(first.locator("#form-errors")).to_contain_text("Version 2 was saved while you wrote")
    expect(first.locator("#difference ins")).to_have_text("PT3S")
    expect(first.locator(".editor")).to_contain_text("PT3S")
    expect(first.locator("#problems .problems-title")).to_have_text("No problems")
    troubles.clear()  # the browser tells of the 409
    check(first)
