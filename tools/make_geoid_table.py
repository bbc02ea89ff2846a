"""Make the table of the geoid: for each degree cell the least and the greatest height of EGM96 above the ellipsoid.

Rules
 * Input is `egm96_15.gtx`: EGM96 on a grid of 15 minutes (NGA, public domain), as Debian's package `proj-data` 9.1
   carries it. Get it with `apt-get download proj-data` and `dpkg -x proj-data_*.deb FOLDER`.
 * Output is `src/clearline/sky/data/geoid.bin`: 180 rows of 360 cells, from 90 S 180 W eastward and northward, one
   signed byte each: all floors, then all ceilings, in whole metres.
 * A cell's range is over its nodes and one more on each side, so that a smooth surface through the nodes stays in it;
   `sky.geoid.MODEL_APART_M` holds what no grid of EGM96 shows.
 * The hash it prints is to be written into `sky/geoid.py`, which refuses any other table.

Usage: python -m tools.make_geoid_table EGM96_15_GTX [OUTPUT]
"""

from __future__ import annotations

import hashlib
import math
import struct
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

OUTPUT = Path(__file__).resolve().parent.parent / "src/clearline/sky/data/geoid.bin"
HEADER = ">4d2i"
"""GTX: south, west, steps north and east [degrees]; rows and columns; then big-endian singles, south to north."""
EXPECTED = (-90.0, -180.0, 0.25, 0.25, 721, 1440)
STEPS = 4
"""Grid steps in a degree."""


def read_grid(source: bytes) -> NDArray[np.float64]:
    """Return the grid, 721 rows from south to north by 1,440 columns from 180 W.

    Raises:
        ValueError: this is not the EGM96 grid of 15 minutes.
    """
    size = struct.calcsize(HEADER)
    if len(source) < size or struct.unpack(HEADER, source[:size]) != EXPECTED:
        raise ValueError(f"needs a GTX grid with header {EXPECTED}")
    grid = np.frombuffer(source, dtype=">f4", offset=size).reshape(721, 1440).astype(np.float64)
    if not (-107.5 < grid.min() < -106.5 and 85.0 < grid.max() < 86.0):
        raise ValueError(f"heights from {grid.min()} to {grid.max()} m are not those of EGM96")
    return grid


def cell_ranges(grid: NDArray[np.float64]) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Return floors and ceilings of all cells [m]."""
    around = np.concatenate([grid[:, -1:], grid, grid[:, :2]], axis=1)
    lowest = np.empty((180, 360), dtype=np.int8)
    highest = np.empty((180, 360), dtype=np.int8)
    for row in range(180):
        rows = slice(max(0, STEPS * row - 1), STEPS * row + STEPS + 2)
        for column in range(360):
            nodes = around[rows, STEPS * column : STEPS * column + STEPS + 3]
            lowest[row, column] = math.floor(nodes.min())
            highest[row, column] = math.ceil(nodes.max())
    return lowest, highest


def main(arguments: list[str]) -> int:
    """Write the table and print its hash."""
    if not 1 <= len(arguments) <= 2:
        print(__doc__)
        return 2
    lowest, highest = cell_ranges(read_grid(Path(arguments[0]).read_bytes()))
    table = lowest.tobytes() + highest.tobytes()
    output = Path(arguments[1]) if len(arguments) == 2 else OUTPUT
    output.write_bytes(table)
    print(f"{output.name}: {len(table)} bytes, SHA-256 {hashlib.sha256(table).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
