"""The contract of a Python handler: events, context, what it returns, and how it fails."""

from __future__ import annotations

from typing import Any

import pytest

from executions import sandbox
from tests.sandbox.conftest import Run

ENDED = sandbox.Ended


@pytest.mark.parametrize(
    "value",
    [None, True, 0, 3, -1.5, "text", "ünï✓", [], [1, "2", [True]], {}, {"a": {"b": [None]}}],
)
def test_events_keep_their_types_and_come_back(run: Run, value: Any) -> None:
    result = run("def handler(events, context):\n    return events['v']", events={"v": value})
    assert (result.ended, result.payload) == (ENDED.RETURNED, value)
    assert type(result.payload) is type(value)


def test_the_context_is_empty(run: Run) -> None:
    assert run("def handler(events, context): return context").payload == {}


def test_what_is_printed_is_its_log_each_stream_in_order(run: Run) -> None:
    source = """
import logging, sys
def handler(events, context):
    print("one")
    logging.warning("two")
    print("three", file=sys.stderr)
    print("four")
"""
    lines = run(source).log.splitlines()
    assert sorted(lines) == ["WARNING:root:two", "four", "one", "three"]
    assert lines.index("one") < lines.index("four")
    assert lines.index("WARNING:root:two") < lines.index("three")


def test_a_line_without_an_end_is_printed_too(run: Run) -> None:
    assert run("import sys\ndef handler(e, c): sys.stdout.write('open')").log == "open"


def test_an_exception_fails_with_the_scripts_own_traceback(run: Run) -> None:
    source = """
def handler(events, context):
    return inner(events)

def inner(events):
    return events["absent"]
"""
    result = run(source)
    assert result.ended is ENDED.FAILED
    assert result.message == (
        "Traceback (most recent call last):\n"
        '  File "customer_script.py", line 3, in handler\n'
        "    return inner(events)\n"
        "           ^^^^^^^^^^^^^\n"
        '  File "customer_script.py", line 6, in inner\n'
        '    return events["absent"]\n'
        "           ~~~~~~^^^^^^^^^^\n"
        "KeyError: 'absent'\n"
    )


@pytest.mark.parametrize("way", ["exit", "quit", "sys.exit", "raise SystemExit"])
def test_exit_with_a_text_fails_with_the_text(run: Run, way: str) -> None:
    result = run(f"import sys\ndef handler(events, context):\n    {way}('The volume is in use')")
    assert (result.ended, result.message) == (ENDED.FAILED, "The volume is in use")


@pytest.mark.parametrize("code", ["", "0", "None"])
def test_exit_without_a_code_ends_without_a_payload(run: Run, code: str) -> None:
    result = run(f"def handler(events, context):\n    exit({code})")
    assert (result.ended, result.payload) == (ENDED.RETURNED, None)


def test_exit_with_a_code_fails_with_it(run: Run) -> None:
    assert run("def handler(events, context): exit(2)").message == "exit code 2"


@pytest.mark.parametrize(
    ("source", "end"),
    [
        ("def handler(events, context)\n    pass", "SyntaxError: expected ':'\n"),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'\n"),
        ("def other(events, context): pass", "the script defines no function handler, its Handler"),
        ("handler = 3", "the script defines no function handler, its Handler"),
        ("def handler(events): pass", "takes 1 positional argument but 2 were given\n"),
        ("def handler(e, c): return object()", "Object of type object is not JSON serializable\n"),
        ("def handler(e, c): return float('nan')", "Out of range float values"),
        ("def handler(e, c): raise KeyboardInterrupt", "KeyboardInterrupt\n"),
        ("def handler(e, c): return handler(e, c)", "RecursionError: maximum recursion depth"),
    ],
)
def test_what_cannot_work_fails_with_the_reason(run: Run, source: str, end: str) -> None:
    result = run(source)
    assert result.ended is ENDED.FAILED
    assert end in result.message


def test_a_syntax_error_shows_its_line(run: Run) -> None:
    message = run("x = 1\ny = = 2\n").message
    assert 'File "customer_script.py", line 2\n    y = = 2' in message


def test_a_long_message_keeps_its_end(run: Run) -> None:
    message = run("def handler(e, c): raise ValueError('x' * 100_000 + 'END')").message
    assert len(message) == 16_000
    assert message.endswith("END\n")


def test_texts_that_databases_refuse_are_replaced(run: Run) -> None:
    result = run(r"def handler(e, c): print('a\0b'); return {'k\0': 'a\0b', 's': '\ud800'}")
    assert result.payload == {"k\ufffd": "a\ufffdb", "s": "?"}
    assert result.log == "a\ufffdb\n"


def test_output_that_is_no_utf8_is_replaced(run: Run) -> None:
    result = run("def handler(e, c): import os; os.write(1, b'\\xff!\\n')")
    assert result.log == "\ufffd!\n"


def test_the_libraries_of_aws_are_there(run: Run) -> None:
    source = """
import boto3, botocore, dateutil.parser, jmespath, s3transfer, urllib3
import ssl, sqlite3, zoneinfo, ctypes, lzma, concurrent.futures
def handler(events, context):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        names = list(pool.map(str, range(3)))
    when = dateutil.parser.parse("2026-03-02T12:00:00+01:00")
    zone = zoneinfo.ZoneInfo("Europe/Vienna").key
    return [names, when.isoformat(), zone, boto3.client("ec2").meta.region_name]
"""
    result = run(source, environment={"AWS_DEFAULT_REGION": "eu-west-1"})
    expected = [["0", "1", "2"], "2026-03-02T12:00:00+01:00", "Europe/Vienna", "eu-west-1"]
    assert (result.message, result.payload) == ("", expected)


def test_the_application_is_not_there(run: Run) -> None:
    source = """
import importlib.util
def handler(events, context):
    names = ("django", "executions", "console", "yaml", "redis", "rq", "pip")
    return [name for name in names if importlib.util.find_spec(name)]
"""
    assert run(source).payload == []


def test_the_environment_of_the_step_reaches_the_script(run: Run) -> None:
    source = "import os\ndef handler(e, c): return [os.environ['AWS_REGION'], os.environ['HOME']]"
    assert run(source, environment={"AWS_REGION": "us-east-1"}).payload == ["us-east-1", "/work"]


def test_scratch_files_can_be_written_and_do_not_stay(run: Run) -> None:
    source = """
import os, tempfile
def handler(events, context):
    before = os.listdir("/tmp") + os.listdir(".")
    with open("here.txt", "w") as one, tempfile.NamedTemporaryFile(delete=False) as other:
        return [before, one.write("x"), other.write(b"x")]
"""
    assert [run(source).payload for _ in range(2)] == [[[], 1, 1]] * 2
