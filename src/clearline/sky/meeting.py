"""One pair of notices, with everything that a view shows.

Rules
 * The decision is the one that `Sky.findings` makes: the same kernel, the same tolerances.
 * What is shown never makes a meeting look smaller: distances are the least that the true ones can be.
"""

from __future__ import annotations

import numpy as np

from clearline.model.altitude import Altitude, altitude_text
from clearline.model.identity import AircraftClass
from clearline.model.rules import RuleSet
from clearline.sky.altitude import height_w84_m
from clearline.sky.finding import Meeting, severity_of
from clearline.sky.kernel_meet import RULE_COLUMNS, SURE
from clearline.sky.kernel_query import RULES_HEAD, meetings, merge
from clearline.sky.outline import area_of
from clearline.sky.prepared import Prepared
from clearline.sky.rule_table import class_code, rules_array

__all__ = ["describe"]

Band = tuple[Altitude, Altitude]
Classes = tuple[AircraftClass | None, AircraftClass | None]
_TEXTS_MAX = 3
"""Pairs whose bands are written out in `band_text`; the rest is counted."""


def describe(a: Prepared, b: Prepared, rules: RuleSet, classes: Classes = (None, None)) -> Meeting | None:
    """Return how two notices of these classes are closer than `rules` allow, or None where they are not."""
    if not len(a) or not len(b):
        return None
    packed = rules_array(rules)
    codes = np.array([class_code(each) for each in classes], dtype=np.int64)
    hits, gaps = meetings(a.floats, a.ints, len(a), b.floats, b.ints, len(b), codes, packed)
    if not len(hits):
        return None
    findings, _ = merge(hits, len(hits))
    rule = packed[RULES_HEAD + RULE_COLUMNS * int(hits[0, 6]) :][:RULE_COLUMNS]
    _, from_ms, until_ms, closer_ms, _, _, _, number = findings[0].tolist()
    pairs = tuple((i, j) for i, j in hits[:, 1:3].tolist())
    bands = [_band_concerned(a.bands[i], b.bands[j]) for i, j in pairs]
    return Meeting(
        severity=severity_of(closer_ms, rules, number),
        from_ms=from_ms,
        until_ms=until_ms,
        closer_ms=closer_ms,
        certain=bool((hits[:, 3] == SURE).any()),
        lateral_m_min=float(gaps[:, 0].min()),
        vertical_m_min=_vertical_m_min(a, b, pairs, gaps[:, 1].tolist(), rules),
        band_lower_w84_m=min(lower for lower, _ in bands),
        band_upper_w84_m=max(upper for _, upper in bands),
        band_text=_band_text(a, b, pairs),
        area=area_of(a, b, pairs, rule),
        pairs=pairs,
    )


def _vertical_m_min(
    a: Prepared, b: Prepared, pairs: tuple[tuple[int, int], ...], gaps_m: list[float], rules: RuleSet
) -> float | None:
    """Least vertical gap, or None as soon as one pair is compared by bounds only (R13)."""
    for i, j in pairs:
        references = {limit.reference.value for limit in (*a.bands[i], *b.bands[j])}
        if len(references) > 1 or (references == {"AGL"} and rules.separation_lateral_m > 0.0):
            return None
    return min(gaps_m)


def _band_concerned(a: Band, b: Band) -> tuple[float, float]:
    """Heights W84 (outer bounds) that both bands hold, or those between them where they hold none."""
    inner = max(height_w84_m(a[0])[0], height_w84_m(b[0])[0])
    outer = min(height_w84_m(a[1])[1], height_w84_m(b[1])[1])
    return min(inner, outer), max(inner, outer)


def _band_text(a: Prepared, b: Prepared, pairs: tuple[tuple[int, int], ...]) -> str:
    texts: dict[str, None] = {}
    for i, j in pairs:
        one, other = _text(a.bands[i]), _text(b.bands[j])
        texts[one if one == other else f"{one} / {other}"] = None
    shown = list(texts)[:_TEXTS_MAX]
    more = len(texts) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more else "")


def _text(band: Band) -> str:
    return f"{altitude_text(band[0])} to {altitude_text(band[1])}"
