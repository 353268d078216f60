"""The simulated account as a program: how it starts, what it weighs, how it ends."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from console.simulator import client
from tests.simulator.aws import PRODUCTION, assume, find_instance, make_client

COMMAND = [sys.executable, "-m", "console.simulator"]


def find_web_1(endpoint: str) -> str:
    ec2 = make_client(endpoint, "ec2", assume(endpoint, PRODUCTION))
    found: str = find_instance(ec2, "web-1")["InstanceId"]
    return found


def test_the_same_seed_makes_the_same_fleet(quick: str, frozen: str) -> None:
    assert find_web_1(quick) == find_web_1(frozen)


def test_options_change_the_fleet() -> None:
    with client.started("--no-fleet") as endpoint:
        ec2 = make_client(endpoint, "ec2", assume(endpoint, PRODUCTION))
        assert ec2.describe_instances()["Reservations"] == []


def test_it_says_when_it_is_ready_stays_small_and_leaves_quietly() -> None:
    with subprocess.Popen(
        [*COMMAND, "--port", "0"],
        cwd=client.PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Simulated AWS account ready at http://127.0.0.1:")
        find_web_1(line.split()[-1])
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
        process.terminate()
        output, errors = process.communicate(timeout=10)
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    assert int(found[1]) < 200 * 1024
    assert (process.returncode, output, errors) == (0, "", "")


@pytest.mark.parametrize("options", [[], ["--port", "0", "--time-scale", "-1"]])
def test_wrong_options_are_explained(options: list[str]) -> None:
    ended = subprocess.run(
        [*COMMAND, *options], cwd=client.PROJECT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert "error:" in ended.stderr


def test_what_does_not_start_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="did not start"), client.started("--seed", "x"):
        raise AssertionError("unreachable")
