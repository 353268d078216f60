"""Scripts that mean harm end in their limits, with a clear failure, and leave nothing behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from uuid import uuid4

import pytest

from executions import sandbox
from executions.sandbox import capture
from tests.sandbox.conftest import Run
from tests.sandbox.hosts import find_processes
from tests.stack.running import wait_until

ROOT = Path(__file__).parents[2]
TIME = 10.0  # seconds in which a limit that is none would show


def script(body: str) -> str:
    """A handler with this body."""
    return "def handler(events, context):\n" + textwrap.indent(textwrap.dedent(body), "    ")


def test_a_fork_bomb_is_stopped_by_the_number_of_processes(run: Run) -> None:
    result = run(
        script("""
        import os, time
        made = 0
        try:
            while True:
                if os.fork() == 0:
                    time.sleep(600)
                made += 1
        except BlockingIOError as error:
            return made
        """)
    )
    assert result.ended is sandbox.Ended.RETURNED
    assert 40 < result.payload < 64


def test_forks_of_forks_end_with_the_time(run: Run) -> None:
    marker = f"bomb-{uuid4()}"
    result = run(
        script(f"""
        import os, subprocess
        subprocess.Popen(["/usr/bin/python3", "-c", "import time; time.sleep(600)", "{marker}"])
        while True:
            try:
                os.fork()
            except OSError:
                pass
        """),
        seconds=2,
    )
    assert result.ended is sandbox.Ended.TIMED_OUT
    assert find_processes(marker) == []


@pytest.mark.parametrize("place", ["/tmp", "/work", "/dev/shm"])  # noqa: S108 - the sandbox's own
def test_no_disk_can_be_filled(run: Run, place: str) -> None:
    result = run(
        script(f"""
        import os
        written = 0
        try:
            for number in range(1000):
                with open("{place}/" + str(number), "wb", buffering=0) as file:
                    for _ in range(15):
                        written += file.write(bytes(1024 * 1024))
        except OSError as error:
            return [written, os.strerror(error.errno)]
        """)
    )
    assert result.payload[1] == "No space left on device"
    assert result.payload[0] <= 64 * 1024 * 1024


def test_no_file_grows_beyond_its_limit(run: Run) -> None:
    result = run(script("open('/tmp/large', 'wb').write(bytes(17 * 1024 * 1024))"))
    assert "File too large" in result.message


def test_printing_200_mb_keeps_one_of_each_stream(run: Run) -> None:
    result = run(
        script("""
        import os
        for _ in range(200):
            os.write(1, b"#" * 1024 * 1024)
        os.write(2, b"!" * 2 * 1024 * 1024)
        return "done"
        """)
    )
    assert result.payload == "done"
    assert result.log.count("#") == result.log.count("!") == capture.MOST_OUTPUT
    assert "[standard output was cut: more than 1024 KiB" in result.log
    assert "[standard error was cut: more than 1024 KiB" in result.log


@pytest.mark.parametrize("body", ["while True: pass", "import time; time.sleep(600)"])
def test_what_never_ends_is_killed_in_time(run: Run, body: str) -> None:
    began = time.monotonic()
    result = run(script(f"print('begun')\n{body}"), seconds=1)
    assert (result.ended, result.log) == (sandbox.Ended.TIMED_OUT, "begun\n")
    assert time.monotonic() - began < TIME


def test_a_script_that_is_not_wanted_any_more_is_killed(box: sandbox.Sandbox) -> None:
    abort = threading.Event()
    abort.set()
    job = sandbox.Job(script("import time; time.sleep(600)"), "handler", seconds=600)
    assert sandbox.run(box, job, abort).ended is sandbox.Ended.ABORTED


def test_a_daemon_does_not_outlive_its_script(run: Run) -> None:
    marker = f"daemon-{uuid4()}"
    result = run(
        script(f"""
        import os, subprocess
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.execv("/usr/bin/python3",
                    ["python3", "-c", "import time; time.sleep(600)", "{marker}"])
            os._exit(0)
        os.wait()
        return [len(open(f"/proc/{{pid}}/cmdline").read()) > 0
                for pid in os.listdir("/proc") if pid.isdigit()]
        """)
    )
    assert len(result.payload) > 2
    assert find_processes(marker) == []


def test_nothing_outlives_a_worker_that_is_killed(box: sandbox.Sandbox) -> None:
    marker = f"orphan-{uuid4()}"
    source = script(
        f"import subprocess; subprocess.run(['/usr/bin/python3', '-c',"
        f" 'import time; time.sleep(600)', '{marker}'])"
    )
    program = (
        "from pathlib import Path; from executions import sandbox\n"
        f"box = sandbox.Sandbox({box.bwrap!r}, Path({str(box.tree)!r}))\n"
        f"sandbox.run(box, sandbox.Job({source!r}, 'handler'))"
    )
    worker = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)
    # The worker has the marker in its own command line.
    wait_until(lambda: len(find_processes(marker)) > 1, "the script runs")
    worker.kill()
    worker.wait()
    wait_until(lambda: not find_processes(marker), "the script is gone")


def test_no_environment_shows_a_secret(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    canary = f"canary-{uuid4()}"
    monkeypatch.setenv("CANARY", canary)
    result = run(
        script("""
        import glob, os
        found = {}
        for path in glob.glob("/proc/*/environ") + glob.glob("/proc/*/cmdline"):
            try:
                found[path] = open(path).read()
            except OSError as error:
                found[path] = str(error)
        for path in glob.glob("/proc/*/fd/*"):
            try:
                found[path] = os.readlink(path)
            except OSError as error:
                found[path] = str(error)
        return found
        """),
        environment={"AWS_SECRET_ACCESS_KEY": "secret-of-the-step"},
    )
    text = json.dumps(result.payload)
    assert "/proc/1/environ" in text
    assert canary not in text
    assert "secret-of-the-step" not in text
    assert str(ROOT) not in text


def test_only_two_processes_and_its_own_places_are_seen(run: Run) -> None:
    result = run(
        script("""
        import os
        pids = [name for name in os.listdir("/proc") if name.isdigit()]
        return [pids, sorted(os.listdir("/")), os.path.exists("/etc"), os.getuid()]
        """)
    )
    places = ["bin", "dev", "lib", "lib64", "proc", "tmp", "usr", "work"]
    assert result.payload == [["1", "2"], places, False, 65534]


@pytest.mark.parametrize("host", ["1.1.1.1", "169.254.169.254", "10.0.0.1"])
def test_there_is_no_network(run: Run, host: str) -> None:
    body = f"import socket; socket.create_connection(('{host}', 80), 3)"
    assert "Network is unreachable" in run(script(body)).message


def test_names_are_not_resolved(run: Run) -> None:
    assert "gaierror" in run(script("import socket; socket.getaddrinfo('example.com', 80)")).message


@pytest.mark.parametrize("place", ["/usr/x", "/usr/lib/countersign/x", "/x", "/dev/x"])
def test_the_system_cannot_be_written(run: Run, place: str) -> None:
    assert "Read-only file system" in run(script(f"open('{place}', 'w')")).message


def test_memory_has_a_limit(run: Run) -> None:
    assert "MemoryError" in run(script("return len(bytearray(2 * 1024 ** 3))")).message


def test_the_limits_cannot_be_raised(run: Run) -> None:
    body = "import resource as r; r.setrlimit(r.RLIMIT_NPROC, (1000, 1000))"
    assert "ValueError: not allowed to raise maximum limit" in run(script(body)).message


def test_a_huge_value_is_refused(run: Run) -> None:
    result = run(script("return 'x' * 50_000_000"))
    assert result.ended is sandbox.Ended.FAILED
    assert "The script returned 50000002 bytes of JSON, more than the 100 kB" in result.message


@pytest.mark.parametrize("depth", [70, 100_000])
def test_a_deep_value_is_refused(run: Run, depth: int) -> None:
    body = f"""
    value = []
    for _ in range({depth}):
        value = [value]
    return value
    """
    result = run(script(body))
    assert result.ended is sandbox.Ended.FAILED
    assert "nested more than 64 deep" in result.message or "RecursionError" in result.message


def test_a_long_list_is_cut(run: Run) -> None:
    assert run(script("return list(range(100_000))")).payload == list(range(100))


def test_a_forged_report_is_read_as_a_strangers_text(run: Run) -> None:
    result = run(
        script("""
        import os
        report = max(int(fd) for fd in os.listdir("/proc/self/fd") if
                     "pipe" in os.path.realpath(f"/proc/self/fd/{fd}"))
        os.write(report, b'{"payload": "[1e999]"}\\n')
        os._exit(0)
        """)
    )
    assert result.message == "The script's result is unusable: a number in it is too large."


def test_a_report_without_end_is_not_taken_in(run: Run) -> None:
    result = run(
        script("""
        import os
        report = max(int(fd) for fd in os.listdir("/proc/self/fd") if
                     "pipe" in os.path.realpath(f"/proc/self/fd/{fd}"))
        while True:
            os.write(report, b"x" * 65536)
        """),
        seconds=2,
    )
    assert result.ended is sandbox.Ended.TIMED_OUT


@pytest.mark.parametrize(
    ("body", "how"),
    [
        ("import os; os._exit(3)", "exit code 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "signal 9"),
        ("import ctypes; ctypes.string_at(0)", "signal 11"),
        ("import os; os.closerange(3, 100)", "exit code 1"),
    ],
)
def test_an_end_without_result_is_a_failure(run: Run, body: str, how: str) -> None:
    result = run(script(body))
    assert result.ended is sandbox.Ended.FAILED
    assert result.message == f"The script ended without a result ({how})."


def test_threads_do_not_hold_the_step(run: Run) -> None:
    body = "import threading, time; threading.Thread(target=time.sleep, args=[600]).start()"
    began = time.monotonic()
    assert run(script(body)).ended is sandbox.Ended.RETURNED
    assert time.monotonic() - began < TIME


def test_a_signal_to_its_parent_does_not_leave(run: Run) -> None:
    body = f"import os; os.kill(os.getppid(), {int(signal.SIGKILL)}); return 'still here'"
    assert run(script(body)).payload == "still here"
