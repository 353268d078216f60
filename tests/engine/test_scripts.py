"""Scripts in the engine: real ones in a real sandbox, and workers that die around them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from executions import aws, sandbox, scripts
from executions.models import Execution
from tests.engine.runs import Runs, fresh, step, told
from tests.engine.steps import Step

ECHO = "def main(events, context):\n    print('ran')\n    return events"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"}
DOWN = timedelta(minutes=5)


class WorkerDied(BaseException):
    """The process is gone."""


@pytest.fixture(autouse=True)
def lent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[aws.Identity, str, timedelta]]:
    """Sessions of roles that were made for scripts."""
    made: list[tuple[aws.Identity, str, timedelta]] = []

    def lend(identity: aws.Identity, region: str, lasting: timedelta) -> dict[str, str]:
        made.append((identity, region, lasting))
        return KEYS

    monkeypatch.setattr(aws, "lend", lend)
    return made


@pytest.fixture(autouse=True)
def _own_spool(settings: Settings, tmp_path: Path) -> None:
    settings.SCRIPT_SPOOL = tmp_path / "spool"


def script(source: str = ECHO, payload: Any = None, **more: Any) -> Step:
    inputs = {
        "Runtime": "python3.11",
        "Handler": "main",
        "Script": source,
        **more.pop("inputs", {}),
    }
    if payload is not None:
        inputs["InputPayload"] = payload
    return {"name": "a", "action": "aws:executeScript", "inputs": inputs, **more}


def die(monkeypatch: pytest.MonkeyPatch, runs: Runs, where: str, *, after: bool = False) -> None:
    """Let the worker die before or after a part of its work; the next one works as ever."""
    owner, name = (sandbox, "run") if where == "run" else (sandbox.Spool, where)
    part: Callable[..., Any] = getattr(owner, name)

    def last_act(*args: Any) -> Any:
        if after:
            part(*args)
        raise WorkerDied

    with monkeypatch.context() as dying:
        dying.setattr(owner, name, last_act)
        with pytest.raises(WorkerDied):
            runs.work()
    runs.hand.move(seconds=DOWN.total_seconds())


def test_a_script_gets_its_events_and_gives_its_outputs(runs: Runs) -> None:
    payload = {"Names": "{{ Names }}", "Count": 3, "Deep": {"On": True}}
    outputs = [{"Name": "First", "Selector": "$.Payload.Names[0]", "Type": "String"}]
    run = runs.run(
        script(payload=payload, outputs=outputs),
        parameters={"Names": {"type": "StringList"}},
        values={"Names": ["x", "y"]},
    )
    expected = {"Names": ["x", "y"], "Count": 3, "Deep": {"On": True}}
    assert (run.status, step(run, "a").failure_message) == ("Success", "")
    assert step(run, "a").outputs == {
        "Payload": expected,
        "OutputPayload": json.dumps({"Payload": expected}),
        "ExecutionLog": "ran\n",
        "First": "x",
    }


def test_braces_in_a_script_are_its_own(runs: Runs) -> None:
    run = runs.run(script("def main(e, c): return '{{ a.b }} {{ global:DATE }}' + f'{{{1}}}'"))
    assert step(run, "a").outputs["Payload"] == "{{ a.b }} {{ global:DATE }}{1}"


def test_the_intent_is_told_before_the_script_runs(runs: Runs) -> None:
    run = runs.run(script())
    assert told(run)[1:4] == ["execution:started", "step:started a", "step:call a"]


def test_an_exception_fails_the_step_with_its_traceback(runs: Runs) -> None:
    run = runs.run(script("def main(e, c):\n    print('so far')\n    return e['absent']"))
    failed = step(run, "a")
    assert run.status == "Failed"
    assert 'File "customer_script.py", line 3, in main' in failed.failure_message
    assert failed.failure_message.endswith("KeyError: 'absent'")
    assert failed.outputs == {"ExecutionLog": "so far\n"}


def test_each_attempt_is_a_run_of_its_own(runs: Runs, settings: Settings) -> None:
    run = runs.run(script("def main(e, c): exit('no')", maxAttempts=3))
    assert (run.status, step(run, "a").attempt) == ("Failed", 3)
    assert len(list(settings.SCRIPT_SPOOL.glob("*.started"))) == 3


def test_its_time_is_what_the_step_has(runs: Runs) -> None:
    run = runs.run(script("def main(e, c):\n    while True: pass", timeoutSeconds=1))
    assert (run.status, step(run, "a").status) == ("TimedOut", "TimedOut")


def test_the_role_is_lent_for_the_shortest_time_and_names_the_step(
    runs: Runs, lent: list[tuple[aws.Identity, str, timedelta]]
) -> None:
    source = "import os\ndef main(e, c): return {k: v for k, v in os.environ.items() if 'AWS' in k}"
    run = runs.run(script(source))
    [(identity, region, lasting)] = lent
    assert (region, lasting) == ("eu-west-1", timedelta(minutes=15))
    assert identity.session_name == f"Automation-{run.id}-a"
    assert step(run, "a").outputs["Payload"] == {
        **KEYS,
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def test_another_version_is_named_in_the_log(runs: Runs) -> None:
    run = runs.run(script(inputs={"Runtime": "python3.6"}))
    assert step(run, "a").outputs["ExecutionLog"].startswith("[python3.6: runs on Python 3.")


def test_a_role_that_is_refused_fails_before_anything_runs(
    runs: Runs, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any) -> dict[str, str]:
        raise aws.AwsRefused("no", "AccessDenied")

    monkeypatch.setattr(aws, "lend", refuse)
    run = runs.run(script())
    assert (run.status, step(run, "a").failure_type) == ("Failed", "Permission")
    assert list(settings.SCRIPT_SPOOL.glob("*.started")) == []


def test_an_sts_that_is_busy_is_asked_again(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Exception | dict[str, str]] = [
        aws.NotSent("no route"),
        aws.Throttled("slow"),
        KEYS,
    ]

    def lend(*args: Any) -> dict[str, str]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(aws, "lend", lend)
    run = runs.run(script())
    assert (run.status, step(run, "a").attempt, answers) == ("Success", 1, [])


def test_a_host_without_a_sandbox_refuses_and_does_not_fall_back(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find() -> sandbox.Sandbox:
        raise sandbox.Unavailable("bubblewrap is not installed.")

    monkeypatch.setattr(scripts, "find_sandbox", find)
    run = runs.run(script(maxAttempts=3))
    failed = step(run, "a")
    assert (run.status, failed.attempt) == ("Failed", 1)
    assert "bubblewrap is not installed." in failed.failure_message


def test_a_sandbox_that_does_not_start_fails_the_step(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_none(*args: Any) -> sandbox.Result:
        raise sandbox.Unavailable("The sandbox did not start: bwrap: no user namespaces")

    monkeypatch.setattr(sandbox, "run", run_none)
    run = runs.run(script())
    assert (run.status, "no user namespaces" in step(run, "a").failure_message) == ("Failed", True)


def test_a_stop_request_ends_the_script_and_the_run(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runs.start(script())

    def stop_meanwhile(box: sandbox.Sandbox, job: sandbox.Job, abort: Any) -> sandbox.Result:
        runs.stop(run)
        return sandbox.Result(sandbox.Ended.ABORTED, log="so far\n")

    monkeypatch.setattr(sandbox, "run", stop_meanwhile)
    runs.drain()
    assert (fresh(run).status, step(run, "a").status) == ("Cancelled", "Cancelled")
    assert step(run, "a").outputs == {"ExecutionLog": "so far\n"}


def unknown(run: Execution) -> bool:
    return step(run, "a").is_unknown


def test_a_worker_that_dies_before_the_start_leaves_a_script_to_start(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runs.start(script())
    die(monkeypatch, runs, "start")
    runs.drain()
    assert (fresh(run).status, step(run, "a").attempt) == ("Success", 1)


def test_a_script_whose_time_is_over_before_it_started_is_not_started(
    runs: Runs, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runs.start(script())
    die(monkeypatch, runs, "start")
    runs.hand.move(minutes=10)
    runs.drain()
    assert (fresh(run).status, list(settings.SCRIPT_SPOOL.glob("*.started"))) == ("TimedOut", [])


@pytest.mark.parametrize(("where", "after"), [("start", True), ("run", False), ("run", True)])
def test_a_worker_that_dies_while_the_script_runs_leaves_it_to_a_person(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, where: str, after: bool
) -> None:
    run = runs.start(script())
    die(monkeypatch, runs, where, after=after)
    runs.drain()
    assert (fresh(run).status, unknown(run)) == ("Waiting", True)


def test_an_answer_on_the_disk_is_adopted_and_the_script_not_run_again(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runs.start(script(payload={"n": 1}))
    die(monkeypatch, runs, "finish", after=True)
    runs.hand.move(hours=1)  # the time of the step is over too, but it had ended in time
    with monkeypatch.context() as none:
        none.setattr(sandbox, "run", None)
        runs.drain()
    assert fresh(run).status == "Success"
    assert step(run, "a").outputs["Payload"] == {"n": 1}
    assert "step:recovering a" in told(run)


def test_another_host_cannot_know(
    runs: Runs, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = runs.start(script())
    die(monkeypatch, runs, "start")
    settings.SCRIPT_SPOOL = tmp_path / "of another host"
    runs.drain()
    assert unknown(run)


def test_a_mark_that_may_be_forgotten_is_not_looked_for(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runs.start(script())
    die(monkeypatch, runs, "start")
    runs.hand.move(days=sandbox.KEPT_DAYS)
    runs.drain()
    assert unknown(run)


def test_a_script_that_another_worker_started_is_not_started(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "run", None)
    run = runs.start(script())
    with monkeypatch.context() as raced:
        start = sandbox.Spool.start
        raced.setattr(sandbox.Spool, "start", lambda spool, token: start(spool, token) and False)
        runs.work()
    runs.drain()
    assert unknown(run)


def test_no_script_starts_after_a_stop_request(runs: Runs, settings: Settings) -> None:
    run = runs.start(script())
    runs.stop(run)
    runs.drain()
    assert fresh(run).status == "Cancelled"
    assert list(settings.SCRIPT_SPOOL.glob("*.started")) == []
