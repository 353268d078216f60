"""Where the steps of a runbook stand in a drawing: boxes in rows, a loop around its body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Final, TypeAlias

from .graph import Edge, build_edges
from .routes import GAP_Y, Line, Place, Rows, draw_lines
from .types import Runbook, Step, clip

WIDTH, HEIGHT, GAP_X = 220.0, 52.0, 28.0
DOT: Final = 14.0  # where the run begins and where it ends
LOOP_HEAD, LOOP_PAD = 58.0, 18.0
MARGIN: Final = 4.0
BEGIN, END = "\x00begin", "\x00end"  # no step is called so
ASIDE: Final = WIDTH * 0.8  # a step for failures stands beside the way of success

Size: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Node:
    """A step's box, or a dot (`step` is None); x and y are those of its upper left corner."""

    step: Step | None
    place: Place

    @property
    def name(self) -> str:
        """As much of the step's name as fits."""
        return clip(self.step.name, 25) if self.step else ""

    @property
    def action(self) -> str:
        """As much of the action as fits."""
        return clip(self.step.action, 31) if self.step else ""

    @property
    def kind(self) -> str:
        """begin, end, loop, approve, branch or plain."""
        if self.step is None:
            return "begin" if self.place.name == BEGIN else "end"
        if self.step.steps:
            return "loop"
        return {"aws:approve": "approve", "aws:branch": "branch"}.get(self.step.action, "plain")


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes and lines in a canvas of this size, in pixels; loops stand before their bodies."""

    width: float
    height: float
    nodes: tuple[Node, ...]
    lines: tuple[Line, ...]


def draw(runbook: Runbook) -> Drawing:
    """The whole runbook from top to bottom; takes time in proportion to its steps and jumps."""
    level = {step.name: step.loop for step in runbook.walk()}
    edges: dict[str | None, list[Edge]] = {}
    for edge in build_edges(runbook):
        if edge.kind not in {"body", "pass"} and level[edge.source] == level[edge.target]:
            edges.setdefault(level[edge.source], []).append(edge)
    bodies = {
        step.name: _draw_list(step.steps, edges.get(step.name, []), {})
        for step in runbook.steps
        if step.steps
    }
    ends = [Edge(step.name, END, "next") for step in runbook.steps if _ends(step, runbook)]
    first = [Edge(BEGIN, runbook.steps[0].name, "next")] if runbook.steps else []
    return _draw_list(runbook.steps, [*first, *edges.get(None, []), *ends], bodies)


def _ends(step: Step, runbook: Runbook) -> bool:
    """Whether the run may end with this step although all goes well."""
    if step.is_end:
        return True
    decided = step.action == "aws:branch" and "Default" in step.inputs
    return step is runbook.steps[-1] and step.next_step is None and not decided


def _draw_list(
    steps: Sequence[Step], edges: Sequence[Edge], bodies: Mapping[str, Drawing]
) -> Drawing:
    names = [step.name for step in steps]
    if any(edge.source == BEGIN for edge in edges):
        names = [BEGIN, *names, END]
    sizes = {step.name: _size(bodies.get(step.name)) for step in steps}
    sizes |= dict.fromkeys((BEGIN, END), (DOT, DOT))
    rows = _place(names, _unique(edges), sizes)
    lines, left, right = draw_lines(rows, _unique(edges))
    by_name = {step.name: step for step in steps}
    nodes = [Node(by_name.get(place.name), place) for place in rows.places.values()]
    whole = Drawing(right - left, rows.bottom, tuple(nodes), tuple(lines))
    shifted = _move(whole, MARGIN - left, MARGIN)
    return _nest(
        replace(shifted, width=whole.width + 2 * MARGIN, height=whole.height + 2 * MARGIN), bodies
    )


def _size(body: Drawing | None) -> Size:
    if body is None:
        return WIDTH, HEIGHT
    return max(body.width + 2 * LOOP_PAD, WIDTH), body.height + LOOP_HEAD + LOOP_PAD


def _unique(edges: Sequence[Edge]) -> list[Edge]:
    """One line for all choices with the same target."""
    return list({(edge.source, edge.target, edge.kind): edge for edge in edges}.values())


def _place(names: Sequence[str], edges: Sequence[Edge], sizes: Mapping[str, Size]) -> Rows:
    """Each name in a row below everything that leads to it, near what leads to it."""
    rows = _find_rows(names, edges)
    before: dict[str, list[Edge]] = {}
    for edge in edges:
        before.setdefault(edge.target, []).append(edge)
    by_row: dict[int, list[str]] = {}
    for name in names:
        by_row.setdefault(rows[name], []).append(name)
    placed = Rows({}, rows)
    top = 0.0
    for number in sorted(by_row):
        wanted = {name: _wish(before.get(name, ()), placed) for name in by_row[number]}
        order = sorted(by_row[number], key=wanted.__getitem__)
        lefts = _spread([(wanted[name], sizes[name][0]) for name in order])
        height = max(sizes[name][1] for name in order)
        for name, left in zip(order, lefts, strict=True):
            placed.places[name] = Place(name, left, top, *sizes[name])
        placed.spans.append((top, top + height))
        top += height + GAP_Y
    return placed


def _find_rows(names: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """The longest way from the first step, over jumps that lead down the document."""
    index = {name: number for number, name in enumerate(names)}
    down: dict[str, list[str]] = {}
    for edge in edges:
        if index[edge.source] < index[edge.target]:
            down.setdefault(edge.target, []).append(edge.source)
    rows: dict[str, int] = {}
    for number, name in enumerate(names):
        # What nothing leads to stands below the step that is written above it.
        above = down.get(name) or names[max(number - 1, 0) : number]
        rows[name] = max((rows[each] + 1 for each in above), default=0)
    if END in index:
        rows[END] = max(rows.values()) + (max(rows, key=rows.__getitem__) != END)
    numbers = {row: number for number, row in enumerate(sorted(set(rows.values())))}
    return {name: numbers[row] for name, row in rows.items()}


def _wish(edges: Sequence[Edge], placed: Rows) -> float:
    """The middle that a box would like to have: below what leads to it, aside for failures."""
    known = [edge for edge in edges if edge.source in placed.places]
    good = [edge for edge in known if edge.kind not in {"failure", "cancel"}]
    if not known:
        return 0.0
    aside = 0.0 if good else ASIDE
    return fmean(placed.places[edge.source].middle for edge in good or known) + aside


def _spread(wishes: Sequence[tuple[float, float]]) -> list[float]:
    """Left edges of boxes (middle wished for, width) in this order, none on another."""
    lefts: list[float] = []
    free = float("-inf")
    for middle, width in wishes:
        lefts.append(max(middle - width / 2, free))
        free = lefts[-1] + width + GAP_X
    off = [left + width / 2 - middle for left, (middle, width) in zip(lefts, wishes, strict=True)]
    return [left - fmean(off) for left in lefts]


def _move(drawing: Drawing, x: float, y: float) -> Drawing:
    nodes = tuple(replace(node, place=node.place.moved(x, y)) for node in drawing.nodes)
    return replace(
        drawing,
        nodes=nodes,
        lines=tuple(replace(line, x=line.x + x, y=line.y + y) for line in drawing.lines),
    )


def _nest(drawing: Drawing, bodies: Mapping[str, Drawing]) -> Drawing:
    """Put the bodies of loops into their boxes."""
    nodes, lines = list(drawing.nodes), list(drawing.lines)
    for node in drawing.nodes:
        body = bodies.get(node.place.name)
        if body:
            aside = (node.place.width - body.width) / 2
            inner = _move(body, node.place.x + aside, node.place.y + LOOP_HEAD)
            nodes += inner.nodes
            lines += inner.lines
    return replace(drawing, nodes=tuple(nodes), lines=tuple(lines))
