"""Small made-up GeoJSON, and where the real files are."""

import json
from pathlib import Path
from typing import Any

OFFICIAL = Path(__file__).parents[3] / "shared" / "data" / "qpv"
LONGITUDE, LATITUDE = 3.17, 50.69
METRES_EAST, METRES_NORTH = 1 / 70_440, 1 / 111_195
"""Degrees of one metre, at that latitude."""


def official(name: str) -> Path:
    """A real file of the ANCT; its absence is a failure, never a skip."""
    path = OFFICIAL / name
    assert path.is_file(), f"the official file {name} is needed in {OFFICIAL}"
    return path


def square(half: float, east: float = 0.0, north: float = 0.0) -> list[list[float]]:
    """A closed ring around a centre moved by some metres; `half` a side, in metres."""
    corners = ((-half, -half), (half, -half), (half, half), (-half, half), (-half, -half))
    return [[LONGITUDE + (x + east) * METRES_EAST, LATITUDE + (y + north) * METRES_NORTH] for x, y in corners]


def at(east: float, north: float) -> tuple[float, float]:
    """A position some metres away from the centre."""
    return LONGITUDE + east * METRES_EAST, LATITUDE + north * METRES_NORTH


def feature(code: str = "QN05901M", rings: list[Any] | None = None, **changes: Any) -> dict[str, Any]:
    """One feature with the official attributes; `None` leaves an attribute out."""
    properties = {
        "code_qp": code,
        "lib_qp": "Quartier de l'Exemple",
        "insee_dep": "59",
        "insee_com": "59512, 59299",
        "lib_com": "Roubaix, Hem",
        "siren_epci": "200093201",
    } | {name: value for name, value in changes.items() if name != "geometry"}
    geometry = changes.get("geometry", {"type": "MultiPolygon", "coordinates": [rings or [square(500)]]})
    kept = {name: value for name, value in properties.items() if value is not None}
    return {"type": "Feature", "id": code, "properties": kept, "geometry": geometry}


def collection(*features: Any) -> bytes:
    """A whole file."""
    return json.dumps({"type": "FeatureCollection", "features": list(features)}).encode()
