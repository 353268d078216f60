"""Rules that every template keeps: they compile, obey the CSP, and name things that exist."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.template.loader import get_template, render_to_string
from django.urls import get_resolver

from console.templatetags.console import LOOKS, UNHEARD

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "templates"
TEMPLATES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.html"))
PARTIALS = [name for name in TEMPLATES if Path(name).name.startswith("_")]
SPRITE = ROOT / "static" / "vendor" / "icons" / "sprite.svg"
VOID = {"br", "hr", "img", "input", "link", "meta"}
FORBIDDEN = {
    "inline script": r"<script(?![^>]*\bsrc=)",
    "inline style": r"<style|\sstyle\s*=",
    "event handler": r"\son[a-z]+\s*=|\shx-on",
    "script address": r"javascript:",
    "evaluated by htmx": r"hx-vals\s*=\s*[\"']js:|hx-trigger\s*=\s*\"[^\"]*\[",
    "unescaped text": r"\|\s*safe\b|autoescape off",
    "other host": r"(?:src|href)\s*=\s*[\"'](?:https?:)?//",
}


def source(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", TEMPLATES)
def test_template_compiles(name: str) -> None:
    origin = get_template(name).template.origin  # type: ignore[attr-defined]  # not in the stubs
    assert Path(origin.name) == FOLDER / name


@pytest.mark.parametrize("name", TEMPLATES)
def test_template_obeys_the_policy(name: str) -> None:
    found = [rule for rule, pattern in FORBIDDEN.items() if re.search(pattern, source(name))]
    assert found == []


@pytest.mark.parametrize(
    ("markup", "rule"),
    [
        ("<script>a()</script>", "inline script"),
        ('<p style="color: red">', "inline style"),
        ('<a onclick="a()">', "event handler"),
        ('<a hx-on:click="a()">', "event handler"),
        ("{{ name|safe }}", "unescaped text"),
        ('<a href="//cdn.example">', "other host"),
        ('<p hx-trigger="click[a()]">', "evaluated by htmx"),
    ],
)
def test_rules_see_what_they_forbid(markup: str, rule: str) -> None:
    assert re.search(FORBIDDEN[rule], markup)


@pytest.mark.parametrize("name", PARTIALS)
def test_partial_has_one_root_with_an_id(name: str) -> None:
    roots = find_roots(source(name))
    assert [bool(dict(attributes).get("id")) for _, attributes in roots] == [True]


def test_roots_are_found() -> None:
    roots = find_roots('{% if a %}<p id="a{{ b }}">x<br></p>{% endif %}<hr>')
    assert [(tag, dict(attributes).get("id")) for tag, attributes in roots] == [
        ("p", "ax"),
        ("hr", None),
    ]


@pytest.mark.parametrize("name", TEMPLATES)
def test_forms_that_post_carry_the_token(name: str) -> None:
    forms = re.findall(r"<form[^>]*method=\"post\".*?</form>", source(name), re.DOTALL)
    assert [form for form in forms if "{% csrf_token %}" not in form] == []


def test_addresses_exist() -> None:
    known = {str(name) for name in get_resolver().reverse_dict if isinstance(name, str)}
    used = {
        (name, address)
        for name in TEMPLATES
        for address in re.findall(r"{% url '(\w+)'", source(name))
    }
    assert {(name, address) for name, address in used if address not in known} == set()


def test_static_files_exist() -> None:
    used = {file for name in TEMPLATES for file in re.findall(r"{% static '(.*?)'", source(name))}
    used |= {file for name in TEMPLATES for file in re.findall(r'"/static/(.*?)"', source(name))}
    assert [file for file in sorted(used) if finders.find(file) is None] == []


def test_sprite_has_the_icons_that_are_used() -> None:
    texts = [source(name) for name in TEMPLATES]
    used = {icon for text in texts for icon in re.findall(r'{% icon "([\w-]+)"', text)}
    used |= looks_icons()
    assert set(re.findall(r'<symbol id="([\w-]+)"', SPRITE.read_text())) == used


@pytest.mark.parametrize("name", ["400.html", "403.html", "404.html", "429.html", "500.html"])
def test_error_page_needs_no_context(name: str) -> None:
    page = render_to_string(name)
    assert f'<p class="code-number">{name[:3]}</p>' in page
    assert '<main id="main"' in page or name == "500.html"


def test_the_last_error_page_depends_on_nothing() -> None:
    assert "{%" not in source("500.html")
    assert "{{" not in source("500.html")


def looks_icons() -> set[str]:
    return {UNHEARD, *(look.icon for look in LOOKS.values())}


def find_roots(markup: str) -> list[tuple[str, list[tuple[str, str | None]]]]:
    """The outermost elements of a template, whichever branch they are in."""
    parser = Roots()
    parser.feed(re.sub(r"{{.*?}}", "x", re.sub(r"{%.*?%}", "", markup)))
    return parser.roots


class Roots(HTMLParser):
    """Collects the elements at depth zero."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = 0
        self.roots: list[tuple[str, list[tuple[str, str | None]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.depth == 0:
            self.roots.append((tag, attrs))
        self.depth += tag not in VOID

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag not in VOID
