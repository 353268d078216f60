"""Several people run the same execution again at once: one of them does."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from django.db import IntegrityError, connection

from console.iam.models import User
from executions import earlier, jobs, redrive
from executions.aws import AwsRefused
from executions.errors import Conflict
from executions.models import Execution
from tests.engine.fake_aws import FakeAws
from tests.engine.runs import Runs
from tests.engine.steps import create_stack, terminate
from tests.races.rounds import rounds
from tests.races.together import at_once

pytestmark = [pytest.mark.race]
ROUNDS, PEOPLE = rounds(5, 100), 4


def make_failed(runs: Runs, fake: FakeAws) -> Execution:
    """A run whose second step failed, and fails once more."""
    refused = AwsRefused("No.", "ValidationError")
    fake.on("TerminateInstances", refused, refused, {})
    return runs.run(create_stack("makes"), terminate("fails"))


def run_again(run: Execution, token: str = "") -> Callable[[], Execution]:
    """A redrive by olivia, read anew as every web request does."""
    person = partial(User.objects.get, username="olivia")
    return lambda: redrive.start(run.pk, by=person(), token=token)


def test_one_of_them_does(runs: Runs, fake: FakeAws) -> None:
    for _ in range(ROUNDS):
        run = make_failed(runs, fake)
        answers = at_once([run_again(run)] * PEOPLE)
        made = [answer for answer in answers if isinstance(answer, Execution)]
        assert len(made) == 1
        refused = [answer for answer in answers if isinstance(answer, Conflict)]
        assert len(refused) == PEOPLE - 1
        assert all("is running it again" in answer.message for answer in refused)


def test_two_clicks_are_one(runs: Runs, fake: FakeAws) -> None:
    run = make_failed(runs, fake)
    answers = at_once([run_again(run, "the-token-of-a-form")] * PEOPLE)
    assert len({answer.pk for answer in answers if isinstance(answer, Execution)}) == 1
    assert run.redrives.count() == 1


def test_nobody_goes_on_from_what_another_went_on_from(runs: Runs, fake: FakeAws) -> None:
    """Workers end the first one while others try: its step is not done by two."""
    for _ in range(ROUNDS):
        run = make_failed(runs, fake)
        at_once([run_again(run), jobs.drain, run_again(run), jobs.drain, run_again(run)])
        jobs.drain()
        assert run.redrives.count() == 1
        assert len(fake.made("TerminateInstances")) == 2
        fake.calls.clear()


def test_without_the_check_the_index_says_no(
    runs: Runs, fake: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: something else is there to be caught."""
    monkeypatch.setattr(earlier, "hold", lambda _: None)
    run = make_failed(runs, fake)

    def attempt() -> object:
        try:
            return run_again(run)()
        except IntegrityError as error:
            return error

    answers = at_once([attempt] * PEOPLE)
    assert sum(isinstance(answer, IntegrityError) for answer in answers) == PEOPLE - 1
    assert connection.vendor in {"postgresql", "sqlite"}
