"""The event stream: in order, whole, resumable, and only for those who may see it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from console.iam.models import User
from console.live import token
from executions import bus
from executions.models import Execution, StepExecution
from tests.live.rows import finish, make_user, tell
from tests.live.web import Server, Web, running_web, wait_until


def test_events_arrive_in_order(web: Web, olivia: User, execution: Execution) -> None:
    stream = web.follow(olivia, execution)
    for seq in range(1, 6):
        tell(execution)
        stream.read_to(seq)
    assert stream.seqs == [1, 2, 3, 4, 5]


def test_what_the_page_has_is_not_sent_again(web: Web, olivia: User, execution: Execution) -> None:
    tell(execution, 4)
    stream = web.follow(olivia, execution, after=2)
    stream.read_to(4)
    assert stream.seqs == [3, 4]


def test_more_than_one_message_holds(web: Web, olivia: User, execution: Execution) -> None:
    tell(execution, 230)
    stream = web.follow(olivia, execution)
    stream.read_to(230)
    assert stream.seqs == list(range(1, 231))


def test_message_carries_the_parts_of_the_page(
    web: Web, olivia: User, execution: Execution, begin_step: Callable[[str], StepExecution]
) -> None:
    begin_step("stopInstances")
    begin_step("startInstances")
    fragments = web.follow(olivia, execution, after=1).read_to(2)
    parts = {fragment["id"]: fragment["html"] for fragment in fragments}
    assert set(parts) == {
        *("event-2", "upcoming-startInstances", "step-2"),
        *("execution-steps_count", "execution-summary", "execution-actions"),
    }
    assert 'id="step-2"' in parts["step-2"]
    assert "startInstances" in parts["step-2"]
    assert parts["upcoming-startInstances"] == ""


def test_restart_loses_and_doubles_nothing(web: Web, olivia: User, execution: Execution) -> None:
    tell(execution, 3)
    stream = web.follow(olivia, execution)
    stream.read_to(3)
    web.kill()
    tell(execution, 3)
    web.start()
    again = web.follow(olivia, execution, after=stream.seqs[-1])
    tell(execution, 3)
    again.read_to(9)
    assert stream.seqs + again.seqs == list(range(1, 10))


def test_without_redis_events_still_arrive(
    web: Web, redis_server: Server, olivia: User, execution: Execution
) -> None:
    stream = web.follow(olivia, execution)
    tell(execution)
    stream.read_to(1)
    redis_server.kill()
    tell(execution)
    stream.read_to(2)
    redis_server.start()
    tell(execution, 2)
    stream.read_to(4)
    assert stream.seqs == [1, 2, 3, 4]


def test_stream_begins_without_redis(
    web: Web, redis_server: Server, olivia: User, execution: Execution
) -> None:
    redis_server.kill()
    stream = web.follow(olivia, execution)
    tell(execution)
    stream.read_to(1)
    assert stream.seqs == [1]


def test_end_is_told(web: Web, olivia: User, execution: Execution) -> None:
    stream = web.follow(olivia, execution)
    tell(execution)
    finish(execution)
    stream.read_to(2)
    stream.read_to_end()
    assert stream.ended
    assert stream.seqs == [1, 2]


def test_stream_of_a_finished_execution_tells_what_is_left(
    web: Web, olivia: User, execution: Execution
) -> None:
    tell(execution, 2)
    finish(execution)
    stream = web.follow(olivia, execution, after=1)
    stream.read_to(3)
    stream.read_to_end()
    assert stream.ended
    assert stream.seqs == [2, 3]


def test_stream_does_not_live_for_ever(
    database_file: Path, redis_server: Server, olivia: User, execution: Execution
) -> None:
    with running_web(database_file, redis_server, LIFETIME=0.3) as web:
        stream = web.follow(olivia, execution)
        stream.read_to_end()
    assert stream.status == 200
    assert not stream.ended


def test_silence_is_broken(quick_web: Web, olivia: User, execution: Execution) -> None:
    stream = quick_web.follow(olivia, execution)
    stream.read_comments(3)
    assert stream.seqs == []


def test_headers(web: Web, olivia: User, execution: Execution) -> None:
    headers = web.follow(olivia, execution).response.headers
    assert headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert headers["Cache-Control"] == "no-cache, no-transform"
    assert headers["X-Accel-Buffering"] == "no"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "default-src 'none'" in headers["Content-Security-Policy"]


def count_subscribers() -> int:
    return len(bus.connection().client_list(_type="pubsub"))


def test_one_redis_connection_serves_all(web: Web, olivia: User, execution: Execution) -> None:
    web.follow(olivia, execution)
    before = wait_until(count_subscribers, "the process has subscribed")
    users = [make_user(name) for name in ("alice", "bob", "victor")]
    streams = [web.follow(user, execution) for user in users for _ in range(6)]
    tell(execution)
    for stream in streams:
        stream.read_to(1)
    assert count_subscribers() == before


def revoke_policies(user: User) -> None:
    assert user.principal
    user.principal.policies.clear()


def deactivate(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def take_principal(user: User) -> None:
    assert user.principal
    user.principal.user = make_user("somebody")
    user.principal.save()


@pytest.mark.parametrize("take_right", [revoke_policies, deactivate, take_principal])
def test_stream_ends_when_the_right_is_gone(
    quick_web: Web, olivia: User, execution: Execution, take_right: Callable[[User], None]
) -> None:
    stream = quick_web.follow(olivia, execution)
    tell(execution)
    stream.read_to(1)
    take_right(olivia)
    stream.read_to_end()
    assert not stream.ended
    tell(execution)
    assert quick_web.follow(olivia, execution).status == 403


def test_forged_token_is_refused(web: Web, olivia: User, execution: Execution) -> None:
    key = token(olivia, execution.pk)
    forged = key[:-1] + ("a" if key[-1] != "a" else "b")
    for wrong in (forged, "", "a:b:c"):
        answer = web.ask(f"/live/executions/{execution.pk}?token={wrong}")
        assert answer.status == 403
        assert "token" in answer.response.read().decode()


def test_old_token_is_refused(
    web: Web, olivia: User, execution: Execution, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr("django.core.signing.time.time", lambda: now - 601)
    assert web.follow(olivia, execution).status == 403
    monkeypatch.setattr("django.core.signing.time.time", lambda: now - 590)
    assert web.follow(olivia, execution).status == 200


def test_token_of_another_execution_is_refused(
    web: Web, olivia: User, execution: Execution
) -> None:
    other = Execution.objects.create(
        account_id="111122223333",
        region="eu-west-1",
        version=execution.version,
        started_by=olivia,
        executed_by=execution.executed_by,
    )
    key = token(olivia, other.pk)
    assert web.ask(f"/live/executions/{execution.pk}?token={key}").status == 403
    assert web.ask(f"/live/executions/{other.pk}?token={key}").status == 200


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("POST /live/executions/{id}?token={token}", 405),
        ("GET /live/executions/{id}?token={token}&after=-1", 400),
        ("GET /live/executions/{id}?token={token}&after=9999999999999999999", 400),
        ("GET /live/executions/{id}/more?token={token}", 404),
        ("GET /live/executions/none", 404),
        ("GET /live/", 404),
    ],
)
def test_wrong_requests(
    web: Web, olivia: User, execution: Execution, request_line: str, status: int
) -> None:
    key = token(olivia, execution.pk)
    method, path = request_line.format(id=execution.pk, token=key).split()
    answer = web.ask(path, method)
    assert answer.status == status
    assert answer.response.headers["Content-Type"] == "application/json"


def test_six_streams_a_person(web: Web, olivia: User, execution: Execution) -> None:
    streams = [web.follow(olivia, execution) for _ in range(6)]
    assert [stream.status for stream in streams] == [200] * 6
    seventh = web.follow(olivia, execution)
    assert seventh.status == 429
    assert int(seventh.response.headers["Retry-After"]) > 0
    assert web.follow(make_user("alice"), execution).status == 200
    streams[0].close()
    wait_until(lambda: web.follow(olivia, execution).status == 200, "the place is free again")


def test_streams_of_a_process_are_limited(
    database_file: Path, redis_server: Server, olivia: User, execution: Execution
) -> None:
    alice = make_user("alice")
    with running_web(database_file, redis_server, PER_PROCESS=2) as web:
        assert web.follow(olivia, execution).status == 200
        assert web.follow(alice, execution).status == 200
        third = web.follow(alice, execution)
        assert third.status == 503
        assert int(third.response.headers["Retry-After"]) > 0
