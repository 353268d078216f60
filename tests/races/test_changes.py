"""A decision while what it is about changes, or whoever makes it: the change is never overlooked.

A run's own document, parameters and targets cannot change any more: they are written down at its
start. What can are the runbooks that its steps will start, and the people who decide.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from approvals import decisions
from approvals import history as of_approvals
from approvals.models import ApprovalRequest
from console.iam.models import User
from executions import history as of_runs
from executions import jobs
from executions.errors import NotAllowed
from executions.library import changes
from executions.models import Document, DocumentVersion, Execution
from tests.approvals.people import DECIDE, make_person
from tests.engine.conftest import MAY
from tests.engine.runs import Runs, fresh, make_version, statuses
from tests.engine.steps import approve, execute, sleep
from tests.races.rounds import rounds
from tests.races.together import Try, at_once, led_by

pytestmark = [pytest.mark.race]
ROUNDS = rounds(8, 100)
Act = Callable[[ApprovalRequest], Try]


@pytest.fixture(autouse=True)
def alice(runs: Runs) -> User:
    """She approves. dora changes documents."""
    make_person("dora", *MAY, "ssm:UpdateDocumentDefaultVersion", "ssm:GetDocument")
    return make_person("alice", *DECIDE)


@pytest.fixture
def child(runs: Runs) -> Document:
    """A runbook of two versions, of which the first is the default."""
    version = make_version(sleep("s", "PT0S"))
    DocumentVersion.objects.create(
        document=version.document,
        number=2,
        content=version.content.replace("PT0S", "PT1S"),
        format="JSON",
        sha256="2" * 64,
    )
    Document.objects.filter(pk=version.document_id).update(latest_version=2)
    return Document.objects.get(pk=version.document_id)


def approving(request: ApprovalRequest) -> Try:
    """By alice, read anew as in every web request."""
    return lambda: decisions.decide(
        request.id, by=User.objects.get(username="alice"), verdict="Approve"
    )


def working(_: ApprovalRequest) -> Try:
    """A worker looks."""
    return jobs.drain


def disabling(_: ApprovalRequest) -> Try:
    """alice leaves the company."""
    return lambda: User.objects.filter(username="alice").update(is_active=False)


def promoting(document: Document) -> Act:
    """dora makes the second version of a runbook the default."""

    def act(_: ApprovalRequest) -> Try:
        return lambda: changes.set_default(
            Document.objects.get(pk=document.pk), "2", by=User.objects.get(username="dora")
        )

    return act


def ask(runs: Runs, child: Document) -> ApprovalRequest:
    """alice is asked; afterwards the other runbook is run, whichever version it has then."""
    Document.objects.filter(pk=child.pk).update(default_version=1)
    User.objects.filter(username="alice").update(is_active=True)
    run = runs.start(approve("a", "alice"), execute("c", child.name))
    runs.work()
    return ApprovalRequest.objects.get(execution=run)


def race(request: ApprovalRequest, number: int, *acts: Act) -> list[object]:
    """Both at once; in turn one of them is a moment ahead. The answers, in the order of `acts`.

    In the first two rounds one has ended before the other begins, so that each outcome occurs.
    """
    first, second = acts if number % 2 else acts[::-1]
    if number < 2:
        answers = [*at_once([first(request)]), *at_once([second(request)])]
    else:
        answers = led_by(first(request), [second(request)])
    return answers if number % 2 else answers[::-1]


def end(runs: Runs, request: ApprovalRequest) -> tuple[str, bool]:
    """How the run ended, and whether it went on after the approval."""
    runs.drain()
    run = fresh(request.execution)
    for one in (run, *Execution.objects.filter(parent=run)):
        assert [*of_runs.problems(one), *of_approvals.problems(one)] == []
    return run.status, "c" in statuses(run)


def test_a_decision_of_somebody_who_is_disabled_meanwhile_lets_nothing_run(
    runs: Runs, child: Document
) -> None:
    refused = set()
    for number in range(ROUNDS):
        request = ask(runs, child)
        decided, _ = race(request, number, approving, disabling)
        refused.add(isinstance(decided, NotAllowed))
        runs.hand.move(days=8)  # nobody else will decide
        assert end(runs, request)[1] is False
    assert refused == {True, False}


def test_a_run_goes_on_with_the_approval_or_without_it(runs: Runs, child: Document) -> None:
    """The worker sees that alice is disabled, or it came first."""
    ends = set()
    for number in range(ROUNDS):
        request = ask(runs, child)
        approving(request)()
        race(request, number, working, disabling)
        ends.add(end(runs, request))
    assert ends == {("Success", True), ("Failed", False)}


def test_what_is_approved_while_it_changes_is_not_run(runs: Runs, child: Document) -> None:
    """Whether the approval or the new default version came first: nobody approved that one."""
    for number in range(ROUNDS):
        request = ask(runs, child)
        race(request, number, approving, promoting(child))
        assert end(runs, request) == ("Failed", False)
        assert not Execution.objects.filter(parent=request.execution).exists()


def test_a_new_default_of_the_runs_own_document_changes_nothing(
    runs: Runs, child: Document
) -> None:
    for number in range(ROUNDS):
        User.objects.filter(username="alice").update(is_active=True)
        run = runs.start(approve("a", "alice"), sleep("c", "PT0S"))
        runs.work()
        request = ApprovalRequest.objects.get(execution=run)
        DocumentVersion.objects.create(
            document=run.version.document, number=2, content="{}", format="JSON", sha256="3" * 64
        )
        Document.objects.filter(pk=run.version.document_id).update(latest_version=2)
        race(request, number, approving, promoting(run.version.document))
        assert end(runs, request) == ("Success", True)
        assert fresh(run).version.number == 1
