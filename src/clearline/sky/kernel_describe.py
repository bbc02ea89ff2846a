"""Kernel: every pair of volumes of two notices that is closer than a rule allows, how near, and where to draw it.

Units and records as in `kernel_meet`; a moving piece (kind MOVING) is flown at constant speed from its first vertex at
K[4] to its second at K[5], and its band goes from F[11:13] to F[13:15] in its own reference.

Rules
 * The decision is that of `kernel_query.compare`; nothing here decides.
 * A distance told is never more than the true one. Where something moves, it is the least within the window in which
   the two are closer, at one instant for both; with a time separation, the least between all that they sweep.
 * The map of a meeting is azimuthal and equidistant about a centre c. On the sphere both its scales are 1 or more: at
   angle t from c, 1 along and t / sin t across. Each axis is then given the metres that a radian is worth at c, N east
   and M north (`geodesy`), so that lengths near c are those of WGS84.

Symbols: e and n the unit vectors east and north of c; map coordinates x east and y north of c [m].
"""

from __future__ import annotations

import math

import numpy as np

from clearline.sky.compiler import kernel
from clearline.sky.kernel_meet import (
    APART,
    FLOAT_COLUMNS,
    RULE_COLUMNS,
    lateral_gap,
    lateral_limit,
    vertical_gap,
)
from clearline.sky.kernel_query import HIT_COLUMNS, RULES_HEAD, Rules, compare, rule_of
from clearline.sky.kernel_rows import ROW_COLUMNS
from clearline.sky.kernel_shape import CORRIDOR, MOVING, POINT, POLYGON, Floats, Ints, dress, inside, point_gap_sq

__all__ = ["GAP_COLUMNS", "basis", "caps", "core_gaps", "cut", "flat", "meetings", "round_again"]

GAP_COLUMNS = 4
"""Of each pair: [0] lateral distance [m]; [1] vertical gap [m], NaN where it is not known; [2], [3] heights W84 that
both bands hold, or the gap between them."""
CAP_COLUMNS = 6


@kernel
def _share(K: Ints, a: int, at_ms: int) -> float:
    """Return how much of a moving piece is flown at an instant, 0 to 1."""
    if K[a, 5] <= K[a, 4]:
        return 0.0
    return min(1.0, max(0.0, (at_ms - K[a, 4]) / (K[a, 5] - K[a, 4])))


@kernel
def cut(K: Ints, a: int, V: Floats, from_ms: int, until_ms: int) -> Floats:
    """Return the two ends of what a moving piece flies within a window."""
    out = np.empty((2, 3))
    v = K[a, 6]
    for k in range(2):
        s = _share(K, a, from_ms if k == 0 else until_ms)
        norm = 0.0
        for d in range(3):
            out[k, d] = V[v, d] * (1.0 - s) + V[v + 1, d] * s
            norm += out[k, d] ** 2
        norm = math.sqrt(norm)
        for d in range(3):
            out[k, d] /= norm
    return out


@kernel
def _moving_chord(p: Floats, q: Floats) -> float:
    """Return the least chord between two that fly from p[0], q[0] to p[1], q[1] in the same time."""
    along = 0.0
    length_sq = 0.0
    for d in range(3):
        first = p[0, d] - q[0, d]
        change = p[1, d] - q[1, d] - first
        along -= first * change
        length_sq += change * change
    s = min(1.0, max(0.0, along / length_sq)) if length_sq > 0.0 else 0.0
    x = p[0] * (1.0 - s) + p[1] * s
    y = q[0] * (1.0 - s) + q[1] * s
    x /= math.sqrt((x * x).sum())
    y /= math.sqrt((y * y).sum())
    return math.sqrt(((x - y) ** 2).sum())


@kernel
def _cut_chord(
    F: Floats, K: Ints, a: int, V: Floats, G: Floats, L: Ints, b: int, W: Floats, C: Floats, window: Ints, limit: float
) -> float:
    """Return the least chord from what moving piece a flies within a window to core b, which stands still."""
    ends = cut(K, a, V, window[0], window[1])
    point = (ends[0] == ends[1]).all()
    kind = POINT if point else CORRIDOR
    count = 1 if point else 2
    H = np.empty((1, FLOAT_COLUMNS))
    M = np.zeros((1, ROW_COLUMNS), np.int64)
    X = np.empty((2, 6))
    D = np.empty((1, 4))
    H[0] = F[a]
    M[0, 0] = kind
    M[0, 3] = count
    dress(ends, 0, count, kind, X, 0, D, 0)
    return lateral_gap(H, M, 0, X, D, G, L, b, W, C, limit, 0.0)


@kernel
def _lateral_m(
    F: Floats, K: Ints, a: int, V: Floats, B: Floats, G: Floats, L: Ints, b: int, W: Floats, C: Floats,
    window: Ints, rule: Floats,
) -> float:  # fmt: skip
    """Return the least distance over ground that the true one can be, of a pair known to be closer."""
    limit = lateral_limit(F, a, G, b, rule[0], rule[3])
    moves, other_moves = K[a, 0] == MOVING, L[b, 0] == MOVING
    if rule[2] == 0.0 and moves and other_moves:
        chord = _moving_chord(cut(K, a, V, window[0], window[1]), cut(L, b, W, window[0], window[1]))
    elif rule[2] == 0.0 and moves:
        chord = _cut_chord(F, K, a, V, G, L, b, W, C, window, limit)
    elif rule[2] == 0.0 and other_moves:
        chord = _cut_chord(G, L, b, W, F, K, a, V, B, window, limit)
    else:
        chord = lateral_gap(F, K, a, V, B, G, L, b, W, C, limit, 0.0)
    angle = 2.0 * math.asin(0.5 * min(chord, limit, 2.0)) - F[a, 4] / F[a, 5] - G[b, 4] / G[b, 5]
    return max(0.0, angle * max(F[a, 5], G[b, 5]))


@kernel
def _limits_at(F: Floats, K: Ints, a: int, at_ms: int) -> tuple[float, float]:
    """Return lower and upper limit at an instant, in their own references."""
    lower, upper = F[a, 11], F[a, 12]
    if K[a, 0] == MOVING:
        s = _share(K, a, at_ms)
        lower += (F[a, 13] - lower) * s
        upper += (F[a, 14] - upper) * s
    return lower, upper


@kernel
def _limits_over(F: Floats, K: Ints, a: int, window: Ints) -> tuple[float, float]:
    """Return the least lower and the greatest upper limit within a window, in their own references."""
    lower, upper = _limits_at(F, K, a, window[0])
    lower_last, upper_last = _limits_at(F, K, a, window[1])
    return min(lower, lower_last), max(upper, upper_last)


@kernel
def _vertical_m(F: Floats, K: Ints, a: int, G: Floats, L: Ints, b: int, window: Ints, rule: Floats) -> float:
    """Return the least vertical gap in the reference that both share, NaN where none can be compared."""
    reference = K[a, 1]
    if K[a, 2] != reference or L[b, 1] != reference or L[b, 2] != reference:
        return math.nan
    error = rule[5 + reference]
    if error == math.inf:
        return math.nan
    if K[a, 0] != MOVING and L[b, 0] != MOVING:
        least, _ = vertical_gap(F, K, a, G, L, b, rule[5:10])
        return max(0.0, least)
    bounds = max(G[b, 7] - F[a, 10], F[a, 7] - G[b, 10])
    lower, upper = _limits_over(F, K, a, window)
    other_lower, other_upper = _limits_over(G, L, b, window)
    least = max(other_lower - upper, lower - other_upper)
    if rule[2] == 0.0:
        # The larger of two straight lines over time is least at an end, or where they cross.
        lower, upper = _limits_at(F, K, a, window[0])
        other_lower, other_upper = _limits_at(G, L, b, window[0])
        up, down = other_lower - upper, lower - other_upper
        lower, upper = _limits_at(F, K, a, window[1])
        other_lower, other_upper = _limits_at(G, L, b, window[1])
        up_last, down_last = other_lower - upper, lower - other_upper
        least = min(max(up, down), max(up_last, down_last))
        if (up - down) * (up_last - down_last) < 0.0:
            s = (up - down) / (up - down - up_last + down_last)
            least = min(least, up + (up_last - up) * s)
    return max(0.0, bounds, least - error)


@kernel
def _heights_over(F: Floats, K: Ints, a: int, window: Ints, time_ms: float) -> tuple[float, float]:
    """Return outer bounds W84 of a band within a window, or at all times where there is a separation in time."""
    if time_ms == 0.0 and K[a, 0] == MOVING and K[a, 1] == 0 and K[a, 2] == 0:
        return _limits_over(F, K, a, window)
    return F[a, 7], F[a, 10]


@kernel
def _more(hits: Ints) -> Ints:
    out = np.empty((2 * hits.shape[0], HIT_COLUMNS), np.int64)
    out[: hits.shape[0]] = hits
    return out


@kernel
def meetings(
    F: Floats, K: Ints, V: Floats, B: Floats, G: Floats, L: Ints, W: Floats, C: Floats, classes: Ints, rules: Rules
) -> tuple[Ints, Floats]:
    """Compare all volumes of two notices, as `load` gives them; return hits as `merge` takes them, and their gaps.

    Hits are sorted by (i, j). Volumes are sorted by time, so that two long trajectories cost what they share.
    """
    K[:, 13] = classes[0]
    L[:, 13] = classes[1]
    time_ms = 0
    for at in range(RULES_HEAD, rules.shape[0], RULE_COLUMNS):
        time_ms = max(time_ms, int(rules[at + 2]))
    order = np.argsort(L[:, 4], kind="mergesort")
    starts = L[:, 4][order]
    latest = L[:, 5][order]
    for k in range(1, latest.shape[0]):
        latest[k] = max(latest[k], latest[k - 1])
    hits = np.empty((8, HIT_COLUMNS), np.int64)
    found = 0
    for a in range(F.shape[0]):
        first = np.searchsorted(latest, K[a, 4] - time_ms, side="left")
        last = np.searchsorted(starts, K[a, 5] + time_ms, side="right")
        before = found
        for b in order[first:last]:
            close, from_ms, until_ms = compare(F, K, a, V, B, G, L, b, W, C, rules)
            if close == APART:
                continue
            if found == hits.shape[0]:
                hits = _more(hits)
            hits[found, 0] = 0
            hits[found, 1] = a
            hits[found, 2] = b
            hits[found, 3] = close
            hits[found, 4] = from_ms
            hits[found, 5] = until_ms
            hits[found, 6] = rule_of(K, a, L, b, rules)
            found += 1
        if found > before + 1:
            hits[before:found] = hits[before:found][np.argsort(hits[before:found, 2], kind="mergesort")]
    gaps = np.empty((found, GAP_COLUMNS))
    for k in range(found):
        a, b, at = hits[k, 1], hits[k, 2], RULES_HEAD + RULE_COLUMNS * hits[k, 6]
        rule = rules[at : at + RULE_COLUMNS]
        window = hits[k, 4:6]
        gaps[k, 0] = _lateral_m(F, K, a, V, B, G, L, b, W, C, window, rule)
        gaps[k, 1] = _vertical_m(F, K, a, G, L, b, window, rule)
        lower, upper = _heights_over(F, K, a, window, rule[2])
        other_lower, other_upper = _heights_over(G, L, b, window, rule[2])
        inner, outer = max(lower, other_lower), min(upper, other_upper)
        gaps[k, 2] = min(inner, outer)
        gaps[k, 3] = max(inner, outer)
    return hits[:found], gaps


@kernel
def caps(F: Floats, G: Floats, hits: Ints, rules: Rules) -> Floats:
    """Return for each hit where its outline is to be drawn, CAP_COLUMNS angles and a centre.

    [0:3] centre of a cap that holds all of the smaller volume as it is widened, [3] angle of that cap, [4] half of the
    separation with its tolerance [m], [5] angle from the centre that holds all of the larger one.
    """
    out = np.empty((hits.shape[0], CAP_COLUMNS))
    for k in range(hits.shape[0]):
        a, b, at = hits[k, 1], hits[k, 2], RULES_HEAD + RULE_COLUMNS * hits[k, 6]
        half = 0.5 * rules[at] + rules[at + 3]
        reach = 2.0 * math.asin(min(1.0, 0.5 * F[a, 3])) + (F[a, 4] + half) / F[a, 5]
        other = 2.0 * math.asin(min(1.0, 0.5 * G[b, 3])) + (G[b, 4] + half) / G[b, 5]
        apart = math.sqrt((F[a, 0] - G[b, 0]) ** 2 + (F[a, 1] - G[b, 1]) ** 2 + (F[a, 2] - G[b, 2]) ** 2)
        out[k, 0:3] = F[a, 0:3] if reach <= other else G[b, 0:3]
        out[k, 3] = min(reach, other)
        out[k, 4] = half
        out[k, 5] = 2.0 * math.asin(min(1.0, 0.5 * apart)) + max(reach, other)
    return out


@kernel
def core_gaps(places: Floats, G: Floats, L: Ints, W: Floats, C: Floats, b: int) -> Floats:
    """Return the chord from each place to core b, 0 inside a ring: for drawing."""
    out = np.empty(places.shape[0])
    for k in range(places.shape[0]):
        x, y, z = places[k, 0], places[k, 1], places[k, 2]
        gap_sq = point_gap_sq(x, y, z, W, L[b, 6], L[b, 3], C, L[b, 7], 4.0)
        within = L[b, 0] == POLYGON and inside(x, y, z, W, L[b, 6], L[b, 3], G[b, 0], G[b, 1], G[b, 2], G[b, 3])
        out[k] = 0.0 if within else math.sqrt(gap_sq)
    return out


@kernel
def basis(cx: float, cy: float, cz: float, east_m: float, north_m: float) -> Floats:
    """Return the frame of a map: rows c, e, n, and (metres that a radian east is there, the same north, 0)."""
    out = np.empty((4, 3))
    across_sq = cx * cx + cy * cy
    # At a pole itself every direction is as good as another.
    ex, ey = (-cy / math.sqrt(across_sq), cx / math.sqrt(across_sq)) if across_sq > 1e-24 else (0.0, 1.0)
    out[0] = (cx, cy, cz)
    out[1] = (ex, ey, 0.0)
    out[2] = (-cz * ey, cz * ex, cx * ey - cy * ex)
    out[3] = (east_m, north_m, 0.0)
    return out


@kernel
def flat(V: Floats, first: int, count: int, frame: Floats) -> Floats:
    """Return the map coordinates of vertices V[first:first+count]."""
    out = np.empty((count, 2))
    for k in range(count):
        i = first + k
        z = V[i, 0] * frame[0, 0] + V[i, 1] * frame[0, 1] + V[i, 2] * frame[0, 2]
        x = V[i, 0] * frame[1, 0] + V[i, 1] * frame[1, 1] + V[i, 2] * frame[1, 2]
        y = V[i, 0] * frame[2, 0] + V[i, 1] * frame[2, 1] + V[i, 2] * frame[2, 2]
        across = math.sqrt(x * x + y * y)
        scale = math.atan2(across, z) / across if across > 0.0 else 1.0
        out[k, 0] = x * scale * frame[3, 0]
        out[k, 1] = y * scale * frame[3, 1]
    return out


@kernel
def round_again(places: Floats, frame: Floats) -> Floats:
    """Return (latitude, longitude) in degrees, to 1e-7, of map coordinates."""
    out = np.empty((places.shape[0], 2))
    for k in range(places.shape[0]):
        x, y = places[k, 0] / frame[3, 0], places[k, 1] / frame[3, 1]
        angle = math.sqrt(x * x + y * y)
        along = math.cos(angle)
        scale = math.sin(angle) / angle if angle > 0.0 else 1.0
        px = along * frame[0, 0] + scale * (x * frame[1, 0] + y * frame[2, 0])
        py = along * frame[0, 1] + scale * (x * frame[1, 1] + y * frame[2, 1])
        pz = along * frame[0, 2] + scale * (x * frame[1, 2] + y * frame[2, 2])
        out[k, 0] = np.round(math.degrees(math.atan2(pz, math.sqrt(px * px + py * py))), 7)
        out[k, 1] = np.round(math.degrees(math.atan2(py, px)), 7)
    return out
