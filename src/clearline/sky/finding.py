"""What a comparison yields: `Finding` for the fold (small, many), `Meeting` for a view (one pair, all that is shown).

Times in ms since 1970, closed intervals. Heights in metres above the WGS84 ellipsoid. Source: practice.md R13, R16.
"""

from __future__ import annotations

import msgspec

from clearline.model.message import Severity
from clearline.model.rules import RuleSet
from clearline.model.volume import LatLngPoint

__all__ = ["Finding", "Meeting", "severity_of"]


class Finding(msgspec.Struct, frozen=True, gc=False):
    """Two notices closer than the rule set allows."""

    handle: int
    """The other notice, by the handle under which it was added."""
    severity: Severity
    from_ms: int
    until_ms: int
    """Hull of the windows in which the two are closer; both ends included."""
    closer_ms: int
    """Measure of the union of those windows, over all pairs of volumes. 0 where they only touch."""
    certain: bool
    """False where the decision lies within the tolerance, or rests on the bounds of an altitude conversion."""
    pairs: tuple[tuple[int, int], ...]
    """Places of the volumes that are closer: (in the notice asked about, in the other), sorted."""


class Meeting(msgspec.Struct, frozen=True, kw_only=True):
    """One pair of notices that are closer than the rule set allows, as a view shows it."""

    rule_id: str
    rule_version: int
    """The rule set that was asked, and which version of it (R16)."""
    severity: Severity
    from_ms: int
    until_ms: int
    closer_ms: int
    certain: bool
    lateral_m_min: float
    """Least distance over ground of the pairs concerned, never more than the true one; 0 where they overlap."""
    vertical_m_min: float | None
    """Least gap between their bands in the reference they share, 0 where they overlap; None where it is not known,
    because some pair is in references that are compared by bounds only (R13)."""
    band_lower_w84_m: float
    band_upper_w84_m: float
    """Hull, over the pairs concerned, of the heights both bands hold or, where there are none, of the gap between them.
    With references other than W84 these are outer bounds."""
    band_text: str
    """The bands concerned as their owners said them."""
    area: tuple[LatLngPoint, ...]
    """Outline of the places concerned: of the only part there is, or a hull of all. To draw, and not to decide by."""
    areas: tuple[tuple[LatLngPoint, ...], ...]
    """Outlines of all parts, the largest first; holes are filled. Both are empty where no outline was asked for."""
    pairs: tuple[tuple[int, int], ...]


def severity_of(closer_ms: int, rules: RuleSet, number: int = 0) -> Severity:
    """Return CONFLICT, or BRIEF where the rule allows to be closer for so long (R16: three minutes).

    `number` is that of the rule for the two classes of aircraft: 0 for the general one, k for `by_class[k - 1]`.
    """
    most_ms = rules.closer_ms_max if number == 0 else rules.by_class[number - 1].closer_ms_max
    if most_ms is None or closer_ms > most_ms:
        return Severity.CONFLICT
    return Severity.BRIEF
