"""Which programs make up Countersign on one machine, and the environment they share."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from console.demo import ports, postgres, redis, state
from console.demo.child import Program
from console.demo.options import ROOT, Options, Trouble

MANAGE = [sys.executable, str(ROOT / "manage.py")]


@dataclass(frozen=True, slots=True)
class Plan:
    """`stores` start first and stop last; `prepare` ends by itself before the `servers` start."""

    stores: list[Program]
    simulator: list[Program]
    prepare: list[Program]
    servers: list[Program]
    seed: Program
    environment: Mapping[str, str]
    url: str
    aws_endpoint: str


def make_plan(options: Options) -> Plan:
    """Chooses ports and sockets. Raises Trouble for what this machine cannot give."""
    port = ports.choose(options.port)
    simulator_port = ports.unused()
    aws_endpoint = options.aws_endpoint or f"http://{ports.HOST}:{simulator_port}"
    addresses: dict[str, str] = {"AWS_ENDPOINT_URL": aws_endpoint}
    stores = [*_redis(options.state, addresses), *_database(options, addresses)]
    return Plan(
        stores=stores,
        simulator=[] if options.aws_endpoint else [_simulator(simulator_port)],
        prepare=[Program("migrate", [*MANAGE, "migrate", "--no-input", "--skip-checks"])],
        servers=[
            _web(port),
            *(Program(f"worker-{n}", [*MANAGE, "worker"]) for n in range(1, options.workers + 1)),
            Program("clock", [*MANAGE, "clock"]),
        ],
        seed=Program("seed", [*MANAGE, "seed", "--skip-checks"]),
        environment=_environment(options, addresses),
        # A name, not a number: passkeys are bound to a name.
        url=f"http://localhost:{port}",
        aws_endpoint=aws_endpoint,
    )


def _redis(folder: Path, addresses: dict[str, str]) -> list[Program]:
    if os.environ.get("REDIS_URL"):
        return []
    sockets = state.socket_folder(folder / "redis")
    addresses["REDIS_URL"] = redis.url(sockets)
    place = redis.socket(sockets)
    place.unlink(missing_ok=True)  # a killed Redis leaves its socket behind
    return [Program("redis", redis.command(sockets), ready=lambda: _listens(place))]


def _database(options: Options, addresses: dict[str, str]) -> list[Program]:
    if options.postgres and os.environ.get("DATABASE_URL"):
        raise Trouble("DATABASE_URL names a database already: leave out --postgres, or unset it.")
    if os.environ.get("DATABASE_URL"):
        return []
    if not options.postgres:
        addresses["DATABASE_URL"] = f"sqlite:///{options.state}/db.sqlite3"
        return []
    folder = options.state / "postgres"
    sockets = postgres.prepare(folder)
    addresses["DATABASE_URL"] = postgres.url(sockets)
    command = postgres.command(folder, sockets)
    return [
        Program("postgres", command, ready=lambda: postgres.answers(sockets), stop=signal.SIGINT)
    ]


def _simulator(port: int) -> Program:
    command = [sys.executable, "-m", "console.simulator", "--port", str(port)]
    return Program("simulator", command, ready=lambda: ports.answers(port, "/sim/health"))


def _web(port: int) -> Program:
    command = [
        *(sys.executable, "-m", "uvicorn", "console.asgi:application"),
        *("--host", ports.HOST, "--port", str(port)),
        # Open event streams would hold it for ever.
        *("--timeout-graceful-shutdown", "1"),
        *("--lifespan", "off"),
        "--no-access-log",  # the tokens of event streams stand in addresses
    ]
    return Program("web", command, ready=lambda: ports.answers(port, "/healthz"))


def _listens(place: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(place)) == 0


def _environment(options: Options, addresses: Mapping[str, str]) -> Mapping[str, str]:
    """The caller's, and on top of it what makes the programs find each other."""
    ours = {
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "console.settings",
        "COUNTERSIGN_STATE": str(options.state),
        "COUNTERSIGN_WORKERS": str(options.workers),
        "NO_PROXY": ",".join(filter(None, [os.environ.get("NO_PROXY"), "localhost", ports.HOST])),
        **addresses,
    }
    if not (os.environ.get("SECRET_KEY") or os.environ.get("SECRET_KEY_FILE")):
        ours["SECRET_KEY_FILE"] = str(state.secret_key(options.state))
    kept = dict(os.environ)
    # Six programs load the same modules: only the first should have to compile them.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    if not options.aws_endpoint:
        # Real credentials have no business in a simulated account, nor it with them.
        kept = {name: value for name, value in kept.items() if not name.startswith("AWS_")}
        ours |= {
            "AWS_ACCESS_KEY_ID": "simulated",
            "AWS_SECRET_ACCESS_KEY": "simulated",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
    return kept | ours
