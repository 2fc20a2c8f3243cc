"""Shapes drawn on the server: a schematic map, and the bars of the printed report. Plain values in, SVG out."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

Point = tuple[float, float]
WIDTH, HEIGHT, MARGIN = 400.0, 300.0, 26.0


class Frame:
    """Turns degrees into the units of a drawing, north upwards, the same scale both ways (equirectangular)."""

    def __init__(self, points: Iterable[Point], width: float = WIDTH, height: float = HEIGHT) -> None:
        seen = list(points)
        self.west, self.east = min(x for x, _ in seen), max(x for x, _ in seen)
        self.south, self.north = min(y for _, y in seen), max(y for _, y in seen)
        self.narrowing = math.cos(math.radians((self.south + self.north) / 2))
        wide = max((self.east - self.west) * self.narrowing, 1e-6)
        tall = max(self.north - self.south, 1e-6)
        self.scale = min((width - 2 * MARGIN) / wide, (height - 2 * MARGIN) / tall)
        self.left = (width - wide * self.scale) / 2
        self.top = (height - tall * self.scale) / 2

    def place(self, point: Point) -> Point:
        """Where a longitude and latitude fall."""
        x = self.left + (point[0] - self.west) * self.narrowing * self.scale
        y = self.top + (self.north - point[1]) * self.scale
        return round(x, 1), round(y, 1)


def rings_of(geometry: Mapping[str, Any] | None) -> list[list[Point]]:
    """The rings of a GeoJSON Polygon or MultiPolygon, holes included; none for anything else."""
    if not geometry:
        return []
    coordinates = geometry.get("coordinates", [])
    polygons = {"Polygon": [coordinates], "MultiPolygon": coordinates}.get(str(geometry.get("type")), [])
    return [
        [(float(point[0]), float(point[1])) for point in ring] for polygon in polygons for ring in polygon
    ]


def path_of(rings: Sequence[Sequence[Point]], frame: Frame) -> str:
    """One SVG path for a contour; points that fall on the one before are left out."""
    drawn = []
    for ring in rings:
        placed = [frame.place(point) for point in ring]
        kept = [point for index, point in enumerate(placed) if not index or point != placed[index - 1]]
        drawn.append("M" + "L".join(f"{x:g} {y:g}" for x, y in kept) + "Z")
    return "".join(drawn)


def legible_labels(spots: Mapping[Any, tuple[str, float, float]], *, first: Any) -> set[Any]:
    """Which named spots can be labelled without one label covering another or leaving the drawing."""
    kept: list[tuple[float, float, float]] = []
    labelled = set()
    for key in sorted(spots, key=lambda key: (key != first, len(spots[key][0]), spots[key][0])):
        name, x, y = spots[key]
        half = len(name) * 3.9
        fits = key == first or half <= x <= WIDTH - half
        if fits and all(abs(x - at) > half + other or abs(y - level) > 17 for at, level, other in kept):
            kept.append((x, y, half))
            labelled.add(key)
    return labelled


def bars_svg(bars: Sequence[tuple[str, float | None]]) -> str:
    """A printed bar chart, 640 by 200; a bar whose count is not published is a dotted outline."""
    width, floor, tall = 640 / max(len(bars), 1), 168.0, 140.0
    top = max([value or 0 for _, value in bars] + [1])
    every = math.ceil(len(bars) / 16)
    shapes = []
    for index, (label, value) in enumerate(bars):
        x, wide = index * width + width * 0.15, width * 0.7
        middle = index * width + width / 2
        if value is None:
            shapes.append(
                f'<rect x="{x:.1f}" y="{floor - 14:.1f}" width="{wide:.1f}" height="14" fill="none"'
                ' stroke="#8d8677" stroke-dasharray="2 2"/>'
            )
        else:
            high = value / top * tall
            shapes.append(
                f'<rect x="{x:.1f}" y="{floor - high:.1f}" width="{wide:.1f}" height="{high:.1f}" fill="#0d4a57"/>'
            )
            if every == 1:
                shapes.append(_text(f"{value:g}", middle, floor - high - 5))
        if index % every == 0:
            shapes.append(_text(label, middle, 186))
    line = f'<line x1="0" x2="640" y1="{floor}" y2="{floor}" stroke="#8d8677"/>'
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 200" width="640" height="200">'
        f"{''.join(shapes)}{line}</svg>"
    )


def _text(words: str, x: float, y: float) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="11" text-anchor="middle" fill="#1b292e"'
        f' font-family="Libertinus Serif">{escape(words)}</text>'
    )
