"""The first page: what waits, what runs, what failed; and the principal one acts as."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from console.iam.models import Principal, User
from executions import clock
from executions.states import Status
from tests.pages.conftest import MakeRun, SignIn

STAGING_ARN = "arn:aws:sts::444455556666:assumed-role/Operators/olivia"


def test_nothing_yet(client_of: SignIn) -> None:
    page = client_of("approver").get("/").content.decode()
    for words in ("No decision is waiting for you.", "Nothing is running.", "Nothing has failed"):
        assert words in page


def test_what_runs_and_what_failed_today(client_of: SignIn, make_run: MakeRun) -> None:
    now = clock.now()
    running = make_run()
    failed = make_run(status=Status.FAILED, ended_at=now, failure_message="The disk is full.")
    older = make_run(status=Status.FAILED, ended_at=now - timedelta(days=1))
    fine = make_run(status=Status.SUCCESS, ended_at=now)
    page = client_of("viewer").get("/").content.decode()
    assert f'id="row-{running.pk}"' in page
    assert f'id="row-{failed.pk}"' in page
    assert "The disk is full." in page
    assert f'id="row-{older.pk}"' not in page
    assert f'id="row-{fine.pk}"' not in page


def test_numbers_lead_to_what_they_count(client_of: SignIn, make_run: MakeRun) -> None:
    make_run(status=Status.FAILED, ended_at=clock.now())
    client = client_of("viewer")
    assert "?status=Failed" in client.get("/").content.decode()
    for query in ("status=Failed&status=TimedOut", "status=Pending&status=InProgress"):
        assert client.get(f"/executions/?{query}").status_code == 200


def test_more_runs_cost_no_more_queries(client_of: SignIn, make_run: MakeRun) -> None:
    client = client_of("viewer")
    make_run()
    client.get("/")
    with CaptureQueriesContext(connection) as few:
        client.get("/")
    for _ in range(15):
        make_run()
        make_run(status=Status.FAILED, ended_at=clock.now())
    with CaptureQueriesContext(connection) as many:
        client.get("/")
    assert len(many) <= len(few) + 1 <= 14  # an empty list needs no query for its rows


def test_acting_as_another_principal_shows_another_account(
    olivia: User, client_of: SignIn, make_run: MakeRun
) -> None:
    theirs = make_run(account_id="444455556666")
    operator = olivia.principals.get().policies.get()
    Principal.objects.create(arn=STAGING_ARN, user=olivia).policies.add(operator)
    client = client_of("operator")
    assert f'id="row-{theirs.pk}"' not in client.get("/").content.decode()
    answer = client.post("/principal/", {"principal": STAGING_ARN, "next": "/executions/"})
    assert answer.headers["Location"] == "/executions/"
    page = client.get("/").content.decode()
    assert "Staging" in page
    assert f'id="row-{theirs.pk}"' in page


@pytest.mark.parametrize("arn", ["arn:aws:iam::111122223333:user/ada", "", "nonsense", "a\0b"])
def test_principals_of_others_stay_theirs(client_of: SignIn, arn: str) -> None:
    client = client_of("operator")
    client.post("/principal/", {"principal": arn})
    page = client.get("/").content.decode()
    assert "That principal is not yours." in page
    assert "user/olivia" in page


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:1"])
def test_switching_never_leads_elsewhere(client_of: SignIn, elsewhere: str) -> None:
    arn = "arn:aws:iam::111122223333:user/olivia"
    answer = client_of("operator").post("/principal/", {"principal": arn, "next": elsewhere})
    assert answer.headers["Location"] == "/"
