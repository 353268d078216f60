"""The budgets of the house: a module, a function and a list of arguments stay readable."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("console", "approvals", "executions", "scripts", "tests", "bench")
MODULE_LINES, FUNCTION_LINES, ARGUMENTS, PARTIAL_LINES = 300, 50, 5, 60

# Whole files that are exempt.
EXEMPT = {
    "console/settings.py": "one list, read from top to bottom",
    "console/urls.py": "one list, read from top to bottom",
}
# "path" or "path:function" -> the reason why it may be longer than the others.
EXCEPTIONS: dict[str, str] = {}

MODULES = [
    path.relative_to(ROOT).as_posix()
    for folder in FOLDERS
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "migrations" not in path.parts
]
PARTIALS = [
    path.relative_to(ROOT).as_posix()
    for path in sorted((ROOT / "templates").rglob("*.html"))
    if path.name.startswith("_")
]


@pytest.mark.parametrize("path", MODULES)
def test_module_keeps_its_budgets(path: str) -> None:
    if path in EXEMPT:
        return
    text = (ROOT / path).read_text(encoding="utf-8")
    found = [*_long_module(path, text), *_large_functions(path, ast.parse(text))]
    assert [problem for place, problem in found if place not in EXCEPTIONS] == []


@pytest.mark.parametrize("path", PARTIALS)
def test_partial_fits_on_a_screen(path: str) -> None:
    assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) <= PARTIAL_LINES


def test_exceptions_are_needed() -> None:
    needed = {
        place
        for path in MODULES
        for text in [(ROOT / path).read_text(encoding="utf-8")]
        for place, _ in [*_long_module(path, text), *_large_functions(path, ast.parse(text))]
    }
    assert set(EXCEPTIONS) - needed == set()


def test_budgets_are_measured() -> None:
    arguments = ast.parse(
        "class A:\n    def f(self, a, b, c, d, e): ...\n    def g(a, b, c, d, e, *f): ..."
    )
    long = ast.parse("def f():\n" + "    a = 1\n" * FUNCTION_LINES)
    assert [place for place, _ in _large_functions("m", arguments)] == ["m:g"]
    assert [place for place, _ in _large_functions("m", long)] == ["m:f"]
    assert list(_long_module("m", "a = 1\n" * MODULE_LINES)) == []
    assert [place for place, _ in _long_module("m", "a = 1\n" * (MODULE_LINES + 1))] == ["m"]


def _long_module(path: str, text: str) -> Iterator[tuple[str, str]]:
    lines = len(text.splitlines())
    if lines > MODULE_LINES:
        yield path, f"{path} has {lines} lines, more than {MODULE_LINES}"


def _large_functions(path: str, tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            place = f"{path}:{node.name}"
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                yield place, f"{place} has {lines} lines, more than {FUNCTION_LINES}"
            count = _count_arguments(node)
            if count > ARGUMENTS and not node.name.startswith("test_"):  # theirs are fixtures
                yield place, f"{place} takes {count} arguments, more than {ARGUMENTS}"


def _count_arguments(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Arguments of a function, the object it belongs to not counted."""
    names = [each.arg for each in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]]
    names += [each.arg for each in (node.args.vararg, node.args.kwarg) if each]
    return len(names) - (names[:1] in (["self"], ["cls"]))
