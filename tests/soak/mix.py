"""The runbooks that a soak starts, and how often each: what a run does to AWS names the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tests.engine.steps import Step, api, approve, branch, each, execute, sleep
from tests.stack.session import TOPIC

RUN: Final = "{{ automation:EXECUTION_ID }}"
INSTANCE: Final = {"InstanceId": {"type": "String"}}
ITEMS: Final = ("x", "y", "z")
CHILD: Final = "child"  # the kind that runs of the kind "parent" start
APPROVER: Final = "alice"


def tell(name: str, more: str = "", **step: Any) -> Step:
    """An unproven call, whose message is of this run, step and pass alone."""
    message = f"{RUN} {name} {more}".strip()
    return api(name, "sns", "Publish", {"TopicArn": TOPIC, "Message": message}, **step)


def volume(name: str) -> Step:
    """A call with a client token, whose effects the account counts."""
    tags = [{"ResourceType": "volume", "Tags": [{"Key": "run", "Value": RUN}]}]
    inputs = {"AvailabilityZone": "eu-west-1a", "Size": 1, "TagSpecifications": tags}
    return api(name, "ec2", "CreateVolume", inputs)


def change(name: str, desired: str) -> Step:
    """Stops or starts the run's instance, which no other run touches meanwhile."""
    inputs = {"InstanceIds": ["{{ InstanceId }}"], "DesiredState": desired}
    return {"name": name, "action": "aws:changeInstanceState", "inputs": inputs}


def tag(name: str) -> Step:
    """Overwrites a tag of the run's instance."""
    tags = [{"Key": "soak", "Value": RUN}]
    inputs = {"ResourceType": "EC2", "ResourceIds": ["{{ InstanceId }}"], "Tags": tags}
    return {"name": name, "action": "aws:createTags", "inputs": inputs}


def nothing(name: str) -> Step:
    """A step without any effect."""
    return branch(name, "global:REGION", "nowhere", to=name)


@dataclass(frozen=True, slots=True)
class Kind:
    """A runbook: so many of a hundred starts are of it."""

    share: int
    steps: tuple[Step, ...]
    needs_instance: bool = False


PAUSE: Final[Step] = {"name": "hold", "action": "aws:pause", "inputs": {}}
KINDS: Final = {
    CHILD: Kind(0, (sleep("rest", "PT1S"), tell("news"))),
    "short": Kind(20, tuple(nothing(f"step{number}") for number in range(5))),
    "tell": Kind(16, (nothing("before"), tell("news"), nothing("after"))),
    "volume": Kind(10, (volume("make"),)),
    "instance": Kind(
        12, (change("stop", "stopped"), change("start", "running")), needs_instance=True
    ),
    "tag": Kind(8, (tag("mark"),), needs_instance=True),
    "loop": Kind(6, (each("all", list(ITEMS), tell("news", "{{ all.CurrentIteratorValue }}")),)),
    "parent": Kind(8, (execute("run", CHILD), nothing("after"))),
    "approve": Kind(8, (approve("ask", APPROVER), tell("news"))),
    "pause": Kind(4, (PAUSE, tell("news"))),
    "sleep": Kind(6, (sleep("rest", "PT4S"), nothing("after"))),
    "cleanup": Kind(
        2, ({**sleep("rest", "PT8S"), "onCancel": "step:news", "isEnd": True}, tell("news"))
    ),
}
