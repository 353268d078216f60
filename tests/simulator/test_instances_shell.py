"""The sandbox of simulated instances: what a command cannot do, and hosts that have none."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from console.simulator import client
from console.simulator.instances import programs, shell
from console.simulator.instances.disks import Home
from console.simulator.instances.shell import Machine, Ran, Script
from executions.sandbox import Ended, Unavailable
from tests.simulator.aws import PRODUCTION, assume, find_instance, make_client
from tests.simulator.shells import Shells

Run = Callable[..., Ran]


@pytest.fixture(scope="module")
def home() -> Home:
    """Where this process has its disks."""
    return Home()


@pytest.fixture
def run(home: Home, request: pytest.FixtureRequest) -> Run:
    """Run lines on a machine of the test's own."""
    tree = programs.prepare(home.shared)
    disk = home.make(f"i-{request.node.name}")
    machine = Machine(shell.find_bubblewrap(), tree, disk, home.user, "ip-10-0-0-1")

    def run_lines(*lines: str, seconds: float = 20) -> Ran:
        script = Script("\n".join(lines), seconds, "/root")
        return shell.run(machine, script, threading.Event())

    return run_lines


def test_it_sees_nothing_of_the_host(run: Run) -> None:
    ran = run("cat /etc/shadow", "ls /work", "command -v python3", "env | cut -d= -f1 | sort")
    assert "/etc/shadow: No such file" in ran.stderr
    assert "'/work': No such file" in ran.stderr
    names = set(ran.stdout.split())
    assert names == {"HOME", "LANG", "OLDPWD", "PATH", "PWD", "SHLVL", "USER", "_"}


def test_programs_and_kernel_cannot_be_changed(run: Run) -> None:
    ran = run(
        "echo x > /usr/bin/bash; echo $?", "rm -f /usr/bin/cat; echo $?",
        "echo 1 > /proc/sys/kernel/panic; echo $?",
    )  # fmt: skip
    assert set(ran.stdout.split()) == {"1"}
    assert "Read-only file system" in ran.stderr


def test_it_reaches_no_port_of_the_host(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        ran = run("#!/bin/bash", f"exec 3<>/dev/tcp/127.0.0.1/{port}")
    assert ran.code != 0
    assert "refused" in ran.stderr or "unreachable" in ran.stderr


def test_a_fork_bomb_stays_inside(run: Run) -> None:
    ran = run("boom() { boom | boom & wait; }; boom", seconds=3)
    assert ran.cut_short is Ended.TIMED_OUT or ran.code != 0
    assert run("echo alive").stdout == "alive\n"


def test_memory_and_files_have_limits(run: Run) -> None:
    ran = run("""awk 'BEGIN {s = "x"; while (1) s = s s}'""", "echo $?")
    assert ran.stdout not in ("", "0\n")
    ran = run("head -c 80M /dev/zero > /tmp/large", "wc -c < /tmp/large")
    assert int(ran.stdout) == 64 * 1024 * 1024


def test_output_without_end_is_not_kept(run: Run) -> None:
    ran = run("yes", seconds=1)
    assert ran.cut_short is Ended.TIMED_OUT
    assert len(ran.stdout) == shell.MOST_OUTPUT


def test_text_that_is_no_text(run: Run) -> None:
    assert run(r"printf '\xff\0a'").stdout == "\ufffd\ufffda"


def test_a_broken_instance_says_so(run: Run) -> None:
    run("rm /lib64")
    with pytest.raises(Unavailable, match="did not start"):
        run("true")


def test_abandoned_disks_are_removed(home: Home) -> None:
    left = home.shared / "account-of-a-dead-process"
    (left / "i-1" / "root").mkdir(parents=True)
    mine = home.make("i-mine")
    Home()
    assert not left.exists()
    assert mine.root.is_dir()


def test_without_bubblewrap_a_command_fails_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with client.started("--time-scale", "0.02") as endpoint:
        session = assume(endpoint, PRODUCTION)
        web = find_instance(make_client(endpoint, "ec2", session), "web-1")["InstanceId"]
        answer = Shells(make_client(endpoint, "ssm", session)).run(web, f"touch {tmp_path}/ran")
    assert (answer["Status"], answer["ResponseCode"]) == ("Failed", 1)
    assert "Nothing was run: This host has no bubblewrap" in answer["StandardErrorContent"]
    assert list(tmp_path.iterdir()) == []
