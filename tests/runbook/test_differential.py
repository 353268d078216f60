"""References, substitution, conversion and selectors against a second, plain implementation."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from executions.runbook.convert import MISSING, OUTPUT_TYPES, CannotConvert, convert
from executions.runbook.jsonpath import is_definite, select
from executions.runbook.template import MissingValue, Scope, find_references, resolve

from . import oracle

KEYS = ["a", "b", "c"]
PIECES = st.sampled_from(
    [
        *("{{ p }}", "{{q}}", "{{ d }}", "{{e }}", "{{ s.O }}", "{{ s.OutputPayload }}"),
        *(
            "{{ t.O }}",
            "{{ variable:v }}",
            "{{variable:w}}",
            "{{ global:REGION }}",
            "{{ global:X }}",
        ),
        *(
            "{{ automation:EXECUTION_ID }}",
            "{{ssm:/a/b}}",
            "{{ resolve:x:y }}",
            "{{ s }}",
            "{{ s.O.x }}",
        ),
        *(
            "{{",
            "}}",
            "{",
            "}",
            " ",
            "\t",
            "\u2028",
            "p",
            ".",
            ":",
            "s.O",
            "x",
            "ü",
            "{{.Names}}",
            '"',
        ),
    ]
)
TEXTS = st.lists(PIECES, max_size=6).map("".join) | st.text("{} .:pqsO\n_", max_size=20)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)
    ),
    max_leaves=6,
)
WORLDS = st.builds(
    oracle.World,
    given=st.fixed_dictionaries({}, optional={"p": PLAIN, "q": PLAIN, "d": PLAIN}),
    defaults=st.fixed_dictionaries({}, optional={"d": PLAIN, "e": PLAIN}),
    variables=st.fixed_dictionaries({}, optional={"v": PLAIN}),
    outputs=st.fixed_dictionaries(
        {}, optional={"s": st.fixed_dictionaries({}, optional={"O": PLAIN, "O.x": PLAIN})}
    ),
    system=st.just({"global:REGION": "eu-west-1", "automation:EXECUTION_ID": "1-2"}),
)


def scope_of(world: oracle.World) -> Scope:
    return Scope(
        parameters=world.given,
        defaults={name: value for name, value in world.defaults.items() if name not in world.given},
        variables=world.variables,
        outputs=world.outputs,
        system=world.system,
    )


@settings(deadline=None, max_examples=400)
@given(PLAIN, WORLDS)
@example("{{ d }}", oracle.World(defaults={"d": "{{ e }}", "e": "{{ global:REGION }}"}))
@example(["{{ p }}", ["{{ p }}"]], oracle.World(given={"p": ["x", ["y"]]}))
def test_substitution(value: Any, world: oracle.World) -> None:
    wanted: Any
    try:
        wanted = oracle.put_in(value, world)
    except oracle.Nothing as missing:
        wanted = f"nothing: {missing}"
    found: Any
    try:
        found = resolve(value, scope_of(world))
    except MissingValue as missing:
        found = f"nothing: {missing.reference}"
    assert repr(found) == repr(wanted)


@settings(deadline=None, max_examples=200)
@given(TEXTS)
def test_references(text: str) -> None:
    found, place = [], 0
    while place < len(text):
        reference = oracle.find(text, place)
        found += [reference[0]] if reference else []
        place = reference[1] if reference else place + 1
    assert find_references(text) == found


ODD = st.sampled_from(["true", "FALSE", "+1", "-0", "007", "1 ", "", "9" * 18, "9" * 19, "١"])
SCALARS = (
    st.none() | st.booleans() | st.integers(-99, 99) | st.floats(-9, 9) | st.text(max_size=3) | ODD
)
MAPS = st.dictionaries(st.sampled_from(KEYS), SCALARS, max_size=2)
ALIKE = st.sampled_from([st.text(max_size=2), st.integers(), st.booleans(), MAPS, st.none()])
ANSWERS = SCALARS | MAPS | ALIKE.flatmap(lambda one: st.lists(one, max_size=3)) | st.lists(SCALARS)


@settings(deadline=None, max_examples=400)
@given(ANSWERS, st.sampled_from(OUTPUT_TYPES))
def test_conversion(value: Any, to: str) -> None:
    how, wanted = oracle.change(value, to)
    try:
        found = convert(value, to)
    except CannotConvert:
        assert how == oracle.FAILS
    else:
        assert how == (oracle.ABSENT if found is MISSING else "ok")
        assert how == oracle.ABSENT or repr(found) == repr(wanted)


LITERALS = st.integers(-2, 2) | st.sampled_from(["x", "y", ""]) | st.booleans()
TESTS = st.tuples(
    st.sampled_from(KEYS), st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), LITERALS
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("child"), st.sampled_from(KEYS)),
        st.tuples(st.just("index"), st.integers(-3, 3)),
        st.tuples(st.just("slice"), st.tuples(st.integers(-3, 3), st.integers(-3, 3))),
        st.tuples(st.just("all"), st.none()),
        st.tuples(st.just("deep"), st.sampled_from(KEYS)),
        st.tuples(st.just("where"), TESTS),
    ),
    max_size=4,
).filter(lambda steps: sum(how == "deep" for how, _ in steps) <= 2)
RESPONSES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["x", "y", ""]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=400)
@given(STEPS, RESPONSES)
@example([("slice", (0, 1))], "x")
@example([("where", ("b", "<", 1))], [{"a": None, "b": False}])
@example([("where", ("b", ">=", True))], [{"b": True}])
@example([("where", ("b", "==", 1))], [{"b": True}, {"b": 1}])
def test_selectors(steps: list[oracle.Step], response: Any) -> None:
    selector = oracle.spell(steps)
    wanted = oracle.walk(steps, response)
    assert is_definite(selector) == oracle.is_one_place(steps)
    found = select(selector, response)
    if oracle.is_one_place(steps):
        assert repr([] if found is MISSING else [found]) == repr(wanted)
    else:
        assert repr(found) == repr(wanted)
