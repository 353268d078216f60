"""What holds for every document, value and path, not only for examples."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from executions.runbook.flow import final_status, next_step, valid_next_steps
from executions.runbook.json_text import read_json
from executions.runbook.parse import dump, parse
from executions.runbook.template import Scope, find_references, resolve
from executions.runbook.types import Format
from executions.runbook.validate import check
from executions.runbook.values import from_wire, to_wire
from executions.runbook.yaml_text import read_yaml, type_plain

from .builders import ACTIONS, branch, choice, document, runbook, step

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
TRICKY = st.sampled_from(
    [
        *("NO", "0123", "1e3", ".nan", "<<", "~", "null", "true", "1.10", "12:30", "- a", "#x"),
        *("a: b", "a\nb", " \n x", "x\n\n", "a\r\nb", "\t", "\u2028", "\x85", "\ufeff", ""),
        *("'", '"', "{{ p }}", "@", "%", "---", "a\n---\nb", "a\n #b", "#a\nb", "a \nb"),
    ]
)
SCALARS = st.one_of(
    TEXT,
    TRICKY,
    st.none(),
    st.booleans(),
    st.integers(-(10**17), 10**17),
    st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: repr(number) != "-0.0"),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT | TRICKY, inner, max_size=4),
    max_leaves=15,
)
FORMATS: st.SearchStrategy[Format] = st.sampled_from(["YAML", "JSON"])
NAMES = ["s0", "s1", "s2", "s3", "s4"]


@settings(deadline=None)
@given(st.dictionaries(TEXT | TRICKY, VALUES, max_size=5))
def test_both_formats_read_back_what_they_write(data: dict[str, Any]) -> None:
    assert read_yaml(dump(data, "YAML")).data == data
    assert read_json(dump(data, "JSON")).data == data


@settings(deadline=None)
@given(VALUES, FORMATS)
def test_parse_reads_back_what_dump_writes(value: Any, fmt: Format) -> None:
    data = document(step("a", inputs={"x": value}))
    parsed = parse(dump(data, fmt), fmt)
    assert parsed.data == data
    assert parse(dump(parsed.data, fmt), fmt) == parsed


@settings(deadline=None)
@given(st.text(max_size=40))
def test_plain_scalars_lose_nothing(text: str) -> None:
    typed = type_plain(text)
    kept = isinstance(typed, str | bool) or typed is None
    assert str(typed) == text or (kept and text.lower() in {"true", "false", "null", "~", ""})


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    runbook, problems = check(text, ACTIONS)
    assert runbook is not None or problems


@settings(deadline=None)
@given(st.text("[]{}:,-?*&!|>'\"%@`# \n\tab<1", max_size=300), FORMATS)
def test_any_punctuation_is_read_or_refused(text: str, fmt: Format) -> None:
    book, problems = check(text, ACTIONS, fmt)
    assert book is not None or problems
    assert all(problem.line >= 1 and problem.column >= 1 for problem in problems)


@settings(deadline=None)
@given(st.text("{} .:ab", max_size=40), st.text("{} .:ab", max_size=20))
def test_values_are_never_looked_at_again(template: str, value: str) -> None:
    """Substituting once gives what replacing each found reference by hand gives."""
    marked = (
        resolve(template, Scope(parameters={"a": "\0", "b": "\0", "ab": "\0", "ba": "\0"}))
        if (set(find_references(template)) <= {"a", "b", "ab", "ba"})
        else template
    )
    if marked == template:
        return
    parameters = {"a": value, "b": value, "ab": value, "ba": value}
    assert resolve(template, Scope(parameters=parameters)) == marked.replace("\0", value)


@settings(deadline=None)
@given(VALUES)
def test_a_whole_reference_gives_the_value_itself(value: Any) -> None:
    assert resolve("{{ p }}", Scope(parameters={"p": value})) == value
    assert resolve({"k": "{{ s.O }}"}, Scope(outputs={"s": {"O": value}})) == {"k": value}


@settings(deadline=None)
@given(st.lists(TEXT, max_size=5))
def test_string_lists_survive_the_wire(items: list[str]) -> None:
    declared = runbook(step("a"), parameters={"P": {"type": "StringList"}}).parameters["P"]
    assert to_wire(from_wire(declared, items)) == items


TARGETS = st.sampled_from(NAMES)
KEYS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "isEnd": st.booleans(),
        "isCritical": st.booleans(),
        "nextStep": TARGETS,
        "onFailure": st.one_of(
            st.sampled_from(["Abort", "Continue"]), TARGETS.map("step:{}".format)
        ),
    },
)


@st.composite
def graphs(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Five steps that jump anywhere, some of them branches."""
    steps = []
    for name in NAMES:
        keys = draw(KEYS)
        targets = draw(st.lists(TARGETS, max_size=3))
        choices = [choice(target) for target in targets]
        steps.append(branch(name, *choices, **keys) if choices else step(name, **keys))
    return steps


@settings(deadline=None)
@given(graphs(), st.sampled_from(["Success", "Failed", "TimedOut", "Cancelled"]))
def test_flow_names_only_steps_there_are(steps: list[dict[str, Any]], status: Any) -> None:
    book = runbook(*steps, parameters={"P": {"type": "String"}})
    for each in book.steps:
        move = next_step(book, each, status)
        assert (move.step in NAMES) == (move.kind == "step")
        assert set(valid_next_steps(book, each)) <= set(NAMES)


@settings(deadline=None)
@given(graphs())
def test_what_validates_comes_to_an_end(steps: list[dict[str, Any]]) -> None:
    """Without failures a valid document ends within as many steps as it has, whatever is chosen."""
    text = dump(document(*steps, parameters={"P": {"type": "String"}}), "JSON")
    book, problems = check(text, ACTIONS)
    if book is None:
        assert any("repeat without end" in problem.message for problem in problems)
        return
    paths = [[book.steps[0].name]]
    for path in paths:
        current = book.find_step(path[-1])
        assert current is not None
        assert len(path) == len(set(path))
        move = next_step(book, current, "Success")
        nexts = [jump for jump in valid_next_steps(book, current) if jump in NAMES]
        assert move.step is None or move.step in nexts or current.action == "aws:branch"
        paths += [[*path, name] for name in nexts]


@settings(deadline=None)
@given(st.lists(st.tuples(TARGETS, st.sampled_from(["Success", "Failed", "TimedOut"]))), graphs())
def test_a_failure_never_makes_a_run_better(
    ended: list[tuple[str, str]], steps: list[dict[str, Any]]
) -> None:
    book = runbook(*steps, parameters={"P": {"type": "String"}})
    rank = ["Success", "TimedOut", "Failed"]
    before = final_status(book, ended)
    for name in NAMES:
        assert rank.index(final_status(book, [*ended, (name, "Failed")])) >= rank.index(before)


@settings(deadline=None)
@given(
    st.sampled_from([*ACTIONS, "aws:other"]),
    st.dictionaries(
        st.sampled_from(
            [
                *("Choices", "Default", "Iterators", "LoopCondition", "MaxIterations", "Steps"),
                *("Name", "Value", "Runtime", "Attachment", "PropertySelector", "InstanceIds"),
            ]
        ),
        VALUES | st.lists(st.dictionaries(st.sampled_from(["And", "Not", "Variable"]), VALUES)),
    ),
    st.dictionaries(st.sampled_from(["P", "Q"]), VALUES | st.fixed_dictionaries({"type": VALUES})),
)
def test_whatever_stands_in_a_document_is_judged(
    action: str, inputs: dict[str, Any], parameters: dict[str, Any]
) -> None:
    """No shape of input makes the validator fail; what it finds has a place."""
    data = document(step("a", action, inputs=inputs), parameters=parameters)
    book, problems = check(dump(data, "JSON"), ACTIONS)
    assert book is not None or problems
    assert all(problem.message and problem.line > 0 for problem in problems)
