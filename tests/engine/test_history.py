"""What verify_history sees: stories that hold, and each kind of one that cannot have happened."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F, Model, QuerySet

from approvals import decisions
from approvals.models import ApprovalRequest, Decision
from executions import history
from executions.models import Event, Execution, JournalEntry, StepExecution
from executions.states import LONG_AGO, NEVER
from tests.approvals.people import DECIDE, make_person
from tests.engine.fake_aws import FakeAws
from tests.engine.runs import Runs, fresh
from tests.engine.steps import approve, branch, create_stack, each, sleep

pytestmark = pytest.mark.usefixtures("broken_rows")
STEPS = (
    create_stack("make"),
    branch("choose", "global:REGION", "eu-west-1", to="rest"),
    sleep("skipped"),
    sleep("rest"),
)


@pytest.fixture
def run(runs: Runs, fake: FakeAws) -> Execution:
    """It ended well."""
    fake.on("CreateStack", {})
    return runs.run(*STEPS)


def verify() -> str:
    """What the command says of everything."""
    said = StringIO()
    try:
        call_command("verify_history", stdout=said, stderr=said)
    except CommandError as error:
        said.write(str(error))
    return said.getvalue()


def test_a_run_that_ended_well_holds(run: Execution) -> None:
    assert run.status == "Success"
    assert verify() == "1 executions, 0 that cannot have happened so\n"


def test_runs_of_all_kinds_hold(runs: Runs, fake: FakeAws) -> None:
    fake.on("CreateStack", {})
    runs.run(each("loop", ["a", "b"], sleep("one"), sleep("two")), sleep("after"))
    runs.run(sleep("fails", "nonsense"))
    runs.start(*STEPS)
    cancelled = runs.start(sleep("a", onCancel="step:b"), sleep("c"), create_stack("b"))
    runs.work()
    runs.stop(cancelled)
    runs.drain()
    assert verify() == "4 executions, 0 that cannot have happened so\n"


def raw(model: type[Model]) -> QuerySet[Any]:
    """Whoever can write to the database can write anything, also into the journal."""
    return QuerySet(model)


def step(which: str, **columns: Any) -> Callable[[], object]:
    """Changes a step's row."""
    return lambda: StepExecution.objects.filter(name=which).update(**columns)


def whole(**columns: Any) -> Callable[[], object]:
    """Changes the execution's row."""
    return lambda: Execution.objects.update(**columns)


PLANTED: list[tuple[str, Callable[[], object], str]] = [
    ("gap", lambda: raw(Event).filter(seq=3).delete(), "its events are"),
    ("number", step("rest", number=9), "its steps are numbered [1, 2, 9]"),
    ("no end", lambda: raw(Event).filter(kind="execution:success").delete(), "and told"),
    ("not over", whole(status="InProgress"), "it is InProgress, and told"),
    ("other end", whole(status="Failed"), "it ended as Failed"),
    ("due again", whole(wake_at=F("created_at")), "it is over, and holds a slot or will be"),
    ("a slot kept", whole(slot="running"), "it is over, and holds a slot or will be"),
    ("endless", whole(ended_at=None), "it ended at no time"),
    ("still open", step("rest", phase="wait"), "step 3 (rest) is Success in phase wait"),
    ("open", step("rest", phase="wait", status="InProgress"), "it is over, and rest is open"),
    ("asks", step("rest", unknown={"reason": "?"}), "asks a person"),
    ("untold", step("rest", name="skipped"), "skipped began 1 times, and 0 were told"),
    ("other status", step("rest", status="Failed"), "rest has 1 rows for step:failed, and 0"),
    ("other bytes", step("make", call={"sha256": "0", "answer": "lost"}), "that nobody announced"),
    ("jump", step("choose", chosen="skipped"), "rest came after choose, which was Success"),
    ("first", step("make", name="rest"), "it began with rest"),
    ("time", step("rest", ended_at=F("started_at") - timedelta(hours=1)), "ended before it began"),
    (
        "order",
        lambda: raw(Event).filter(seq=4).update(at=LONG_AGO),
        "event 4 (step:call) is older than event 3",
    ),
    ("journal", lambda: raw(JournalEntry).delete(), "nobody asked for it"),
]


@pytest.mark.parametrize(("name", "plant", "said"), PLANTED)
def test_what_cannot_have_happened_is_named(
    run: Execution, name: str, plant: Callable[[], object], said: str
) -> None:
    plant()
    told = verify()
    assert said in told
    assert "1 of 1 executions are broken" in told


def test_nobody_will_look_at_it(runs: Runs) -> None:
    execution = runs.start(*STEPS)
    Execution.objects.update(wake_at=NEVER, status="InProgress")
    found = list(history.problems(fresh(execution)))
    assert found == ["it is InProgress, and nobody will ever look at it"]


@pytest.fixture
def approved(runs: Runs) -> Execution:
    """alice approved it."""
    execution = runs.start(approve("ask", "alice"), sleep("rest"))
    runs.work()
    alice = make_person("alice", *DECIDE)
    decisions.decide(ApprovalRequest.objects.get().pk, by=alice, verdict="Approve")
    runs.drain()
    return fresh(execution)


def test_an_approved_run_holds(approved: Execution) -> None:
    assert approved.status == "Success"
    assert verify() == "1 executions, 0 that cannot have happened so\n"


def decision(**columns: Any) -> Callable[[], object]:
    """Changes the vote, past the model that refuses that."""
    return lambda: raw(Decision).update(**columns)


def request(**columns: Any) -> Callable[[], object]:
    """Changes the request."""
    return lambda: ApprovalRequest.objects.update(**columns)


FORGED: list[tuple[str, Callable[[], object], str]] = [
    ("no votes", lambda: raw(Decision).delete(), "is approved by 0 of 1"),
    ("few", request(required=2), "is approved by 1 of 2"),
    ("facts", request(facts={"account": "other"}), "has other facts than its digest says"),
    ("digest", decision(digest="0" * 64), "on other facts"),
    ("stranger", decision(principal="arn:aws:iam::1:user/eve"), "who was not asked"),
    ("late", decision(at=NEVER), "after its deadline"),
    ("rejected", decision(verdict="Reject"), "has a rejection, and is Approved"),
    ("pending", request(status="Pending"), "waits for a step that has ended"),
    ("unasked", request(status="Cancelled"), "ask succeeded, and nobody approved it"),
    ("expired", request(status="Expired"), "expired before its time"),
    ("no reject", request(status="Rejected"), "is rejected, and nobody rejected it"),
    ("early", request(decided_at=NEVER), "succeeded before it was approved"),
]


@pytest.mark.parametrize(("name", "forge", "said"), FORGED)
def test_a_forged_approval_is_named(
    approved: Execution, name: str, forge: Callable[[], object], said: str
) -> None:
    forge()
    assert said in verify()


def test_a_starter_who_approved_is_named(approved: Execution) -> None:
    raw(Decision).update(person=approved.started_by)
    assert "who started the execution" in verify()


def test_one_execution_can_be_asked_for(run: Execution, runs: Runs) -> None:
    other = runs.start(sleep("a"))
    said = StringIO()
    call_command("verify_history", str(other.pk), stdout=said)
    assert said.getvalue() == "1 executions, 0 that cannot have happened so\n"


def test_a_busy_database_may_take_a_vote_before_what_happened_earlier(run: Execution) -> None:
    raw(Event).filter(seq=4).update(at=F("at") - timedelta(seconds=20))
    assert "older" not in verify()
