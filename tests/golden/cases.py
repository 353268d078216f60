"""Reads the golden cases: one YAML file a case, and what each claims to cover.

A case is a document and what must come of it. `variants` are more of the same with other words:
what a variant says goes before what the file says, and `put` replaces `<WORD>` in the document
(`[text, times]` repeats a text, with its number in the place of `#`).

    covers: [key, ...]        rows of subjects.yaml
    document: |               the text, as somebody would save it
    format: JSON              YAML unless said
    accepted: ["7:3 path: words", ...]    saved, with exactly these warnings
    refused: ["7:3 path: words", ...]     not saved, for exactly these reasons

A run (what is left out is not looked at):

    given: {Name: [text]}     parameters as on the wire; `mode: Interactive` if not Auto
    aws: {Operation: answer}  a map, or {error: code, says: text}, {busy: text}, {lost: text};
                              a list of answers is given one after the other, the last one stays
    then: [{wait: seconds}, {stop: Cancel}, {resume: step}, {approve: name}, {reject: name}, ...]
    stays: true               look at it there, instead of carrying it on to its end
    cannot_start: words       or what came of it:
    status, seconds           of the run, and how long it took, exactly or [least, most]
    looks: [least, most]      how many calls that only look were made
    steps: [name status, ...] in the order of the API, those that never began last
    inputs, outputs           step -> name -> as the API shows it (`ANY` for what is not fixed)
    messages, stages          step -> words of the failure, its stage and type
    published, variables      name -> list of texts
    calls, reads              [{Operation: request}, ...] that change something, that only look
    passes                    ["number item", ...] of the rows of steps in a loop
    others                    ["document status", ...] of the runs that it started; `documents`
                              (name -> text) are there beside the case's own
    posted                    [[address, body], ...], answered by `web: [[status, text], ...]`
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import yaml

from executions.runbook.types import Format

FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Case:
    """One document and one thing that is asked of it; None is what is not asked."""

    name: str
    covers: tuple[str, ...]
    document: str
    format: Format = "YAML"
    accepted: list[str] | None = None
    refused: list[str] | None = None
    given: Mapping[str, list[str]] | None = None
    mode: str = "Auto"
    aws: Mapping[str, Any] | None = None
    web: list[Any] | None = None
    then: list[dict[str, Any]] | None = None
    stays: bool = False
    cannot_start: str | None = None
    status: str | None = None
    seconds: int | list[int] | None = None
    looks: list[int] | None = None
    steps: list[str] | None = None
    inputs: Mapping[str, Any] | None = None
    outputs: Mapping[str, Any] | None = None
    messages: Mapping[str, str] | None = None
    stages: Mapping[str, str] | None = None
    published: Mapping[str, Any] | None = None
    variables: Mapping[str, Any] | None = None
    calls: list[Any] | None = None
    reads: list[Any] | None = None
    posted: list[Any] | None = None
    documents: Mapping[str, str] | None = None
    others: list[str] | None = None
    passes: list[str] | None = None

    @property
    def is_run(self) -> bool:
        """Whether the document is to be run."""
        return self.status is not None or self.cannot_start is not None


KNOWN: Final = {one.name for one in fields(Case)} - {"name"}


def read_subjects() -> dict[str, str]:
    """Every row that the cases have to cover: key -> what it says."""
    rows: dict[str, str] = {}
    for group in yaml.safe_load((FOLDER / "subjects.yaml").read_text("utf-8")).values():
        for key, words in group.items():
            assert key not in rows, f"{key} is listed twice"
            rows[key] = words
    return rows


def read_cases() -> list[Case]:
    """Every variant of every file."""
    return [case for path in sorted(FOLDER.glob("*/*.yaml")) for case in _read_file(path)]


def _read_file(path: Path) -> Iterator[Case]:
    written: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    name = f"{path.parent.name}/{path.stem}"
    variants = written.pop("variants", [{}])
    for number, variant in enumerate(variants, 1):
        more = f" {number}" if len(variants) > 1 else ""
        yield _make(name + more, {**written, **variant})


def _spell(put: Any) -> str:
    if not isinstance(put, list):
        return str(put)
    text, times = put
    return "".join(text.replace("#", str(number)) for number in range(times))


def _make(name: str, written: dict[str, Any]) -> Case:
    for word, text in written.pop("put", {}).items():
        assert f"<{word}>" in written["document"], f"{name}: there is no <{word}>"
        written["document"] = written["document"].replace(f"<{word}>", _spell(text))
    unknown = written.keys() - KNOWN
    assert not unknown, f"{name}: nothing is known of {', '.join(sorted(unknown))}"
    written["covers"] = tuple(written.get("covers", ()))
    case = Case(name, **written)
    asked = case.accepted is not None or case.refused is not None or case.is_run
    assert asked, f"{name}: nothing is asked"
    return case
