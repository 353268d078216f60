"""The history: its filters, its pages, and how often it asks the database."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from executions.states import Status
from tests.pages.conftest import NOTHING, MakeRun, SignIn, make_version
from tests.simulator.aws import PRODUCTION

LINK = re.compile(r'<th scope="row" class="whole"><a href="/executions/([0-9a-f-]{36})/"')
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def client(client_of: SignIn) -> Client:
    """The viewer's."""
    return client_of("viewer")


def shown(client: Client, url: str = "", **query: Any) -> list[str]:
    """The ids on the page, from top to bottom."""
    answer = client.get(f"/executions/{url}", query or None)
    assert answer.status_code == 200
    return LINK.findall(answer.content.decode())


def test_newest_first(client: Client, make_run: MakeRun) -> None:
    runs = [make_run(created_at=NOON + timedelta(minutes=n)) for n in range(3)]
    assert shown(client) == [str(run.pk) for run in reversed(runs)]


def test_filters(client: Client, make_run: MakeRun) -> None:
    old = make_run(created_at=NOON - timedelta(days=2), status=Status.SUCCESS)
    bad = make_run(created_at=NOON, status=Status.FAILED, failure_message="The disk is full.")
    other = make_run(created_at=NOON, document_name="AWS-StopEC2Instance", parameters={"A": ["b7"]})
    assert shown(client, status="Failed") == [str(bad.pk)]
    assert set(shown(client, status=["Failed", "Success"])) == {str(bad.pk), str(old.pk)}
    assert shown(client, document="stopec2") == [str(other.pk)]
    assert shown(client, q="disk is full") == [str(bad.pk)]
    assert shown(client, q="b7") == [str(other.pk)]
    for text in (f" {old.pk} ", old.pk.hex, old.short_id, f"{old.short_id.upper()} "):
        assert shown(client, q=text) == [str(old.pk)]
    assert shown(client, before="2026-03-01") == [str(old.pk)]
    assert str(old.pk) not in shown(client, after="2026-03-01")
    assert len(shown(client, by="olivia")) == 3
    assert shown(client, by="nobody") == []


@pytest.mark.parametrize(
    "query",
    [
        {"after": "yesterday"},
        {"before": "2026-02-31"},
        {"status": "Dancing"},
        {"q": "a\0b"},
    ],
)
def test_bad_filter_is_told_and_left_out(
    client: Client, make_run: MakeRun, query: dict[str, str]
) -> None:
    run = make_run()
    answer = client.get("/executions/", query)
    assert answer.status_code == 200
    assert "This filter is left out." in answer.content.decode()
    assert LINK.findall(answer.content.decode()) == [str(run.pk)]


def test_every_run_is_on_one_page_also_of_the_same_moment(
    client: Client, make_run: MakeRun
) -> None:
    runs = [make_run(created_at=NOON + timedelta(minutes=n // 60)) for n in range(120)]
    first = client.get("/executions/").content.decode()
    second = client.get("/executions/" + link(first, "next")).content.decode()
    third = client.get("/executions/" + link(second, "next")).content.decode()
    pages = [LINK.findall(page) for page in (first, second, third)]
    assert [len(page) for page in pages] == [50, 50, 20]
    assert sorted(itertools.chain(*pages)) == sorted(str(run.pk) for run in runs)
    assert 'rel="next"' not in third
    back = client.get("/executions/" + link(third, "prev")).content.decode()
    assert LINK.findall(back) == pages[1]
    again = client.get("/executions/" + link(back, "prev")).content.decode()
    assert LINK.findall(again) == pages[0]


def link(page: str, rel: str) -> str:
    """The address of the neighbour."""
    found = re.search(rf'href="([^"]+)" rel="{rel}"', page)
    assert found
    return found[1].replace("&amp;", "&")


def test_pages_keep_the_filters(client: Client, make_run: MakeRun) -> None:
    for n in range(60):
        make_run(created_at=NOON, status=Status.FAILED if n % 2 else Status.SUCCESS)
        make_run(created_at=NOON, status=Status.FAILED)
    page = client.get("/executions/", {"status": "Failed"}).content.decode()
    assert "status=Failed" in link(page, "next")
    assert len(shown(client, link(page, "next"))) == 40


@pytest.mark.parametrize("key", ["nonsense", NOTHING, ""])
def test_page_after_nothing_is_the_first(client: Client, make_run: MakeRun, key: str) -> None:
    run = make_run()
    assert shown(client, older=key) == [str(run.pk)]


def test_runs_of_another_account_are_not_shown(client_of: SignIn, make_run: MakeRun) -> None:
    make_run()
    theirs = make_run(account_id="444455556666")
    assert shown(client_of("outsider")) == [str(theirs.pk)]
    assert str(theirs.pk) not in shown(client_of("viewer"))
    assert shown(client_of("stranger")) == []


def test_fifty_rows_cost_no_more_queries_than_one(client: Client, make_run: MakeRun) -> None:
    make_run()
    shown(client)
    with CaptureQueriesContext(connection) as few:
        shown(client)
    for _ in range(60):
        make_run()
    with CaptureQueriesContext(connection) as many:
        assert len(shown(client)) == 50
    assert len(many) == len(few) <= 12


WORDS = """schemaVersion: "0.3"
parameters:
  Word: {type: String}
  Other: {type: String, default: "of {{ Word }}"}
  None: {type: StringList, default: []}
mainSteps:
  - {name: rest, action: "aws:sleep", inputs: {Duration: PT0S}}
"""


def test_a_run_shows_the_defaults_that_it_uses(client: Client, make_run: MakeRun) -> None:
    run = make_run(version=make_version("Words", WORDS), values={"Word": "given"})
    page = client.get(f"/executions/{run.pk}/").content.decode()
    parameters = page.partition('id="parameters"')[2].partition("</section>")[0]
    shown = re.findall(r"<dt>(\w+)</dt><dd[^>]*>(?:<[^>]+>)*([^<]*)", parameters)
    assert shown == [("Word", "given"), ("Other", "of {{ Word }}"), ("None", "empty")]


def test_a_role_may_break_behind_its_slash(client: Client, make_run: MakeRun) -> None:
    role = f"arn:aws:iam::{PRODUCTION}:role/<b>Executor"
    page = client.get(f"/executions/{make_run(role_arn=role).pk}/").content.decode()
    assert "role/<wbr>&lt;b&gt;Executor</dd>" in page
