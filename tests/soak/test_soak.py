"""A minute of everything at once, on PostgreSQL: ./test soak does the same for longer."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from console.demo.options import ROOT

pytestmark = [pytest.mark.stack, pytest.mark.race]
STRUCK = ("kill worker", "pause worker", "stop worker", "kill clock", "stop database")
REDIS = ("flush redis", "stop redis")


@pytest.mark.timeout(420)  # a minute, before it the start, and after it until all has come to rest
def test_a_minute_breaks_no_promise() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak", "--minutes", "1", "--seed", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["broken"] == 0
    ends = ("success", "failed", "cancelled", "timed_out", "waiting", "unknown")
    assert report["started"] == sum(report[end] for end in ends)
    assert_it_was_hard(report)


def assert_it_was_hard(report: dict[str, Any]) -> None:
    """Else it would prove nothing."""
    assert report["started"] >= 40
    assert all(report["monkey"][deed] for deed in (*STRUCK, *REDIS))
    assert report["monkey"]["kill worker"] >= 7
    assert all(report["in_progress"][deed] for deed in ("kill worker", "stop database"))
    assert report["takeovers"] > 0
    assert report["most_queued"] > 0
    assert sum(report["faults"].values()) >= 3
    assert all(report["proved"][what] >= 20 for what in ("steps", "effects", "arrivals"))
    assert report["people"].get("Approve")
