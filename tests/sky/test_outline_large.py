"""Areas of meetings of very large outlines: as published airspace has them, and as nobody sane has them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely

from clearline.model import limits
from clearline.sky import describe, load_rules
from clearline.sky.finding import Meeting
from tests.sky.shapes import Place, circle, polygon, shape

COUNT = limits.OUTLINE_VERTICES_MAX


def comb(shift: float) -> list[Place]:
    """Return a ring of 10,000 vertices whose teeth are 3 km long and 8 m apart."""
    teeth = [(47.0 + 0.03 * (k % 2) + shift, 8.0 + 0.0001 * k + shift) for k in range(COUNT - 2)]
    return [*teeth, (46.9 + shift, 9.1 + shift), (46.9 + shift, 7.9 + shift)]


def coast() -> list[Place]:
    """Return a ring of 10,000 vertices around 47 N 8 E, 30 km in radius, with bays of 3 km to 6 m."""
    angle = np.linspace(0.0, 2.0 * math.pi, COUNT, endpoint=False)
    radius = 0.27 * (1.0 + 0.1 * np.sin(7 * angle) + 0.002 * np.sin(150 * angle) + 0.0002 * np.sin(2_000 * angle))
    return list(zip((47.0 + radius * np.sin(angle)).tolist(), (8.0 + radius * np.cos(angle)).tolist(), strict=True))


def drawn(meeting: Meeting | None) -> shapely.Polygon:
    assert meeting is not None
    assert len(meeting.area) <= 100
    return shapely.Polygon([(point.lng, point.lat) for point in meeting.area])


@pytest.mark.parametrize("rule", ["intersect", "threes"])
def test_teeth_side_by_side_are_drawn_in_time(rule: str) -> None:
    """Rule 8: beyond a number of vertices an outline is drawn coarser, and never smaller."""
    area = drawn(describe(shape(polygon(*comb(0.0))), shape(polygon(*comb(0.00003))), load_rules(rule)))
    assert area.covers(shapely.Point(8.5, 46.95))
    assert area.buffer(1e-6).covers(shapely.Polygon([(lng, lat) for lat, lng in comb(0.0)]).buffer(-0.001))


@pytest.mark.parametrize("rule", ["intersect", "threes"])
def test_a_coast_is_drawn_as_it_is(rule: str) -> None:
    ring = coast()
    true = shapely.Polygon([(lng, lat) for lat, lng in ring])
    area = drawn(describe(shape(polygon(*ring)), shape(circle(47.0, 8.0, 200_000.0)), load_rules(rule)))
    assert area.buffer(1e-6).covers(true)
    # "threes" draws half of 3 NM more around it: a tenth of the radius.
    assert area.area < true.area * (1.06 if rule == "intersect" else 1.35)
