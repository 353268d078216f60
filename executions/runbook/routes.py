"""The lines of a drawing: straight down where the way is free, else by a lane beside the boxes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from .graph import Edge, Kind

GAP_Y: Final = 48.0  # between two rows
LANE, FIRST_LANE = 12.0, 18.0
CLEAR: Final = 10.0  # what a line keeps from a box
BEND: Final = 8.0
ARROW: Final = "m-4 -6l4 6l4-6"  # every line arrives from above
ASIDE: Final[frozenset[Kind]] = frozenset({"failure", "cancel"})


@dataclass(frozen=True, slots=True)
class Place:
    """A box: its upper left corner and its size."""

    name: str
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def middle_y(self) -> float:
        return self.y + self.height / 2

    @property
    def at(self) -> str:
        """The corner, as SVG writes it."""
        return f"{self.x:.1f} {self.y:.1f}"

    def port(self, kind: Kind) -> float:
        """Where lines of a kind leave and arrive: failures at the right."""
        return self.middle + (self.width / 4 if kind in ASIDE else 0)

    def moved(self, x: float, y: float) -> Place:
        """The same box elsewhere."""
        return replace(self, x=self.x + x, y=self.y + y)


@dataclass(slots=True)
class Rows:
    """Boxes by name, the row of each, and where each row begins and ends."""

    places: dict[str, Place]
    row: dict[str, int]
    spans: list[tuple[float, float]] = field(default_factory=list)

    @property
    def bottom(self) -> float:
        """The end of the last row."""
        return self.spans[-1][1] if self.spans else 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """A jump as an SVG path, drawn from (x, y)."""

    edge: Edge
    path: str
    x: float = 0.0
    y: float = 0.0

    @property
    def at(self) -> str:
        """Where it is drawn from, as SVG writes it."""
        return f"{self.x:.1f} {self.y:.1f}"


def draw_lines(rows: Rows, edges: Sequence[Edge]) -> tuple[list[Line], float, float]:
    """A line for each jump, and how far to the left and right everything reaches."""
    left = min((place.x for place in rows.places.values()), default=0.0)
    right = max((place.right for place in rows.places.values()), default=0.0)
    corridors = _Corridors(rows)
    lines: list[Line] = []
    detours: list[Edge] = []
    for edge in edges:
        path = corridors.find(edge)
        if path:
            lines.append(Line(edge, path))
        else:
            detours.append(edge)
    for side, outermost in ((-1, left), (1, right)):
        own = [edge for edge in detours if (edge.kind in ASIDE) == (side == 1)]
        lanes = _assign_lanes(rows, own)
        x = outermost
        for edge in own:
            x = outermost + side * (FIRST_LANE + LANE * lanes[_bus(edge)])
            lines.append(Line(edge, _go_around(rows, edge, x, lanes[_bus(edge)])))
        reach = outermost + side * (FIRST_LANE + LANE * max(lanes.values())) if lanes else outermost
        left, right = min(left, reach), max(right, reach)
    return lines, left, right


class _Corridors:
    """Where a line may go straight down between the boxes of the rows that it passes."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._boxes: dict[int, list[Place]] = {}
        for place in rows.places.values():
            self._boxes.setdefault(rows.row[place.name], []).append(place)

    def find(self, edge: Edge) -> str:
        """The path, or nothing if it would cross a box."""
        rows, source, target = (
            self._rows,
            self._rows.places[edge.source],
            self._rows.places[edge.target],
        )
        first, last = rows.row[edge.source], rows.row[edge.target]
        if last <= first:
            return ""
        start, end = source.port(edge.kind), target.port(edge.kind)
        under, over = rows.spans[first][1], rows.spans[last][0]
        begin = f"M{start:.1f} {source.bottom:.1f}V{under:.1f}"
        if self._is_free(end, range(first + 1, last)):
            return f"{begin}{_curve(start, end, under)}V{over:.1f}{ARROW}"
        if self._is_free(start, range(first + 1, last)):
            return f"{begin}V{over - GAP_Y:.1f}{_curve(start, end, over - GAP_Y)}{ARROW}"
        return ""

    def _is_free(self, x: float, numbers: Iterable[int]) -> bool:
        return not any(
            place.x - CLEAR < x < place.right + CLEAR
            for number in numbers
            for place in self._boxes[number]
        )


def _curve(start: float, end: float, top: float) -> str:
    """From one column to another, in the gap below `top`."""
    middle, bottom = top + GAP_Y / 2, top + GAP_Y
    return f"C{start:.1f} {middle:.1f} {end:.1f} {middle:.1f} {end:.1f} {bottom:.1f}"


def _bus(edge: Edge) -> tuple[str, Kind]:
    """Jumps that share a lane: those of one kind to one step."""
    return edge.target, edge.kind


def _assign_lanes(rows: Rows, edges: Sequence[Edge]) -> dict[tuple[str, Kind], int]:
    """A number for each lane, from the inside; lanes that overlap have different ones."""
    spans: dict[tuple[str, Kind], tuple[int, int]] = {}
    for edge in edges:
        low, high = sorted((rows.row[edge.source], rows.row[edge.target]))
        known = spans.get(_bus(edge), (low, high))
        spans[_bus(edge)] = min(low, known[0]), max(high, known[1])
    lanes: dict[tuple[str, Kind], int] = {}
    taken: list[list[tuple[int, int]]] = []
    for bus, span in sorted(spans.items(), key=lambda item: item[1][1] - item[1][0]):
        free = (number for number, lane in enumerate(taken) if not _overlaps(span, lane))
        number = next(free, len(taken))
        if number == len(taken):
            taken.append([])
        taken[number].append(span)
        lanes[bus] = number
    return lanes


def _overlaps(span: tuple[int, int], lane: Sequence[tuple[int, int]]) -> bool:
    return any(low <= span[1] and span[0] <= high for low, high in lane)


def _go_around(rows: Rows, edge: Edge, x: float, lane: int) -> str:
    """Down into the gap, out to the lane, along it, and in above the target."""
    source, target = rows.places[edge.source], rows.places[edge.target]
    shift = lane % 4 * 2.0
    side = 1 if edge.kind in ASIDE else -1
    leave, arrive = source.middle + side * source.width / 4, target.middle + side * target.width / 4
    out = rows.spans[rows.row[edge.source]][1] + 10 + shift
    over = rows.spans[rows.row[edge.target]][0]
    into = over - 14 - shift
    down = BEND if into > out else -BEND
    return (
        f"M{leave:.1f} {source.bottom:.1f}V{out - BEND:.1f}"
        f"q0 {BEND} {side * BEND} {BEND}H{x - side * BEND:.1f}"
        f"q{side * BEND} 0 {side * BEND} {down}V{into - down:.1f}"
        f"q0 {down} {-side * BEND} {down}H{arrive + side * BEND:.1f}"
        f"q{-side * BEND} 0 {-side * BEND} {BEND}V{over:.1f}{ARROW}"
    )
