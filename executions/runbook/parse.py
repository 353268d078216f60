"""YAML or JSON text to a Runbook, and documents between the two formats."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from .json_text import read_json, write_json
from .shape import build_runbook
from .tree import MAX_BYTES, Tree, refuse
from .types import DocumentRefused, Format, Problem, Runbook, Value
from .yaml_text import read_yaml, write_yaml

# What neither format may hold unescaped; YAML's own list, so that both refuse the same.
_FORBIDDEN: Final = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)


def parse(text: str, fmt: Format | None = None) -> Runbook:
    """Read a document; DocumentRefused with every problem if it is not a runbook.

    At most 64 KiB of UTF-8 ("Systems Manager service quotas"), nested at most 40 deep, at most
    20,000 values. Without `fmt`, text that starts with `{` is tried as JSON first.
    """
    runbook, problems = inspect(text, fmt)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise DocumentRefused(errors)
    return runbook


def inspect(text: str, fmt: Format | None = None) -> tuple[Runbook, list[Problem]]:
    """Read as much of a document as can be read, and what is wrong with its shape.

    DocumentRefused if the text cannot be read as data at all.
    """
    tree, found = _read(_clean(text), fmt)
    return build_runbook(tree, found)


def dump(data: Mapping[str, Value], fmt: Format) -> str:
    """Write a document's data (`Runbook.data`) in a format; parsing it gives the data back."""
    return write_json(data) if fmt == "JSON" else write_yaml(data)


def _clean(text: str) -> str:
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        refuse(f"The document is larger than {MAX_BYTES // 1024} KB; make it smaller.")
    text = text.removeprefix("\ufeff")
    if bad := _FORBIDDEN.search(text):
        at = text.count("\n", 0, bad.start()) + 1, bad.start() - text.rfind("\n", 0, bad.start())
        refuse(f"The character U+{ord(bad.group()):04X} may not stand in a document.", at)
    if not text.strip():
        refuse("The document is empty; a runbook needs schemaVersion and mainSteps.")
    return text


def _read(text: str, fmt: Format | None) -> tuple[Tree, Format]:
    if fmt == "YAML" or (fmt is None and not text.lstrip().startswith("{")):
        return read_yaml(text), "YAML"
    try:
        return read_json(text), "JSON"
    except DocumentRefused as refused:
        if fmt == "JSON":
            raise
        try:
            return read_yaml(text), "YAML"
        except DocumentRefused:
            raise refused from None
