"""Sharing in practice: owner, the account it is shared with, and one that knows of nothing."""

from __future__ import annotations

import html
import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client

from console.iam.models import User
from executions import jobs
from executions.models import Account, Execution
from executions.states import Status
from tests.conftest import HandClock
from tests.pages.conftest import REGIONS, SignIn, make_person
from tests.pages.test_document_changes import MANAGE
from tests.pages.writers import LONGER, TEXT, create, edit, make_author, page, wait
from tests.simulator.aws import PRODUCTION, STAGING

WAIT = f"/documents/{PRODUCTION}/Wait/"
ARN = f"arn:aws:ssm:eu-west-1:{PRODUCTION}:document/Wait"
THIRD = "777788889999"


@pytest.fixture
def owner(people: dict[str, User | None]) -> Client:
    """An author of Production, with a document of two versions."""
    client = make_author(*MANAGE)
    create(client, content=TEXT.replace("PT1S", "PT0S"))
    edit(client, LONGER.replace("PT2S", "PT0S") + "# two\n")
    return client


@pytest.fixture
def oscar(client_of: SignIn) -> Client:
    """The administrator of Staging."""
    return client_of("outsider")


@pytest.fixture
def third(people: dict[str, User | None]) -> Client:
    """An administrator of an account that nothing is shared with."""
    Account.objects.create(account_id=THIRD, name="Third", regions=REGIONS)
    ada = people["administrator"]
    assert ada
    assert ada.principal
    person = make_person("theo", *ada.principal.policies.all(), account=THIRD)
    client = Client()
    client.force_login(person)
    return client


def share(client: Client, accounts: str, version: str = "$DEFAULT") -> Any:
    return client.post(f"{WAIT}share/", {"accounts": accounts, "version": version})


def listed(client: Client, **query: str) -> list[str]:
    found = page(client.get("/documents/", query))
    return re.findall(r'href="/documents/(\d{12}/[^/"]+)/"', found)


def start(client: Client, **fields: str) -> Any:
    """Confirm the start form."""
    form = {"region": "eu-west-1", "token": str(uuid4()), "confirm": "1", **fields}
    return client.post(f"{WAIT}start/", form)


def test_shared_is_listed_and_found_by_its_arn(owner: Client, oscar: Client, third: Client) -> None:
    assert share(owner, STAGING).status_code == 302
    for query in ({}, {"q": ARN}, {"owner": "shared"}, {"q": "wait"}, {"q": "aws:sleep"}):
        assert listed(oscar, **query) == [f"{PRODUCTION}/Wait"], query
        assert listed(third, **query) == [], query
    assert listed(oscar, owner="self") == []
    assert third.get(WAIT).status_code == 404
    assert third.get(f"{WAIT}start/").status_code == 404


def test_shared_runs_with_the_role_of_the_starter(
    owner: Client, oscar: Client, hand_clock: HandClock
) -> None:
    share(owner, STAGING)
    shown = page(oscar.get(WAIT))
    assert f'<span class="mono">{PRODUCTION}</span>, shared with you' in shown
    form = page(oscar.get(f"{WAIT}start/"))
    assert f"Version 1 of account {PRODUCTION}" in form
    review = html.unescape(review_page(oscar))
    assert f'of account <span class="mono">{PRODUCTION}</span>' in review
    assert f"arn:aws:iam::{STAGING}:role/CountersignExecution" in review
    answer = start(oscar)
    run = Execution.objects.get(pk=UUID(answer.headers["Location"].split("/")[2]))
    assert (run.account_id, run.version.number) == (STAGING, 1)
    assert run.role_arn == f"arn:aws:iam::{STAGING}:role/CountersignExecution"
    assert owner.get(answer.headers["Location"]).status_code == 404  # it is not theirs
    share_back(owner, STAGING)
    assert start(oscar).status_code == 404
    assert listed(oscar) == []
    jobs.drain()
    run.refresh_from_db()
    assert run.status == Status.SUCCESS  # what runs goes on to its end


def review_page(client: Client) -> str:
    form = {"region": "eu-west-1", "token": str(uuid4())}
    return page(client.post(f"{WAIT}start/", form))


def share_back(client: Client, account: str) -> None:
    """Stop sharing."""
    answer = client.post(f"{WAIT}share/", {"remove": account}, follow=True)
    assert "is not shared with" in page(answer)


@pytest.mark.parametrize(
    ("shared", "usable"), [("$DEFAULT", {1}), ("$LATEST", {2}), ("$ALL", {1, 2})]
)
def test_what_they_may_use(owner: Client, oscar: Client, shared: str, usable: set[int]) -> None:
    share(owner, STAGING, shared)
    for number in (1, 2):
        status = 200 if number in usable else 404
        assert oscar.get(WAIT, {"version": str(number)}).status_code == status
        assert oscar.get(f"{WAIT}start/?version={number}").status_code == status
    assert oscar.get(WAIT).status_code == 200  # the default, or what there is
    shown = page(oscar.get(WAIT, {"tab": "versions"}))
    assert [n for n in (1, 2) if f"?version={n}" in shown] == sorted(usable)


def test_consumer_reads_and_nothing_else(owner: Client, oscar: Client) -> None:
    share(owner, STAGING)
    shown = page(oscar.get(WAIT, {"tab": "sharing"}))
    assert "Shared with" not in shown
    assert "Copy" in shown
    assert oscar.get(f"{WAIT}edit/").status_code == 403
    for part in ("share", "tags"):
        assert (
            oscar.post(f"{WAIT}{part}/", {"accounts": "all", "version": "$ALL"}).status_code == 403
        )
    oscar.post(f"{WAIT}delete/", {"name": "Wait"})
    oscar.post(f"{WAIT}default/", {"version": "1"})
    assert wait().versions.count() == 2
    assert list(wait().permissions.values_list("account_id", flat=True)) == [STAGING]
    copied = create(oscar, "Wait", TEXT)
    assert copied.headers["Location"] == f"/documents/{STAGING}/Wait/"


@pytest.mark.parametrize(
    ("accounts", "status", "words"),
    [
        ("12345", 400, "12345: give twelve digits, or all."),
        ("", 400, "This field is required."),
        ("all, 444455556666", 409, "with everyone or with accounts, and not both"),
    ],
)
def test_refused_sharing_keeps_what_was_typed(
    owner: Client, accounts: str, status: int, words: str
) -> None:
    answer = share(owner, accounts)
    assert answer.status_code == status
    assert words in page(answer)
    assert f'value="{accounts}"' in page(answer) or not accounts
    assert not wait().permissions.exists()


def test_sharing_with_everyone(owner: Client, oscar: Client, third: Client) -> None:
    share(owner, "All")
    assert listed(oscar) == listed(third) == [f"{PRODUCTION}/Wait"]
    assert "Everyone" in page(owner.get(WAIT, {"tab": "sharing"}))
    share_back(owner, "all")
    assert listed(third) == []


def test_accounts_as_people_write_them(owner: Client) -> None:
    share(owner, "4444-5555-6666 777788889999,\n444455556666")
    found = wait().permissions.values_list("account_id", flat=True)
    assert sorted(found) == ["444455556666", "777788889999"]
