"""Extracts that are not what they should be, and tracks at the edges of what a notice can hold."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from clearline.formats.route import Buffers, volumes_of
from clearline.formats.sample import Fix, read_sample
from clearline.model import limits
from clearline.model.refusal import Refusal, RefusalCode

BUFFERS = Buffers(lateral_m=1000.0, simplify_m=100.0, vertical_ft=200, time_ms=30_000, segment_ms=60_000)


def document(**changes: Any) -> dict[str, Any]:
    track = {"party": "a", "at": [1_600_000_000, 60], "lat": [100, 1], "lng": [100, 1], "altitude": [10, 0]} | changes
    return {
        "schema": "clearline/sample/1",
        "name": "x",
        "title": "x",
        "source": "x",
        "parties": ["a", "b"],
        "party_rule": "x",
        "units": {},
        "tracks": [track],
    }


def packed(value: Any) -> bytes:
    return gzip.compress(json.dumps(value).encode())


def test_differences_are_added_up() -> None:
    (track,) = read_sample(packed(document())).tracks
    assert track.fixes == (Fix(1_600_000_000_000, 0.001, 0.001, 250), Fix(1_600_000_060_000, 0.00101, 0.00101, 250))


@pytest.mark.parametrize(
    "source, code",
    [
        (b"", RefusalCode.MALFORMED),
        (b"no gzip", RefusalCode.MALFORMED),
        (packed(document())[:-9], RefusalCode.MALFORMED),
        (packed({}), RefusalCode.MALFORMED),
        (packed({**document(), "schema": "clearline/sample/2"}), RefusalCode.OUT_OF_RANGE),
        (packed(document(callsign="N123AB")), RefusalCode.UNKNOWN_FIELD),
        (packed(document(at=[1_600_000_000, 0])), RefusalCode.TIME_ORDER),
        (packed(document(at=[1_600_000_000])), RefusalCode.MALFORMED),
        (packed(document(lat=[9_100_000, 0])), RefusalCode.OUT_OF_RANGE),
        (packed(document(altitude=[-1, 0])), RefusalCode.OUT_OF_RANGE),
        (gzip.compress(bytes(65 << 20)), RefusalCode.OVER_LIMIT),
    ],
)
def test_a_bad_extract_is_refused(source: bytes, code: RefusalCode) -> None:
    with pytest.raises(Refusal) as caught:
        read_sample(source)
    assert caught.value.code is code


def test_a_long_flight_fits_into_one_notice() -> None:
    """A whole day, heard each 30 s: segments grow until their number fits."""
    fixes = [Fix(at_ms, 40.0 + at_ms / 1e9, 8.0, 5_000) for at_ms in range(30_000, 86_400_000, 30_000)]
    volumes = volumes_of(fixes, BUFFERS)
    assert limits.VOLUMES_MAX // 2 < len(volumes) <= limits.VOLUMES_MAX
    assert volumes[0].window_ms[0] == 0
    assert volumes[-1].window_ms[1] == fixes[-1].at_ms + BUFFERS.time_ms


def test_a_hover_is_a_circle() -> None:
    (volume,) = volumes_of([Fix(60_000, 40.0, 8.0, 50), Fix(90_000, 40.0, 8.0, 150)], BUFFERS)
    circle = volume.volume.outline_circle
    assert circle is not None
    assert circle.radius.value == 1100.0
    assert (volume.volume.altitude_lower.value, volume.volume.altitude_upper.value) == (0.0, 4.0)


def test_a_loop_back_to_its_start_is_kept() -> None:
    """First and last fix are one place: the line between them has no direction, and all others count by distance."""
    fixes = [Fix(60_000 + step, 40.0 + step / 1e5, 8.0, 500) for step in (0, 10_000, 20_000)]
    (volume,) = volumes_of([*fixes, Fix(90_000, 40.0, 8.0, 500)], BUFFERS)
    corridor = volume.volume.outline_corridor
    assert corridor is not None
    assert [point.lat for point in corridor.vertices] == [40.0, 40.2, 40.0]
