"""One stack for all tests of a process, a browser for each module, an instance for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from check import find_browser
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    ViewportSize,
    sync_playwright,
)

from console.demo import ports
from console.simulator import client
from tests.stack.account import Instances
from tests.stack.running import FAST, Stack
from tests.stack.session import Session

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
WIDE: ViewportSize = {"width": 1440, "height": 900}

# Its one approver has two seconds.
BRIEFLY = """
schemaVersion: "0.3"
parameters:
  InstanceId: {type: "List<AWS::EC2::Instance::Id>"}
mainSteps:
  - name: approve
    action: aws:approve
    timeoutSeconds: 2
    inputs: {Approvers: [alice], Message: You have two seconds.}
  - name: stop
    action: aws:changeInstanceState
    inputs: {InstanceIds: "{{ InstanceId }}", DesiredState: stopped}
"""
INSTALL = f"""
from executions.models import Document, DocumentVersion
document = Document.objects.create(owner="111122223333", name="Ask-Briefly")
DocumentVersion.objects.create(
    document=document, number=1, content={BRIEFLY!r}, format="YAML", sha256="0" * 64
)
"""


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """./run with two workers, on SQLite."""
    running = Stack(tmp_path_factory.mktemp("stack") / "state")
    # Not the first free port from 8000: another test process may be about to take that too.
    running.start("--workers", "2", "--port", str(ports.unused()), **FAST)
    running.django(INSTALL)
    yield running
    assert running.stop() == 0
    assert running.everything() == []


@pytest.fixture(scope="session")
def instances(stack: Stack) -> Instances:
    """The fleet of Production in eu-west-1."""
    return Instances(stack)


@pytest.fixture
def instance(instances: Instances) -> Iterator[str]:
    """An instance that runs, and an account without faults."""
    client.clear_calls(instances.endpoint)
    yield instances.take()
    client.clear_faults(instances.endpoint)


@pytest.fixture(scope="session")
def olivia(stack: Stack) -> Session:
    """The operator."""
    return Session(stack, "olivia")


@pytest.fixture(scope="session")
def alice(stack: Stack) -> Session:
    """An approver."""
    return Session(stack, "alice")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for longer than a module: while Playwright runs, Django refuses others its ORM."""
    program = find_browser()
    assert program, "There is no Chromium; see ./test --help"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield chromium
        chromium.close()


class Troubles(list[str]):
    """What browsers complained of in a test; one that expects some clears them."""

    def hear(self, message: ConsoleMessage) -> None:
        """Keep errors; a broken Content-Security-Policy is one."""
        if message.type == "error":
            self.append(f"{message.text} ({message.location.get('url')})")


@pytest.fixture
def troubles() -> Iterator[Troubles]:
    """There are none in the end."""
    heard = Troubles()
    yield heard
    assert heard == []


@pytest.fixture
def open_as(stack: Stack, browser: Browser, troubles: Troubles) -> Iterator[Callable[[str], Page]]:
    """A factory of pages, each in a browser context of its own: `open_as("olivia")`."""
    contexts: list[BrowserContext] = []

    def open_page(name: str) -> Page:
        cookies = stack.cookies.get(name)
        context = browser.new_context(viewport=WIDE, base_url=stack.url, storage_state=cookies)
        context.set_default_timeout(60_000)
        context.on("console", troubles.hear)
        context.on("weberror", lambda error: troubles.append(str(error.error)))
        contexts.append(context)
        page = context.new_page()
        if name and not cookies:
            sign_in(page, name, stack.password(name))
            stack.cookies[name] = context.storage_state()
        return page

    yield open_page
    for context in contexts:
        context.close()


def sign_in(page: Page, name: str, password: str) -> None:
    """As a person does."""
    page.goto("/accounts/login/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")
