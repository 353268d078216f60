"""The Amazon States Language as far as the simulated account speaks it. Pure.

Pass, Wait, Choice, Succeed and Fail, with paths ("Amazon States Language", "Processing input and
output in Step Functions"). Tasks are not among them: a machine that reaches one fails, and says so.
"""

from __future__ import annotations

import copy
import fnmatch
import operator
import re
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

MOST_STATES: Final = 1000  # entered in one execution; AWS ends one after 25,000 events
RUNTIME: Final = "States.Runtime"
STEP: Final = re.compile(r"\.([A-Za-z_]\w*)|\[(\d+)\]|\['([^']+)'\]")
COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}
KINDS: Final[dict[str, tuple[type, ...]]] = {
    "String": (str,),
    "Numeric": (int, float),
    "Boolean": (bool,),
    "Timestamp": (str,),
}
TESTS: Final[dict[str, Callable[[Any], bool]]] = {
    "IsNull": lambda value: value is None,
    "IsString": lambda value: isinstance(value, str),
    "IsNumeric": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "IsBoolean": lambda value: isinstance(value, bool),
}


class FailedError(Exception):
    """The execution failed, with the error's name and its cause."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(cause)
        self.error = error
        self.cause = cause


def run(machine: Mapping[str, Any], data: Any) -> Generator[float, None, Any]:
    """Yields the seconds to wait for, and returns the output; FailedError if it fails."""
    name = str(machine.get("StartAt"))
    for _ in range(MOST_STATES):
        state = machine.get("States", {}).get(name)
        if state is None:
            raise FailedError(RUNTIME, f"There is no state {name!r}.")
        if state.get("Type") == "Fail":
            raise FailedError(str(state.get("Error", "")), str(state.get("Cause", "")))
        given = _select(state.get("InputPath", "$"), data)
        if state.get("Type") == "Wait":
            yield _seconds(state, given)
        data = _select(state.get("OutputPath", "$"), _work(name, state, given, data))
        if state.get("End") or state.get("Type") == "Succeed":
            return data
        name = _choose(name, state, given) if state.get("Type") == "Choice" else state.get("Next")
    raise FailedError(RUNTIME, f"The execution entered more than {MOST_STATES} states.")


def _work(name: str, state: Mapping[str, Any], given: Any, data: Any) -> Any:
    """What a state makes of its input, before OutputPath."""
    kind = state.get("Type")
    if kind in ("Wait", "Choice", "Succeed"):
        return given
    if kind != "Pass":
        raise FailedError(
            RUNTIME, f"State {name!r} is a {kind}; the simulated account does not perform those."
        )
    result = _fill(state["Parameters"], given) if "Parameters" in state else given
    result = copy.deepcopy(state.get("Result", result))
    return _put(state.get("ResultPath", "$"), data, result)


def _seconds(state: Mapping[str, Any], data: Any) -> float:
    """How long a Wait state waits."""
    if "Seconds" in state or "SecondsPath" in state:
        found = state["Seconds"] if "Seconds" in state else _select(state["SecondsPath"], data)
        if not isinstance(found, int | float) or found < 0:
            raise FailedError(RUNTIME, f"Seconds must be a number, not {found!r}.")
        return float(found)
    path = state.get("TimestampPath")
    text = _select(path, data) if path else state.get("Timestamp")
    try:
        until = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise FailedError(RUNTIME, f"{text!r} is no timestamp.") from error
    return max(0.0, (until.astimezone(UTC) - datetime.now(UTC)).total_seconds())


def _choose(name: str, state: Mapping[str, Any], data: Any) -> str:
    for rule in state.get("Choices", []):
        if _holds(rule, data):
            return str(rule["Next"])
    if "Default" in state:
        return str(state["Default"])
    raise FailedError("States.NoChoiceMatched", f"No choice of state {name!r} holds.")


def _holds(rule: Mapping[str, Any], data: Any) -> bool:
    if "And" in rule:
        return all(_holds(each, data) for each in rule["And"])
    if "Or" in rule:
        return any(_holds(each, data) for each in rule["Or"])
    if "Not" in rule:
        return not _holds(rule["Not"], data)
    if "IsPresent" in rule:
        return _is_present(rule["Variable"], data) is bool(rule["IsPresent"])
    value = _select(rule.get("Variable"), data)
    name = next((key for key in rule if key not in ("Variable", "Next", "Comment")), "")
    if name in TESTS:
        return TESTS[name](value) is bool(rule[name])
    wanted = _select(rule[name], data) if name.endswith("Path") else rule.get(name)
    return _compare(name.removesuffix("Path"), value, wanted)


def _compare(name: str, value: Any, wanted: Any) -> bool:
    """One of the comparisons by their AWS names; false for a value of another kind."""
    if name == "StringMatches":
        return isinstance(value, str) and fnmatch.fnmatchcase(value, str(wanted))
    kind = next((each for each in KINDS if name.startswith(each)), "")
    compare = COMPARISONS.get(name.removeprefix(kind))
    if not kind or compare is None:
        raise FailedError(RUNTIME, f"There is no comparison {name!r}.")
    fitting = isinstance(value, KINDS[kind]) and isinstance(value, bool) == (kind == "Boolean")
    return fitting and compare(value, wanted)


def _is_present(path: str, data: Any) -> bool:
    try:
        _select(path, data)
    except FailedError:
        return False
    return True


def _select(path: str | None, data: Any) -> Any:
    """The value at a reference path such as `$.a.b[0]`; all of it for `$`, {} for no path."""
    if path is None:
        return {}
    for key in _steps(path):
        try:
            data = data[int(key)] if isinstance(data, list) else data[key]
        except (LookupError, TypeError, ValueError) as error:
            raise FailedError(
                RUNTIME, f"The path {path} was not found in the state's input."
            ) from error
    return data


def _steps(path: str) -> list[str]:
    if not path.startswith("$") or path.startswith("$$"):
        raise FailedError(RUNTIME, f"The simulated account does not understand the path {path}.")
    steps = [next(filter(None, found)) for found in STEP.findall(path)]
    if STEP.sub("", path[1:]):
        raise FailedError(RUNTIME, f"The simulated account does not understand the path {path}.")
    return steps


def _put(path: str | None, data: Any, result: Any) -> Any:
    """The state's input with its result at ResultPath; null throws the result away."""
    if path is None:
        return data
    keys = _steps(path)
    if not keys:
        return result
    whole = copy.deepcopy(data) if isinstance(data, dict) else {}
    inner = whole
    for key in keys[:-1]:
        inner = inner.setdefault(key, {})
    inner[keys[-1]] = result
    return whole


def _fill(template: Any, data: Any) -> Any:
    """Parameters: a key that ends in `.$` takes the value at its path."""
    if isinstance(template, list):
        return [_fill(item, data) for item in template]
    if not isinstance(template, dict):
        return template
    return {
        key.removesuffix(".$"): _select(value, data) if key.endswith(".$") else _fill(value, data)
        for key, value in template.items()
    }
