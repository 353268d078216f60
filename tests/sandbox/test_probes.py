"""The self-test: passes on a host that holds, and notices a fence that is missing."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from executions import sandbox
from executions.sandbox import launcher, runtime, seccomp

ROOT = Path(__file__).parents[2]
SOMEBODY = 54_321
ITSELF = launcher._describe_box


def test_this_host_holds(box: sandbox.Sandbox) -> None:
    sandbox.check(box)


@pytest.fixture
def copy_of_ours() -> Iterator[Path]:
    """The sandbox's modules where every user can read them."""
    folder = Path(mkdtemp(prefix="countersign-test-"))
    folder.chmod(0o755)
    package = folder / "executions"
    shutil.copytree(ROOT / "executions" / "sandbox", package / "sandbox")
    shutil.copy(ROOT / "executions" / "__init__.py", package)
    yield folder
    shutil.rmtree(folder)


def test_it_holds_for_another_user_too(box: sandbox.Sandbox, copy_of_ours: Path) -> None:
    other = SOMEBODY if os.geteuid() == 0 else os.geteuid()
    program = (
        "from pathlib import Path; import os; from executions import sandbox\n"
        f"sandbox.check(sandbox.Sandbox({box.bwrap!r}, Path({str(box.tree)!r})))\n"
        "print(os.getuid())"
    )
    # With the sandbox's own Python, as the tests' may be in a home that others cannot enter.
    ended = subprocess.run(
        [box.tree / "bin" / "python3", "-c", program],
        cwd=copy_of_ours,
        env={"LD_LIBRARY_PATH": f"{box.tree}/lib", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
        user=other if os.geteuid() == 0 else None,
        extra_groups=[] if os.geteuid() == 0 else None,
    )
    assert (ended.stdout, ended.stderr) == (f"{other}\n", "")


def with_more(*words: str) -> Callable[[list[str]], list[str]]:
    return lambda command: [*command, *words]


def instead(old: str, *new: str) -> Callable[[list[str]], list[str]]:
    def change(command: list[str]) -> list[str]:
        place = command.index(old)
        return [*command[:place], *new, *command[place + 1 :]]

    return change


@pytest.mark.parametrize(
    ("change", "miss"),
    [
        (
            instead("--unshare-all", "--unshare-pid", "--unshare-uts", "--unshare-ipc"),
            "loopback of the host: connected",
        ),
        (with_more("--setenv", "SECRET_KEY", "s"), "environment: /proc"),
        (instead("--remount-ro", "--chdir"), "read-only system: wrote into /dev"),
        (with_more("--tmpfs", "/work"), "scratch space: filled /work"),
    ],
)
def test_a_missing_fence_is_noticed(
    box: sandbox.Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[list[str]], list[str]],
    miss: str,
) -> None:
    monkeypatch.setattr(launcher, "_describe_box", lambda *args: change(ITSELF(*args)))
    with pytest.raises(sandbox.Unavailable, match=miss):
        sandbox.check(box)


def test_a_missing_filter_is_noticed(box: sandbox.Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seccomp, "DENIED", {})
    with pytest.raises(sandbox.Unavailable, match=r"system calls: .* is not refused"):
        sandbox.check(box)


def test_a_missing_time_limit_is_noticed(
    box: sandbox.Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = sandbox.Job("def handler(events, context): pass", "handler")
    monkeypatch.setattr("executions.sandbox.probes.FOR_EVER", job.source)
    with pytest.raises(sandbox.Unavailable, match="time limit: a script without end has returned"):
        sandbox.check(box)


def test_a_bubblewrap_that_fails_is_told_with_its_words(
    box: sandbox.Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = with_more("--no-such-option")
    monkeypatch.setattr(launcher, "_describe_box", lambda *args: change(ITSELF(*args)))
    with pytest.raises(sandbox.Unavailable, match="did not start: bwrap: Unknown option"):
        sandbox.check(box)


def test_a_host_without_bubblewrap_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(sandbox.Unavailable, match="bubblewrap is not installed"):
        sandbox.prepare(tmp_path)


def test_another_architecture_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    with pytest.raises(sandbox.Unavailable, match="this host is aarch64"):
        sandbox.prepare(tmp_path)


def test_a_script_for_a_powershell_that_is_not_there_is_refused(
    box: sandbox.Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(runtime, "find_powershell", lambda: None)
    with pytest.raises(sandbox.Unavailable, match="PowerShell"):
        sandbox.run(box, sandbox.Job("1", language=sandbox.POWERSHELL))
