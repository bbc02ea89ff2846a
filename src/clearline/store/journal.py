"""Looks into SQLite's write-ahead log before SQLite does, for one kind of damage that SQLite cannot tell.

After a crash SQLite takes the log up to the first frame that does not check, and drops the rest in silence. That is
right for the one transaction that a cut tore. It is wrong when a damaged frame stands *before* transactions that were
synced and acknowledged: they would be gone, and nobody would know.

Rules
 * Every commit is synced before it is acknowledged (`synchronous=FULL`), and the log is emptied at every opening and
   after every failed commit. So a cut can tear one transaction at most: behind the first frame that does not check
   stands at most one frame with a commit mark.
 * Two or more of them mean damage: the store is refused before SQLite touches it, and the file stays as evidence.
 * Damage in the last transaction alone looks like a cut. It is found by `known_head` (STORE_ROLLED_BACK), not here.

Format: https://www.sqlite.org/fileformat2.html#walformat. Numbers big-endian; the checksum is a linear recurrence
modulo 2^32 over 32-bit words, (s0, s1) <- (s0 + x0 + s1, s1 + x1 + s0'), so a frame's part in it is a product with
fixed coefficients and numpy can do all frames at once: 16 MiB in some 20 ms, in plain Python it would be seconds.
"""

from __future__ import annotations

import functools
import struct
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["commits_behind_break"]

_HEADER_BYTES: Final = 32
_FRAME_HEADER_BYTES: Final = 24
_CHECKED_FRAME_WORDS: Final = 2
"""Of a frame's header the checksum covers the page number and the commit mark: the first two words."""
_MAGIC: Final = 0x377F0682
"""The lowest bit says whether the checksum reads its words in big-endian order."""
_MASK: Final = 0xFFFFFFFF
_CHUNK_FRAMES: Final = 1_024

Words = npt.NDArray[np.uint32]
Pair = tuple[int, int]


def commits_behind_break(path: Path, *, page_bytes: int) -> int:
    """Return how many commit marks of this log's own generation stand behind the first frame that does not check.

    0 or 1 is what a cut leaves; more is damage. A missing or empty log has 0. `page_bytes` is the database's page
    size, which is needed where the log's own header is what broke.

    Raises:
        OSError: The log cannot be read.
    """
    if not path.exists() or path.stat().st_size <= _HEADER_BYTES:
        return 0
    with path.open("rb") as log:
        header = log.read(_HEADER_BYTES)
        magic, _version, page_in_log, _count, salt_1, salt_2, sum_0, sum_1 = struct.unpack(">8I", header)
        order = ">u4" if magic & 1 else "<u4"
        state = _summed((0, 0), np.frombuffer(header[:24], order).astype(np.uint32))
        whole = magic & ~1 == _MAGIC and page_in_log == page_bytes and state == (sum_0, sum_1)
        frame_bytes = _FRAME_HEADER_BYTES + page_bytes
        commits = 0
        if not whole:
            # The header is synced before the first frame, so this is damage. The frames still carry the log's salts.
            salt_1, salt_2 = struct.unpack(">2I", log.read(16)[8:].ljust(8, b"\0"))
            log.seek(_HEADER_BYTES)
        while chunk := log.read(frame_bytes * _CHUNK_FRAMES):
            frames = np.frombuffer(chunk[: len(chunk) // frame_bytes * frame_bytes], np.uint8).reshape(-1, frame_bytes)
            if not len(frames):
                break
            heads = np.ascontiguousarray(frames[:, :_FRAME_HEADER_BYTES]).view(">u4").astype(np.uint32)
            good = 0
            if whole:
                good, state = _good_frames(frames, heads, (salt_1, salt_2), state, order)
                whole = good == len(frames)
            rest = heads[good:]
            commits += int(((rest[:, 1] != 0) & (rest[:, 2] == salt_1) & (rest[:, 3] == salt_2)).sum())
    return commits


def _good_frames(frames: npt.NDArray[np.uint8], heads: Words, salts: Pair, state: Pair, order: str) -> tuple[int, Pair]:
    """Return how many frames check, one after the other, and the checksum after them."""
    covered = np.concatenate([frames[:, : 4 * _CHECKED_FRAME_WORDS], frames[:, _FRAME_HEADER_BYTES:]], axis=1)
    words = np.ascontiguousarray(covered).view(order).astype(np.uint32)
    power, coefficients = _coefficients(words.shape[1] // 2)
    parts = (words.astype(np.uint64) @ coefficients.astype(np.uint64)).astype(np.uint64) & np.uint64(_MASK)
    for place, (part, head) in enumerate(zip(parts.tolist(), heads.tolist(), strict=True)):
        after = (
            (power[0][0] * state[0] + power[0][1] * state[1] + part[0]) & _MASK,
            (power[1][0] * state[0] + power[1][1] * state[1] + part[1]) & _MASK,
        )
        if (head[2], head[3]) != salts or (head[4], head[5]) != after:
            return place, state
        state = after
    return len(frames), state


@functools.lru_cache(maxsize=1)
def _coefficients(pairs: int) -> tuple[tuple[Pair, Pair], npt.NDArray[np.uint32]]:
    """Return A^pairs and, for each word, what it adds to (s0, s1) at the end.

    One step is s <- A s + B x with A = [[1, 1], [1, 2]] and B = [[1, 0], [1, 1]]; the word pair i steps before the
    end adds A^i B x.
    """
    power: tuple[Pair, Pair] = ((1, 0), (0, 1))
    weights = np.zeros((2 * pairs, 2), np.uint32)
    for pair in reversed(range(pairs)):
        (a, b), (c, d) = power
        weights[2 * pair] = ((a + b) & _MASK, (c + d) & _MASK)
        weights[2 * pair + 1] = (b, d)
        power = (((a + b) & _MASK, (a + 2 * b) & _MASK), ((c + d) & _MASK, (c + 2 * d) & _MASK))
    return power, weights


def _summed(state: Pair, words: npt.NDArray[Any]) -> Pair:
    """Return the checksum after `words`, step by step: the definition, used for the header."""
    first, second = state
    for word_0, word_1 in words.reshape(-1, 2).tolist():
        first = (first + word_0 + second) & _MASK
        second = (second + word_1 + first) & _MASK
    return first, second
