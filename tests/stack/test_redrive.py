"""A run that failed is run again in the browser: what was done is kept, and approvers are asked."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from console.simulator import client
from tests.simulator.aws import assume, make_client
from tests.stack.account import PRODUCTION
from tests.stack.running import Stack
from tests.stack.session import TOPIC, Session

pytestmark = [pytest.mark.stack, pytest.mark.browser]

MISSING = TOPIC.replace("approvals", "late")
RUNBOOK = f"""
schemaVersion: "0.3"
mainSteps:
  - name: look
    action: aws:executeAwsApi
    inputs: {{Service: sns, Api: GetTopicAttributes, TopicArn: "{TOPIC}"}}
    outputs: [{{Name: Owner, Selector: $.Attributes.Owner, Type: String}}]
  - name: announce
    action: aws:executeAwsApi
    inputs: {{Service: sns, Api: Publish, TopicArn: "{TOPIC}", Message: "{{{{ look.Owner }}}}"}}
    outputs: [{{Name: Id, Selector: $.MessageId, Type: String}}]
  - name: approve
    action: aws:approve
    inputs: {{Approvers: [alice], Message: Tell the other topic too?}}
  - name: rest
    action: aws:sleep
    inputs: {{Duration: PT0S}}
  - name: tell
    action: aws:executeAwsApi
    onFailure: step:tidy
    inputs: {{Service: sns, Api: Publish, TopicArn: "{MISSING}", Message: "{{{{ announce.Id }}}}"}}
    isEnd: true
  - name: tidy
    action: aws:executeAwsApi
    inputs: {{Service: sns, Api: Publish, TopicArn: "{TOPIC}", Message: It failed.}}
"""
INSTALL = f"""
from executions.models import Document, DocumentVersion
document = Document.objects.create(owner="{PRODUCTION}", name="Tell-Two-Topics")
DocumentVersion.objects.create(
    document=document, number=1, content={RUNBOOK!r}, format="YAML", sha256="0" * 64
)
"""


@pytest.fixture(scope="module")
def failed(stack: Stack, olivia: Session, alice: Session) -> str:
    """The page of a run that alice approved, and that failed at `tell`; that would work now."""
    stack.django(INSTALL)
    execution = olivia.start("Tell-Two-Topics", owner=PRODUCTION)
    alice.post(olivia.wait_for_request(execution), verdict="Approve", comment="Go on.")
    olivia.wait_for(execution, "Failed")
    sns = make_client(stack.aws, "sns", assume(stack.aws, PRODUCTION))
    sns.create_topic(Name=MISSING.rpartition(":")[2])
    return execution


def test_it_is_run_again_from_the_failed_step(
    stack: Stack, failed: str, open_as: Callable[[str], Page], alice: Session, olivia: Session
) -> None:
    client.clear_calls(stack.aws)
    page = open_as("olivia")
    page.goto(failed)
    page.get_by_role("link", name="Run again from tell").click()
    expect(page.get_by_role("heading", name="Review before it runs again")).to_be_visible()
    expect(page.locator("#again .steps-list > li")).to_have_count(2)
    assert Axe().run(page).response["violations"] == []
    page.get_by_role("button", name="Run again").click()
    page.wait_for_url(re.compile(r"/executions/[0-9a-f-]{36}/$"))
    execution = page.url.removeprefix(stack.url)
    assert execution != failed
    request = olivia.wait_for_request(execution)
    assert "What is kept" in alice.get(request)
    alice.post(request, verdict="Approve", comment="Once more.")
    expect(page.locator("#execution-verdict")).to_contain_text("Success")
    expect(page.locator('[id^="step-"] .state', has_text="Kept")).to_have_count(2)
    assert Axe().run(page).response["violations"] == []
    published = client.calls(stack.aws, service="sns", operation="Publish")
    assert [call["parameters"]["TopicArn"] for call in published] == [MISSING]
