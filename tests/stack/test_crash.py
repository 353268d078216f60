"""Programs die, and Redis goes away: every run ends, and nothing is done twice."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from console.simulator import client
from tests.stack.account import Instances
from tests.stack.running import Stack, wait_until
from tests.stack.session import TOPIC, Session

pytestmark = pytest.mark.stack

# What becomes of the StopInstances that is on its way when the workers die: it took effect and
# only its answer is lost; it never arrives; it arrives while the engine waits; it arrives when the
# engine has long sent it again.
FATES = {
    "done": {"kind": "delay", "seconds": 30},
    "lost": {"kind": "hang", "seconds": 30},
    "late": {"kind": "delay_before", "seconds": 4},
    "very-late": {"kind": "delay_before", "seconds": 12},
}


@pytest.mark.parametrize("fate", FATES)
def test_workers_killed_while_instances_are_stopped(
    stack: Stack, olivia: Session, instances: Instances, instance: str, fate: str
) -> None:
    order: dict[str, Any] = {"service": "ec2", "operation": "StopInstances", **FATES[fate]}
    client.faults(stack.aws, {**order, "match": {"InstanceIds": instance}})
    execution = olivia.start("AWS-StopEC2Instance", InstanceId=instance)
    wait_until(lambda: instances.stops(instance), "StopInstances is in flight")
    workers = set(stack.processes("worker"))
    assert len(workers) == 2
    stack.signal("worker", signal.SIGKILL)
    wait_until(lambda: workers.isdisjoint(stack.processes("worker")), "the workers are gone")
    olivia.wait_for(execution, "Success")
    assert instances.state(instance) == "stopped"
    wait_until(
        lambda: all(call["fault"] is None or call["status"] or fate in {"done", "lost"}
                    for call in instances.stops(instance)),
        "the late call has arrived",
    )  # fmt: skip
    assert instances.effects(instance) == 1
    assert "worker-1 ended (SIGKILL). It is started again" in stack.said()


@pytest.mark.parametrize("word", ["redis-server", "clock"])
def test_program_killed_during_a_wait(
    stack: Stack, olivia: Session, alice: Session, instance: str, word: str
) -> None:
    execution = olivia.start(
        "AWS-StopEC2InstanceWithApproval",
        InstanceId=instance, Approvers="alice", SNSTopicArn=TOPIC,
    )  # fmt: skip
    request = olivia.wait_for_request(execution)
    stack.signal(word, signal.SIGKILL)
    alice.post(request, verdict="Approve")
    olivia.wait_for(execution, "Success")
    wait_until(lambda: stack.processes(word), f"{word} runs again")
    assert f"{word.removesuffix('-server')} ended (SIGKILL). It is started again" in stack.said()


def test_redis_flushed_and_stopped_during_a_wait(
    stack: Stack, olivia: Session, alice: Session, instances: Instances, instance: str
) -> None:
    execution = olivia.start(
        "AWS-StopEC2InstanceWithApproval",
        InstanceId=instance, Approvers="alice", SNSTopicArn=TOPIC,
    )  # fmt: skip
    request = olivia.wait_for_request(execution)
    stack.django(
        "import redis; from django.conf import settings;"
        "redis.Redis.from_url(settings.REDIS_URL).flushall()"
    )
    server = stack.processes("redis-server")[0]
    os.kill(server, signal.SIGSTOP)  # whoever asks it waits, which is worse than a refusal
    try:
        alice.post(request, verdict="Approve")
        olivia.wait_for(execution, "Success")
    finally:
        os.kill(server, signal.SIGCONT)
    assert instances.state(instance) == "stopped"
    assert instances.effects(instance) == 1
