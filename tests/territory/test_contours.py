"""On which side of a boundary, and what a feature must hold."""

import json
import math
import random
from datetime import date
from typing import Any

import pytest
from flask import Flask

from cityjobs.core.db import SYSTEM, act_as, transaction
from cityjobs.territory.actions import import_qpvs
from cityjobs.territory.contours import (
    BrokenFile,
    Contour,
    Rejected,
    distance_to_boundary,
    features_of,
    is_inside,
    read_contour,
    read_feature,
    read_features,
)
from cityjobs.territory.queries import find_qpv_answer
from cityjobs.territory.rules import QpvAnswer, QpvGeneration
from tests.territory.shapes import (
    LATITUDE,
    LONGITUDE,
    METRES_EAST,
    METRES_NORTH,
    at,
    collection,
    feature,
    official,
    square,
)

Y2024 = QpvGeneration.Y2024


def contour(*polygons: list[Any]) -> Contour:
    return read_contour({"type": "MultiPolygon", "coordinates": list(polygons)})


def star(seed: int) -> list[list[float]]:
    """A ring with many corners, between 300 and 900 m from the centre."""
    dice = random.Random(seed)  # noqa: S311
    turns = sorted(dice.uniform(0, 2 * math.pi) for _ in range(dice.randint(5, 60)))
    corners = []
    for turn in turns:
        far = dice.uniform(300, 900)
        corners.append(
            [LONGITUDE + far * math.cos(turn) * METRES_EAST, LATITUDE + far * math.sin(turn) * METRES_NORTH]
        )
    return [*corners, corners[0]]


def test_a_square_with_a_hole_and_an_island_in_it() -> None:
    place = contour([square(500), square(200)], [square(50)])
    assert is_inside(*at(300, 0), place)
    assert not is_inside(*at(100, 0), place)
    assert is_inside(*at(0, 0), place)
    assert not is_inside(*at(600, 0), place)


@pytest.mark.parametrize(
    ("east", "north", "metres"), [(0, 0, 500), (480, 0, 20), (520, 0, 20), (530, 540, 50), (0, -490, 10)]
)
def test_distances_are_metres(east: float, north: float, metres: float) -> None:
    assert distance_to_boundary(*at(east, north), contour([square(500)])) == pytest.approx(metres, rel=0.002)


def test_the_boundary_of_a_hole_counts() -> None:
    assert distance_to_boundary(*at(210, 0), contour([square(500), square(200)])) == pytest.approx(
        10, rel=0.002
    )


@pytest.mark.parametrize("seed", range(40))
def test_shapes_of_any_form(seed: int) -> None:
    """Far outside is outside; crossing the boundary changes the side; moving cannot beat the distance."""
    dice, place = random.Random(seed), contour([star(seed)])  # noqa: S311
    for _ in range(20):
        turn, far = dice.uniform(0, 2 * math.pi), dice.uniform(0, 3000)
        here = at(far * math.cos(turn), far * math.sin(turn))
        inside, distance = is_inside(*here, place), distance_to_boundary(*here, place)
        if far > 901:
            assert not inside and distance >= far - 905
        for direction in range(8):
            angle = direction * math.pi / 4
            step = distance * 0.98
            there = (
                here[0] + step * math.cos(angle) * METRES_EAST,
                here[1] + step * math.sin(angle) * METRES_NORTH,
            )
            assert is_inside(*there, place) == inside, "no boundary can be nearer than the distance found"


@pytest.fixture
def places(as_worker: Flask, app: Flask) -> Flask:
    """Two QPV: a square with a hole, and a small square 30 m to its east."""
    with as_worker.app_context():
        act_as(SYSTEM)
        with transaction():
            import_qpvs(
                [
                    read_feature(feature("QN05901M", [square(500), square(200)]), Y2024),
                    read_feature(feature("QN05902M", [square(50, east=580)]), Y2024),
                    read_feature(feature("QN05903M", [square(100, east=5000)], lib_qp="Tout seul"), Y2024),
                ]
            )
    return app


@pytest.mark.parametrize(
    ("east", "north", "answer", "code"),
    [
        (350, 0, "inside", "QN05901M"),
        (479, 0, "inside", "QN05901M"),
        (481, 0, "to_check", "QN05901M"),
        (499, 0, "to_check", "QN05901M"),
        (511, 0, "to_check", "QN05901M"),
        (521, 100, "outside", None),
        (519, 100, "to_check", "QN05901M"),
        (0, 0, "outside", None),
        (190, 0, "to_check", "QN05901M"),
        (525, 0, "to_check", "QN05902M"),
        (580, 0, "inside", "QN05902M"),
        (4000, 4000, "outside", None),
        (5000, 0, "inside", "QN05903M"),
    ],
)
def test_inside_outside_or_to_be_checked(
    places: Flask, east: float, north: float, answer: str, code: str | None
) -> None:
    with places.app_context():
        found = find_qpv_answer(*at(east, north))
    assert (found.answer, found.code) == (answer, code)
    assert found.generation == 2024
    if found.distance is not None:
        assert (found.distance < 20) == (answer == "to_check")


def test_an_imprecise_address_is_always_to_be_checked(places: Flask) -> None:
    with places.app_context():
        assert find_qpv_answer(*at(350, 0), precise=False).answer is QpvAnswer.TO_CHECK
        assert find_qpv_answer(*at(350, 0), precise=False).code == "QN05901M"
        assert find_qpv_answer(*at(3000, 0), precise=False).answer is QpvAnswer.TO_CHECK


def test_where_nothing_was_imported_nothing_is_known(places: Flask) -> None:
    with places.app_context():
        assert find_qpv_answer(5.37, 43.29).answer is QpvAnswer.UNKNOWN
        assert find_qpv_answer(*at(350, 0), generation=2015).answer is QpvAnswer.UNKNOWN


def test_points_of_the_official_contours(as_worker: Flask, app: Flask) -> None:
    """Around each corner of real contours: closer than 20 m is to be checked; a kilometre of them agree with themselves."""
    read, rejected = read_features(features_of(official("qpv_2024_hdf.geojson").read_bytes()), Y2024)
    assert not rejected and len(read) == 204
    with as_worker.app_context():
        act_as(SYSTEM)
        with transaction():
            import_qpvs(read)
    dice = random.Random(7)  # noqa: S311
    with app.app_context():
        for qpv in dice.sample(read, 25):
            longitude, latitude = dice.choice(dice.choice(qpv.contour.polygons)[0])
            near = (longitude + dice.uniform(-10, 10) / 71_500, latitude + dice.uniform(-10, 10) / 111_195)
            assert find_qpv_answer(*near).answer is QpvAnswer.TO_CHECK, qpv.code
            west, south, east, north = qpv.contour.box
            for _ in range(8):
                spot = (dice.uniform(west, east), dice.uniform(south, north))
                found = find_qpv_answer(*spot)
                mine = is_inside(*spot, qpv.contour)
                clear = distance_to_boundary(*spot, qpv.contour) >= 20
                if mine and clear:
                    assert (found.answer, found.code) == (QpvAnswer.INSIDE, qpv.code)
                if not clear and found.code == qpv.code:
                    assert found.answer is QpvAnswer.TO_CHECK
                if found.answer is QpvAnswer.OUTSIDE:
                    assert not mine and clear


def test_a_position_costs_two_queries_at_most(places: Flask, count_queries: Any) -> None:
    with places.app_context(), count_queries() as statements:
        find_qpv_answer(*at(350, 0))
        find_qpv_answer(*at(3000, 3000))
    assert len(statements) == 3


# Reading a feature


def test_a_feature_with_several_communes() -> None:
    qpv = read_feature(feature(), Y2024)
    assert (qpv.code, qpv.name) == ("QN05901M", "Quartier de l’Exemple")
    assert qpv.communes == (("59299", "Hem"), ("59512", "Roubaix"))
    assert (qpv.valid_from, qpv.valid_until) == (date(2024, 1, 1), None)


def test_generations_have_their_dates() -> None:
    old = read_feature(feature("QP059066", insee_com=None), QpvGeneration.Y2015)
    assert (old.valid_from, old.valid_until, old.communes) == (date(2015, 1, 1), date(2023, 12, 31), ())
    assert read_feature(feature("QN97101M"), Y2024).valid_from == date(2025, 1, 1)
    assert read_feature(feature("QN02A01M"), Y2024).valid_from == date(2024, 1, 1)


BAD = {
    "Le code (code_qp) manque": feature(code_qp=None),
    "n’a pas la forme d’un QPV de 2024": feature("QP059066"),
    "forme d’un QPV": feature("QN5901M"),
    "Le nom (lib_qp) manque": feature(lib_qp="  "),
    "Le contour manque": feature(geometry=None),
    "ni un Polygon": feature(geometry={"type": "Point", "coordinates": [3.1, 50.6]}),
    "Lambert 93": feature(rings=[[[704_000, 7_065_000], [705_000, 7_065_000], [705_000, 7_066_000], [704_000, 7_065_000]]]),
    "n’est pas fermé": feature(rings=[square(500)[:-1]]),
    "pas de surface": feature(rings=[[[3.1, 50.6], [3.2, 50.6], [3.3, 50.6], [3.1, 50.6]]]),
    "ne se lit pas": feature(rings=[[["a", "b"], ["c", "d"], ["e", "f"], ["a", "b"]]]),
    "ne sont pas en même nombre": feature(lib_com="Roubaix"),
    "code INSEE": feature(insee_com="59512, Hem"),
    "pas d’attributs": {"type": "Feature", "geometry": None},
}  # fmt: skip


@pytest.mark.parametrize("reason", list(BAD))
def test_a_feature_is_rejected_with_its_reason(reason: str) -> None:
    with pytest.raises(Rejected) as refused:
        read_feature(BAD[reason], Y2024)
    assert reason in str(refused.value)


@pytest.mark.parametrize("odd", [None, 3, "x", [], {"properties": []}, {"properties": {"code_qp": 5}}])
def test_anything_can_stand_in_a_list_of_features(odd: Any) -> None:
    kept, rejections = read_features([odd, feature()], Y2024)
    assert [each.code for each in kept] == ["QN05901M"]
    assert [each.rank for each in rejections] == [1]


def test_a_code_that_comes_back_is_rejected_the_second_time() -> None:
    kept, rejections = read_features([feature(), feature(lib_qp="Autre")], Y2024)
    assert [each.name for each in kept] == ["Quartier de l’Exemple"]
    assert "plus haut" in rejections[0].reason and rejections[0].rank == 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        collection(feature())[:-20],
        b"[1, 2]",
        b'{"type": "Feature"}',
        collection(),
        b'{"type": "FeatureCollection", "features": {}}',
        json.dumps({"type": "FeatureCollection", "features": [float("nan")]}).encode(),
        "é".encode("latin-1"),
        b"[" * 100_000,
    ],
)
def test_a_broken_file_is_refused_in_one_sentence(content: bytes) -> None:
    with pytest.raises(BrokenFile) as refused:
        features_of(content)
    assert str(refused.value).endswith(".")


def test_a_byte_order_mark_is_no_reason_to_refuse() -> None:
    assert len(features_of(b"\xef\xbb\xbf" + collection(feature()))) == 1
