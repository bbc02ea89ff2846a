"""The room's doors: light to import, warm when told, its data, its cache of kernels, and areas to draw."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

import clearline.sky
from clearline.model.message import Severity
from clearline.model.refusal import Refusal, RefusalCode
from clearline.sky import Meeting, compiler, describe, load_rules, prepare, warm_up
from clearline.sky.finding import severity_of
from clearline.sky.rules import RULE_SETS
from tests.sky.shapes import (
    INTERSECT,
    THREES,
    anywhere,
    circle,
    corridor,
    moved,
    random_outline,
    rules,
    seeded,
    shape,
    volume,
)

ROOM = Path(clearline.sky.__file__).parent


def python(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, **environment}
    )
    return done.stdout.strip()


def test_import_is_light() -> None:
    """Rooms that need the types alone load neither numpy nor numba nor pyproj."""
    heavy = "import clearline.sky, sys; print([m for m in ('numpy', 'numba', 'pyproj') if m in sys.modules])"
    assert python(heavy) == "[]"


def test_short_edges_need_no_geodesics() -> None:
    """A drone's notice does not load pyproj."""
    code = (
        "import sys; from tests.sky.shapes import *; shape(polygon((0, 0), (0, 0.01), (0.01, 0)));"
        "print('pyproj' in sys.modules)"
    )
    assert python(code, PYTHONPATH=os.pathsep.join(sys.path)) == "False"


def test_names_of_the_room() -> None:
    """Every public name is there, and no other is made up."""
    for name in clearline.sky.__all__:
        assert getattr(clearline.sky, name)
    with pytest.raises(AttributeError, match="nothing_like_it"):
        getattr(clearline.sky, "nothing_like_it")  # noqa: B009


def test_warm_up_tells_its_steps() -> None:
    """A node shows how far the kernels are."""
    told: list[tuple[str, int, int]] = []
    warm_up(lambda name, done, total: told.append((name, done, total)))
    assert [done for _, done, _ in told] == list(range(len(told)))
    assert all(total == len(told) - 1 for _, _, total in told)
    warm_up()


def test_all_kernels_count_into_the_name_of_their_cache() -> None:
    """Design §4: compiled code is never older than any source that it was made from."""
    with_kernels = {
        path.stem for path in ROOM.glob("*.py") if re.search(r"^@(kernel|inner)$", path.read_text(), re.MULTILINE)
    }
    assert with_kernels | {"compiler"} == set(compiler.KERNEL_MODULES)


def test_cache_is_read_from_a_safe_place_only(tmp_path: Path) -> None:
    """Compiled code that others may write to is not run."""
    code = "from clearline.sky import compiler; print(compiler.cache_directory())"
    place = python(code, XDG_CACHE_HOME=str(tmp_path))
    assert place.startswith(str(tmp_path))
    Path(place).chmod(0o777)
    assert python(code, XDG_CACHE_HOME=str(tmp_path)) == "None"
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert python(code, XDG_CACHE_HOME=str(blocked)) == "None"


def test_rule_sets() -> None:
    """R16: the default is 3 NM, 3,000 ft, 3 min; names that are not there are refused with those that are."""
    assert (THREES.separation_lateral_m, THREES.separation_vertical_m, THREES.closer_ms_max) == (
        5_556.0,
        914.4,
        180_000,
    )
    assert (INTERSECT.separation_lateral_m, INTERSECT.separation_vertical_m, INTERSECT.closer_ms_max) == (
        0.0,
        0.0,
        None,
    )
    assert {load_rules(name).rule_id for name in RULE_SETS} == set(RULE_SETS)
    with pytest.raises(Refusal) as caught:
        load_rules("../threes")
    assert caught.value.code is RefusalCode.OUT_OF_RANGE
    assert severity_of(0, INTERSECT) is Severity.CONFLICT
    assert severity_of(0, rules(closer_ms_max=0)) is Severity.BRIEF


def test_prepared_is_a_value() -> None:
    """The same volumes prepare to the same bytes: two machines hold the same shapes."""
    one, other = shape(circle(1.0, 2.0, 3.0)), shape(circle(1.0, 2.0, 3.0))
    assert one == other
    assert hash(one) == hash(other)
    assert one != shape(circle(1.0, 2.0, 4.0))
    assert one != "volume"
    with pytest.raises(ValueError, match="read-only"):
        one.floats[0] = 0.0


def _area(meeting: Meeting | None) -> list[tuple[float, float]]:
    assert meeting is not None
    return [(point.lat, point.lng) for point in meeting.area]


def test_area_is_near_what_meets() -> None:
    """A view can draw where two notices meet: at least three places, each near both."""
    seed = 45_001
    seeded(seed)
    random = Random(seed)
    drawn = 0
    for _ in range(40):
        place, size_m = anywhere(random), 10.0 ** random.uniform(1.5, 5.0)
        a = shape(random_outline(random, place, size_m))
        b = shape(random_outline(random, moved(place, random.uniform(0.0, 360.0), size_m * random.random()), size_m))
        for rule_set in (INTERSECT, THREES):
            meeting = describe(a, b, rule_set)
            if meeting is not None:
                corners = _area(meeting)
                assert len(corners) >= 3
                # Curves are drawn outward, by less than a hundredth of what is drawn.
                near = rules(lateral_m=100.0 + rule_set.separation_lateral_m + 0.01 * size_m)
                for corner in corners[:: 1 + len(corners) // 4]:
                    assert describe(shape(circle(*corner, 1.0)), a, near) is not None
                    assert describe(shape(circle(*corner, 1.0)), b, near) is not None
                drawn += 1
    assert drawn > 25


def test_area_of_a_crossing() -> None:
    """Two narrow corridors that cross far from their vertices are drawn at the crossing."""
    one, other = corridor(5.0, (0.0, -0.04), (0.0, 0.0437)), corridor(5.0, (-0.0413, 0.0), (0.04, 0.0))
    area = _area(describe(shape(one), shape(other), INTERSECT))
    assert all(abs(lat) < 0.002 and abs(lng) < 0.002 for lat, lng in area)


def test_many_pairs_in_one_meeting() -> None:
    """All pairs of volumes are named; bands are written out for three and counted beyond."""
    a = prepare([volume(circle(0.0, 0.0, 10.0), band=(k, k + 1.5)) for k in range(5)])
    meeting = describe(a, a, INTERSECT)
    assert meeting is not None
    assert len(meeting.pairs) == 13
    assert meeting.band_text.endswith("; and 10 more")
