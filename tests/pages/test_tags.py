"""The template tags, and the colours that statuses are shown in."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.template import Context, Template
from django.test import RequestFactory

from approvals.models import ApprovalRequest
from console.templatetags import console
from executions.models import Event
from executions.states import Status
from tests.conftest import HandClock

CSS = (Path(__file__).resolve().parents[2] / "static" / "console.css").read_text(encoding="utf-8")
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def show(tags: str, **context: Any) -> str:
    return Template("{% load console %}" + tags).render(Context(context))


@pytest.mark.parametrize(
    "status", sorted({*Status.values, *ApprovalRequest.Status.values, "Unknown"})
)
def test_every_status_has_a_look(status: str) -> None:
    assert status in console.LOOKS


def test_looks_differ_in_word_and_in_shape_within_a_tone() -> None:
    looks = {(look.tone, look.icon): look.word for look in console.LOOKS.values()}
    # Success and Approved share the tick: they are never in one list.
    assert len(looks) == len(console.LOOKS) - 1
    assert len({look.word for look in console.LOOKS.values()}) == len(console.LOOKS)


def test_badge_is_word_shape_and_tone() -> None:
    badge = show("{% status_badge 'TimedOut' %}")
    assert "<span>Timed out</span>" in badge
    assert "#clock-x" in badge
    assert "state-bad" in badge


def test_status_that_nobody_knows_is_shown_and_escaped() -> None:
    assert "<span>&lt;b&gt;</span>" in show("{% status_badge status %}", status="<b>")


@pytest.mark.parametrize("tone", ["good", "bad", "busy", "wait", "idle"])
@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_tone_has_the_contrast_of_wcag_aa(tone: str, theme: int) -> None:
    assert contrast(colour(f"--{tone}", theme), colour(f"--{tone}-bg", theme)) >= 4.5


def test_when_is_in_utc_for_machines_and_people() -> None:
    berlin = NOON.astimezone(tz=None)
    tag = show("{% when moment 'clock' %}", moment=berlin)
    assert 'datetime="2026-03-02T12:00:00.000+00:00"' in tag
    assert 'data-style="clock"' in tag
    assert ">02 Mar 2026, 12:00 UTC<" in tag


def test_when_and_duration_without_a_moment_are_a_dash() -> None:
    assert show("{% when none %}{% duration none %}", none=None) == "––"


def test_duration_that_has_not_ended_ticks(hand_clock: HandClock) -> None:
    hand_clock.move(seconds=65)
    tag = show("{% duration start %}", start=NOON)
    assert console.format_duration(4) == "4 s"
    assert tag == '<span data-since="2026-03-02T12:00:00+00:00">1 min 05 s</span>'


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0.0 s"),
        (0.42, "0.4 s"),
        (42, "42 s"),
        (60, "1 min 00 s"),
        (3599, "59 min 59 s"),
        (3600, "1 h 00 min"),
        (7850, "2 h 10 min"),
        (90000, "1 d 1 h"),
    ],
)
def test_duration_has_two_units_at_most(seconds: float, words: str) -> None:
    assert console.duration(NOON, NOON + timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("arn", "short"),
    [
        ("arn:aws:iam::111122223333:user/olivia", "user/olivia"),
        ("arn:aws:sts::111122223333:assumed-role/Operators/olivia", "Operators/olivia"),
        ("arn:aws:iam::111122223333:role/CountersignExecution", "role/CountersignExecution"),
        ("arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc", "i-0abc"),
        ("not an ARN", "not an ARN"),
        ("", ""),
    ],
)
def test_short_arn(arn: str, short: str) -> None:
    assert console.short_arn(arn) == short


def test_json_is_indented_and_text_is_left_alone() -> None:
    assert console.pretty_json({"a": [1], "ü": NOON}).splitlines()[1] == '  "a": ['
    assert '"ü": "2026-03-02' in console.pretty_json({"ü": NOON})
    assert console.pretty_json("a: b") == "a: b"


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        (["i-1", "i-2"], ["i-1", "i-2"]),
        ("two words, one line", ["two words, one line"]),
        ([], []),
        ("", []),
        (None, []),
        (False, ["false"]),
        (0, ["0"]),
        ({"a": 1}, ['{\n  "a": 1\n}']),
    ],
)
def test_value_as_lines(value: object, lines: list[str]) -> None:
    assert console.as_list(value) == lines


def test_selected_that_are_not_shown_are_kept_once() -> None:
    assert console.unlisted(["i-1", "i-2", "i-2", ""], [{"id": "i-1"}]) == ["i-2"]


@pytest.mark.parametrize(("count", "words"), [(0, "0 steps"), (1, "1 step"), ([1, 2], "2 steps")])
def test_counted(count: Any, words: str) -> None:
    assert console.counted(count, "step") == words


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("step:timed_out", {}, "timed out"),
        ("step:call", {"call": "ec2:StopInstances"}, "called ec2:StopInstances"),
        ("step:retrying", {}, "failed attempt  and is tried again"),
        ("approval:vote", {"verdict": "Reject"}, "got the decision Reject"),
    ],
)
def test_events_are_told_in_words(kind: str, data: dict[str, str], words: str) -> None:
    assert console.told(Event(kind=kind, data=data)) == words


@pytest.mark.parametrize(
    ("path", "url", "marked"),
    [
        ("/", "/", True),
        ("/documents/", "/", False),
        ("/documents/Amazon/a/", "/documents/", True),
        ("/approvals/", "/documents/", False),
    ],
)
def test_navigation_marks_where_one_is(path: str, url: str, *, marked: bool) -> None:
    tag = show("{% here url %}", request=RequestFactory().get(path), url=url)
    assert tag == (' aria-current="page"' if marked else "")


def test_navigation_without_a_request_marks_nothing() -> None:
    assert show("{% here '/' %}") == ""


class Sample(forms.Form):
    """A field of each kind."""

    text = forms.CharField()
    flag = forms.BooleanField()
    choice = forms.ChoiceField(choices=[("a", "A")])


@pytest.mark.parametrize(
    ("name", "css"),
    [("text", "form-control"), ("flag", "form-check-input"), ("choice", "form-select")],
)
def test_widget_has_the_class_of_its_kind(name: str, css: str) -> None:
    assert f'class="{css}"' in console.styled(Sample()[name])


def colour(name: str, theme: int) -> str:
    """A token's colour in the light (0) or the dark (1) theme."""
    pair = re.search(rf"{name}: light-dark\((#\w+), (#\w+)\)", CSS)
    assert pair
    return pair.group(theme + 1)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours (WCAG 2.2, "contrast ratio")."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """The relative luminance of #rgb or #rrggbb (WCAG 2.2, "relative luminance")."""
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
