"""Running scripts on this host: what `aws:executeScript` asks of the engine.

A script is a call whose answer can be lost, so it leaves two marks on this host's disk: that it
has started, and what came of it. A worker that takes over adopts a kept answer, starts what was
never started, and leaves everything else to a person.
"""

from __future__ import annotations

import hashlib
import logging
import re
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings

from executions import aws, clock, egress, sandbox
from executions.actions.base import SCRIPT

SERVICE, OPERATION = SCRIPT
LONGEST: Final = timedelta(seconds=600)  # AWS: "up to a maximum duration of 600 seconds"
SESSION: Final = timedelta(seconds=900)  # the shortest that STS gives
TESTED_EVERY: Final = timedelta(hours=1)
HTTPS: Final = 443
STATUSES: Final = {
    sandbox.Ended.RETURNED: "Success",
    sandbox.Ended.FAILED: "Failed",
    sandbox.Ended.TIMED_OUT: "TimedOut",
    sandbox.Ended.ABORTED: "Stopped",
}
# The domains of AWS's partitions.
AWS_HOST: Final = re.compile(
    r"(?:[a-z0-9][a-z0-9-]*\.)+(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|api\.aws"
    r"|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)"
)

logger = logging.getLogger(__name__)
_lock = threading.Lock()
_verdicts: dict[Path, tuple[float, sandbox.Sandbox | sandbox.Unavailable]] = {}


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a script may run, whether it still should, and what its attachment holds."""

    deadline: datetime | None
    abort: threading.Event
    attachment: bytes | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """What this host knows of a script that was to run: whether it has, and its answer."""

    is_started: bool
    answer: dict[str, Any] | None


def find_sandbox() -> sandbox.Sandbox:
    """This host's sandbox, tested in the last hour; Unavailable with what is wrong with it."""
    folder = settings.SANDBOX_FOLDER
    with _lock:
        at, verdict = _verdicts.get(folder, (0.0, None))
        if verdict is None or time.monotonic() - at > TESTED_EVERY.total_seconds():
            verdict = _test(folder)
            _verdicts[folder] = (time.monotonic(), verdict)
    if isinstance(verdict, sandbox.Unavailable):
        raise verdict
    return verdict


def self_test() -> None:
    """Test the sandbox before the first script needs it; the log says what came of it."""
    try:
        found = find_sandbox()
    except sandbox.Unavailable as missing:
        logger.warning("Steps of aws:executeScript will fail on this host. %s", missing)
    else:
        logger.info("Scripts run under %s, with %s as their /usr", found.bwrap, found.tree)


def _test(folder: Path) -> sandbox.Sandbox | sandbox.Unavailable:
    try:
        found = sandbox.prepare(folder)
        sandbox.check(found)
    except sandbox.Unavailable as missing:
        return missing
    _spool().prune()
    return found


def run(
    identity: aws.Identity, region: str, request: Mapping[str, Any], terms: Terms
) -> dict[str, Any]:
    """Run a script once: Status, Payload, Message and Log; one of the AwsErrors if it did not run.

    request: Token, Step, Language, Runtime, Script, Handler, InputPayload, and perhaps Attachment
    (Name and Sha256).
    """
    token, spool = request["Token"], _spool()
    try:
        box = find_sandbox()
    except sandbox.Unavailable as missing:
        raise aws.AwsRefused(str(missing), "SandboxUnavailable") from missing
    _check_attachment(request, terms)
    job = _make_job(identity, region, request, terms)
    if not spool.start(token):
        raise aws.OutcomeUnknown("Another worker of this host has started the script.")
    try:
        result = sandbox.run(box, job, terms.abort)
    except sandbox.Unavailable as missing:
        result = sandbox.Result(sandbox.Ended.FAILED, message=str(missing))
    answer = {
        "Status": STATUSES[result.ended],
        "Payload": result.payload,
        "Message": result.message,
        "Log": _name_runtime(request) + result.log,
    }
    if result.ended is not sandbox.Ended.ABORTED:  # that was wanted by somebody, who knows
        spool.finish(token, answer)
    return answer


def _check_attachment(request: Mapping[str, Any], terms: Terms) -> None:
    """What is run is what the document names by its checksum, or nothing is."""
    named = request.get("Attachment")
    if named is None:
        return
    held = terms.attachment
    if held is None or hashlib.sha256(held).hexdigest() != named["Sha256"]:
        raise aws.AwsRefused(
            f"Its attachment {named['Name']} with SHA-256 {named['Sha256']} is not kept here."
            " Make a new version of the document with the file attached.",
            "AttachmentMissing",
        )


def place() -> str:
    """The spool of this host, by a name that no other has."""
    return _spool().identity()


def look_up(call: Mapping[str, Any]) -> Trace | None:
    """What is left of a script whose worker was lost; None if it cannot be known here.

    It was another host's, or this one's spool was replaced, or it is too long ago.
    """
    spool, at = _spool(), datetime.fromisoformat(call["at"])
    age = clock.now() - at
    if call["place"] != spool.identity() or age > timedelta(days=sandbox.KEPT_DAYS - 1):
        return None
    token = call["request"]["Token"]
    return Trace(spool.is_started(token), spool.answer(token))


def forget(call: Mapping[str, Any]) -> None:
    """Let a script start once more. Only of a worker that is gone, whose script is gone with it."""
    _spool().forget(call["request"]["Token"])


def _spool() -> sandbox.Spool:
    return sandbox.Spool(settings.SCRIPT_SPOOL)


def _make_job(
    identity: aws.Identity, region: str, request: Mapping[str, Any], terms: Terms
) -> sandbox.Job:
    """The job, with a session of the run's role that names the step."""
    name = f"{identity.session_name}-{request['Step']}"[:64]
    session = aws.lend(replace(identity, session_name=name), region, SESSION)
    environment = {
        **session,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    if settings.AWS_ENDPOINT_URL:
        environment["AWS_ENDPOINT_URL"] = settings.AWS_ENDPOINT_URL
    attachment = None
    if (named := request.get("Attachment")) and terms.attachment is not None:
        attachment = sandbox.Attachment(named["Name"], terms.attachment)
    left = terms.deadline - clock.now() if terms.deadline else LONGEST
    return sandbox.Job(
        source=request["Script"],
        handler=request["Handler"],
        events=request["InputPayload"],
        language=request["Language"],
        environment=environment,
        seconds=max(1.0, min(left, LONGEST).total_seconds()),
        network=_network(settings.AWS_ENDPOINT_URL),
        attachment=attachment,
    )


def _network(endpoint: str) -> sandbox.Network:
    """AWS; or the simulated account and nothing else, which has no business with AWS."""
    if not endpoint:
        return sandbox.Network(_resolve_aws)
    parts = urlsplit(endpoint)
    port = parts.port or (HTTPS if parts.scheme == "https" else 80)
    target = (parts.hostname or "", port)
    plain = target if parts.scheme == "http" else None
    return sandbox.Network(partial(_resolve_endpoint, target), plain)


def _resolve_aws(host: str, port: int) -> str:
    """The address of an AWS endpoint; Forbidden for anything else."""
    if port != HTTPS or not AWS_HOST.fullmatch(host):
        raise sandbox.Forbidden(f"Scripts reach AWS endpoints at port 443 only, not {host}:{port}.")
    try:
        return egress.resolve(host, port)
    except egress.Refused as refusal:
        raise sandbox.Forbidden(str(refusal)) from refusal
    except egress.NotSent as trouble:
        raise OSError(str(trouble)) from trouble


def _resolve_endpoint(target: tuple[str, int], host: str, port: int) -> str:
    if (host, port) != target:
        raise sandbox.Forbidden(
            f"This account is simulated: scripts reach its endpoint only, not {host}:{port}."
        )
    return host


def _name_runtime(request: Mapping[str, Any]) -> str:
    """A line for the log, where another version runs than the one that the runbook names."""
    asked = request["Runtime"]
    if request["Language"] != sandbox.PYTHON:
        return f"[{asked}: runs on the PowerShell of this host]\n"
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return "" if asked == f"python{version}" else f"[{asked}: runs on Python {version}]\n"
