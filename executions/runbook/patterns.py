"""Java regular expressions, as documents write them in allowedPattern, for our own library."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import regex

MAX_PATTERN: Final = 4096  # characters
MAX_WEIGHT: Final = 50_000
_COUNT: Final = re.compile(r"\{\s*([0-9]{1,9})")
_GROUP_COUNT: Final = re.compile(r"\)(?:\s|\(\?#[^)]*\)|#[^\n]*\n)*\{\s*([0-9]{1,9})")
# What Java writes otherwise. The last alternative takes every other escape as it stands, so that
# an escaped backslash never begins one of the others.
_JAVA: Final = re.compile(
    r"\\Q(?P<text>.*?)(?:\\E|\Z)"
    r"|\\u(?P<high>[dD][89abAB][0-9a-fA-F]{2})\\u(?P<low>[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|\\x\{(?P<point>[0-9a-fA-F]{1,6})\}"
    r"|\\k<(?P<group>\w+)>"
    r"|\\(?P<property>[pP])\{java(?P<kind>\w+)\}"
    r"|\\e(?P<escape>)"
    r"|\\.",
    re.DOTALL,
)
_KINDS: Final = {
    "LowerCase": "Lowercase",
    "UpperCase": "Uppercase",
    "Alphabetic": "Alphabetic",
    "Letter": "L",
    "Digit": "Nd",
    "LetterOrDigit": "Alnum",
    "Whitespace": "White_Space",
    "SpaceChar": "Z",
}
# Set operators of our library that are mere characters to Java, which has only `&&`.
_DOUBLED: Final = ("--", "||", "~~")
_SIGN: Final = re.compile(r"\\.|\[|\]|--|\|\||~~", re.DOTALL)


@lru_cache(maxsize=1024)
def compile_pattern(pattern: str) -> regex.Pattern[str]:
    """Read a Java pattern (possessive quantifiers, \\p{…} too); ValueError says what is wrong."""
    if len(pattern) > MAX_PATTERN or _weigh(pattern) > MAX_WEIGHT:
        raise ValueError("the pattern is too long or repeats too often")
    try:
        return regex.compile(_translate(pattern), regex.VERSION1)
    except regex.error as error:
        raise ValueError(str(error)) from error
    except RecursionError as error:
        raise ValueError("the pattern nests too deep") from error


def _translate(pattern: str) -> str:
    """The same pattern in our library's words; what both write alike stays."""
    if any(sign in pattern for sign in _DOUBLED):
        pattern = _escape_doubled(pattern)
    return _JAVA.sub(_replace, pattern) if "\\" in pattern else pattern


def _replace(match: re.Match[str]) -> str:
    kind = match.lastgroup
    if kind == "text":
        return regex.escape(match["text"])
    if kind == "low":
        pair = int(match["high"], 16) - 0xD800, int(match["low"], 16) - 0xDC00
        return f"\\U{0x10000 + (pair[0] << 10) + pair[1]:08x}"
    if kind == "point":
        return f"\\U{int(match['point'], 16):08x}"
    if kind == "group":
        return f"(?P={match['group']})"
    if kind == "kind":
        return f"\\{match['property']}{{{_KINDS.get(match['kind'], match['kind'])}}}"
    return "\\x1b" if kind == "escape" else match.group()


def _escape_doubled(pattern: str) -> str:
    """Write `--`, `||` and `~~` inside a set so that they are characters there."""
    parts: list[str] = []
    depth = done = 0
    for found in _SIGN.finditer(pattern):
        sign = found.group()
        depth += {"[": 1, "]": -1 if depth else 0}.get(sign, 0)
        if depth and sign in _DOUBLED:
            parts += [pattern[done : found.start()], f"\\{sign[0]}", sign[1]]
            done = found.end()
    return "".join((*parts, pattern[done:]))


def _weigh(pattern: str) -> int:
    """At most how many characters the pattern has with its counted repeats written out.

    The library does write them out: `((a{1000}){1000}){1000}` alone would take all memory.
    """
    weight = len(pattern) + sum(min(int(n), MAX_WEIGHT) for n in _COUNT.findall(pattern))
    for count in _GROUP_COUNT.findall(pattern):
        weight *= max(1, min(int(count), MAX_WEIGHT))
        if weight > MAX_WEIGHT:
            break
    return weight
