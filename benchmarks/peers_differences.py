"""Where a peer's answer differs from the exact one: how often, by what the pair has, and who is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from benchmarks.peers_exact import Held, Mask, exact_pairs, held_of
from benchmarks.peers_gnomonic import APART, BETWEEN, MEET, referee
from benchmarks.peers_hard import together
from benchmarks.sky_workload import CIRCLE, R_M, Floats, Ints, SkyArrays, busy_sky

KINDS = ("antimeridian", "pole", "long edge", "circle", "other")
"""What a pair has; the first that fits counts."""
LONG_M = 10_000.0
REFEREE_MAX = 3_000
SEED = 4


def differences(ours: Ints, theirs: Ints, first: Held, second: Held) -> dict[str, Any]:
    """Compare two answers, rows (volume of `first`, volume of `second`), each once and sorted."""
    missed, extra = _without(ours, theirs), _without(theirs, ours)
    return {
        "ours": len(ours),
        "theirs": len(theirs),
        "missed": _by_kind(missed, first, second, wrong_if=MEET),
        "extra": _by_kind(extra, first, second, wrong_if=APART),
        "not_theirs": len(missed),
        "not_ours": len(extra),
    }


def _without(rows: Ints, others: Ints) -> Ints:
    numbers, of_others = (each[:, 0] * (1 << 32) + each[:, 1] for each in (rows, others))
    return rows[~np.isin(numbers, of_others)]


def _by_kind(rows: Ints, first: Held, second: Held, *, wrong_if: int) -> dict[str, int]:
    """Count the pairs of which the referee says that the peer is wrong, by kind; `ours` are those we have wrong."""
    if not len(rows):
        return {}
    rows = rows[:REFEREE_MAX]
    a, b = together(first.arrays.taken(rows[:, 0])), together(second.arrays.taken(rows[:, 1]))
    said = referee(a, b)
    said[_gap_m(first.arrays, rows[:, 0], second.arrays, rows[:, 1]) > 0.0] = BETWEEN
    has_a, has_b = _traits(held_of(a)), _traits(held_of(b))
    kind = np.argmax(has_a | has_b, axis=1)
    counts = {name: int(((kind == n) & (said == wrong_if)).sum()) for n, name in enumerate(KINDS)}
    counts["ours"] = int((said == -wrong_if).sum())
    counts["between"] = int((said == BETWEEN).sum())
    return {name: count for name, count in counts.items() if count}


def _gap_m(first: SkyArrays, a: Ints, second: SkyArrays, b: Ints) -> Floats:
    """Return the gap between the bands of pairs: those within the tolerance of heights are nobody's fault."""
    gap: Floats = np.maximum(first.lower_m[a] - second.upper_m[b], second.lower_m[b] - first.upper_m[a])
    return gap


def _traits(held: Held) -> NDArray[np.bool_]:
    """Return for each volume which of KINDS it has."""
    arrays = held.arrays
    sizes = np.diff(arrays.offsets)
    last = np.arange(len(arrays.lat)) + 1
    last[arrays.offsets[1:] - 1] = arrays.offsets[:-1]
    lat, lng = np.radians(arrays.lat), np.radians(arrays.lng)
    vectors = np.stack([np.cos(lat) * np.cos(lng), np.cos(lat) * np.sin(lng), np.sin(lat)], axis=1)
    edge_m = R_M * np.linalg.norm(vectors[last] - vectors, axis=1)
    longest = np.maximum.reduceat(edge_m, arrays.offsets[:-1]) if len(sizes) else np.zeros(0)
    widths = held.boxes.maps[held.boxes.first[:-1]]
    polar = (widths[:, 2] - widths[:, 0]) >= 359.0
    split = np.diff(held.boxes.first) == 2
    return np.stack([split, polar, longest > LONG_M, arrays.kind == CIRCLE, np.ones(len(arrays), dtype=bool)], axis=1)


def close_pairs_report(count: int) -> dict[str, int]:
    """Show random pairs that lie close together to the referee; return what `clearline` says otherwise."""
    first, second = close_pairs(count)
    said: Mask = exact_pairs(held_of(first), held_of(second))
    right = referee(first, second)
    circle = (first.kind == CIRCLE) | (second.kind == CIRCLE)
    extra = (right == APART) & said
    return {
        "pairs": count,
        "meet": int((right == MEET).sum()),
        "between": int((right == BETWEEN).sum()),
        "missed": int(((right == MEET) & ~said).sum()),
        "extra": int(extra.sum()),
        "extra_with_circle": int((extra & circle).sum()),
    }


def close_pairs(count: int) -> tuple[SkyArrays, SkyArrays]:
    """Return pairs of the busy sky whose boxes on the map overlap, at one height and time; a third have a corridor."""
    sky = held_of(busy_sky(60_000, seed=(SEED, 0)))
    tree = shapely.STRtree(shapely.box(*sky.boxes.maps.T))
    a, b = (sky.boxes.owner[each] for each in tree.query(shapely.box(*sky.boxes.maps.T)))
    a, b = a[a < b], b[a < b]
    random = np.random.default_rng((SEED, 1))
    wide = (sky.arrays.part[a] == 2) | (sky.arrays.part[b] == 2)
    few = random.choice(np.flatnonzero(wide), count // 3, replace=False)
    most = random.choice(np.flatnonzero(~wide), count - count // 3, replace=False)
    chosen = np.concatenate([few, most])
    return together(sky.arrays.taken(a[chosen])), together(sky.arrays.taken(b[chosen]))
