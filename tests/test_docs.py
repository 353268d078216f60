"""The documentation names what there is: settings, files, decisions, commands and options."""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import get_commands

from console.demo import options

ROOT = Path(__file__).resolve().parent.parent
DECISIONS = ROOT / "docs" / "decisions"
PAGES = [path.relative_to(ROOT) for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))]
READERS = {"text", "flag", "seconds", "count", "names"}
SETTING = re.compile(r"^\| `([A-Z_]+)` \|", re.MULTILINE)
OPTION = re.compile(r"^\| `(--[a-z-]+)[ `]", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
COMMAND = re.compile(r"manage\.py\s+([a-z_]+)")


def read(page: Path) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def settings_read(source: str) -> list[str]:
    """The variables that the source reads through console/env.py."""
    return [
        str(node.args[0].value)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "env"
        and node.func.attr in READERS
        and isinstance(node.args[0], ast.Constant)
    ]


def broken_links(page: Path, text: str) -> Iterator[str]:
    """Relative links of a page to a file or a heading that is not there."""
    for link in LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = ROOT / page.parent / name if name else ROOT / page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            yield link


def anchors(page: Path) -> set[str]:
    """The headings of a page as addresses, the way GitHub makes them."""
    headings = HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_each_setting_has_one_line_and_each_line_a_setting() -> None:
    read_there = settings_read(read(Path("console/settings.py")))
    assert len(read_there) > 10
    assert sorted(SETTING.findall(read(Path("docs/settings.md")))) == sorted(set(read_there))


def test_each_option_of_run_has_a_line() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    options.add_arguments(parser)
    known = re.findall(r"--[a-z-]+", parser.format_usage())
    assert sorted(OPTION.findall(read(Path("README.md")))) == sorted(known)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    assert list(broken_links(page, read(page))) == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_commands_exist(page: Path) -> None:
    assert set(COMMAND.findall(read(page))) - get_commands().keys() == set()


def test_decisions_are_numbered_without_gap_and_listed() -> None:
    names = sorted(path.name for path in DECISIONS.glob("[0-9]*.md"))
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
    listed = re.findall(r"^- \[(\d{4})\]\((\1-[a-z-]+\.md)\) (.+)$", index(), re.MULTILINE)
    assert [name for _, name, _ in listed] == names
    titles = [f"# {number}. {title}" for number, _, title in listed]
    assert [
        (DECISIONS / name).read_text(encoding="utf-8").split("\n")[0] for name in names
    ] == titles


def index() -> str:
    return (DECISIONS / "README.md").read_text(encoding="utf-8")


def test_faults_are_found() -> None:
    page = Path("docs/settings.md")
    assert list(broken_links(page, "[a](nowhere.md) [b](#nowhere) [c](https://example.com)")) == [
        "nowhere.md",
        "#nowhere",
    ]
    assert list(broken_links(page, "[a](actions.md#awsapprove) [b](#settings)")) == []
    assert settings_read("A = env.text('A')\nB = env.seconds('B', 1)\nC = other.text('C')") == [
        "A",
        "B",
    ]
    assert COMMAND.findall("`manage.py nothing` and manage.py\nperson") == ["nothing", "person"]
