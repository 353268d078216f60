"""aws:executeScript: run a Python or PowerShell script, apart from everything else."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any, Final

from executions.actions._requests import typed_spec
from executions.actions.base import (
    SCRIPT,
    BadInput,
    BaseAction,
    Call,
    CallFailed,
    Done,
    Outcome,
    StepContext,
    StepFailed,
    StepTimedOut,
    Unknown,
    Wait,
    action,
)
from executions.runbook.types import Value

PYTHON: Final = re.compile(r"python3\.[0-9]{1,2}")
POWERSHELL: Final = re.compile(r"PowerShell( Core)? [67]\.[0-9]")
FUNCTION: Final = re.compile(r"[^\W\d]\w*")
IN_FILE: Final = re.compile(r"(?:[^\W\d][\w-]*\.)+[^\W\d]\w*")  # AWS: "filename.function"
LOG_LENGTH: Final = 64_000  # characters of the log that the step keeps


@action
class ExecuteScript(BaseAction):
    """AWS, "aws:executeScript - Run a script".

    The response that outputs select from is {"Payload": what the handler returned}. The engine
    runs the script; `called` says what became of it.
    """

    spec = typed_spec(
        "aws:executeScript",
        {"Runtime": "String"},
        # InputPayload is a map in nearly all runbooks, and its text as JSON in some.
        {"Handler": "String", "Script": "String", "InputPayload": "", "Attachment": "String"},
        one_of=(frozenset({"Script", "Attachment"}),),
    )
    timeout: timedelta | None = timedelta(seconds=600)

    def begin(self, ctx: StepContext) -> Outcome:
        """One run of the script; the token tells it from every other."""
        runtime, script = ctx.text("Runtime"), ctx.text("Script")
        language, attachment = _language(runtime), _attachment(ctx)
        if not script.strip() and (language != "python" or not attachment):
            raise BadInput("Script is empty. Give the code to run.")
        request: dict[str, Value] = {
            "Token": ctx.token,
            "Step": ctx.step.name,
            "Language": language,
            "Runtime": runtime,
            "Script": script,
            "Handler": _handler(ctx, language),
            "InputPayload": _payload(ctx),
            **attachment,
        }
        return Call(*SCRIPT, request)

    def called(self, ctx: StepContext, response: dict[str, Any]) -> Outcome:
        """The script ended, or was ended."""
        log = shorten(response["Log"])
        outputs: dict[str, Value] = {"ExecutionLog": log} if log else {}
        if response["Status"] == "Stopped":  # the engine takes up the stop that ended it
            return Wait(ctx.now, ctx.state, outputs=outputs)
        if response["Status"] == "TimedOut":
            raise StepTimedOut(
                "The script did not end in the time it has, and was killed.", outputs=outputs
            )
        if response["Status"] != "Success":
            raise StepFailed(f"The script failed. {response['Message']}".strip(), outputs=outputs)
        answer = {"Payload": response["Payload"]}
        outputs |= {**answer, "OutputPayload": json.dumps(answer)}
        return Done(outputs, response=answer)

    def refused(self, ctx: StepContext, refusal: CallFailed) -> Outcome:
        """There is no sandbox, or no session of the role: the script has not run."""
        if refusal.code == "SandboxUnavailable":
            raise StepFailed(
                f"The script was not run, since this worker's host has no sandbox. {refusal}",
                retryable=False,
                stage="PreVerification",
                kind="Internal",
            )
        if refusal.code == "AttachmentMissing":
            raise StepFailed(
                f"The script was not run. {refusal}", retryable=False, stage="PreVerification"
            )
        raise StepFailed(
            f"The script was not run: its role could not be assumed. {refusal} ({refusal.code})",
            stage="PreVerification",
            kind="Permission",
        )

    def recover(self, ctx: StepContext) -> Outcome:
        """It was started, and nobody knows how far it came."""
        return Unknown(
            "The worker was lost while the script ran, so it is not known how far the script came."
            " Look at what it changes before you decide."
        )


def _language(runtime: str) -> str:
    if PYTHON.fullmatch(runtime):
        return "python"
    if POWERSHELL.fullmatch(runtime):
        return "powershell"
    raise BadInput(
        f"Runtime {runtime!r} is none that runs here: give python3.11 or PowerShell 7.4."
    )


def _attachment(ctx: StepContext) -> dict[str, Value]:
    """The attachment's name, and the SHA-256 that the document gives it; nothing without one."""
    name = ctx.text("Attachment")
    if not name:
        return {}
    if name not in ctx.files:
        raise BadInput(f"Attachment {name} is not listed under files of the document.")
    if not name.lower().endswith((".zip", ".py", ".ps1", ".psm1")):
        raise BadInput(f"Attachment {name} is neither a script nor a .zip archive of scripts.")
    return {"Attachment": {"Name": name, "Sha256": ctx.files[name]}}


def _handler(ctx: StepContext, language: str) -> str:
    """The function's name. PowerShell has none."""
    handler = ctx.text("Handler").strip()
    if language != "python":
        if handler:
            raise BadInput("Handler is for Python only; remove it.")
        return ""
    if not handler:
        raise BadInput("Handler is empty. Name the function of the script that is to be called.")
    in_script = ctx.text("Script").strip() and FUNCTION.fullmatch(handler)
    in_file = ctx.text("Attachment") and IN_FILE.fullmatch(handler)
    if not in_script and not in_file:
        raise BadInput(
            f"Handler must be the name of a function in Script, not {handler!r}."
            if ctx.text("Script").strip()
            else "Without a Script, Handler names a file of the attachment and a function in it,"
            f" such as main.handler, and not {handler!r}."
        )
    return handler


def _payload(ctx: StepContext) -> Value:
    """The handler's events: the map; the value that a text holds as JSON; else the text."""
    payload = ctx.inputs.get("InputPayload")
    if payload is None:
        return {}
    if not isinstance(payload, str):
        return payload
    try:
        read: Value = json.loads(payload)
    except (ValueError, RecursionError):
        return payload
    return read if isinstance(read, dict) else payload


def shorten(log: str) -> str:
    """A log with its middle left out, if it is long: most is said at its beginning and its end."""
    if len(log) <= LOG_LENGTH:
        return log
    half = LOG_LENGTH // 2
    left_out = len(log) - 2 * half
    return f"{log[:half]}\n[{left_out} characters left out here]\n{log[-half:]}"
