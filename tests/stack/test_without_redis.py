"""Redis is away when workers start and while they run: they look for work by themselves."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from bench.site import Site, site
from console.demo import redis
from tests.stack.running import wait_until
from tests.stack.test_stop_worker import MAKE, rows_of

pytestmark = [pytest.mark.stack]
ASK = "import django_rq; print(django_rq.get_connection('engine').{})"
START = MAKE + "start({!r}, \"{{name: a, action: 'aws:sleep', inputs: {{Duration: PT0S}}}}\")"


@pytest.fixture
def here() -> Iterator[Site]:
    """A site without workers, whose Redis the tests stop."""
    with site(COUNTERSIGN_STOP_SECONDS="3") as made:
        yield made


def start_worker(here: Site) -> subprocess.Popen[bytes]:
    return here.start(sys.executable, "manage.py", "worker")


def end_redis(here: Site) -> None:
    """Kill it; its socket stays behind, as it does."""
    program = "import redis, sys; redis.Redis.from_url(sys.argv[1]).shutdown(nosave=True)"
    url = redis.url(here.folder)
    subprocess.run([sys.executable, "-c", program, url], check=True)


def ends(worker: subprocess.Popen[bytes]) -> int:
    """Its exit status after SIGTERM."""
    worker.send_signal(signal.SIGTERM)
    return worker.wait(timeout=30)


def test_a_worker_that_starts_without_redis_works(here: Site) -> None:
    end_redis(here)
    worker = start_worker(here)
    here.django(START.format("One"))
    wait_until(lambda: rows_of(here).get("Success") == 1, "the run has ended")
    assert ends(worker) == 0


def test_a_worker_outlives_redis_and_hears_bells_again(here: Site) -> None:
    worker = start_worker(here)
    wait_until(lambda: int(here.django(ASK.format("scard('rq:workers')"))) == 1, "it waits")
    end_redis(here)
    here.django(START.format("One"))
    wait_until(lambda: rows_of(here).get("Success") == 1, "the run has ended")
    here.start(*redis.command(here.folder))
    wait_until(lambda: here.django(ASK.format("ping()")), "Redis answers again")
    here.django(START.format("Two"))
    wait_until(lambda: int(here.django(ASK.format("llen('rq:queue:engine')"))) == 0, "it heard")
    wait_until(lambda: rows_of(here).get("Success") == 2, "the next run has ended")
    assert worker.poll() is None
    assert ends(worker) == 0
