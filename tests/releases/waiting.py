"""Runs that wait, one in each way that there is: each runbook is named for what it waits for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pytest
from django.conf import settings

from approvals import decisions
from approvals.models import ApprovalRequest
from console.iam.models import User
from executions import lifecycle, signals, store
from executions.models import DocumentVersion, Execution
from tests.engine.runs import REGION, Runs, make_version, step
from tests.engine.steps import (
    Step,
    api,
    approve,
    change_state,
    each,
    execute,
    publish,
    read_topic,
    sleep,
    wait_for_topic,
)
from tests.releases.slow_aws import MACHINE, STOPPED, WorkerDied

WEEK: Final = "P6DT23H59M59S"  # the longest sleep that AWS has
AFTERWARDS: Final = publish("afterwards", "went on", isEnd=True)
BOTH: Final = {"Approvers": ["alice", "bob"], "MinRequiredApprovals": 2}


def act(name: str, **inputs: Any) -> Step:
    """A step `a` of an action that is named by its last part."""
    return {"name": "a", "action": f"aws:{name}", "inputs": inputs}


NEW_IMAGE = {"ImageName": "image"}
WAITING: Final[dict[str, list[Step]]] = {
    "sleep": [sleep("a", WEEK), AFTERWARDS],
    "pause": [act("pause"), AFTERWARDS],
    "approve": [approve("a", "alice"), AFTERWARDS],
    "approve-expires": [approve("a", "nobody"), AFTERWARDS],
    "approve-second": [act("approve", **BOTH), AFTERWARDS],
    "approved": [approve("a", "alice"), AFTERWARDS],
    "rejected": [approve("a", "alice"), AFTERWARDS],
    "poll": [wait_for_topic("a"), AFTERWARDS],
    "changeInstanceState": [change_state("a"), AFTERWARDS],
    "runInstances": [act("runInstances", ImageId="ami-1"), AFTERWARDS],
    "createImage": [act("createImage", InstanceId=STOPPED, **NEW_IMAGE), AFTERWARDS],
    "copyImage": [
        act("copyImage", SourceImageId="ami-0", SourceRegion="us-east-1", **NEW_IMAGE),
        AFTERWARDS,
    ],
    "deleteImage": [act("deleteImage", ImageId="ami-1"), AFTERWARDS],
    "createStack": [act("createStack", StackName="new", TemplateBody="{}"), AFTERWARDS],
    "deleteStack": [act("deleteStack", StackName="old"), AFTERWARDS],
    "runCommand": [
        act("runCommand", DocumentName="AWS-RunShellScript", InstanceIds=[STOPPED]),
        AFTERWARDS,
    ],
    "executeStateMachine": [act("executeStateMachine", stateMachineArn=MACHINE), AFTERWARDS],
    "unknown": [publish("a", "lost"), AFTERWARDS],
    "unknown-answered": [publish("a", "lost"), AFTERWARDS],
    "loop": [
        each("l", ["x", "y"], publish("a", "{{ l.CurrentIteratorValue }}"), sleep("b", "P3D"))
    ],
    "parent": [execute("a", "child"), AFTERWARDS],
    "cancelling": [sleep("a", WEEK, onCancel="step:c"), AFTERWARDS, wait_for_topic("c")],
    "interactive": [publish("a", "by hand"), publish("b", "by hand", isEnd=True)],
    "interactive-asked": [publish("a", "by hand", isEnd=True)],
    "over": [read_topic("a"), publish("b", "before", isEnd=True)],
}
CHILD: Final = (sleep("s", "PT1H"), publish("c", "in the child"))
LOST_WORKERS: Final[dict[str, list[Step]]] = {
    "died": [api("a", "cloudformation", "CreateStack", {"StackName": "died"}), AFTERWARDS],
    "died-unproven": [publish("a", "died"), AFTERWARDS],
}


def begin(runs: Runs) -> None:
    """Start them all, and leave each where it waits."""
    alice, bob = (User.objects.get(username=name) for name in ("alice", "bob"))
    _save("child", CHILD)
    made = {name: _start(runs, name, steps) for name, steps in WAITING.items()}
    runs.work()
    runs.hand.move(minutes=2)  # what became of calls without an answer is asked by then
    runs.work()
    runs.stop(made["cancelling"])
    _decide(made["approve-second"], bob, "Approve")
    runs.work()
    _begin_late(runs)
    # Of these no worker has taken notice yet.
    _decide(made["approved"], alice, "Approve")
    _decide(made["rejected"], alice, "Reject")
    signals.settle_unknown(step(made["unknown-answered"], "a"), "adopt", comment="", by=runs.person)
    signals.send(made["interactive-asked"], "StartStep", "a", by=runs.person)


def _begin_late(runs: Runs) -> None:
    """Those that would not wait so for long."""
    _start(runs, "quiet", [publish("a", "lost"), AFTERWARDS])
    _start(runs, "retry", [publish("a", "refused", maxAttempts=2), AFTERWARDS])
    runs.work()
    for name, steps in LOST_WORKERS.items():
        _start(runs, name, steps)
        with pytest.raises(WorkerDied):
            runs.work()
    one_step = [publish("a", "new", isEnd=True)]
    _start(runs, "claimed", one_step)
    claimed = store.claim()
    assert claimed is not None
    assert claimed.document_name == "claimed"
    _start(runs, "pending", one_step)
    with pytest.MonkeyPatch.context() as crowded:
        crowded.setattr(settings, "MOST_RUNNING", 0)
        _start(runs, "queued", one_step)


def _start(runs: Runs, name: str, steps: Sequence[Step]) -> Execution:
    mode = "Interactive" if name.startswith("interactive") else "Auto"
    return lifecycle.start(lifecycle.Start(_save(name, steps), REGION, mode=mode), by=runs.person)


def _save(name: str, steps: Sequence[Step]) -> DocumentVersion:
    """A document of that name."""
    version = make_version(*steps)
    version.document.name = name
    version.document.save()
    return version


def _decide(run: Execution, person: User, verdict: str) -> None:
    request = ApprovalRequest.objects.get(execution=run)
    decisions.decide(request.id, by=person, verdict=verdict)
