"""manage.py worker: serves bells, and looks by itself every few seconds."""

from __future__ import annotations

import threading
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connections

from console import durability
from executions import aws, jobs, queue, scripts

SWEEP_SECONDS = 5.0


class Command(BaseCommand):
    """One worker process. Redis may be away: the sweeper needs only the database."""

    help = "Run a worker: it advances executions until it is told to stop."

    def handle(self, *args: Any, **options: Any) -> None:
        """Warm up boto3, test the sandbox beside, and serve."""
        durability.wait_for_database()
        aws.operation("ec2", "DescribeInstances")
        threading.Thread(target=scripts.self_test, name="self-test", daemon=True).start()
        stop = threading.Event()
        sweeper = threading.Thread(target=_sweep, args=(stop,), name="sweeper", daemon=True)
        sweeper.start()
        try:
            queue.work()
        finally:
            stop.set()
            sweeper.join()  # it ends with its turn, as this thread has; queue.Worker sets the limit


def _sweep(stop: threading.Event) -> None:
    while not stop.wait(SWEEP_SECONDS):
        jobs.sweep()
        connections.close_all()
