"""What AWS-RunPatchBaseline has found on instances, as DescribeInstancePatchStates tells it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from console.simulator.commands.values import Command, Invocation

DOCUMENT: Final = "AWS-RunPatchBaseline"
BASELINE: Final = "pb-0123456789abcdef0"
# What the stand-in for the tool says in the end. On Windows nothing is run, and nothing misses.
COUNTS: Final = re.compile(r"^Patches: installed (\d+), missing (\d+), failed (\d+)$", re.MULTILINE)
NOTHING: Final = ("0", "0", "0")


def describe_states(
    commands: Iterable[Command], instance_ids: Iterable[str]
) -> Iterator[dict[str, Any]]:
    """The state of each instance where the tool has ended. Commands come newest first."""
    wanted = set(instance_ids)
    for command in commands:
        if command.request["DocumentName"].rpartition("/")[2] != DOCUMENT:
            continue
        for invocation in command.invocations:
            if invocation.instance_id in wanted and invocation.state.status == "Success":
                wanted.remove(invocation.instance_id)
                yield _describe_state(command.request, invocation)


def _describe_state(request: Mapping[str, Any], invocation: Invocation) -> dict[str, Any]:
    ran = [plugin for plugin in invocation.plugins if plugin.started]
    counts = next(filter(None, (COUNTS.search(plugin.stdout) for plugin in ran)), None)
    installed, missing, failed = counts.groups() if counts else NOTHING
    return {
        "InstanceId": invocation.instance_id,
        "PatchGroup": "",
        "BaselineId": BASELINE,
        "Operation": request["Parameters"]["Operation"][0],
        "OperationStartTime": ran[0].started if ran else invocation.requested,
        "OperationEndTime": ran[-1].ended if ran else invocation.requested,
        "InstalledCount": int(installed),
        "InstalledOtherCount": 0,
        "InstalledPendingRebootCount": 0,
        "InstalledRejectedCount": 0,
        "MissingCount": int(missing),
        "FailedCount": int(failed),
        "UnreportedNotApplicableCount": 0,
        "NotApplicableCount": 0,
    }
