"""What is sent: events above a cursor, as the parts of the page that they change."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, ParamSpec, TypedDict, TypeVar
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import connections
from django.template.loader import render_to_string

from approvals.models import ApprovalRequest
from executions import presentation
from executions.models import Account, Event, Execution

MOST_EVENTS: Final = 100
PARTS: Final = ("steps_count", "summary", "actions")
P = ParamSpec("P")
T = TypeVar("T")


class Fragment(TypedDict):
    """An element of the page by its id; empty HTML takes it away."""

    id: str
    html: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Some events: the last one's number, and whether the execution has ended and no more come."""

    seq: int
    fragments: Sequence[Fragment] = ()
    over: bool = False

    @property
    def data(self) -> dict[str, object]:
        """As JSON goes to the browser."""
        return {"seq": self.seq, "fragments": self.fragments, "end": self.over}

    @property
    def message(self) -> bytes:
        """As a server-sent event."""
        return f"id: {self.seq}\ndata: {json.dumps(self.data)}\n\n".encode()


def read(execution_id: UUID, after: int) -> Batch:
    """The events above `after`, a hundred at most."""
    execution = (
        Execution.objects.select_related("version__document", "started_by")
        .filter(pk=execution_id)
        .first()
    )
    if execution is None:
        return Batch(after, over=True)
    # Not those that came since the row was read: what they changed would be shown as it was.
    events = list(
        execution.events.filter(seq__gt=after, seq__lte=execution.event_seq)[:MOST_EVENTS]
    )
    seq = events[-1].seq if events else after
    over = execution.is_over and seq >= execution.event_seq
    return Batch(seq, fragments(execution, events) if events else (), over)


def fragments(execution: Execution, events: Sequence[Event]) -> list[Fragment]:
    """What these events change on the page, made of the page's own templates.

    Nothing in it depends on who looks; live.js puts the page's CSRF token into the forms.
    """
    context = presentation.show(execution)
    shown = {
        **context,
        "account": Account.objects.filter(pk=execution.account_id).first(),
        "approval": ApprovalRequest.objects.filter(execution=execution).first(),
    }
    by_hand = execution.mode == "Interactive"  # then every step has a button that comes and goes
    named = {event.step for event in events}
    begun = named if not by_hand else {step.name for step in execution.steps.all()}
    return [
        *(_fragment(f"event-{event.seq}", "_event", {"event": event}) for event in events),
        *(Fragment(id=f"upcoming-{name}", html="") for name in sorted(begun - {""})),
        *(
            _fragment(f"upcoming-{step.name}", "_upcoming", {**shown, "step": step})
            for step in context["upcoming"]
            if by_hand
        ),
        *_changed(shown, None if "" in named or by_hand else named),
        *(_fragment(f"execution-{part}", f"_{part}", shown) for part in PARTS),
    ]


def _changed(shown: Mapping[str, Any], names: set[str] | None) -> Iterator[Fragment]:
    """The steps of these names, or all; of a loop the passes that they are in."""
    for one in shown["shown"]:
        if names is None or one.step.name in names:
            yield _fragment(f"step-{one.step.number}", "_step", {**shown, "step": one.step})
        for each in one.passes[-2:]:
            inside = {row.name for row in each.rows} | {one.step.name}
            if names is None or inside & names:
                yield _fragment(each.id, "_pass", {**shown, "pass": each})


def _fragment(element_id: str, template: str, context: Mapping[str, object]) -> Fragment:
    html = render_to_string(f"executions/{template}.html", context)
    return Fragment(id=element_id, html=html.strip())


def ask(question: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """A question to the database from a coroutine.

    Its thread keeps no connection: a hundred open pages must not be a hundred connections.
    """

    def answer(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return question(*args, **kwargs)
        finally:
            connections.close_all()

    return sync_to_async(answer, thread_sensitive=False)


_reads: dict[tuple[UUID, int, int], asyncio.Task[Batch]] = {}


async def read_together(execution_id: UUID, after: int, rings: int) -> Batch:
    """`read`, once for all who ask the same between two rings."""
    key = (execution_id, after, rings)
    if key not in _reads:
        task = asyncio.create_task(ask(read)(execution_id, after))
        task.add_done_callback(lambda _: _reads.pop(key, None))
        _reads[key] = task
    # One who leaves must not take the answer away from the others.
    return await asyncio.shield(_reads[key])
