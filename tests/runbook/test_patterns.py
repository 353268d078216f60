"""allowedPattern is written for Java: what it means there, it means here."""

from __future__ import annotations

import pytest

from executions.runbook.patterns import compile_pattern


@pytest.mark.parametrize(
    ("pattern", "fits", "fails"),
    [
        (r"^$|^[a-zA-Z0-9\-_]{1,256}$", "a_b", "a b"),
        (r"^(?!\s*$).+", "x", " "),
        (r"\A[a-z]+\z", "ab", "AB"),
        (r"[a-z&&[^bc]]+", "ad", "b"),
        (r"^[a-z]++$", "a", "A"),
        (r"^(?:key/(?i:[0-9a-f]{8}))$", "key/0123ABCD", "key/0123"),
        (r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$", "aé 1", "<"),
        (r"^\p{javaLowerCase}+$", "a", "A"),
        (r"^\P{javaDigit}+$", "a", "1"),
        (r"(?<name>a+)-\k<name>", "aa-aa", "aa-a"),
        (r"^\Qa.b\E+$", "a.bb", "axb"),
        (r"[\Q-]\E]+", "-]", "a"),
        (r"\Qa.", "a.", "ab"),
        (r"[ -\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*", "a\U0001f600\n", "\x01"),
        (r"[\x{1F600}-\x{1F64F}]", "\U0001f600", "a"),
        (r"[!@~~#||]+", "~|#", "a"),
        (r"[\w--]+", "a-", "+"),
        (r"a||b", "b", "|"),
        (r"\\e|\e", "\x1b", "e"),
        (r"\\\Q.\E", "\\.", "."),
    ],
)
def test_java_and_this_agree(pattern: str, fits: str, fails: str) -> None:
    compiled = compile_pattern(pattern)
    assert compiled.fullmatch(fits)
    assert not compiled.fullmatch(fails)


@pytest.mark.parametrize(
    "pattern", ["[", "(a", "*", r"\k<nobody>", r"\x{FFFFFF}", r"\p{javaNonsense}", "a" * 5000]
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        compile_pattern(pattern)
