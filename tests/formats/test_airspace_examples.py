"""Each file of `examples/airspace`, in the style of one publisher: how many zones, of what kind, and spot values."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from clearline.formats.detect import read_source
from clearline.formats.record import FileFormat, Reading
from clearline.model.altitude import altitude_text
from clearline.model.zone import Weekday, Zone, ZoneKind
from clearline.sky import prepare
from tests.formats.zone_volumes import volumes_of_a_day

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "airspace"
R, K, A = ZoneKind.RESTRICTED, ZoneKind.KEEP_CLEAR, ZoneKind.ADVISORY

EXPECTED: dict[str, tuple[FileFormat, dict[str, tuple[ZoneKind, str, str]], int]] = {
    "france.txt": (
        FileFormat.OPENAIR,
        {
            "TMA EXEMPLE 1": (R, "1500 ft AMSL", "FL115"),
            "LF-R999 EXEMPLE active NOTAM": (A, "0 m AGL", "FL115"),
            "Para Exemple-le-Chateau": (K, "0 m AGL", "FL135"),
            "RESERVE DES HAUTS D'EXEMPLE 1000M/SOL": (R, "0 m AGL", "1000 m AGL"),
        },
        0,
    ),
    "united_kingdom.txt": (
        FileFormat.OPENAIR,
        {
            "EXAMPLETON CTR 120.005": (R, "0 m AGL", "2500 ft AMSL"),
            "EG D999 EXAMPLE RANGE": (K, "0 m AGL", "22000 ft AMSL"),
            "EG R998 EXAMPLE POWER STATION": (R, "0 m AGL", "2000 ft AMSL"),
            "EXAMPLE WAVE BOX": (A, "FL195", "FL240"),
        },
        0,
    ),
    "canada.txt": (
        FileFormat.OPENAIR,
        {
            "EXAMPLE RIVER MF 123.0": (A, "0 m AGL", "6400 ft AMSL"),
            "EXAMPLE LAKE, ON CZ": (R, "0 m AGL", "3000 ft AMSL"),
            "CYD999 EXAMPLE OCEAN Ocsl by NOTAM": (K, "FL180", "100000 m W84"),
        },
        0,
    ),
    "south_africa.txt": (
        FileFormat.OPENAIR,
        {
            "CENTRAL SUMMER EXAMPLE": (A, "0 m AGL", "FL195.01"),
            "FAP999 : EXAMPLE BIRD COLONY": (R, "0 m AGL", "1001 ft AGL"),
            "FAD998 : EXAMPLE GENERAL FLYING AREA": (K, "4500 ft AMSL", "7501 ft AMSL"),
        },
        0,
    ),
    "germany_switzerland.txt": (
        FileFormat.OPENAIR,
        {
            "Musterbuhl CTR 118.50": (R, "0 m AGL", "3500 ft AMSL"),
            "RMZ Beispielfeld": (A, "0 m AGL", "1000 ft AGL"),
            "LS-R99 Beispielhorn": (R, "FL100", "FL130"),
            "AWY Z999": (R, "FL100", "FL195"),
        },
        0,
    ),
    "slovenia.openair": (
        FileFormat.OPENAIR,
        {
            "EXAMPLE TRA 1": (R, "FL135", "FL195"),
            "EXAMPLE TSA 2": (R, "7500 ft AMSL", "100000 m W84"),
            "EXAMPLE DANGER": (A, "0 m AGL", "2000 ft AGL"),
        },
        0,
    ),
    "switzerland_ed269.json": (
        FileFormat.ED269,
        {
            "CHE-X1": (R, "0 m AGL", "100000 m W84"),
            "CHE-X2": (R, "0 m AGL", "1500 m AMSL"),
            "CHE-X3": (R, "0 m AGL", "300 m AGL"),
        },
        0,
    ),
    "luxembourg_finland_ed269.json": (
        FileFormat.ED269,
        {
            "LU-X-001": (R, "0 m AGL", "120 m AGL"),
            "LU-X-002": (R, "0 ft AGL", "500 ft AMSL"),
            "FI-X-PUISTO": (A, "0 m AGL", "100000 m W84"),
        },
        0,
    ),
    "estonia_ed269.geojson": (
        FileFormat.ED269,
        {"EEX1": (R, "0 m AGL", "120 m AGL"), "EEX2": (A, "0 ft AGL", "6000 ft AGL")},
        0,
    ),
    "lithuania_ed269.json": (FileFormat.ED269, {"LTX1": (R, "0 ft AGL", "6677 ft AGL")}, 1),
    "sweden_ed318.json": (
        FileFormat.ED318,
        {
            "ESX901": (R, "0 m AGL", "150 m AGL"),
            "ESX902": (R, "0 m AGL", "150 m AGL"),
            "ESX903": (R, "0 ft AGL", "1500 ft AMSL"),
            "ESX904": (R, "50 m AGL", "150 m AGL"),
        },
        0,
    ),
    "ireland_ed318.geojson": (
        FileFormat.ED318,
        {"X901": (R, "0 ft AGL", "2500 ft AMSL"), "X902": (R, "0 ft AGL", "3000 ft AMSL")},
        0,
    ),
    "spain_ed318.geojson": (
        FileFormat.ED318,
        {
            "LEXX45": (R, "45 m AGL", "900 m AGL"),
            "90": (R, "0 m AGL", "100000 m W84"),
            "INFX1": (R, "0 m AGL", "92.1 m AGL"),
        },
        0,
    ),
}


def read(name: str) -> Reading:
    return read_source((FOLDER / name).read_bytes())


def zones_of(name: str) -> dict[str, Zone]:
    return {record.zone.zone_id: record.zone for record in read(name).records if record.zone is not None}


def test_every_file_is_expected() -> None:
    assert {path.name for path in FOLDER.iterdir() if path.suffix != ".md"} == set(EXPECTED)


@pytest.mark.parametrize("name", list(EXPECTED))
def test_each_style_is_read_whole_and_can_be_placed(name: str) -> None:
    file_format, expected, refused = EXPECTED[name]
    reading = read(name)
    assert reading.file_format is file_format
    assert len(reading.refused) == refused
    found = {
        zone_id: (
            zone.kind,
            altitude_text(zone.volumes[0].altitude_lower),
            altitude_text(zone.volumes[0].altitude_upper),
        )
        for zone_id, zone in zones_of(name).items()
    }
    assert found == expected
    for zone in zones_of(name).values():
        assert len(prepare(volumes_of_a_day(zone))) == len(zone.volumes)


def test_shapes_of_the_examples() -> None:
    count: Counter[str] = Counter()
    for name in EXPECTED:
        for zone in zones_of(name).values():
            for volume in zone.volumes:
                count["circle"] += volume.outline_circle is not None
                count["corridor"] += volume.outline_corridor is not None
                count["polygon"] += volume.outline_polygon is not None
    assert count == {"polygon": 34, "circle": 8, "corridor": 1}


def test_windows_of_the_examples() -> None:
    slovenia, swiss, sweden = (zones_of(name) for name in ("slovenia.openair", *list(EXPECTED)[6:11:4]))
    assert [len(zone.windows) for zone in slovenia.values()] == [2, 2, 0]
    # 29 May 24:00 is 30 May 00:00.
    assert slovenia["EXAMPLE TRA 1"].windows[1].end_ms == 1_780_099_200_000
    monday, night = swiss["CHE-X3"].windows
    assert monday.days == (Weekday.THU, Weekday.SUN)
    assert (monday.daily_from_ms, monday.daily_until_ms) == (81_000_000, 14_400_000)
    assert (night.days, night.daily_from_ms, night.daily_until_ms) == ((), 64_800_000, 21_600_000)
    by_clock, by_daylight = sweden["ESX903"].windows
    assert by_clock.days == (Weekday.MON,)
    assert by_daylight.days == (Weekday.FRI, Weekday.SAT, Weekday.SUN)
    assert by_daylight.daily_from_ms is None


def test_the_one_zone_that_is_wrong_is_named() -> None:
    (bad,) = read("lithuania_ed269.json").refused
    assert (bad.place, bad.line, bad.refusal.field) == ("[1]", 55, "applicability[0].endDateTime")
