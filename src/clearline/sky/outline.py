"""The area where two notices are closer than the rule allows: an outline to draw, not to decide by."""

from __future__ import annotations

from clearline.model.volume import LatLngPoint
from clearline.sky.kernel_shape import Floats
from clearline.sky.prepared import Prepared

__all__ = ["area_of"]


def area_of(a: Prepared, b: Prepared, pairs: tuple[tuple[int, int], ...], rules: Floats) -> tuple[LatLngPoint, ...]:
    return ()
