"""Every address, asked by everybody: who sees it, what a form may do, what answers carry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from approvals.models import ApprovalRequest, Approver
from console.iam.models import User
from executions import clock
from executions.models import DocumentVersion, Execution, StepExecution
from executions.states import Status
from tests.pages.conftest import NOTHING, MakeRun, SignIn
from tests.simulator.aws import PRODUCTION

KINDS = (
    "operator", "approver", "viewer", "administrator", "outsider", "stranger", "anonymous",
)  # fmt: skip
# What a GET answers, in the order of KINDS. 405: only forms come here. 302: sign in first.
PAGES: dict[str, tuple[int, ...]] = {
    "home": (200, 200, 200, 200, 200, 200, 302),
    "healthz": (200, 200, 200, 200, 200, 200, 200),
    "documents": (200, 200, 200, 200, 200, 403, 302),
    "document": (200, 200, 200, 200, 404, 404, 302),
    "create_document": (403, 403, 403, 200, 200, 403, 302),
    "check_document": (405, 405, 405, 405, 405, 405, 302),
    "document_words": (200, 200, 200, 200, 200, 200, 302),
    "edit_document": (403, 403, 403, 200, 404, 404, 302),
    "compare": (200, 200, 200, 200, 404, 404, 302),
    "set_default_version": (405, 405, 405, 405, 405, 405, 302),
    "share_document": (405, 405, 405, 405, 405, 405, 302),
    "tag_document": (405, 405, 405, 405, 405, 405, 302),
    "delete_document": (405, 405, 405, 405, 405, 405, 302),
    "start": (200, 403, 403, 200, 404, 404, 302),
    "extras": (200, 200, 200, 200, 404, 404, 302),
    "attachment": (404, 404, 404, 404, 404, 404, 404),  # whoever has a link; this one is none
    "instances": (200, 200, 200, 200, 200, 200, 302),
    "executions": (200, 200, 200, 200, 200, 200, 302),
    "execution": (200, 200, 200, 200, 404, 404, 302),
    "pass": (404, 404, 404, 404, 404, 404, 302),  # there is no loop; tests/pages/test_loops.py has
    "live_token": (200, 200, 200, 200, 403, 403, 403),
    "live_events": (200, 200, 200, 200, 403, 403, 403),
    "approvals": (200, 200, 200, 200, 200, 200, 302),
    "approval": (200, 200, 200, 200, 404, 404, 302),
    "stop": (405, 405, 405, 405, 405, 405, 302),
    "signal": (405, 405, 405, 405, 405, 405, 302),
    # It has not ended, which its page says; tests/pages/test_redrive.py has one that has.
    "redrive": (302, 302, 302, 302, 404, 404, 302),
    "keys": (200, 200, 200, 200, 200, 200, 302),
    "create_key": (405, 405, 405, 405, 405, 405, 302),
    "revoke_key": (405, 405, 405, 405, 405, 405, 302),
    "resolve": (405, 405, 405, 405, 405, 405, 302),
    "switch_principal": (405, 405, 405, 405, 405, 405, 302),
    "account_login": (302, 302, 302, 302, 302, 302, 200),
    "account_logout": (200, 200, 200, 200, 200, 200, 302),
    "account_change_password": (200, 200, 200, 200, 200, 200, 302),
}
# What a POST with the token of the form answers, in the same order.
FORMS: dict[str, tuple[int, ...]] = {
    "create_document": (403, 403, 403, 400, 400, 403, 302),
    "check_document": (200, 200, 200, 200, 200, 200, 302),
    "edit_document": (403, 403, 403, 400, 404, 404, 302),
    "set_default_version": (302, 302, 302, 302, 404, 404, 302),
    "share_document": (400, 400, 400, 400, 404, 404, 302),
    "tag_document": (302, 302, 302, 302, 404, 404, 302),
    "delete_document": (302, 302, 302, 302, 404, 404, 302),
    "start": (302, 403, 403, 302, 404, 404, 302),
    "extras": (403, 403, 403, 400, 404, 404, 302),
    "approval": (403, 302, 403, 403, 404, 404, 302),
    "stop": (302, 302, 302, 302, 404, 404, 302),
    "signal": (302, 302, 302, 302, 404, 404, 302),
    "redrive": (400, 400, 400, 400, 404, 404, 302),
    "create_key": (400, 400, 400, 400, 400, 400, 302),
    "revoke_key": (404, 404, 404, 404, 404, 404, 302),
    "resolve": (302, 302, 302, 302, 404, 404, 302),
    "switch_principal": (302, 302, 302, 302, 302, 302, 302),
    "account_login": (302, 302, 302, 302, 302, 302, 200),
    "account_logout": (302, 302, 302, 302, 302, 302, 302),
    "account_change_password": (200, 200, 200, 200, 200, 200, 302),
}
CELLS = [(name, kind) for name in PAGES for kind in KINDS]
FORM_CELLS = [(name, kind) for name in FORMS for kind in KINDS]
HEADERS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}

Urls = dict[str, str]


@pytest.fixture
def request_of_alice(make_run: MakeRun) -> ApprovalRequest:
    """A request that waits for alice."""
    execution = make_run(status=Status.WAITING, current_step="approve")
    now = clock.now()
    step = StepExecution.objects.create(
        execution=execution, number=1, name="approve", action="aws:approve",
        status=Status.WAITING, phase=StepExecution.Phase.WAIT, started_at=now,
    )  # fmt: skip
    approval = ApprovalRequest.objects.create(
        execution=execution, step=step, attempt=1, approvers=["alice"], required=1,
        digest="0" * 64, deadline_at=now.replace(year=now.year + 1),
        facts={"targets": [], "parameters": {}, "steps": []},
    )  # fmt: skip
    Approver.objects.create(request=approval, key=f"{PRODUCTION}:user/alice")
    return approval


@pytest.fixture
def urls(
    version: DocumentVersion,
    request_of_alice: ApprovalRequest,
    aws: str,
) -> Urls:
    """Every address by name, filled in with rows of Production."""
    run = request_of_alice.execution_id
    document = [version.document.owner, version.document.name]
    arguments: dict[str, list[Any]] = {
        **dict.fromkeys(
            ("document", "start", "edit_document", "compare", "set_default_version"), document
        ),
        "extras": document,
        "attachment": ["no-token"],
        **dict.fromkeys(("share_document", "tag_document", "delete_document"), document),
        "execution": [run],
        "pass": [run, 1, 1],
        "live_token": [run],
        "live_events": [run],
        "stop": [run],
        "signal": [run],
        "redrive": [run],
        "revoke_key": ["AKIANOTHING"],
        "resolve": [run, 1],
        "approval": [request_of_alice.pk],
    }
    return {name: reverse(name, args=arguments.get(name)) for name in PAGES}


def names_of(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
    """The names of all addresses."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from names_of(pattern.url_patterns)
        else:
            yield str(pattern.name)


def test_every_address_is_in_the_table() -> None:
    pages = set(names_of(get_resolver().url_patterns))
    assert {name for name in pages if not name.startswith("api")} == set(PAGES)


@pytest.mark.parametrize(("name", "kind"), CELLS)
def test_page(name: str, kind: str, urls: Urls, client_of: SignIn) -> None:
    answer = client_of(kind).get(urls[name])
    assert answer.status_code == PAGES[name][KINDS.index(kind)]
    if answer.status_code == 302 and kind == "anonymous" and name != "account_logout":
        assert answer.headers["Location"].startswith("/accounts/login/")
    check_headers(answer)


def form_of(name: str, url: str, client: Client) -> dict[str, Any]:
    """What a person would send there."""
    if name == "start":
        return {"region": "eu-west-1", "token": str(uuid4()), "p-Ticket": "OPS-1", "confirm": "1"}
    return {"approval": {"verdict": "Approve"}, "resolve": {"verdict": "fail"}}.get(name, {})


@pytest.mark.parametrize(("name", "kind"), FORM_CELLS)
def test_form(name: str, kind: str, urls: Urls, client_of: SignIn) -> None:
    client = client_of(kind)
    before = state_of_things()
    answer = client.post(urls[name], form_of(name, urls[name], client))
    assert answer.status_code == FORMS[name][KINDS.index(kind)]
    check_headers(answer)
    may = {
        "start": {"operator", "administrator"},
        "stop": {"operator", "administrator"},
        "approval": {"approver"},
    }.get(name, set())
    assert (state_of_things() != before) == (kind in may)


def state_of_things() -> Any:
    """What no refused form may change."""
    runs = list(Execution.objects.order_by("pk").values_list("pk", "status", "event_seq"))
    votes = list(ApprovalRequest.objects.values_list("pk", "status"))
    return runs, votes


@pytest.mark.parametrize("name", FORMS)
def test_form_needs_its_token(name: str, urls: Urls, client_of: SignIn) -> None:
    client = client_of("administrator", enforce_csrf_checks=True)
    before = state_of_things()
    answer = client.post(urls[name], {"verdict": "Approve", "confirm": "1"})
    assert answer.status_code == 403
    assert state_of_things() == before
    check_headers(answer)


@pytest.mark.parametrize("name", sorted(PAGES.keys() - FORMS.keys()))
def test_page_without_a_form_takes_none(name: str, urls: Urls, client_of: SignIn) -> None:
    answer = client_of("administrator").post(urls[name])
    assert answer.status_code == 405
    check_headers(answer)


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options"])
@pytest.mark.parametrize("name", PAGES)
def test_no_other_method(name: str, method: str, urls: Urls, client_of: SignIn) -> None:
    client = client_of("administrator")
    answer = getattr(client, method)(urls[name])
    assert answer.status_code in {405, 302, 200}
    assert answer.status_code == 405 or name.startswith("account_")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nothing/", 404),
        (f"/executions/{NOTHING}/", 404),
        (f"/approvals/{NOTHING}/", 404),
        ("/executions/42/", 404),
        ("/documents/Amazon/Nothing/", 404),
        ("/documents/Amazon/Nothing/start/", 404),
    ],
)
def test_error_page_is_a_page(path: str, status: int, client_of: SignIn) -> None:
    answer = client_of("viewer").get(path)
    assert answer.status_code == status
    assert "<h1>There is nothing here</h1>" in answer.content.decode()
    check_headers(answer)


def test_refused_host_is_answered(client_of: SignIn) -> None:
    answer = client_of("viewer").get("/", headers={"host": "elsewhere.example"})
    assert answer.status_code == 400


def test_somebody_without_a_principal_is_told(
    people: dict[str, User | None], client_of: SignIn
) -> None:
    mallory = people["stranger"]
    assert mallory
    mallory.principals.all().delete()
    answer = client_of("stranger").get("/")
    assert answer.status_code == 403
    assert "You act as no principal" in answer.content.decode()
    check_headers(answer)


def test_cookies_are_kept_from_scripts_and_other_sites(olivia: User) -> None:
    olivia.set_password("correct horse")
    olivia.save()
    answer = Client().post("/accounts/login/", {"login": "olivia", "password": "correct horse"})
    session = answer.cookies["sessionid"]
    assert session["httponly"]
    assert session["samesite"] == "Lax"


def test_somebody_without_a_password_has_none_to_change(olivia: User, client_of: SignIn) -> None:
    olivia.set_unusable_password()
    olivia.save()
    answer = client_of("operator").get("/accounts/password/")
    assert answer.status_code == 403
    assert "You sign in without a password" in answer.content.decode()


def check_headers(answer: HttpResponseBase) -> None:
    """Those that every answer carries, whatever it is."""
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    if answer.headers["Content-Type"].startswith("text/html") and answer.status_code != 302:
        directives = answer.headers["Content-Security-Policy"].split("; ")
        assert dict(each.split(" ", 1) for each in directives) == POLICY
