"""The Merkle tree over a log: RFC 6962 §2.1, SHA-256.

Rules
 * leaf hash = SHA-256(0x00 ‖ data); node hash = SHA-256(0x01 ‖ left ‖ right); the root of nothing is SHA-256 of
   nothing. A leaf can therefore never pass for a node.
 * A tree of n leaves splits at k, the largest power of two below n.
 * An inclusion proof holds IFF the leaf is at that index of a tree with that size and root; a consistency proof holds
   IFF the older tree is the beginning of the newer one.
 * Checking is total: a proof that is too long, too short or out of range is False, never an exception.

Symbols: n, m sizes in leaves; k split; hashes are 32 bytes.
Source: RFC 6962 §2.1.1 (inclusion), §2.1.2 (consistency); RFC 9162 §2.1.3.2, §2.1.4.2 (checking); docs/spec/log.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final, final

from clearline.model.refusal import Refusal, RefusalCode, invariant

__all__ = [
    "EMPTY_ROOT",
    "HASH_BYTES",
    "PROOF_HASHES_MAX",
    "Frontier",
    "Tree",
    "consistency_proof",
    "inclusion_proof",
    "leaf_hash",
    "node_hash",
    "root_of",
    "verify_consistency",
    "verify_inclusion",
]

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
PROOF_HASHES_MAX: Final = 64
"""No proof is longer: a size is below 2**63, and a consistency proof has one hash more than the tree has levels."""
_SIZE_MAX: Final = 1 << 63


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf's data."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@final
class Frontier:
    """The right edge of a growing tree: size and root without the leaves, in memory of the order log n."""

    __slots__ = ("_peaks", "_size")

    def __init__(self) -> None:
        self._size = 0
        self._peaks: list[bytes] = []  # roots of the full subtrees, largest first: one for each 1 bit of the size

    @property
    def size(self) -> int:
        """How many leaves have been appended."""
        return self._size

    def append(self, leaf: bytes) -> None:
        """Add the hash of the next leaf."""
        invariant(len(leaf) == HASH_BYTES, "a leaf hash has 32 bytes")
        node, carry = leaf, self._size
        while carry & 1:
            node = node_hash(self._peaks.pop(), node)
            carry >>= 1
        self._peaks.append(node)
        self._size += 1

    def root(self) -> bytes:
        """Return the root over all leaves so far."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root

    def copy(self) -> Frontier:
        """Return an independent frontier of the same tree."""
        other = Frontier()
        other._size, other._peaks = self._size, list(self._peaks)
        return other

    def to_bytes(self) -> bytes:
        """Return the state: size as 8 bytes big-endian, then the peaks."""
        return self._size.to_bytes(8, "big") + b"".join(self._peaks)

    @classmethod
    def from_bytes(cls, source: bytes) -> Frontier:
        """Read what `to_bytes` wrote.

        Raises:
            Refusal: MALFORMED where the number of hashes does not fit the size.
        """
        size = int.from_bytes(source[:8], "big")
        if len(source) != 8 + HASH_BYTES * size.bit_count():
            raise Refusal(
                RefusalCode.MALFORMED, field="frontier", found=f"{len(source)} bytes", allowed="8 + 32 for each peak"
            )
        frontier = cls()
        frontier._size = size
        frontier._peaks = [source[at : at + HASH_BYTES] for at in range(8, len(source), HASH_BYTES)]
        return frontier


@final
class Tree:
    """A tree that keeps every full subtree's root: proofs for any earlier size in O(log n) hashes, 64 bytes a leaf."""

    __slots__ = ("_levels",)

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self._levels: list[bytearray] = [bytearray()]
        for leaf in leaves:
            self.append(leaf)

    @property
    def size(self) -> int:
        """How many leaves the tree has."""
        return len(self._levels[0]) // HASH_BYTES

    def append(self, leaf: bytes) -> None:
        """Add the hash of the next leaf."""
        invariant(len(leaf) == HASH_BYTES, "a leaf hash has 32 bytes")
        level, node = 0, leaf
        while True:
            if level == len(self._levels):
                self._levels.append(bytearray())
            row = self._levels[level]
            row += node
            if len(row) // HASH_BYTES % 2:
                return
            node = node_hash(bytes(row[-2 * HASH_BYTES : -HASH_BYTES]), node)
            level += 1

    def leaf(self, index: int) -> bytes:
        """Return the leaf hash at `index`."""
        invariant(0 <= index < self.size, "index outside the tree")
        return self._node(0, index)

    def root(self, size: int | None = None) -> bytes:
        """Return the root of the first `size` leaves (all of them by default)."""
        wanted = self.size if size is None else size
        invariant(0 <= wanted <= self.size, "size outside the tree")
        return self._range(0, wanted) if wanted else EMPTY_ROOT

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """Return the proof that the leaf at `index` is in the tree of the first `size` leaves."""
        wanted = self.size if size is None else size
        invariant(0 <= index < wanted <= self.size, "index or size outside the tree")
        proof: list[bytes] = []
        start, end = 0, wanted
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                proof.append(self._range(middle, end))
                end = middle
            else:
                proof.append(self._range(start, middle))
                start = middle
        return proof[::-1]

    def consistency_proof(self, size_old: int, size_new: int | None = None) -> list[bytes]:
        """Return the proof that the first `size_old` leaves are the beginning of the first `size_new`."""
        wanted = self.size if size_new is None else size_new
        invariant(0 <= size_old <= wanted <= self.size, "size outside the tree")
        if size_old in (0, wanted):
            return []
        proof: list[bytes] = []
        start, end, whole = 0, wanted, True
        while size_old != end:
            middle = start + _split(end - start)
            if size_old <= middle:
                proof.append(self._range(middle, end))
                end = middle
            else:
                proof.append(self._range(start, middle))
                start, whole = middle, False
        if not whole:
            proof.append(self._range(start, end))
        return proof[::-1]

    def _node(self, level: int, place: int) -> bytes:
        at = place * HASH_BYTES
        return bytes(self._levels[level][at : at + HASH_BYTES])

    def _range(self, start: int, end: int) -> bytes:
        """Root of the leaves from start up to end; `start` lies on a boundary that a split can make."""
        root: bytes | None = None
        at = end
        while at > start:
            # From the right: the smallest full subtree that ends here.
            level = ((at - start) & -(at - start)).bit_length() - 1
            node = self._node(level, (at - (1 << level)) >> level)
            root = node if root is None else node_hash(node, root)
            at -= 1 << level
        invariant(root is not None, "an empty range has no root here")
        return root or EMPTY_ROOT


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes."""
    frontier = Frontier()
    for leaf in leaf_hashes:
        frontier.append(leaf)
    return frontier.root()


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int, size: int) -> list[bytes]:
    """Return PATH(index, first `size` leaves), RFC 6962 §2.1.1. It hashes every leaf: use `Tree` for many."""
    invariant(0 <= index < size <= len(leaf_hashes), "index or size outside the tree")
    return Tree(leaf_hashes[:size]).inclusion_proof(index)


def consistency_proof(leaf_hashes: Sequence[bytes], size_old: int, size_new: int) -> list[bytes]:
    """Return PROOF(size_old, first `size_new` leaves), RFC 6962 §2.1.2. It hashes every leaf: use `Tree` for many."""
    invariant(0 <= size_old <= size_new <= len(leaf_hashes), "size outside the tree")
    return Tree(leaf_hashes[:size_new]).consistency_proof(size_old)


def verify_inclusion(leaf: bytes, *, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Return whether `leaf` is at `index` of the tree with this size and root (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size < _SIZE_MAX or not _well_formed(proof, leaf, root):
        return False
    place, last, node = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            node = node_hash(step, node)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = node_hash(node, step)
        place, last = place >> 1, last >> 1
    return last == 0 and node == root


def verify_consistency(
    *, size_old: int, root_old: bytes, size_new: int, root_new: bytes, proof: Sequence[bytes]
) -> bool:
    """Return whether the old tree is the beginning of the new one (RFC 9162 §2.1.4.2)."""
    if not 0 <= size_old <= size_new < _SIZE_MAX or not _well_formed(proof, root_old, root_new):
        return False
    if size_old == size_new:
        return not proof and root_old == root_new
    if size_old == 0:
        return not proof and root_old == EMPTY_ROOT
    # A power of two is a full subtree: the proof then begins with the old root itself, which is left out.
    path = [root_old, *proof] if size_old & (size_old - 1) == 0 else list(proof)
    if not path:
        return False
    place, last = size_old - 1, size_new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, step)
        place, last = place >> 1, last >> 1
    return last == 0 and old == root_old and new == root_new


def _well_formed(proof: Sequence[bytes], *ends: bytes) -> bool:
    return len(proof) <= PROOF_HASHES_MAX and all(len(value) == HASH_BYTES for value in (*proof, *ends))


def _split(size: int) -> int:
    """The largest power of two below `size` (2 or more)."""
    return 1 << (size - 1).bit_length() - 1
