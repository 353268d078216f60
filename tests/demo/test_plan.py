"""What ./run starts, and what its programs are told."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from console.demo import ports
from console.demo.options import Options, Trouble
from console.demo.plan import Plan, make_plan


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "SECRET_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)


def names(plan: Plan) -> list[str]:
    programs = [*plan.stores, *plan.simulator, *plan.prepare, *plan.servers, plan.seed]
    return [program.name for program in programs]


def test_everything_runs_here_by_default(tmp_path: Path) -> None:
    plan = make_plan(Options(tmp_path))
    assert names(plan) == [
        *("redis", "simulator", "migrate", "web", "worker-1", "worker-2", "clock", "seed")
    ]
    assert plan.environment["DATABASE_URL"] == f"sqlite:///{tmp_path}/db.sqlite3"
    assert plan.environment["AWS_ENDPOINT_URL"] == plan.aws_endpoint
    assert plan.environment["SECRET_KEY_FILE"] == f"{tmp_path}/secret_key"
    assert plan.environment["COUNTERSIGN_WORKERS"] == "2"


def test_real_servers_replace_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere")
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/db")
    plan = make_plan(Options(tmp_path))
    assert "redis" not in names(plan)
    assert plan.environment["REDIS_URL"] == "redis://elsewhere"
    assert plan.environment["DATABASE_URL"] == "postgres://elsewhere/db"


def test_two_databases_are_one_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/db")
    with pytest.raises(Trouble, match="leave out --postgres"):
        make_plan(Options(tmp_path, postgres=True))


def test_postgres_is_started_on_request(tmp_path: Path) -> None:
    plan = make_plan(Options(tmp_path, postgres=True))
    assert "postgres" in names(plan)
    assert plan.environment["DATABASE_URL"].startswith("postgres://postgres@/postgres?host=/")


def test_real_credentials_stay_out_of_the_simulated_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    plan = make_plan(Options(tmp_path))
    assert "AWS_PROFILE" not in plan.environment
    assert "AWS_SESSION_TOKEN" not in plan.environment
    assert plan.environment["AWS_ACCESS_KEY_ID"] == "simulated"


def test_other_endpoint_gets_the_callers_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "staging")
    plan = make_plan(Options(tmp_path, aws_endpoint="http://localhost:4566"))
    assert "simulator" not in names(plan)
    assert plan.aws_endpoint == plan.environment["AWS_ENDPOINT_URL"] == "http://localhost:4566"
    assert plan.environment["AWS_PROFILE"] == "staging"


def test_taken_port_is_found_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server((ports.HOST, 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(Trouble, match=f"Port {port} is used by another program"):
            make_plan(Options(tmp_path, port=port))
