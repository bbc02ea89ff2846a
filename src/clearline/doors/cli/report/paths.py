"""Shapes as SVG path data: whole steps, relative after the first place."""

from __future__ import annotations

import numpy as np

from clearline.doors.cli.report.outlines import Piece
from clearline.doors.cli.report.projection import Floats, Projection

__all__ = ["line_data", "path_data"]


def path_data(pieces: list[Piece], projection: Projection) -> str:
    """Return the path of several shapes; rings all run one way, so that overlapping ones do not cancel out."""
    out = []
    for piece in pieces:
        places = projection.steps_of(piece.vectors)
        if piece.closed and _area(places) < 0.0:
            places = places[::-1]
        out.append(line_data(places, closed=piece.closed))
    return "".join(out)


def line_data(places: Floats, *, closed: bool) -> str:
    """Return the path of one line, without places that fall on the one before."""
    steps = np.diff(places, axis=0)
    moves = steps[(steps != 0.0).any(axis=1)].astype(np.int64).tolist()
    first = places[0].astype(np.int64).tolist()
    data = f"M{first[0]} {first[1]}l" + " ".join([f"{x} {y}" for x, y in moves] or ["0 0"])
    return (data + ("z" if closed else "")).replace(" -", "-")


def _area(places: Floats) -> float:
    x, y = places[:, 0], places[:, 1]
    return float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())
