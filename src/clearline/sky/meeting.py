"""One pair of notices, with everything that a view shows.

Rules
 * The decision is the one that `Sky.findings` makes: the same kernel, the same tolerances.
 * What is shown never makes a meeting look smaller: distances are the least that the true ones can be.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from clearline.model.altitude import Altitude, altitude_text
from clearline.model.identity import AircraftClass
from clearline.model.rules import RuleSet
from clearline.model.volume import LatLngPoint
from clearline.sky.finding import Meeting, severity_of
from clearline.sky.kernel_describe import meetings
from clearline.sky.kernel_meet import SURE
from clearline.sky.kernel_query import merge
from clearline.sky.kernel_rows import load
from clearline.sky.kernel_shape import MOVING, Floats, Ints
from clearline.sky.prepared import Prepared
from clearline.sky.rule_table import class_code, rules_array

__all__ = ["describe"]

Band = tuple[Altitude, Altitude]
Classes = tuple[AircraftClass | None, AircraftClass | None]
Loaded = tuple[Floats, Ints, Floats, Floats]
Ring = tuple[LatLngPoint, ...]
Side = tuple[Prepared, Ints]
"""A notice, and the rows K of its volumes as `load` gives them."""
_TEXTS_MAX = 3
"""Pairs whose bands are written out in `band_text`; the rest is counted."""
_RULE_SETS_KEPT = 64
"""Rule sets kept as the kernel takes them: more than a node has lines."""


def describe(
    a: Prepared, b: Prepared, rules: RuleSet, classes: Classes = (None, None), *, outline: bool = True
) -> Meeting | None:
    """Return how two notices of these classes are closer than `rules` allow, or None where they are not.

    Without `outline`, `area` and `areas` stay empty and it takes a third of the time: for tables.
    """
    if not len(a) or not len(b):
        return None
    packed = _packed(rules)
    one = load(a.floats, a.ints, len(a))
    other = load(b.floats, b.ints, len(b))
    hits, gaps = meetings(*one, *other, _codes(classes), packed)
    if not len(hits):
        return None
    (_, from_ms, until_ms, closer_ms, _, _, _, number), *_ = merge(hits, len(hits))[0].tolist()
    lateral_m, vertical_m, lower_m, _ = gaps.min(axis=0).tolist()
    pairs = tuple((i, j) for i, j in hits[:, 1:3].tolist())
    area, areas = _areas(one, other, hits, packed) if outline else ((), ())
    return Meeting(
        rule_id=rules.rule_id,
        rule_version=rules.version,
        severity=severity_of(closer_ms, rules, number),
        from_ms=from_ms,
        until_ms=until_ms,
        closer_ms=closer_ms,
        certain=bool((hits[:, 3] == SURE).any()),
        lateral_m_min=lateral_m,
        # A least of numbers with one NaN is NaN: as soon as one pair is compared by bounds only (R13).
        vertical_m_min=None if math.isnan(vertical_m) else vertical_m,
        band_lower_w84_m=lower_m,
        band_upper_w84_m=float(gaps[:, 3].max()),
        band_text=_band_text((a, one[1]), (b, other[1]), pairs),
        area=area,
        areas=areas,
        pairs=pairs,
    )


@lru_cache(maxsize=_RULE_SETS_KEPT)
def _packed(rules: RuleSet) -> Floats:
    return rules_array(rules)


@lru_cache(maxsize=_RULE_SETS_KEPT)
def _codes(classes: Classes) -> Ints:
    return np.array([class_code(each) for each in classes], dtype=np.int64)


def _areas(one: Loaded, other: Loaded, hits: Ints, rules: Floats) -> tuple[Ring, tuple[Ring, ...]]:
    # GEOS is loaded by the first outline that is asked for.
    from clearline.sky.outline import areas_of

    return areas_of(one, other, hits, rules)


def _band_text(a: Side, b: Side, pairs: tuple[tuple[int, int], ...]) -> str:
    if len(pairs) == 1:
        ((i, j),) = pairs
        return _two_texts(a[0].bands[i], b[0].bands[j])
    one, other = _bands_said(a, [i for i, _ in pairs]), _bands_said(b, [j for _, j in pairs])
    texts = list(dict.fromkeys(_two_texts(*each) for each in dict.fromkeys(zip(one, other, strict=True))))
    more = len(texts) - _TEXTS_MAX
    return "; ".join(texts[:_TEXTS_MAX]) + (f"; and {more} more" if more > 0 else "")


def _bands_said(side: Side, places: list[int]) -> list[Band]:
    """Return the band of each place; of a trajectory, all heights that it flies in those places."""
    prepared, kinds = side
    if kinds[places[0], 0] != MOVING:
        return [prepared.bands[place] for place in places]
    flown = [prepared.bands[place] for place in set(places)]
    lower = min((band[0] for band in flown), key=lambda limit: limit.value_m)
    upper = max((band[1] for band in flown), key=lambda limit: limit.value_m)
    return [(lower, upper)] * len(places)


def _two_texts(band_a: Band, band_b: Band) -> str:
    one, other = _text(band_a), _text(band_b)
    return one if one == other else f"{one} / {other}"


def _text(band: Band) -> str:
    return f"{altitude_text(band[0])} to {altitude_text(band[1])}"
