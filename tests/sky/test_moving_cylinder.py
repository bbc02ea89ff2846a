"""The cylinder in closed form: against others' intervals, against 50 digits, and where numbers go bad."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp, mpf

from clearline.sky.kernel_cylinder import cylinder_window, half_window, slab_window
from clearline.sky.kernel_lag import lag_window
from clearline.sky.kernel_piece import Seen
from tests.sky.shapes import EFFORT, seeded

mp.dps = 50
SEED = 47_001
VECTORS = Path(__file__).resolve().parent.parent / "vectors" / "tactical" / "H_intent_pairs_4d.json"

Point = tuple[float, float, float, float]
Window = tuple[float, float]


def leg_pair(a: tuple[Point, Point], b: tuple[Point, Point], wide: float, tall: float, span: Window) -> Window:
    """When two legs are within the cylinder; times from the start of what they share."""
    t0, t1 = max(a[0][3], b[0][3], span[0]), min(a[1][3], b[1][3], span[1])
    v_a = [(a[1][k] - a[0][k]) / (a[1][3] - a[0][3]) for k in range(3)]
    v_b = [(b[1][k] - b[0][k]) / (b[1][3] - b[0][3]) for k in range(3)]
    s = [a[0][k] + v_a[k] * (t0 - a[0][3]) - b[0][k] - v_b[k] * (t0 - b[0][3]) for k in range(3)]
    v = [v_a[k] - v_b[k] for k in range(3)]
    t_in, t_out = cylinder_window(s[0], s[1], s[2], v[0], v[1], v[2], wide, tall, 0.0, t1 - t0)
    return t_in + t0, t_out + t0


def merged(windows: list[Window]) -> list[list[float]]:
    out: list[list[float]] = []
    for t_in, t_out in sorted(windows):
        if out and t_in <= out[-1][1] + 1e-9:
            out[-1][1] = max(out[-1][1], t_out)
        else:
            out.append([t_in, t_out])
    return out


def test_intervals_of_others() -> None:
    """R16: 120 pairs of plans: the intervals of two other programs to 1e-9 s, and the instants that they leave out.

    The others compare half-open legs. Where one plan ends in the instant in which the other starts, and the two are
    within the cylinder in that instant, we say so: intervals are closed (design.md §4).
    """
    instants = 0
    conflicts = 0
    for each in json.loads(VECTORS.read_text())["encounters"]:
        span = each["B_s"], each["T_s"]
        windows = [
            leg_pair(a, b, each["D_m"], each["H_m"], span)
            for a in itertools.pairwise(map(tuple, each["own"]))
            for b in itertools.pairwise(map(tuple, each["intruder"]))
        ]
        found = merged([window for window in windows if window[0] <= window[1]])
        touching = min(each["own"][-1][3], each["intruder"][-1][3]) == max(each["own"][0][3], each["intruder"][0][3])
        if touching and found and found[0][0] == found[0][1]:
            instants += 1
            assert each["exact"] == each["cdii"] == []
            continue
        assert len(found) == len(each["exact"]) == len(each["cdii"])
        for (t_in, t_out), exact, cdii in zip(found, each["exact"], each["cdii"], strict=True):
            conflicts += 1
            assert max(abs(t_in - exact[0]), abs(t_out - exact[1])) < 1e-9
            assert max(abs(t_in - cdii["t_in"]), abs(t_out - cdii["t_out"])) < 1e-9
    assert (conflicts, instants) == (37, 3)


def exact_window(s: list[float], v: list[float], wide: float, tall: float, span: Window) -> tuple[mpf, mpf] | None:
    """The same in 50 digits: roots as in school."""
    t0, t1 = mpf(span[0]), mpf(span[1])
    sx, sy, sz, vx, vy, vz = (mpf(value) for value in (*s, *v))
    if vz == 0:
        if abs(sz) > tall:
            return None
    else:
        low, high = sorted(((-tall - sz) / vz, (tall - sz) / vz))
        t0, t1 = max(t0, low), min(t1, high)
    a, b, c = vx * vx + vy * vy, sx * vx + sy * vy, sx * sx + sy * sy - mpf(wide) ** 2
    if a == 0:
        if c > 0:
            return None
    else:
        if b * b - a * c < 0:
            return None
        root = mp.sqrt(b * b - a * c)
        t0, t1 = max(t0, (-b - root) / a), min(t1, (-b + root) / a)
    return (t0, t1) if t0 <= t1 else None


def nasty(random: Random, size: float) -> float:
    return random.choice([0.0, -size, size, random.uniform(-size, size), random.gauss(0.0, 1e-6 * size)])


def test_against_fifty_digits() -> None:
    """Nothing that 50 digits find is left out, and what is added is rounding: slow, fast, grazing, far in time."""
    seeded(SEED)
    random = Random(SEED)
    empty = 0
    for _ in range(20_000 * EFFORT):
        wide, tall = random.choice([0.0, 1.0, 9_260.0]), random.choice([0.0, 30.0, 304.8])
        size = 10.0 ** random.uniform(-3.0, 7.0)
        s = [nasty(random, size) for _ in range(3)]
        v = [nasty(random, 10.0 ** random.uniform(-9.0, 3.0)) for _ in range(3)]
        if random.random() < 0.3:
            # Grazing: from a tangent point on the cylinder, along the tangent.
            turn, back = random.uniform(0.0, 2.0 * math.pi), random.uniform(-1e4, 1e4)
            v[0], v[1] = -math.sin(turn) * v[0], math.cos(turn) * v[0]
            s[0], s[1] = wide * math.cos(turn) - back * v[0], wide * math.sin(turn) - back * v[1]
        span = random.choice([(0.0, 1e3), (-1e12, 1e12), (0.0, 0.0), (5.0, 1e9)])
        t_in, t_out = cylinder_window(s[0], s[1], s[2], v[0], v[1], v[2], wide, tall, span[0], span[1])
        exact = exact_window(s, v, wide, tall, span)
        if exact is not None:
            assert t_in <= exact[0], (s, v, wide, tall, span)
            assert exact[1] <= t_out, (s, v, wide, tall, span)
        elif t_in > t_out:
            empty += 1
            assert (t_in, t_out) == (math.inf, -math.inf)
        if t_in <= t_out:
            # With a cylinder larger by rounding, 50 digits find all that was returned.
            scale = math.hypot(s[0], s[1]) + math.hypot(v[0], v[1]) * max(abs(t_in), abs(t_out))
            height = abs(s[2]) + abs(v[2]) * max(abs(t_in), abs(t_out))
            wider = exact_window(s, v, wide + 1e-13 * (scale + wide), tall + 1e-13 * (height + tall), span)
            assert wider is not None, (s, v, wide, tall, span)
            spare = 1e-13 * (abs(t_in) + abs(t_out))
            assert wider[0] - spare <= t_in, (s, v, wide, tall, span)
            assert t_out <= wider[1] + spare, (s, v, wide, tall, span)
    assert empty > 1_000


@pytest.mark.parametrize(
    ("s", "v", "wide", "tall", "window"),
    [
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), 0.0, 0.0, (0.0, 10.0)),
        ((3.0, 4.0, 5.0), (0.0, 0.0, 0.0), 5.0, 5.0, (0.0, 10.0)),
        ((3.0, 4.0, 5.0), (0.0, 0.0, 0.0), 4.999, 5.0, None),
        ((3.0, 4.0, 5.0), (0.0, 0.0, 0.0), 5.0, 4.999, None),
        ((-4.0, 5.0, 0.0), (1.0, 0.0, 0.0), 5.0, 0.0, (4.0, 4.0)),
        ((-4.0, 5.001, 0.0), (1.0, 0.0, 0.0), 5.0, 0.0, None),
        ((-4.0, 3.0, 0.0), (1.0, 0.0, 0.0), 5.0, 0.0, (0.0, 8.0)),
        ((0.0, 0.0, 10.0), (0.0, 0.0, -1.0), 1.0, 2.0, (8.0, 10.0)),
        ((0.0, 0.0, 10.0), (1.0, 0.0, -1.0), 8.0, 2.0, (8.0, 8.0)),
        ((1e150, 0.0, 0.0), (0.0, 0.0, 0.0), 1.0, 1.0, None),
        ((1.0, 0.0, 0.0), (1e-300, 0.0, 0.0), 1.0, 1.0, (0.0, 10.0)),
        ((0.0, 0.0, 1.0), (0.0, 0.0, 1e-320), 1.0, 1.0, (0.0, 10.0)),
    ],
)
def test_cylinder_corners(
    s: tuple[float, float, float], v: tuple[float, float, float], wide: float, tall: float, window: Window | None
) -> None:
    found = cylinder_window(*s, *v, wide, tall, 0.0, 10.0)
    if window is None:
        assert found == (math.inf, -math.inf)
    else:
        # Where they graze, the window of an instant is as wide as rounding makes it: the root of 1e-15.
        assert found == pytest.approx(window, abs=1e-6)


def test_empty_span() -> None:
    assert cylinder_window(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 1.0) == (math.inf, -math.inf)


@given(g=st.floats(-1e9, 1e9), h=st.floats(-1e9, 1e9), reach=st.floats(0.0, 1e9), share=st.floats(0.0, 1.0))
def test_half_and_slab(g: float, h: float, reach: float, share: float) -> None:
    """An instant whose value is allowed is in the window."""
    t = -3.0 + 10.0 * share
    t0, t1 = half_window(g, h, -3.0, 7.0)
    value = mpf(g) + mpf(h) * mpf(t)
    assert value > 0 or t0 <= t <= t1
    t0, t1 = slab_window(g, h, reach, -3.0, 7.0)
    assert abs(value) > reach * (1 - 1e-12) - 1e-12 * abs(g) or t0 <= t <= t1


def test_lag_window_against_a_grid() -> None:
    """Two that may be compared at different instants: the box holds all pairs that a grid finds, and no more."""
    seeded(SEED + 1)
    random = Random(SEED + 1)
    steps = np.linspace(-1.0, 1.0, 161)
    y, z = np.meshgrid(steps, steps, indexing="ij")
    found = 0
    for _ in range(600 * EFFORT):
        way = [nasty(random, 1.0) for _ in range(4)]
        seen = Seen(nasty(random, 1.5), nasty(random, 1.5), way[0], way[1], way[2], way[3], 0.0, 1.0)
        planes = np.zeros((4, 3))
        for k in range(random.randrange(5)):
            planes[k] = [nasty(random, 1.0) for _ in range(3)]
        reach = random.choice([0.0, 0.3, 1.0])
        y_in, y_out, z_in, z_out = lag_window(seen, reach, planes)
        gap = np.hypot(seen.sx + seen.ax * y - seen.bx * z, seen.sy + seen.ay * y - seen.by * z)
        sides = planes[:, 0, None, None] + planes[:, 1, None, None] * y + planes[:, 2, None, None] * z
        held = (gap <= reach) & (sides <= 0.0).all(axis=0)
        if held.any():
            found += 1
            assert y_in <= y[held].min() + 1e-9
            assert y[held].max() <= y_out + 1e-9
            assert z_in <= z[held].min() + 1e-9
            assert z[held].max() <= z_out + 1e-9
        if y_in <= y_out:
            # Each end is reached: a grid wider by its own step finds a pair within a step of it.
            spare = 0.0126 * (1.0 + sum(abs(value) for value in way))
            near = (gap <= reach + spare) & (sides <= 0.0126 * np.abs(planes[:, 1:]).sum(axis=1)[:, None, None]).all(
                axis=0
            )
            assert near.any()
            for end, axis in ((y_in, y), (y_out, y), (z_in, z), (z_out, z)):
                assert np.abs(axis[near] - end).min() <= 0.0126
    assert found > 100
