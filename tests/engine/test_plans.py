"""No statement of the engine reads a whole table: a step costs the same beside millions of runs."""

from __future__ import annotations

import re
from typing import Final

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from console.iam.models import User
from console.management.commands.clock import look
from executions import lifecycle, signals
from executions.models import Account, Execution
from tests.approvals.people import make_person
from tests.conftest import HandClock
from tests.engine.conftest import MAY
from tests.engine.fake_aws import FakeAws
from tests.engine.runs import ACCOUNT, REGION, WORKER_ROLE, Runs, fresh, make_version
from tests.engine.steps import Step, create_stack, each, execute, publish, sleep

GROWING: Final = r"executions_(execution|stepexecution|event|signal|journalentry|tag)"
WHOLE: Final = {
    "sqlite": re.compile(rf"^SCAN {GROWING}\b"),
    "postgresql": re.compile(rf"Seq Scan on {GROWING}\b"),
}
PAUSE: Final[Step] = {"name": "pause", "action": "aws:pause", "inputs": {}}


@pytest.fixture
def olivia(any_db: None) -> User:
    """She starts, resumes and stops."""
    Account.objects.create(
        account_id=ACCOUNT, name="Production", regions=[REGION], role_arn=WORKER_ROLE
    )
    return make_person("olivia", *MAY, "ssm:SendAutomationSignal")


def live(runs: Runs) -> None:
    """All that is done often: starts, turns, signals, ends, the clock, and a queue."""
    child = make_version(sleep("c")).document.name
    steps = (publish("a"), create_stack("b"), each("l", ["x"], sleep("s")), execute("e", child))
    version = make_version(*steps, PAUSE)
    wish = lifecycle.Start(version, REGION, client_token="token-1")
    run = lifecycle.start(wish, by=runs.person)
    assert lifecycle.start(wish, by=runs.person) == run
    runs.drain()
    signals.send(fresh(run), "Resume", "pause", by=runs.person)
    runs.drain()
    assert fresh(run).status == "Success"
    runs.stop(runs.start(sleep("a", "PT1H")))
    look()
    runs.drain()


def plan(statement: str) -> str:
    """How the database would carry it out."""
    kind = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    with connection.cursor() as cursor:
        cursor.execute(f"{kind} {statement}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


def whole_tables(statements: list[str]) -> dict[str, str]:
    """The statements that read one, with their plans."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET enable_seqscan = off")  # small tables are read whole otherwise
    plans = {one: plan(one) for one in statements if re.match(r"SELECT|WITH|UPDATE|\s+", one)}
    assert len(plans) > 20
    wrong = WHOLE[connection.vendor]
    return {
        one: found
        for one, found in plans.items()
        if any(wrong.search(line) for line in found.splitlines())
    }


def test_no_statement_reads_a_whole_table(
    olivia: User, hand_clock: HandClock, fake: FakeAws, settings: Settings
) -> None:
    settings.MOST_RUNNING = 1
    with CaptureQueriesContext(connection) as asked:
        live(Runs(hand_clock, olivia))
    assert whole_tables([query["sql"] for query in asked]) == {}


@pytest.mark.usefixtures("olivia")
def test_a_statement_that_does_is_seen() -> None:
    """The control."""
    with CaptureQueriesContext(connection) as asked:
        list(Execution.objects.filter(document_name="a"))
        for number in range(30):
            list(Execution.objects.filter(pk__isnull=False, region=str(number)))
    assert len(whole_tables([query["sql"] for query in asked])) == 31
