"""What benchmarks do with the rows of a site, in a process that has its settings.

python -m bench.inside NAME [NUMBER]     prints JSON; bench/site.py runs it
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

import django

django.setup()

from django.db import transaction  # noqa: E402 - needs the settings, as all below

from bench import copies  # noqa: E402
from console.iam.models import User  # noqa: E402
from executions import clock, lifecycle, queue, signals  # noqa: E402
from executions.models import (  # noqa: E402
    Document,
    DocumentVersion,
    Event,
    Execution,
    StepExecution,
)
from executions.states import NEVER  # noqa: E402

T = TypeVar("T")
OWNER, REGION = "111122223333", "eu-west-1"
STEPS: Final = 10  # of each execution of W1
SLOTS: Final = 100  # of an account
PATIENCE: Final = 900.0  # seconds


def make_version(name: str, *steps: str) -> DocumentVersion:
    """A document of these steps, each one line of YAML; the one that is there by that name."""
    text = "schemaVersion: '0.3'\nmainSteps:\n" + "\n".join(f"  - {{{step}}}" for step in steps)
    document, _ = Document.objects.get_or_create(owner=OWNER, name=name)
    facts = {"content": text, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    return DocumentVersion.objects.get_or_create(
        document=document, number=1, defaults={"format": "YAML", **facts}
    )[0]


def start(version: DocumentVersion, mode: str = "Auto") -> Execution:
    """By olivia."""
    wish = lifecycle.Start(version, REGION, mode=mode)
    return lifecycle.start(wish, by=User.objects.get(username="olivia"))


def wait(condition: Callable[[], T | None], pause: float = 0.002) -> T:
    """The condition's first true answer; TimeoutError if there is none for long."""
    until = time.monotonic() + PATIENCE
    while not (answer := condition()):
        if time.monotonic() > until:
            raise TimeoutError("What the benchmark waits for does not happen.")
        time.sleep(pause)  # between two questions: to ask all the time would slow what is measured
    return answer


def small(count: int) -> None:
    """Start executions of a branch and a sleep of no time."""
    choices = "[{NextStep: rest, Variable: a, StringEquals: a}]"
    version = make_version(
        "Small",
        f"name: choose, action: 'aws:branch', inputs: {{Choices: {choices}}}",
        "name: rest, action: 'aws:sleep', inputs: {Duration: PT0S}, isEnd: true",
    )
    for _ in range(count):
        start(version)


def count_succeeded(_: int = 0) -> int:
    """How many executions have."""
    return Execution.objects.filter(status="Success").count()


def w1(count: int) -> float:
    """Seconds from the moment at which all fall due until the last has ended."""
    never = "[{NextStep: s0, Variable: a, StringEquals: b}]"
    step = "name: s{}, action: 'aws:branch', inputs: {{Choices: {}}}"
    version = make_version("W1", *(step.format(n, never) for n in range(STEPS)))
    with transaction.atomic():  # nobody sees them before they wait
        for _ in range(count):
            start(version)
        Execution.objects.active().update(wake_at=NEVER)
    began = time.time()
    Execution.objects.active().update(wake_at=clock.now())
    for _ in range(2):
        queue.ring()
    wait(lambda: not Execution.objects.active().exists(), pause=0.02)
    ended = Execution.objects.latest("ended_at").ended_at
    return ended.timestamp() - began if ended else 0.0


def w4(count: int) -> None:
    """Start executions that wait: half of them for a person, half for a week."""
    asks = "name: ask, action: 'aws:approve', inputs: {Approvers: [alice], Message: Wait}"
    sleeps = "name: rest, action: 'aws:sleep', inputs: {Duration: PT160H}"
    for version in (make_version("Asks", asks), make_version("Sleeps", sleeps)):
        for _ in range(count // 2):
            start(version)


def count_waiting(_: int) -> int:
    """How many steps wait."""
    return StepExecution.objects.filter(phase="wait").count()


def pause(count: int) -> None:
    """Start executions that wait for a signal, and see that they do."""
    version = make_version(
        "Paused",
        "name: rest, action: 'aws:pause', inputs: {}",
        "name: after, action: 'aws:sleep', inputs: {Duration: PT1S}",
    )
    for _ in range(count):
        start(version)
    wait(lambda: StepExecution.objects.filter(name="rest", status="Waiting").count() == count)


def signal(_: int) -> list[float]:
    """W2: seconds from a signal to the beginning of the next step, one execution after another."""
    late, olivia = [], User.objects.get(username="olivia")
    for run in Execution.objects.active().filter(document_name="Paused"):
        signals.send(run, "Resume", "rest", by=olivia)
        sent = time.time()
        late.append(wait(run.steps.filter(name="after").first).started_at.timestamp() - sent)
    return late


def keep_busy(count: int) -> None:
    """Start executions with a step each two seconds, of which as many run as may."""
    steps = (f"name: s{n}, action: 'aws:sleep', inputs: {{Duration: PT2S}}" for n in range(60))
    version = make_version("Busy", *steps)
    for _ in range(count):
        start(version)


def hold(count: int) -> None:
    """Start executions that call AWS, and see that a worker is in each call."""
    inputs = "{Service: ec2, Api: DescribeInstances}"
    version = make_version("Held", f"name: a, action: 'aws:executeAwsApi', inputs: {inputs}")
    for _ in range(count):
        start(version)
    wait(lambda: StepExecution.objects.filter(phase="call").count() == count)


def taken_over(count: int) -> list[float]:
    """When each of the calls was made again, as seconds since 1970."""
    calls = Event.objects.filter(kind="step:call").order_by("id")
    wait(lambda: calls.count() >= 2 * count, pause=0.1)
    return [event.at.timestamp() for event in calls[count : 2 * count]]


def begin(count: int) -> list[float]:
    """W3: seconds from a start to the beginning of the first step."""
    version = make_version("Started", "name: a, action: 'aws:sleep', inputs: {Duration: PT1S}")
    late = []
    for _ in range(count):
        run = start(version)
        sent = time.time()
        late.append(wait(run.steps.first).started_at.timestamp() - sent)
    return late


def timer(count: int) -> list[float]:
    """Seconds by which sleeps of three seconds are late, or too early, one due after the other."""
    return sleep(count, 3, apart=0.037)


def many_timers(count: int) -> list[float]:
    """The same of so many that they fall due as fast as they can be started."""
    return sleep(count, max(3, count // 100))


def sleep(count: int, seconds: int, apart: float = 0.0) -> list[float]:
    """Seconds by which sleeps of so long are late."""
    step = f"name: rest, action: 'aws:sleep', inputs: {{Duration: PT{seconds}S}}"
    version = make_version(f"Asleep for {seconds}", step)
    runs = []
    for _ in range(count):
        runs.append(start(version).pk)
        time.sleep(apart)  # what falls due at one moment would wait for each other
    wait(lambda: not Execution.objects.filter(version=version).active().exists(), pause=0.1)
    steps = StepExecution.objects.filter(execution__version=version, ended_at__isnull=False)
    return [
        (step.ended_at - step.started_at).total_seconds() - seconds
        for step in steps
        if step.ended_at
    ]


def grow(size: int) -> None:
    """Copies of an ended execution of one step, until there are so many executions."""
    run = start(make_version("Short", "name: a, action: 'aws:sleep', inputs: {Duration: PT0S}"))
    wait(lambda: Execution.objects.filter(pk=run.pk, status="Success").exists())
    copies.grow(run, size)


def refill(count: int) -> dict[str, Any]:
    """Seconds from the end of a run to the beginning of the one that has waited longest."""
    # An interactive run holds its slot without work for anybody, until a person ends it.
    version = make_version("Held", "name: a, action: 'aws:sleep', inputs: {Duration: PT0S}")
    runs = [start(version, "Interactive") for _ in range(SLOTS + 1000)]
    wait(lambda: Execution.objects.filter(status="Waiting").count() == SLOTS)
    late: list[float] = []
    in_order = True
    for ended, begun in zip(runs[:count], runs[SLOTS:], strict=False):
        lifecycle.halt(ended.pk, "Complete")
        event = wait(partial(find_start, SLOTS + 1 + len(late)))
        ended.refresh_from_db()
        in_order &= event.execution_id == begun.pk
        late.append((event.at - (ended.ended_at or event.at)).total_seconds())
    held = Execution.objects.filter(slot="running").count()
    return {"late": late, "in_order": in_order, "running": held}


def find_start(number: int) -> Event | None:
    """The event of the so many-th execution that began, if so many have."""
    told = Event.objects.filter(kind="execution:started").order_by("id")
    return told[number - 1 : number].first()


WORK: Final[dict[str, Callable[[int], Any]]] = {
    work.__name__: work
    for work in (
        *(w1, w4, count_waiting, pause, signal, keep_busy, begin, timer, many_timers),
        *(refill, hold, taken_over, grow),
    )
}

if __name__ == "__main__":
    name, *numbers = sys.argv[1:]
    sys.stdout.write(json.dumps(WORK[name](*map(int, numbers or ["0"]))))
