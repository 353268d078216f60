"""A runbook as a value: what the parser builds, the validator judges and the engine follows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

# A JSON value. Any, because recursive unions make every caller narrow what it already knows.
Value: TypeAlias = Any
Path: TypeAlias = tuple[str | int, ...]
Format: TypeAlias = Literal["YAML", "JSON"]
Severity: TypeAlias = Literal["error", "warning"]

MAX_PROBLEMS: Final = 100  # a document with more is not being mended one by one
EMPTY: Final[Mapping[Any, Any]] = MappingProxyType({})
VALUE_TYPES: Final = ("String", "StringList", "Boolean", "Integer", "StringMap", "MapList")


def clip(text: str, most: int = 60) -> str:
    """A text somebody wrote, short enough to stand in a sentence."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def show_path(path: Path) -> str:
    """Write a path as people do: `mainSteps[0].inputs.Service`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{clip(part)}" if text else clip(part)
    return text


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing to mend in a document: where (from 1) and a sentence that says what to do."""

    line: int
    column: int
    path: str
    message: str
    severity: Severity = "error"

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.message}"


class DocumentRefused(Exception):
    """The text is not a runbook; `problems` says everything that is wrong with it."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


@dataclass(frozen=True, slots=True)
class Parameter:
    """A declared parameter. Without a default it is required, and an empty default is a default."""

    name: str
    type: str
    description: str = ""
    default: Value = None
    has_default: bool = False
    allowed_values: tuple[Value, ...] = ()
    allowed_pattern: str | None = None
    display_type: str | None = None
    min_items: int | None = None
    max_items: int | None = None
    min_chars: int | None = None
    max_chars: int | None = None

    @property
    def required(self) -> bool:
        return not self.has_default

    @property
    def value_type(self) -> str:
        """The one of VALUE_TYPES it behaves as: `AWS::…` is a String, `List<AWS::…>` a list."""
        if self.type in VALUE_TYPES:
            return self.type
        return "StringList" if self.type.startswith("List<") else "String"


@dataclass(frozen=True, slots=True)
class Variable:
    """A declared variable: the value `aws:updateVariable` may change while the runbook runs."""

    name: str
    type: str
    default: Value = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """A step output: `selector` (JSONPath) picks it from the response, as `type`."""

    name: str
    selector: str
    type: str = "String"


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `inputs` are as written; `steps` is the body of an `aws:loop`, else empty."""

    name: str
    action: str
    inputs: Mapping[str, Value] = field(default_factory=dict)
    outputs: tuple[OutputSpec, ...] = ()
    on_failure: str = "Abort"
    on_cancel: str = "Abort"
    is_critical: bool | None = None  # None: not written
    is_end: bool = False
    next_step: str | None = None
    max_attempts: int = 1
    timeout_seconds: int | str | None = None  # a str is a reference
    description: str = ""
    line: int = 0
    path: Path = ()
    loop: str | None = None  # the aws:loop step around this one
    steps: tuple[Step, ...] = ()

    @property
    def critical(self) -> bool:
        """Whether its failure counts at the end, as written or by default.

        AWS, "Properties shared by all actions": true unless `onFailure` is `Continue`.
        """
        return self.on_failure != "Continue" if self.is_critical is None else self.is_critical


@dataclass(frozen=True, slots=True)
class Runbook:
    """A whole document. `data` is what was written, `positions` where (path -> line, column)."""

    schema_version: str
    steps: tuple[Step, ...]
    description: str = ""
    assume_role: str | None = None
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    variables: Mapping[str, Variable] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    files: Mapping[str, Value] = field(default_factory=dict)
    format: Format = "YAML"
    data: Mapping[str, Value] = field(default_factory=dict, repr=False)
    positions: Mapping[Path, tuple[int, int]] = field(
        default_factory=dict, repr=False, compare=False
    )
    _by_name: Mapping[str, Step] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the steps; of two with one name, the first counts."""
        found = {step.name: step for step in reversed([*self.walk()])}
        object.__setattr__(self, "_by_name", found)

    def walk(self) -> Iterator[Step]:
        """Every step in document order, each loop directly followed by its body."""
        for step in self.steps:
            yield step
            yield from step.steps

    def find_step(self, name: str) -> Step | None:
        """The step of that name, at the top or inside a loop."""
        return self._by_name.get(name)

    def siblings(self, step: Step) -> tuple[Step, ...]:
        """The list the step stands in: the body of its loop, or the runbook's steps."""
        loop = self.find_step(step.loop) if step.loop else None
        return loop.steps if loop else self.steps

    def locate(self, path: Path) -> tuple[int, int]:
        """Line and column (1-based) of a path, or of the nearest thing around it."""
        while path and path not in self.positions:
            path = path[:-1]
        return self.positions.get(path, (1, 1))


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """What the validator must know of an action.

    `optional=None` means free-form: every further input is allowed. `types` gives the value type
    of inputs whose literals are checked, `outputs` the predefined outputs and their types (their
    names are reserved), `one_of` groups of inputs of which at least one must be there,
    `strict_references` that a parameter of the wrong type is refused at creation.
    """

    name: str
    required: frozenset[str] = frozenset()
    optional: frozenset[str] | None = None
    types: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    one_of: tuple[frozenset[str], ...] = ()
    can_be_cancel_target: bool = True
    can_have_on_cancel: bool = True
    strict_references: bool = False
