"""A person at the stack without a browser: cookies, forms, and what a page says."""

from __future__ import annotations

import re
from http.client import HTTPResponse
from http.cookiejar import CookieJar
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

from tests.stack.running import Stack, wait_until

STATUS = re.compile(r'id="execution-verdict".*?<span>([\w ]+)</span>', re.DOTALL)
EVENT = re.compile(r'<li id="event-(\d+)"')
REQUEST = re.compile(r'href="(/approvals/[0-9a-f-]{36}/)">Open the request')
TOKEN = re.compile(r'name="token" value="([^"]+)"')
TOPIC = "arn:aws:sns:eu-west-1:111122223333:Automation-approvals"


class Session:
    """Somebody who has signed in."""

    def __init__(self, stack: Stack, name: str) -> None:
        self.stack = stack
        self._jar = CookieJar()
        self._opener = build_opener(HTTPCookieProcessor(self._jar))
        self.get("/accounts/login/")
        self.post("/accounts/login/", login=name, password=stack.password(name))

    def get(self, path: str) -> str:
        """The page."""
        return self._ask(path)[1]

    def post(self, path: str, **fields: str | list[str]) -> str:
        """The address of the page that answers the form."""
        return self._ask(path, urlencode(fields, doseq=True).encode())[0]

    def start(self, document: str, owner: str = "Amazon", **parameters: str | list[str]) -> str:
        """Fill in the start form and confirm the review; the path of the execution's page."""
        page = f"/documents/{owner}/{document}/start/"
        token = TOKEN.search(self.get(page))
        assert token, f"{page} shows no form"
        fields = {f"p-{name}": value for name, value in parameters.items()}
        url = self.post(page, region="eu-west-1", token=token[1], confirm="1", **fields)
        assert "/executions/" in url, url
        return url.removeprefix(self.stack.url)

    def status(self, execution: str) -> str:
        """In the words of the page."""
        found = STATUS.search(self.get(execution))
        return found[1] if found else ""

    def wait_for(self, execution: str, status: str) -> None:
        """Ask until the execution is in this status."""
        wait_until(lambda: self.status(execution) == status, f"{execution} is {status}")

    def wait_for_request(self, execution: str) -> str:
        """The path of the page of the request that the execution waits for."""
        found = wait_until(
            lambda: REQUEST.search(self.get(execution)), f"{execution} asks for approval"
        )
        return found[1]

    def _ask(self, path: str, form: bytes | None = None) -> tuple[str, str]:
        csrf = next((cookie.value for cookie in self._jar if cookie.name == "csrftoken"), None)
        headers = {"X-CSRFToken": csrf or ""}
        url = self.stack.url + path
        request = Request(url, data=form, headers=headers)  # noqa: S310 - our own
        answer: HTTPResponse
        with self._opener.open(request, timeout=60) as answer:
            return answer.url, answer.read().decode()
