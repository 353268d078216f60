"""The language's expressions once more: plain, slow, and written from the manual's rules alone.

No regular expression, no library and no code of executions.runbook: what both implementations
make of the same text is compared in test_differential.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

NAME: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
KINDS: Final = ("global", "automation", "variable", "ssm", "resolve", "secretsmanager")


class Nothing(Exception):
    """What is named is not there; the text is its name."""


@dataclass
class World:
    """What can be named."""

    given: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    system: Mapping[str, str] = field(default_factory=dict)


def find(text: str, at: int) -> tuple[str, int] | None:
    """The reference that begins at a place, and where it ends."""
    if text[at : at + 2] != "{{":
        return None
    place = skip_space(text, at + 2)
    start = place
    while place < len(text) and text[place] not in "{}" and not text[place].isspace():
        place += 1
    reference = text[start:place]
    place = skip_space(text, place)
    if text[place : place + 2] != "}}" or not is_reference(reference):
        return None
    return reference, place + 2


def skip_space(text: str, place: int) -> int:
    """The next place that is no space."""
    while place < len(text) and text[place].isspace():
        place += 1
    return place


def is_reference(reference: str) -> bool:
    """A name, names with dots between, or one of the prefixes and anything."""
    prefix, colon, rest = reference.partition(":")
    if colon:
        return prefix in KINDS and rest != ""
    return all(part and set(part) <= NAME for part in reference.split("."))


def look_up(reference: str, world: World) -> Any:
    """What a reference names."""
    if reference in world.given:
        return world.given[reference]
    if reference in world.defaults:
        # Once more, but what a default names is not read again.
        flat = World({**world.defaults, **world.given}, {}, world.variables, {}, world.system)
        return put_in(world.defaults[reference], flat)
    if reference in world.system:
        return world.system[reference]
    if reference.startswith("variable:") and reference[9:] in world.variables:
        return world.variables[reference[9:]]
    if ":" not in reference and "." in reference:
        step, name = reference.split(".", 1)
        outputs = world.outputs.get(step)
        if outputs is not None and name in outputs:
            return outputs[name]
        if outputs is not None and name == "OutputPayload":
            return json.dumps(outputs, sort_keys=True, ensure_ascii=False)
    raise Nothing(reference)


def put_in(value: Any, world: World) -> Any:
    """A value with every reference replaced."""
    if isinstance(value, str):
        return put_in_text(value, world)
    if isinstance(value, dict):
        return {key: put_in(item, world) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    items: list[Any] = []
    for item in value:
        result = put_in(item, world)
        if isinstance(item, str) and isinstance(result, list):
            items += result
        else:
            items += [result]
    return items


def put_in_text(text: str, world: World) -> Any:
    """The value itself if there is nothing but a reference, else text."""
    bare = text.strip()
    whole = find(bare, 0)
    if whole is not None and whole[1] == len(bare):
        return look_up(whole[0], world)
    result, place = "", 0
    while place < len(text):
        found = find(text, place)
        if found is None:
            result, place = result + text[place], place + 1
        else:
            result, place = result + as_text(look_up(found[0], world)), found[1]
    return result


def as_text(value: Any) -> str:
    """A value inside other text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


# --- conversion ---------------------------------------------------------------------------------

FAILS: Final = "fails"
ABSENT: Final = "absent"


def kind_of(value: Any) -> str:
    """One of a few words; a list's word has what its items are."""
    if isinstance(value, list):
        inside = sorted({kind_of(item) for item in value})
        return f"[{inside[0]}]" if len(inside) == 1 else "[]" if not inside else "[mixed]"
    for kind, word in ((bool, "b"), (int, "i"), (float, "f"), (str, "s"), (dict, "m")):
        if isinstance(value, kind):
            return word
    return "null"


def change(value: Any, to: str) -> tuple[str, Any]:
    """(how it went, the value as that type), by the manual's table."""
    kind = kind_of(value)
    if kind == "null" or (kind == "[]" and not to.endswith("List")):
        return ABSENT, None
    if kind == "[]":
        return "ok", []
    row = cells(value, kind)
    return ("ok", row[to]) if to in row else (FAILS, None)


def cells(value: Any, kind: str) -> dict[str, Any]:
    """One row of the table: what a value can become."""
    text = json.dumps(value, ensure_ascii=False)
    one = value[0] if isinstance(value, list) and len(value) == 1 else None
    rows: dict[str, dict[str, Any]] = {
        "s": {"String": value, "StringList": [value]},
        "i": {"String": text, "StringList": [text], "Integer": value},
        "b": {"String": text, "StringList": [text], "Boolean": value},
        "f": {"String": text, "StringList": [text]},
        "m": {"String": text, "StringMap": value, "MapList": [value]},
        "[s]": {"StringList": value} | ({} if one is None else {"String": one}),
        "[i]": {"IntegerList": value} | ({} if one is None else {"Integer": one}),
        "[b]": {"BooleanList": value} | ({} if one is None else {"Boolean": one}),
        "[m]": {"String": text, "MapList": value},
    }
    row = rows.get(kind, {})
    if kind == "[m]":
        row["StringList"] = [json.dumps(item, ensure_ascii=False) for item in value]
    if kind == "s" and value.lower() in ("true", "false"):
        row["Boolean"] = value.lower() == "true"
    if kind == "s" and is_number(value):
        row["Integer"] = int(value)
    return row


def is_number(text: str) -> bool:
    """Digits, maybe with a sign."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    return 1 <= len(digits) <= 18 and all(character in "0123456789" for character in digits)


# --- selectors ----------------------------------------------------------------------------------

Step = tuple[str, Any]


def walk(steps: list[Step], response: Any) -> list[Any]:
    """Every value that the steps lead to, in the order of the response."""
    found = [response]
    for step in steps:
        found = [value for node in found for value in go(step, node)]
    return found


def go(step: Step, node: Any) -> Iterator[Any]:
    """Where one step leads from one node."""
    how, what = step
    if how == "deep":
        for inner in below(node):
            yield from go(("child", what), inner)
    elif how == "child" and isinstance(node, dict):
        yield from [node[what]] if what in node else []
    elif how == "index" and isinstance(node, list):
        yield from [node[what]] if -len(node) <= what < len(node) else []
    elif how == "slice" and isinstance(node, list):
        yield from node[what[0] : what[1]]
    elif how == "all":
        yield from children(node)
    elif how == "where":
        yield from (item for item in children(node) if holds(what, item))


def children(node: Any) -> list[Any]:
    """The values that a node holds."""
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []


def below(node: Any) -> Iterator[Any]:
    """The node and everything in it."""
    yield node
    for child in children(node):
        yield from below(child)


def holds(test: tuple[str, str, Any], item: Any) -> bool:
    """Whether `@.key operator literal` is true of an item."""
    key, operator, literal = test
    there = isinstance(item, dict) and key in item
    value = item[key] if there else None
    same = there and kind_of(value) == kind_of(literal) and value == literal
    if operator in ("==", "!="):
        return same == (operator == "==")
    comparable = there and kind_of(value) == kind_of(literal) and kind_of(value) in ("i", "s")
    if not comparable:
        return False
    less, equal = value < literal, value == literal
    truths = {"<": less, "<=": less or equal, ">": not (less or equal), ">=": not less}
    return bool(truths[operator])


def spell(steps: list[Step]) -> str:
    """The steps as a selector."""
    return "$" + "".join(spell_step(how, what) for how, what in steps)


def spell_step(how: str, what: Any) -> str:
    """One step of a selector."""
    if how == "where":
        key, operator, literal = what
        shown = f"'{literal}'" if isinstance(literal, str) else json.dumps(literal)
        return f"[?(@.{key} {operator} {shown})]"
    if how == "slice":
        return f"[{what[0]}:{what[1]}]"
    return {"deep": f"..{what}", "child": f".{what}", "index": f"[{what}]", "all": "[*]"}[how]


def is_one_place(steps: list[Step]) -> bool:
    """Whether the steps can lead to one place only, so that its value is the answer."""
    return all(how in ("child", "index") for how, _ in steps)
