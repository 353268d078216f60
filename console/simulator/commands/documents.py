"""Command documents: those of AWS that runbooks use, in our wording, and the account's own.

Schemas 1.2 and 2.x (AWS, "Schemas, features, and examples"). What AWS's plugins do to an instance
is done here by a line of shell that leaves a mark on its disk.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from console.simulator.answers import RefusedError
from console.simulator.commands.values import Step

SHELL: Final = "aws:runShellScript"
POWERSHELL: Final = "aws:runPowerShellScript"
PLATFORMS: Final = {SHELL: "Linux", POWERSHELL: "Windows"}
# Plugins that run on either platform, as the line of shell that stands in for each.
LINES: Final = {
    "aws:configurePackage": "aws-package '{action}' '{name}' '{version}'",
    "aws:updateSsmAgent": "aws-package Install amazon-ssm-agent '{targetVersion}'",
    "aws:updateAgent": "aws-package Install ec2config '{targetVersion}'",
}
LONGEST: Final = 172_800.0  # seconds: executionTimeout's upper limit
DEFAULT_SECONDS: Final = "3600"
REFERENCE: Final = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")
ARN: Final = re.compile(r"arn:aws[\w-]*:ssm:[^:]*:(\d{12})?:document/(.+)")
FOLDER: Final = Path(__file__).parent / "predefined"

Given = Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class CommandDocument:
    """A document of type Command, read."""

    name: str
    version: str
    content: Mapping[str, Any]

    @property
    def platforms(self) -> tuple[str, ...]:
        """Where it runs at all; empty where each step says it for itself."""
        return tuple(self.content.get("platforms", ()))


@functools.cache
def load_predefined() -> Mapping[str, CommandDocument]:
    """AWS's documents that runbooks use, by name."""
    read: dict[str, CommandDocument] = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        read[path.stem] = CommandDocument(path.stem, "1", content)
    return read


def split_name(name: str) -> tuple[str, str]:
    """Account ("" for the caller's, or AWS) and plain name of a document's name or ARN."""
    arn = ARN.fullmatch(name)
    return (arn[1] or "", arn[2]) if arn else ("", name)


def read_own(name: str, version: str, text: str) -> CommandDocument:
    """A document of an account; RefusedError if it is none that can be sent."""
    content = yaml.safe_load(text)
    schema = str(content.get("schemaVersion", ""))
    if schema != "1.2" and not schema.startswith("2."):
        raise RefusedError("InvalidDocument", f"Document {name} is not a Command document.")
    return CommandDocument(name, version, content)


def plan(document: CommandDocument, given: Given) -> list[Step]:
    """The document's steps with these parameters. InvalidParameters if they do not fit."""
    values = _read_parameters(document.content.get("parameters") or {}, given)
    if "runtimeConfig" in document.content:
        return list(_plan_old(document.content["runtimeConfig"], values))
    return [_plan_step(step, values) for step in document.content.get("mainSteps", [])]


def _read_parameters(declared: Mapping[str, Any], given: Given) -> dict[str, Any]:
    unknown = sorted(given.keys() - declared.keys())
    if unknown:
        raise _refuse(f"{', '.join(unknown)} are not defined in the document.")
    return {name: _read_parameter(name, spec, given.get(name)) for name, spec in declared.items()}


def _read_parameter(name: str, spec: Mapping[str, Any], given: list[str] | None) -> Any:
    is_list = spec.get("type") == "StringList"
    if given is None:
        if "default" not in spec:
            raise _refuse(f"Parameter {name} is required by the document.")
        return spec["default"]
    if not is_list and len(given) != 1:
        raise _refuse(f"Parameter {name} takes one value, not {len(given)}.")
    allowed = spec.get("allowedValues")
    if allowed and not set(given) <= {_write(value) for value in allowed}:
        raise _refuse(f"Parameter {name} must be one of {', '.join(map(_write, allowed))}.")
    pattern = spec.get("allowedPattern")
    if pattern and not all(re.search(pattern, value) for value in given):
        raise _refuse(f"Parameter {name} does not match {pattern}.")
    return list(given) if is_list else given[0]


def _plan_old(config: Mapping[str, Any], values: Mapping[str, Any]) -> Iterable[Step]:
    """Schema 1.2: plugins by name, each with a list of what it does."""
    for action, plugin in config.items():
        properties = plugin.get("properties", [])
        for inputs in properties if isinstance(properties, list) else [properties]:
            yield _make_step(action, action, _fill(inputs, values))


def _plan_step(step: Mapping[str, Any], values: Mapping[str, Any]) -> Step:
    filled = _fill(step.get("inputs", {}), values)
    wanted = step.get("precondition", {}).get("StringEquals", [])
    platform = next((word for word in wanted if word in PLATFORMS.values()), "")
    ends = filled.get("onFailure") == "exit"
    return _make_step(step["name"], step["action"], filled, platform, ends)


def _make_step(
    name: str, action: str, inputs: Mapping[str, Any], platform: str = "", ends: bool = False
) -> Step:
    seconds = _read_seconds(inputs.get("timeoutSeconds") or DEFAULT_SECONDS)
    if action in LINES:
        text = LINES[action].format_map(_Blank(inputs))
    else:
        lines = inputs.get("runCommand", [])
        text = "\n".join(lines if isinstance(lines, list) else [_write(lines)])
    return Step(
        name=name,
        action=action,
        platform=platform or PLATFORMS.get(action, ""),
        text=text,
        folder=_write(inputs.get("workingDirectory", "")),
        seconds=seconds,
        ends_document=ends,
    )


class _Blank(dict[str, Any]):
    """Inputs of a line of shell: nothing can leave its quotes, and what is missing is empty."""

    def __missing__(self, key: str) -> str:
        return ""

    def __getitem__(self, key: str) -> str:
        return _write(super().__getitem__(key)).replace("'", "")


def _read_seconds(value: Any) -> float:
    text = _write(value)
    if not text.isdecimal() or not 1 <= int(text) <= LONGEST:
        raise _refuse(f"timeoutSeconds must be a number from 1 to {LONGEST:.0f}, not {text!r}.")
    return float(text)


def _fill(value: Any, values: Mapping[str, Any]) -> Any:
    """Every {{ parameter }} replaced; one that is a list and stands alone adds its items."""
    if isinstance(value, Mapping):
        return {key: _fill(item, values) for key, item in value.items()}
    if isinstance(value, list):
        items: list[Any] = []
        for item in value:
            filled = _fill(item, values)
            items += filled if isinstance(filled, list) and isinstance(item, str) else [filled]
        return items
    if not isinstance(value, str):
        return value
    alone = REFERENCE.fullmatch(value.strip())
    if alone and alone[1] in values:
        return values[alone[1]]
    return REFERENCE.sub(lambda found: _write(values.get(found[1], found[0])), value)


def _write(value: Any) -> str:
    """As it stands in a text."""
    if isinstance(value, str):
        return value
    return ",".join(map(_write, value)) if isinstance(value, list) else json.dumps(value)


def _refuse(message: str) -> RefusedError:
    return RefusedError("InvalidParameters", message)
