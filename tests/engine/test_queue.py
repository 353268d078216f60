"""A bell carries nothing: whatever is put into Redis, a worker does its own work and no other."""

from __future__ import annotations

import json
import pickle
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from console.demo.redis import command, url
from executions import jobs, queue
from tests.engine.runs import Runs, fresh
from tests.engine.steps import publish

PATIENCE = Retry(ConstantBackoff(0.05), 100)
KEY, IDS = "rq:job:forged", "rq:queue:engine"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Redis."""
    folder = tmp_path_factory.mktemp("redis")
    process = subprocess.Popen(command(folder), stdout=subprocess.DEVNULL)
    address = url(folder)
    waiting = redis.Redis.from_url(
        address, retry=PATIENCE, retry_on_error=[redis.ConnectionError, FileNotFoundError]
    )
    waiting.ping()
    waiting.close()
    yield address
    process.terminate()
    process.wait()


@pytest.fixture
def bells(
    server: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[redis.Redis]:
    """The Redis in which bells wait, empty."""
    settings.REDIS_URL = server
    with redis.Redis.from_url(server) as connection:
        connection.flushall()
        monkeypatch.setattr("django_rq.get_connection", lambda name: connection)
        yield connection


def serve(connection: redis.Redis) -> None:
    """Let a worker take every bell that waits, then end."""
    waiting = queue._queue()
    worker = queue.Worker([waiting], connection=connection, serializer=JSONSerializer)
    worker.work(burst=True, logging_level="CRITICAL")


def forge(connection: redis.Redis, **fields: Any) -> None:
    """Put a job into the queue as somebody who can write to Redis does."""
    usual = {"created_at": "2026-03-02T12:00:00.000000Z", "status": "queued", "origin": "engine"}
    job: dict[Any, Any] = {**usual, **fields}
    connection.hset(KEY, mapping=job)
    connection.sadd("rq:queues", IDS)
    connection.lpush(IDS, "forged")


def as_json(callable_name: str, *args: Any) -> bytes:
    """A job's data as RQ's JSON serializer writes it."""
    return zlib.compress(json.dumps([callable_name, None, list(args), {}]).encode())


class Bomb:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def forgeries(traces: Path) -> dict[str, dict[str, Any]]:
    """What an attacker may try; each leaves a file in `traces` if it is carried out."""
    bomb = pickle.dumps(Bomb(traces / "pickle"))
    return {
        "another function": {"data": as_json("os.system", f"touch {traces}/system")},
        "another function, not compressed": {
            "data": json.dumps(["os.system", None, [f"touch {traces}/plain"], {}])
        },
        "an instance's method": {"data": as_json("pathlib.Path.touch", str(traces / "method"))},
        "pickled data": {"data": zlib.compress(bomb)},
        "pickled data, not compressed": {"data": bomb},
        "arguments for ours": {"data": as_json(queue.JOB, "os.system", f"touch {traces}/args")},
        "no data": {},
        "rubbish": {"data": b"\xff\x00\xfe", "timeout": "soon", "created_at": "yesterday"},
        "callbacks": {
            "data": as_json(queue.JOB),
            "success_callback_name": "os.system",
            "failure_callback_name": "os.system",
            "meta": zlib.compress(bomb),
        },
        "a repetition": {"data": as_json("os.system", f"touch {traces}/again"), "retries_left": 3},
    }


@pytest.mark.parametrize("kind", forgeries(Path()))
def test_a_forged_job_only_makes_the_worker_look_for_work(
    bells: redis.Redis, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    drained: list[tuple[Any, ...]] = []
    monkeypatch.setattr(jobs, "drain", lambda *args: drained.append(args))
    forge(bells, **forgeries(tmp_path)[kind])
    serve(bells)
    assert drained == [()]
    assert list(tmp_path.iterdir()) == []
    assert not bells.exists(KEY)


def test_a_worker_that_believes_what_a_job_says_runs_it(bells: redis.Redis, tmp_path: Path) -> None:
    """The control: the forgeries above are good ones."""
    forge(bells, **forgeries(tmp_path)["another function"])
    waiting = queue._queue()
    stock = SimpleWorker([waiting], connection=bells, serializer=JSONSerializer)
    stock.work(burst=True, logging_level="CRITICAL")
    assert [path.name for path in tmp_path.iterdir()] == ["system"]


def test_the_worker_is_alive_after_all_of_them(
    bells: redis.Redis, runs: Runs, tmp_path: Path
) -> None:
    run = runs.start(publish("a"))
    for forgery in forgeries(tmp_path).values():
        forge(bells, **forgery)
        serve(bells)
    assert fresh(run).status == "Success"
    assert list(tmp_path.iterdir()) == []


def test_a_bell_without_its_job_is_passed_over(bells: redis.Redis, runs: Runs) -> None:
    bells.lpush(IDS, "gone")
    queue._ring()
    run = runs.start(publish("a"))
    serve(bells)
    assert fresh(run).status == "Success"


def test_a_bell_makes_a_worker_do_what_is_due(
    bells: redis.Redis,
    runs: Runs,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        run = runs.start(publish("a"))
    assert bells.llen(IDS) == 1
    serve(bells)
    assert fresh(run).status == "Success"
    assert bells.llen(IDS) == 0
    assert list(bells.scan_iter("rq:job:*")) == []


def test_no_more_bells_wait_than_there_are_workers(bells: redis.Redis, settings: Settings) -> None:
    settings.WORKERS = 2
    for _ in range(10):
        queue._ring()
    assert bells.llen(IDS) == 2


def test_a_bell_that_cannot_be_rung_is_let_be(
    server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with redis.Redis.from_url(f"unix://{tmp_path}/none.sock") as away:
        monkeypatch.setattr("django_rq.get_connection", lambda name: away)
        queue._ring()
    assert "No bell was rung" in caplog.text
