"""YAML as runbooks use it: nothing is guessed from a scalar that would change what was written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import yaml

from .tree import Builder, Position, Tree, refuse
from .types import Value, clip

_TAG: Final = "tag:yaml.org,2002:"
_CORE: Final = {"str": str, "int": int, "float": float, "bool": bool, "null": type(None)}
_NAMES: Final = {kind: name for name, kind in _CORE.items()}
_KEYWORDS: Final[dict[str, Value]] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
}
_NUMERALS: Final = frozenset("-0123456789")
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,25})?(?:e[-+][0-9]{2,3})?")
# Several lines, the first not starting with a blank: what `|` shows best and keeps exactly.
_BLOCK: Final = re.compile(r"(?=[^\s#])[^\x00-\x09\x0b-\x1f\x7f-\xa0\u2028\u2029\ufeff]*\n(?s:.)*")
# Line breaks to YAML but not to people; only escapes keep them.
_ODD_BREAK: Final = re.compile("[\r\x85\u2028\u2029\ufeff]")
_NUMBERLESS: Final = ("inf", "Inf", "INF", "nan", "NaN", "NAN")
_NOT_A_NUMBER: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


def type_plain(text: str) -> Value:
    """The value of an unquoted scalar: true/false, null, plain numbers; all else is text.

    Of YAML's guesses only those are kept that give back what was written: `no`, `0123`,
    `12:30:00`, `1.10` and dates stay text.
    """
    if text in _KEYWORDS:
        return _KEYWORDS[text]
    if text[0] not in _NUMERALS:
        return text
    if _INTEGER.fullmatch(text) and text != "-0":
        return int(text)
    if _DECIMAL.fullmatch(text) and repr(float(text)) == text:
        return float(text)
    return text


def read_yaml(text: str) -> Tree:
    """Parse one YAML document; DocumentRefused on syntax, limits, tags and duplicate keys."""
    builder = Builder()
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):  # events only; composing recurses
            _take(event, builder)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        reason = getattr(error, "problem", None) or str(error)
        refuse(f"This is not YAML: {clip(reason, 200)}.", at)
    return builder.finish()


def _take(event: yaml.Event, builder: Builder) -> None:
    mark = event.start_mark
    at = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    match event:
        case yaml.ScalarEvent():
            _take_scalar(event, at, builder)
        case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
            _open_collection(event, at, builder)
        case yaml.CollectionEndEvent():
            builder.close()
        case yaml.AliasEvent():
            _refuse_key(builder, at)
            builder.alias(event.anchor or "", at)
        case yaml.DocumentStartEvent():
            builder.start_document(at)


def _open_collection(
    event: yaml.MappingStartEvent | yaml.SequenceStartEvent, at: Position, builder: Builder
) -> None:
    _refuse_key(builder, at)
    is_map = isinstance(event, yaml.MappingStartEvent)
    if event.tag not in (None, "!", f"{_TAG}{'map' if is_map else 'seq'}"):
        tag = clip(str(event.tag))
        builder.complain(f"The tag {tag} has no meaning in a runbook; drop it.", at)
    builder.open({} if is_map else [], at, event.anchor)


def _refuse_key(builder: Builder, at: Position) -> None:
    if builder.awaits_key:
        refuse("A key must be text, not a list, a map or an alias.", at)


def _take_scalar(event: yaml.ScalarEvent, at: Position, builder: Builder) -> None:
    plain = not event.style
    if not builder.awaits_key:
        builder.scalar(_type_scalar(event, at, builder), at, event.anchor)
    elif plain and event.value == "<<":
        refuse("Merge keys (<<) are not part of a runbook; write the keys out.", at)
    else:
        builder.key(event.value, at)


def _type_scalar(event: yaml.ScalarEvent, at: Position, builder: Builder) -> Value:
    text: str = event.value
    if event.tag is not None and event.tag != "!":
        return _type_tagged(text, event.tag, at, builder)
    if event.style or event.tag:
        return text
    if text.endswith(_NUMBERLESS) and _NOT_A_NUMBER.fullmatch(text):
        builder.complain(f"{text} is not a number; quote it if you mean the text.", at)
    return type_plain(text)


def _type_tagged(text: str, tag: str, at: Position, builder: Builder) -> Value:
    name = tag.removeprefix(_TAG)
    if name not in _CORE:
        builder.complain(f"The tag {clip(tag)} has no meaning in a runbook; drop it.", at)
        return text
    value = text if name == "str" else type_plain(text)
    if type(value) is not _CORE[name]:
        builder.complain(f"{clip(text)!r} is no {name}, as its tag says; drop the tag.", at)
    return value


class _Dumper(yaml.SafeDumper):
    """Writes what read_yaml() reads back: quotes all text it would take for something else."""

    def ignore_aliases(self, data: object) -> bool:
        return True

    def resolve(
        self, kind: type[yaml.Node], value: object, implicit: bool | tuple[bool, bool]
    ) -> str:
        """The tag that plain `value` would read as: another than text's makes it quoted."""
        if kind is yaml.MappingNode or kind is yaml.SequenceNode:
            return f"{_TAG}{'map' if kind is yaml.MappingNode else 'seq'}"
        text = str(value)
        if implicit == (False, True):
            return f"{_TAG}str"
        if _NOT_A_NUMBER.fullmatch(text) or text == "<<":
            return f"{_TAG}float"
        return _TAG + _NAMES[type(type_plain(text))]


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if _ODD_BREAK.search(text) else "|" if _BLOCK.fullmatch(text) else None
    return dumper.represent_scalar(f"{_TAG}str", text, style=style)


def _represent_decimal(dumper: yaml.SafeDumper, number: float) -> yaml.ScalarNode:
    return dumper.represent_scalar(f"{_TAG}float", repr(number))


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(float, _represent_decimal)


def write_yaml(data: Mapping[str, Value]) -> str:
    """YAML text in block style with the order of the data."""
    text: str = yaml.dump(
        dict(data), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100
    )
    return text
