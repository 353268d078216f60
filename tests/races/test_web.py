"""People who press the same button at the same moment, at four web processes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.db.utils import ConnectionHandler
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from pytest_django.plugin import DjangoDbBlocker

from approvals import history as of_approvals
from approvals.models import ApprovalRequest
from console import env
from console.demo import postgres
from console.iam.models import User
from console.turns import AT_ONCE, Pages
from executions import history, jobs, lifecycle
from executions.models import Account, Event, JournalEntry
from tests.approvals.people import make_person
from tests.conftest import using_database
from tests.engine.conftest import MAY
from tests.engine.runs import ACCOUNT, REGION, WORKER_ROLE, make_version
from tests.engine.steps import sleep
from tests.races.crowd import QUORUM, asking, make_crowd
from tests.races.rounds import IS_FULL
from tests.races.together import at_once
from tests.races.web import Answer, Visitor, open_all, press_at_once, serving

pytestmark = [pytest.mark.race]
CROWD, CLICKS, PROCESSES = 100, 100, 4
FEW = 20  # for the control
DATABASES = ["postgres", "sqlite"] if IS_FULL else ["postgres"]


@dataclass(frozen=True, slots=True)
class Site:
    """A database, what web processes need to know, and the ports of those that run."""

    environment: dict[str, str]
    places: list[int]
    crowd: list[User]


@pytest.fixture(scope="module", params=DATABASES)
def address(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """DATABASE_URL of an empty database of which nothing would be lost with the machine.

    No web process would start on the other tests' PostgreSQL.
    """
    folder = tmp_path_factory.mktemp("web")
    if request.param == "sqlite":
        yield f"sqlite:///{folder}/db.sqlite3"
        return
    running = postgres.start(folder, settings=[])
    yield running.url
    running.stop()


@pytest.fixture(scope="module")
def site(
    address: str, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker
) -> Iterator[Site]:
    """Four web processes and a hundred people who have signed in."""
    environment = {
        "DATABASE_URL": address,
        "REDIS_URL": f"unix://{tmp_path_factory.mktemp('redis')}/none.sock",
        "SECRET_KEY": settings.SECRET_KEY,
        "LOG_LEVEL": "ERROR",
    }
    databases = ConnectionHandler({"default": env.database(address)})
    with ExitStack() as stack:
        stack.enter_context(django_db_blocker.unblock())
        stack.enter_context(using_database(databases.settings["default"]))
        call_command("migrate", verbosity=0)
        Account.objects.create(
            account_id=ACCOUNT, name="Production", regions=[REGION], role_arn=WORKER_ROLE
        )
        make_person("olivia", *MAY)
        crowd = make_crowd(CROWD)
        places = stack.enter_context(serving(PROCESSES, environment, "console.asgi:application"))
        yield Site(environment, places, crowd)


@pytest.fixture
def asked(site: Site) -> ApprovalRequest:
    """A run that waits for three people of the crowd."""
    ask = {"name": "ask", "action": "aws:approve", "inputs": asking(QUORUM)}
    start = lifecycle.Start(make_version(ask, sleep("afterwards", "PT0S")), REGION)
    run = lifecycle.start(start, by=User.objects.get(username="olivia"))
    jobs.drain()
    return ApprovalRequest.objects.get(execution=run)


def page_of(request: ApprovalRequest) -> str:
    """The path of the page with the form."""
    return reverse("approval", args=[request.pk])


def press(places: list[int], request: ApprovalRequest, people: list[User]) -> list[Answer]:
    """All of them look at the page first, and then approve at the same moment."""
    visitors = [Visitor(person) for person in people]
    open_all(visitors, places, page_of(request))
    return press_at_once(visitors, places, page_of(request))


def attempts(request: ApprovalRequest) -> Counter[bool]:
    """What the journal tells of tries to decide: whether they were granted."""
    entries = JournalEntry.objects.filter(
        action="ssm:SendAutomationSignal", resource=request.execution.arn
    )
    return Counter(entries.values_list("granted", flat=True))


def check_run(request: ApprovalRequest, began: int) -> None:
    """How often the step after the approval began, with two workers; and all that rows can tell."""
    at_once([jobs.drain, jobs.drain])
    events = Event.objects.filter(execution=request.execution)
    assert events.filter(kind="step:started", step="afterwards").count() == began
    assert events.filter(kind="approval:approved").count() == began
    request.execution.refresh_from_db()
    run = request.execution
    assert [*history.problems(run), *of_approvals.problems(run)] == []


def test_of_a_hundred_approvers_three_count(site: Site, asked: ApprovalRequest) -> None:
    answers = press(site.places, asked, site.crowd)
    assert Counter(answer.status for answer in answers) == {302: QUORUM, 409: CROWD - QUORUM}
    assert all("This was approved on" in one.page for one in answers if one.status == 409)
    assert attempts(asked) == {True: QUORUM, False: CROWD - QUORUM}
    assert asked.decisions.count() == QUORUM
    check_run(asked, began=1)


def test_a_hundred_clicks_of_one_person_are_one_decision(
    site: Site, asked: ApprovalRequest
) -> None:
    visitor = Visitor(site.crowd[0])
    open_all([visitor], site.places, page_of(asked))
    answers = press_at_once([visitor] * CLICKS, site.places, page_of(asked))
    assert Counter(answer.status for answer in answers) == {302: 1, 409: CLICKS - 1}
    assert all("You decided already" in one.page for one in answers if one.status == 409)
    assert attempts(asked) == {True: 1, False: CLICKS - 1}
    assert asked.decisions.count() == 1
    check_run(asked, began=0)


def test_few_pages_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many ask; and one that breaks off gives its turn to the next."""
    pages, most, now = Pages(), 0, 0

    async def make(_: HttpRequest) -> HttpResponse:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1
        raise PermissionDenied

    async def ask_all() -> list[object]:
        asking = [pages.get_response_async(HttpRequest()) for _ in range(CROWD)]
        return list(await asyncio.gather(*asking, return_exceptions=True))

    monkeypatch.setattr(pages, "_middleware_chain", make)
    answers = asyncio.run(ask_all())
    assert [type(answer) for answer in answers] == [PermissionDenied] * CROWD
    assert most == AT_ONCE


def test_a_naive_web_process_counts_too_many(site: Site, asked: ApprovalRequest) -> None:
    """The control: these are real races."""
    with serving(1, site.environment, "tests.races.server:application") as places:
        answers = press(places, asked, site.crowd[:FEW])
    assert sum(answer.status == 302 for answer in answers) > QUORUM
    assert asked.decisions.count() > QUORUM
