"""People at the same moment: starting, stopping, and saying what happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest

from console.iam.models import User
from executions import aws, history, jobs, lifecycle, signals
from executions.errors import Conflict, Refused
from executions.models import Event, Execution, JournalEntry, Signal, StepExecution
from tests.approvals.people import make_person
from tests.engine.conftest import MAY
from tests.engine.fake_aws import FakeAws
from tests.engine.runs import REGION, Runs, fresh, make_version, statuses, step, told
from tests.engine.steps import publish
from tests.races.rounds import Tell, rounds
from tests.races.together import Try, at_once, in_rounds, led_by, race

pytestmark = [pytest.mark.race]
STARTS, ROUNDS = 50, rounds(8, 200)


def starting(request: lifecycle.Start) -> Callable[[], Execution]:
    """A start by olivia, read anew as every web request does."""
    return lambda: lifecycle.start(request, by=User.objects.get(username="olivia"))


def request_of(word: str) -> lifecycle.Start:
    """A start with the client token of all."""
    version = make_version(publish("a", "{{ Word }}"), parameters={"Word": {"type": "String"}})
    return lifecycle.Start(version, REGION, {"Word": [word]}, client_token="token-1")


def test_one_client_token_starts_one_run(runs: Runs) -> None:
    answers = at_once([starting(request_of("hello"))] * STARTS)
    (run,) = Execution.objects.all()
    assert [getattr(answer, "pk", answer) for answer in answers] == [run.pk] * STARTS
    assert Event.objects.filter(kind="execution:accepted").count() == 1
    assert JournalEntry.objects.filter(granted=True).count() == STARTS


def test_one_client_token_with_two_wishes_grants_one_of_them(runs: Runs) -> None:
    hello = request_of("hello")
    bye = lifecycle.Start(hello.version, REGION, {"Word": ["bye"]}, client_token="token-1")
    answers = at_once([starting(hello), starting(bye)] * 10)
    (run,) = Execution.objects.all()
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert {answer.code for answer in refused} == {"IdempotentParameterMismatch"}
    granted = [answer.pk for answer in answers if isinstance(answer, Execution)]
    assert granted == [run.pk] * 10
    assert run.parameters["Word"] in (["hello"], ["bye"])


def test_a_cancel_and_the_last_success_have_one_winner(runs: Runs, tell: Tell) -> None:
    winners: Counter[str] = Counter()
    for number in range(rounds(12)):
        run = runs.start(publish("a"))
        stopped, _ = race(number, [partial(runs.stop, run), jobs.drain])
        runs.drain()
        status = fresh(run).status
        winners[status] += 1
        assert status == ("Success" if isinstance(stopped, Conflict) else "Cancelled")
        ends = [kind for kind in told(run) if kind in {"execution:success", "execution:cancelled"}]
        assert ends == told(run)[-1:]
        assert list(history.problems(fresh(run))) == []
        if status == "Success":
            assert statuses(run) == {"a": "Success"}
            assert "execution:cancelling" not in told(run)
    tell(winners)
    assert set(winners) == {"Success", "Cancelled"}


def test_no_call_begins_after_a_cancel(runs: Runs, fake: FakeAws) -> None:
    """Whatever the race: a call that AWS saw was told before the cancel."""
    for _ in range(ROUNDS):
        run = runs.start(*[publish(f"s{number}") for number in range(4)])
        at_once([partial(runs.stop, run), jobs.drain])
        runs.drain()
        _, _, after = " ".join(told(run)).partition("execution:cancelling")
        assert "step:call" not in after
    calls = Event.objects.filter(kind="step:call").count()
    assert calls == len(fake.calls)


def test_a_resume_and_a_cancel_have_one_winner(runs: Runs, fake: FakeAws) -> None:
    ends = set()
    for number in range(ROUNDS):
        run = runs.start({"name": "a", "action": "aws:pause", "inputs": {}}, publish("b"))
        runs.work()

        def resume(run: Execution = run) -> None:
            signals.send(fresh(run), "Resume", "a", by=User.objects.get(username="olivia"))

        tries: list[Try] = [partial(runs.stop, run), resume]
        led_by(tries.pop(number % 2), [*tries, jobs.drain])
        runs.drain()
        assert list(history.problems(fresh(run))) == []
        assert not run.signals.filter(consumed_at=None).exists()
        ends.add(fresh(run).status)
        # What was resumed in time may be cancelled all the same, but never the other way round.
        assert "b" not in statuses(run) or step(run, "a").status == "Success"
    assert ends <= {"Cancelled", "Success"}
    assert "Cancelled" in ends


def test_of_two_verdicts_one_counts(runs: Runs, fake: FakeAws) -> None:
    otto = make_person("otto", *MAY)
    fake.on("Publish", aws.OutcomeUnknown("lost"))
    started = [runs.start(publish("a")) for _ in range(ROUNDS)]
    runs.drain()

    def saying(row: StepExecution, verdict: str, by: User) -> Callable[[], object]:
        return lambda: signals.settle_unknown(row, verdict, comment="", by=by)

    rows = [step(run, "a") for run in started]
    answers = in_rounds(
        [
            [saying(row, "adopt", runs.person) for row in rows],
            [saying(row, "fail", otto) for row in rows],
        ]
    )
    for adopted, failed in zip(*answers, strict=True):
        assert sorted([isinstance(adopted, Conflict), isinstance(failed, Conflict)]) == [
            False,
            True,
        ]
    assert Signal.objects.count() == ROUNDS
    runs.drain()
    assert {fresh(run).status for run in started} <= {"Success", "Failed"}
