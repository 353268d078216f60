"""Lambda: Invoke runs Python functions, in the sandbox that scripts have, as their role.

Where there is no sandbox a function is not run at all. "Invoke" of the Lambda API has the form.
"""

from __future__ import annotations

import base64
import json
import os
import tempfile
import threading
import time
import uuid
from functools import cache, partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from moto.awslambda.models import LambdaFunction
from moto.awslambda.responses import LambdaResponse

from console.simulator import function_bootstrap
from console.simulator.answers import RefusedError
from console.simulator.calls import record_effect
from console.simulator.extensions import Tools
from executions import sandbox

Response = tuple[int, dict[str, str], str]

LOG_BYTES: Final = 4096  # of the log's end in an answer ("Invoke", X-Amz-Log-Result)
START_SECONDS: Final = 10.0  # for Python and the sandbox, beyond the function's own time
DEFAULT_SECONDS: Final = 3.0
SOURCE: Final = Path(function_bootstrap.__file__)


def install(tools: Tools) -> None:
    """Put functions that run in the place of moto's, once per process."""

    def invoke(response: LambdaResponse) -> Response:
        return _invoke(response, tools)

    setattr(LambdaResponse, invoke.__name__, invoke)


def _invoke(response: LambdaResponse, tools: Tools) -> Response:
    """One invocation. Called without the lock: the function may call the account itself."""
    kind = response.headers.get("X-Amz-Invocation-Type", "RequestResponse")
    name = unquote(response.path.rsplit("/", 2)[-2])
    request_id = str(uuid.uuid4())
    with tools.lock:
        qualifier = response.querystring.get("Qualifier", [None])[0]
        function = response.backend.get_function(name, qualifier)
        job = _make_job(function, response, tools, request_id)
    if kind == "DryRun":
        return 204, {"status": "204"}, ""
    box = _find_sandbox()
    with tools.lock:
        record_effect([function.function_arn])
    if kind == "Event":
        work = partial(_run, function, box, job, request_id, tools)
        threading.Thread(target=work, daemon=True).start()
        return 202, {"status": "202"}, ""
    payload, failed, log = _run(function, box, job, request_id, tools)
    headers = {"content-type": "application/json", "x-amz-executed-version": "$LATEST"}
    if failed:
        headers["x-amz-function-error"] = "Unhandled"
    if response.headers.get("X-Amz-Log-Type") == "Tail":
        headers["x-amz-log-result"] = base64.b64encode(log.encode()[-LOG_BYTES:]).decode()
    return 200, headers, payload


def _make_job(
    function: LambdaFunction, response: LambdaResponse, tools: Tools, request_id: str
) -> sandbox.Job:
    """The bootstrap as a script of the sandbox, with the function's code as its events."""
    if not str(function.run_time).startswith("python"):
        raise _refuse(
            f"The simulated account runs functions in Python only, and {function.function_name} "
            f"is for {function.run_time or 'a container image'}."
        )
    seconds = float(function.timeout or DEFAULT_SECONDS)
    session = tools.identities.lend(function.role, function.function_name, function.region)
    endpoint = urlsplit(tools.endpoint)
    target = (endpoint.hostname or "", endpoint.port or 0)
    events = {
        "code": base64.b64encode(function.code_bytes).decode(),
        "handler": function.handler,
        "event": _read_event(response.body),
        "seconds": seconds,
        "context": _describe_context(function, request_id, response.headers),
    }
    return sandbox.Job(
        source=SOURCE.read_text(encoding="utf-8"),
        handler=function_bootstrap.invoke.__name__,
        events=events,
        environment={
            **{key: str(value) for key, value in function.environment_vars.items()},
            **_describe_environment(function),
            **session,
            "AWS_ENDPOINT_URL": tools.endpoint,
        },
        seconds=seconds + START_SECONDS,
        network=sandbox.Network(partial(_resolve, target), target),
    )


def _run(
    function: LambdaFunction, box: sandbox.Sandbox, job: sandbox.Job, request_id: str, tools: Tools
) -> tuple[str, bool, str]:
    """Payload, whether it is an error, and the log. The log goes to CloudWatch Logs too."""
    began = time.monotonic()
    try:
        result = sandbox.run(box, job)
    except sandbox.Unavailable as missing:
        raise _refuse(str(missing)) from missing
    answer = result.payload if isinstance(result.payload, dict) else {}
    took = float(answer.get("milliseconds", (time.monotonic() - began) * 1000))
    log = (
        f"START RequestId: {request_id} Version: $LATEST\n{result.log}"
        f"END RequestId: {request_id}\n"
        f"REPORT RequestId: {request_id}\tDuration: {took:.2f} ms\t"
        f"Billed Duration: {int(took) + 1} ms\tMemory Size: {function.memory_size} MB\n"
    )
    with tools.lock:
        function.logs_backend.ensure_log_group(function.logs_group_name)
        function.save_logs(log)
    if "payload" in answer:
        return str(answer["payload"]), False, log
    return str(answer.get("error") or _explain(result, job)), True, log


def _explain(result: sandbox.Result, job: sandbox.Job) -> str:
    """Lambda's text for a function that never came to its end."""
    if result.ended is sandbox.Ended.TIMED_OUT:
        seconds = job.seconds - START_SECONDS
        kind, text = "Sandbox.Timedout", f"Task timed out after {seconds:.2f} seconds"
    else:
        kind, text = "Runtime.ExitError", result.message
    return json.dumps({"errorMessage": text, "errorType": kind})


def _describe_context(function: LambdaFunction, request_id: str, headers: Any) -> dict[str, Any]:
    given = headers.get("X-Amz-Client-Context")
    return {
        "aws_request_id": request_id,
        "function_name": function.function_name,
        "function_version": "$LATEST",
        "invoked_function_arn": function.function_arn,
        "memory_limit_in_mb": str(function.memory_size),
        "log_group_name": function.logs_group_name,
        "log_stream_name": "",
        "client_context": json.loads(base64.b64decode(given)) if given else None,
    }


def _describe_environment(function: LambdaFunction) -> dict[str, str]:
    return {
        "AWS_DEFAULT_REGION": function.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
        "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_REGION": function.region,
        "_HANDLER": str(function.handler),
    }


def _read_event(body: str | bytes) -> Any:
    try:
        return json.loads(body) if body else {}
    except ValueError as error:
        raise RefusedError(
            "InvalidRequestContentException", f"Could not parse request body into json: {error}"
        ) from error


def _resolve(target: tuple[str, int], host: str, port: int) -> str:
    if (host, port) != target:
        raise sandbox.Forbidden(
            f"Functions of a simulated account reach its endpoint only, not {host}:{port}."
        )
    return host


@cache
def _find_sandbox() -> sandbox.Sandbox:
    """This host's sandbox, tested once; refused with the reason, and looked for again next time."""
    try:
        found = sandbox.prepare(_choose_folder())
        sandbox.check(found)
    except sandbox.Unavailable as missing:
        raise _refuse(f"The function was not run, since this host has no sandbox. {missing}") from (
            missing
        )
    return found


def _choose_folder() -> Path:
    """Where the workers have theirs, so that both share the Python that goes into it."""
    if named := os.environ.get("COUNTERSIGN_SANDBOX_FOLDER"):
        return Path(named)
    state = os.environ.get("COUNTERSIGN_STATE")
    base = Path(state) if state else Path(tempfile.gettempdir()) / f"countersign-{os.geteuid()}"
    return base / "sandbox-runtime"


def _refuse(reason: str) -> RefusedError:
    return RefusedError("InvalidRuntimeException", reason)
