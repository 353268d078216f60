"""Keys and interactive runs in a real browser: live, accessible, and by the policy of the pages."""

from __future__ import annotations

from collections.abc import Callable

import boto3
import pytest
from playwright.sync_api import Page, expect

from tests.stack.running import Stack
from tests.stack.test_accessible import check

pytestmark = [pytest.mark.stack, pytest.mark.browser]
expect.set_options(timeout=60_000)

Open = Callable[[str], Page]
TWO = "Two-By-Hand"
ADD_TWO = f"""
from executions.models import Document, DocumentVersion
document = Document.objects.create(owner="111122223333", name="{TWO}")
DocumentVersion.objects.create(
    document=document, number=1, sha256="2" * 64, format="YAML", content='''
schemaVersion: "0.3"
mainSteps:
  - {{name: first, action: "aws:sleep", inputs: {{Duration: PT0S}}}}
  - {{name: second, action: "aws:sleep", inputs: {{Duration: PT1H}}}}
''')
"""


@pytest.fixture(scope="module")
def two(stack: Stack) -> str:
    """The start page of a document of two steps; the second one takes an hour."""
    stack.django(ADD_TWO)
    return f"/documents/111122223333/{TWO}/start/"


def test_step_by_step(open_as: Open, two: str) -> None:
    page = open_as("olivia")
    page.goto(two)
    page.get_by_label("Step by step").check()
    check(page)
    page.get_by_role("button", name="Review").click()
    expect(page.locator("#review-sentence")).to_contain_text("step by step")
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#execution-verdict")).to_contain_text("It runs step by step")
    page.evaluate("window.sameDocument = true")
    expect(page.get_by_role("button", name="Run this step")).to_have_count(2)
    check(page)
    page.get_by_role("button", name="Run this step (first)").click()
    expect(page.locator("#step-1")).to_have_attribute("data-status", "Success")
    # The button came by the stream, and its form has the page's token.
    page.get_by_role("button", name="Run this step (second)").click()
    expect(page.locator("#step-2")).to_have_attribute("data-status", "InProgress")
    expect(page.get_by_role("button", name="Run this step")).to_have_count(0)
    page.locator("#step-2 summary").click()
    check(page)
    page.get_by_role("button", name="Stop this step").click()
    expect(page.locator("#step-2")).to_have_attribute("data-status", "Cancelled")
    expect(page.locator("#execution-verdict")).to_contain_text("no step is left")
    page.get_by_role("button", name="Complete", exact=True).click()
    check(page)
    page.get_by_role("button", name="Complete the execution").click()
    expect(page.locator("#execution-verdict .state")).to_have_text("Success")
    expect(page.get_by_role("button", name="Run this step")).to_have_count(0)


def test_access_key(stack: Stack, open_as: Open) -> None:
    page = open_as("victor")
    page.goto("/")
    page.locator("#user-menu summary").click()
    page.get_by_role("link", name="Access keys").click()
    check(page)
    page.get_by_label("Description").fill("reports")
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_role("heading", name="Access key created")).to_be_visible()
    check(page)
    key, secret = page.locator("[data-copy]").evaluate_all(
        "all => all.map(each => each.dataset.copy)"
    )
    client = boto3.client(
        "ssm",
        endpoint_url=stack.facts()["ssm_endpoint"],
        region_name="eu-west-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
    )
    assert client.list_documents()["DocumentIdentifiers"]
    page.get_by_role("link", name="I have copied it").click()
    row = page.locator(f"#key-{key}")
    expect(row).to_contain_text("reports")
    expect(row).not_to_contain_text("never")
    assert secret not in page.content()
    row.get_by_role("button", name="Revoke").click()
    check(page)
    page.get_by_role("button", name="Revoke the key").click()
    expect(row).to_contain_text("Revoked")
    with pytest.raises(client.exceptions.ClientError, match="UnrecognizedClientException"):
        client.list_documents()
