"""Contours of QPV: reading the official file, and on which side of a boundary a position lies. Pure.

Positions are degrees of WGS 84 (longitude, latitude); distances are metres. Published contours are simplified to
about ten metres, so that what lies under 20 m from a boundary must be checked by somebody.
"""

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

from cityjobs.territory.rules import QpvGeneration, is_insee_code

MARGIN = 20.0
METRES_PER_DEGREE = 111_195.0
FAR = 0.5
"""Degrees around a position beyond which no contour says nothing: its territory was probably never imported."""

CODES = {
    QpvGeneration.Y2015: re.compile(r"QP[0-9]{2}[0-9AB][0-9]{3}"),
    QpvGeneration.Y2024: re.compile(r"QN[0-9]{2}[0-9AB][0-9]{2}[A-Z]"),
}

Position = tuple[float, float]
Ring = tuple[Position, ...]
Polygon = tuple[Ring, ...]


class BrokenFile(Exception):
    """The file is not what it says it is; the message is a whole French sentence."""


class Rejected(Exception):
    """One feature cannot be kept; the message is a whole French sentence."""


@dataclass(frozen=True)
class Contour:
    """Polygons, each an outer ring and its holes, and the box around them all."""

    polygons: tuple[Polygon, ...]

    @property
    def box(self) -> tuple[float, float, float, float]:
        """West, south, east, north."""
        positions = [position for polygon in self.polygons for ring in polygon for position in ring]
        longitudes, latitudes = [each[0] for each in positions], [each[1] for each in positions]
        return min(longitudes), min(latitudes), max(longitudes), max(latitudes)

    def geometry(self) -> dict[str, Any]:
        """As GeoJSON."""
        return {
            "type": "MultiPolygon",
            "coordinates": [
                [[list(position) for position in ring] for ring in polygon] for polygon in self.polygons
            ],
        }


@dataclass(frozen=True)
class OfficialQpv:
    """One feature of the official file, read and checked."""

    code: str
    name: str
    generation: QpvGeneration
    valid_from: date
    valid_until: date | None
    communes: tuple[tuple[str, str], ...]
    contour: Contour


@dataclass(frozen=True)
class Rejection:
    """A feature that was not kept: its rank in the file from 1, its code when it has one, and why."""

    rank: int
    code: str | None
    reason: str


def validity_of(code: str, generation: QpvGeneration) -> tuple[date, date | None]:
    """From when and until when a QPV counts: decrees of 2014, 2023 (mainland) and 2024 (overseas)."""
    if generation is QpvGeneration.Y2015:
        return date(2015, 1, 1), date(2023, 12, 31)
    overseas = code[2:4] in ("97", "98")
    return date(2025 if overseas else 2024, 1, 1), None


# Reading the official file


def features_of(content: bytes) -> list[Any]:
    """The features of a GeoJSON file. Raises BrokenFile."""
    try:
        document = json.loads(content.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise BrokenFile("Ce fichier n’est pas écrit en UTF-8.") from None
    except (ValueError, RecursionError):
        raise BrokenFile("Ce fichier n’est pas du JSON complet : il est peut-être tronqué.") from None
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        raise BrokenFile("Ce fichier n’est pas une collection GeoJSON (FeatureCollection).")
    features = document.get("features")
    if not isinstance(features, list) or not features:
        raise BrokenFile("Ce fichier ne contient aucun quartier.")
    return features


def read_features(
    features: Sequence[Any], generation: QpvGeneration
) -> tuple[list[OfficialQpv], list[Rejection]]:
    """What can be kept, and what cannot with the reason; a code that comes back is kept once."""
    kept: dict[str, OfficialQpv] = {}
    rejections = []
    for rank, feature in enumerate(features, 1):
        try:
            qpv = read_feature(feature, generation)
            if qpv.code in kept:
                raise Rejected("Ce code est déjà plus haut dans le fichier.")
            kept[qpv.code] = qpv
        except Rejected as why:
            rejections.append(Rejection(rank, _code_of(feature), str(why)))
    return list(kept.values()), rejections


def read_feature(feature: Any, generation: QpvGeneration) -> OfficialQpv:
    """One feature with the attributes of the ANCT (code_qp, lib_qp, insee_com, lib_com). Raises Rejected."""
    properties = feature.get("properties") if isinstance(feature, dict) else None
    if not isinstance(properties, dict):
        raise Rejected("Cet élément n’a pas d’attributs.")
    code = _code_of(feature)
    if not code:
        raise Rejected("Le code (code_qp) manque.")
    if not CODES[generation].fullmatch(code):
        raise Rejected(f"Le code n’a pas la forme d’un QPV de {generation.value}.")
    name = _words(properties.get("lib_qp"))
    if not name:
        raise Rejected("Le nom (lib_qp) manque.")
    valid_from, valid_until = validity_of(code, generation)
    return OfficialQpv(
        code=code,
        name=name,
        generation=generation,
        valid_from=valid_from,
        valid_until=valid_until,
        communes=_communes(properties),
        contour=read_contour(feature.get("geometry")),
    )


def read_contour(geometry: Any) -> Contour:
    """A Polygon or a MultiPolygon in WGS 84. Raises Rejected."""
    if not isinstance(geometry, dict) or not geometry.get("coordinates"):
        raise Rejected("Le contour manque.")
    shapes = {"Polygon": [geometry["coordinates"]], "MultiPolygon": geometry["coordinates"]}.get(
        str(geometry.get("type"))
    )
    if shapes is None:
        raise Rejected("Le contour n’est ni un Polygon ni un MultiPolygon.")
    try:
        polygons = tuple(tuple(_ring(ring) for ring in polygon) for polygon in shapes)
    except (TypeError, ValueError, KeyError, IndexError):
        raise Rejected("Le contour ne se lit pas : des coordonnées ne sont pas des nombres.") from None
    if not polygons or not all(polygons):
        raise Rejected("Le contour est vide.")
    return Contour(polygons)


def _ring(positions: Any) -> Ring:
    ring = tuple((_degrees(position[0]), _degrees(position[1])) for position in positions)
    if any(abs(longitude) > 180 or abs(latitude) > 90 for longitude, latitude in ring):
        raise Rejected("Des coordonnées sortent de WGS 84\u00a0: le fichier est peut-être en Lambert 93.")
    if len(ring) < 4 or ring[0] != ring[-1]:
        raise Rejected("Le contour n’est pas fermé.")
    if len(set(ring)) < 3 or _area(ring) == 0:
        raise Rejected("Le contour n’a pas de surface.")
    return ring


def _degrees(number: Any) -> float:
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not math.isfinite(number):
        raise TypeError
    return float(number)


def _area(ring: Ring) -> float:
    """Twice the surface, in square degrees."""
    west, south = ring[0]
    return abs(
        sum((a[0] - west) * (b[1] - south) - (b[0] - west) * (a[1] - south) for a, b in _segments(ring))
    )


def _communes(properties: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """The communes of the comma lists; none when the file names no INSEE code, as that of 2015."""
    codes = [each.strip() for each in str(properties.get("insee_com") or "").split(",") if each.strip()]
    names = [_words(each) for each in str(properties.get("lib_com") or "").split(",") if each.strip()]
    if not codes:
        return ()
    if len(codes) != len(names):
        raise Rejected("Les communes (insee_com et lib_com) ne sont pas en même nombre.")
    if not all(is_insee_code(code) for code in codes):
        raise Rejected("Un code de commune (insee_com) n’a pas la forme d’un code INSEE.")
    return tuple(sorted(dict(zip(codes, names, strict=True)).items()))


def _code_of(feature: Any) -> str | None:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    code = properties.get("code_qp") if isinstance(properties, dict) else None
    return code.strip()[:40] or None if isinstance(code, str) else None


def _words(text: Any) -> str:
    """Single spaces and a real apostrophe."""
    return " ".join(text.replace("'", "’").split()) if isinstance(text, str) else ""


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


# Inside or outside


def is_inside(longitude: float, latitude: float, contour: Contour) -> bool:
    """Whether a position is in a polygon and in none of its holes."""
    return any(
        polygon and _crosses_oddly(longitude, latitude, polygon[0])
        and not any(_crosses_oddly(longitude, latitude, hole) for hole in polygon[1:])
        for polygon in contour.polygons
    )  # fmt: skip


def _crosses_oddly(longitude: float, latitude: float, ring: Ring) -> bool:
    inside = False
    for (west, south), (east, north) in _segments(ring):
        if (south > latitude) != (north > latitude):
            crossing = west + (latitude - south) * (east - west) / (north - south)
            if longitude < crossing:
                inside = not inside
    return inside


def distance_to_boundary(longitude: float, latitude: float, contour: Contour) -> float:
    """Metres to the nearest boundary, on a plane around the position: exact to the millimetre at 20 m."""
    east_metres = METRES_PER_DEGREE * math.cos(math.radians(latitude))
    nearest = math.inf
    for polygon in contour.polygons:
        for ring in polygon:
            for (ax, ay), (bx, by) in _segments(ring):
                x, y = (ax - longitude) * east_metres, (ay - latitude) * METRES_PER_DEGREE
                dx, dy = (bx - ax) * east_metres, (by - ay) * METRES_PER_DEGREE
                length = dx * dx + dy * dy
                along = 0.0 if length == 0 else max(0.0, min(1.0, -(x * dx + y * dy) / length))
                nearest = min(nearest, math.hypot(x + along * dx, y + along * dy))
    return nearest


def box_around(longitude: float, latitude: float, metres: float) -> tuple[float, float, float, float]:
    """West, south, east, north of a square that holds everything within a distance."""
    height = metres / METRES_PER_DEGREE
    width = height / max(0.01, math.cos(math.radians(latitude)))
    return longitude - width, latitude - height, longitude + width, latitude + height


def _segments(ring: Ring) -> Iterator[tuple[Position, Position]]:
    return pairwise(ring)
