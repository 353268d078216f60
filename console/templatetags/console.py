"""Template tags of every page: icons, statuses, times, ARNs and form widgets."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sized
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django import forms, template
from django.forms import BoundField
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from executions import clock
from executions.models import Event
from executions.models.ids import shorten

register = template.Library()


class Look(NamedTuple):
    """How a status is shown: word, shape and tone, so that colour is never alone."""

    word: str
    icon: str
    tone: str


LOOKS = {
    "Pending": Look("Pending", "circle-dashed", "idle"),
    "InProgress": Look("In progress", "loader-2", "busy"),
    "Waiting": Look("Waiting", "hourglass", "wait"),
    "Success": Look("Success", "circle-check", "good"),
    "Failed": Look("Failed", "alert-octagon", "bad"),
    "TimedOut": Look("Timed out", "clock-x", "bad"),
    "Cancelling": Look("Cancelling", "player-stop", "wait"),
    "Cancelled": Look("Cancelled", "circle-minus", "idle"),
    "Kept": Look("Kept", "history", "good"),
    "Exited": Look("Exited", "door-exit", "idle"),
    "Unknown": Look("Unknown", "help-hexagon", "wait"),
    "Approved": Look("Approved", "circle-check", "good"),
    "Rejected": Look("Rejected", "square-x", "bad"),
    "Expired": Look("Expired", "hourglass-empty", "idle"),
}

UNHEARD = "help-hexagon"

# Kinds that do not read well as they are; the braces take the event's data.
EVENT_WORDS = {
    "execution:success": "ended with success",
    "execution:timedout": "timed out",
    "execution:waiting": "waits for somebody to run a step",
    "execution:completing": "is being completed",
    "signal:startstep": "is to run",
    "signal:resume": "is to go on",
    "signal:stopstep": "is to stop",
    "step:waiting": "waits",
    "step:kept": "is kept, since an earlier execution did it",
    "step:pass": "begins pass {iteration} of at most {most}",
    "step:child": "started {document}",
    "step:exited": "was left",
    "step:call": "called {call}",
    "step:recovering": "is finding out what became of {call}",
    "step:repeating": "is sent again, as {declared_by} declared that it may be",
    "step:retrying": "failed attempt {attempt} and is tried again",
    "step:unknown": "waits for a person, who says what became of its call",
    "step:adopt": "is taken as done",
    "step:rerun": "is run again",
    "step:fail": "is given up",
    "approval:asked": "asks its approvers",
    "approval:vote": "got the decision {verdict}",
    "approval:approved": "is approved",
    "approval:rejected": "is rejected",
}


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """A Tabler icon from the vendored sprite, hidden from screen readers."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>',
        css,
        static("vendor/icons/sprite.svg"),
        name,
    )


@register.simple_tag
def status_badge(status: str) -> SafeString:
    """The status of an execution, a step or an approval request; an unheard-of one as it is."""
    look = LOOKS.get(status, Look(status, UNHEARD, "idle"))
    return format_html(
        '<span class="state state-{}">{}<span>{}</span></span>',
        look.tone,
        icon(look.icon),
        look.word,
    )


@register.simple_tag
def instance_state(state: str) -> SafeString:
    """EC2's word for the state of an instance, with a mark whose shape differs too."""
    return format_html('<span class="instance instance-{}">{}</span>', state, state)


@register.filter
def tone(status: str) -> str:
    """The tone of a status: good, bad, busy, wait or idle."""
    return LOOKS[status].tone if status in LOOKS else "idle"


@register.filter
def told(event: Event) -> str:
    """What happened to the event's subject, in words: "called ec2:StopInstances", "failed"."""
    words = EVENT_WORDS.get(event.kind) or event.kind.rpartition(":")[2].replace("_", " ")
    return words.format_map(defaultdict(str, event.data))


@register.simple_tag(takes_context=True)
def here(context: template.Context, url: str) -> SafeString:
    """Marks the navigation link to the part of the console that shows this page."""
    request = context.get("request")
    path = request.path if request else ""
    inside = path == url if url == "/" else path.startswith(url)
    return format_html(' aria-current="{}"', "page") if inside else SafeString("")


@register.simple_tag
def when(moment: datetime | None, style: str = "moment") -> SafeString | str:
    """A moment in UTC; console.js shows it in the viewer's zone and keeps UTC as the title.

    style: "moment" (date and minute), "clock" (to the second) or "relative" ("5 min ago").
    """
    if moment is None:
        return "–"
    utc = moment.astimezone(UTC)
    return format_html(
        '<time datetime="{}" data-style="{}">{}</time>',
        utc.isoformat(timespec="milliseconds"),
        style,
        f"{utc:%d %b %Y, %H:%M} UTC",
    )


@register.simple_tag
def duration(start: datetime | None, end: datetime | None = None) -> SafeString | str:
    """How long from start to end; without an end, until now, and console.js lets it tick."""
    if start is None:
        return "–"
    seconds = ((end or clock.now()) - start).total_seconds()
    if end:
        return format_duration(seconds)
    return format_html(
        '<span data-since="{}">{}</span>', start.isoformat(), format_duration(int(seconds))
    )


def format_duration(seconds: float) -> str:
    """Two units at most: "0.4 s", "42 s", "3 min 05 s", "2 h 10 min", "3 d 4 h"."""
    if seconds < 10 and not isinstance(seconds, int):
        return f"{max(seconds, 0.0):.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


@register.filter
def short_arn(arn: str) -> str:
    """The part of an ARN that a person reads: "user/olivia", "Operators/olivia", "i-0abc"."""
    resource = arn.split(":", 5)[-1]
    return resource.removeprefix("assumed-role/").removeprefix("instance/")


@register.filter
def short_id(execution: UUID | str) -> str:
    """The part of an execution's id that pages show, where the execution itself is not at hand."""
    return shorten(execution)


@register.filter
def breakable(text: str) -> SafeString:
    """A long name that a narrow column may break behind its slashes and colons, not in a word."""
    parts = re.split(r"(?<=[/:])", text)
    return format_html_join(SafeString("<wbr>"), "{}", ((part,) for part in parts))


@register.filter
def pretty_json(value: object) -> str:
    """A value as indented JSON; text as it is."""
    if isinstance(value, str):
        return value
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


@register.filter
def counted(items: Sized | int, noun: str) -> str:
    """ "1 instance", "3 instances": a number with its noun."""
    count = items if isinstance(items, int) else len(items)
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


@register.filter
def as_list(value: object) -> list[str]:
    """A parameter's value as the lines that show it; nothing at all is no line."""
    if isinstance(value, list | tuple):
        return [pretty_json(item) for item in value]
    return [] if value in (None, "") else [pretty_json(value)]


@register.filter
def unlisted(selected: list[str], instances: list[dict[str, Any]]) -> list[str]:
    """The selected ids that a list of instances does not hold: they must not get lost."""
    known = {instance["id"] for instance in instances}
    return [each for each in dict.fromkeys(selected) if each and each not in known]


@register.filter
def styled(field: BoundField) -> SafeString:
    """The field's widget with the classes that its kind has in Tabler."""
    return field.as_widget(attrs={"class": widget_class(field.field.widget)})


def widget_class(widget: forms.Widget) -> str:
    if isinstance(widget, forms.CheckboxInput):
        return "form-check-input"
    return "form-select" if isinstance(widget, forms.Select) else "form-control"
