"""How soon the editor shows the server's problems after the last key, in a real browser.

PYTHONPATH=scripts python -m bench.editor

Two texts: one that somebody begins with, and one of nearly 64 kB. The time runs from the key to
the list below the editor; most of it is the pause that the editor waits for further keys.
"""

from __future__ import annotations

from check import find_browser
from playwright.sync_api import Page, sync_playwright

from bench.documents import SIGN_IN
from bench.site import free_port, listens, say, site, web_command
from tests.stack.conftest import FLAGS
from tests.stack.running import wait_until
from tests.stack.test_documents import write

SAMPLES = 40
STEP = (
    "  - name: step{0}\n    action: aws:sleep\n"
    "    onFailure: step:nowhere\n    inputs: {{Duration: PT1S}}\n"
)
HEAD = 'schemaVersion: "0.3"\nmainSteps:\n'
TEXTS = {"small": HEAD + STEP.format(0), "60 kB": HEAD + "".join(map(STEP.format, range(600)))}
WATCH = """() => {
  document.addEventListener("keydown", () => { window.lastKey = performance.now(); }, true);
  window.shown = () => new Promise((resolve) => {
    const watcher = new MutationObserver(() => {
      watcher.disconnect();
      resolve(performance.now() - window.lastKey);
    });
    watcher.observe(document.querySelector("#problems"), { childList: true, subtree: true });
  });
}"""


def main() -> None:
    """One line for each text."""
    with site() as here, sync_playwright() as playwright:
        port = free_port()
        here.start(*web_command(port))
        wait_until(lambda: listens(port), "the web process answers")
        browser = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
        context = browser.new_context(base_url=f"http://localhost:{port}")
        session = here.django(SIGN_IN).strip()
        context.add_cookies(
            [{"name": "sessionid", "value": session, "url": f"http://localhost:{port}"}]
        )
        page = context.new_page()
        for name, text in TEXTS.items():
            late = sorted(measure(page, text))
            say(
                "editor",
                workload=f"problems after the last key, {name}",
                p50_ms=round(late[len(late) // 2]),
                p95_ms=round(late[len(late) * 95 // 100]),
            )
        browser.close()


def measure(page: Page, text: str) -> list[float]:
    """Milliseconds of each sample; a comment grows by a letter each time."""
    page.goto("/documents/new/")
    write(page, text)
    page.keyboard.press("Control+End")
    page.locator("#problems .problem").first.wait_for()
    page.evaluate(WATCH)
    page.keyboard.type("# ")
    page.evaluate("() => window.shown()")
    late = []
    for _ in range(SAMPLES):
        page.evaluate("() => { window.answer = window.shown(); }")
        page.keyboard.press("a")
        late.append(float(page.evaluate("() => window.answer")))
    return late


if __name__ == "__main__":
    main()
