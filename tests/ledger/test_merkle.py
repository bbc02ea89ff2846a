"""The Merkle tree against the published vectors, against the definition by brute force, and against liars."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.ledger.merkle import (
    EMPTY_ROOT,
    PROOF_HASHES_MAX,
    Frontier,
    Tree,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from clearline.model.refusal import InternalError, Refusal

# The data of the reference implementations of RFC 6962 (certificate-transparency merkle_tree_test, transparency-dev).
REFERENCE_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
REFERENCE_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
# index, size, proof (leaf indexes counted from 0)
REFERENCE_INCLUSION = [
    (0, 1, []),
    (
        0,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        1,
        5,
        [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
REFERENCE_CONSISTENCY = [
    (1, 1, []),
    (
        1,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
LEAVES = [leaf_hash(data) for data in REFERENCE_LEAVES]
BYTES_32 = st.binary(min_size=32, max_size=32)


def by_definition(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = max(1 << i for i in range(len(leaves).bit_length()) if 1 << i < len(leaves))
    return hashlib.sha256(b"\x01" + by_definition(leaves[:k]) + by_definition(leaves[k:])).digest()


def path_by_definition(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 6962 §2.1.1, word for word."""
    if len(leaves) == 1:
        return []
    k = max(1 << i for i in range(len(leaves).bit_length()) if 1 << i < len(leaves))
    if m < k:
        return [*path_by_definition(m, leaves[:k]), by_definition(leaves[k:])]
    return [*path_by_definition(m - k, leaves[k:]), by_definition(leaves[:k])]


def subproof_by_definition(m: int, leaves: Sequence[bytes], *, whole: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962 §2.1.2, word for word."""
    if m == len(leaves):
        return [] if whole else [by_definition(leaves)]
    k = max(1 << i for i in range(len(leaves).bit_length()) if 1 << i < len(leaves))
    if m <= k:
        return [*subproof_by_definition(m, leaves[:k], whole=whole), by_definition(leaves[k:])]
    return [*subproof_by_definition(m - k, leaves[k:], whole=False), by_definition(leaves[:k])]


def some_leaves(count: int) -> list[bytes]:
    return [leaf_hash(count.to_bytes(4, "big")) for count in range(count)]


def test_roots_are_the_published_ones() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert root_of([]) == EMPTY_ROOT
    frontier = Frontier()
    for leaf, root in zip(LEAVES, REFERENCE_ROOTS, strict=True):
        frontier.append(leaf)
        assert frontier.root().hex() == root
        assert root_of(LEAVES[: frontier.size]).hex() == root


@pytest.mark.parametrize("index, size, proof", REFERENCE_INCLUSION)
def test_inclusion_proofs_are_the_published_ones(index: int, size: int, proof: list[str]) -> None:
    assert [node.hex() for node in inclusion_proof(LEAVES, index, size)] == proof
    root = bytes.fromhex(REFERENCE_ROOTS[size - 1])
    nodes = [bytes.fromhex(node) for node in proof]
    assert verify_inclusion(LEAVES[index], index=index, size=size, proof=nodes, root=root)


@pytest.mark.parametrize("old, new, proof", REFERENCE_CONSISTENCY)
def test_consistency_proofs_are_the_published_ones(old: int, new: int, proof: list[str]) -> None:
    assert [node.hex() for node in consistency_proof(LEAVES, old, new)] == proof
    assert verify_consistency(
        size_old=old,
        root_old=bytes.fromhex(REFERENCE_ROOTS[old - 1]),
        size_new=new,
        root_new=bytes.fromhex(REFERENCE_ROOTS[new - 1]),
        proof=[bytes.fromhex(node) for node in proof],
    )


def test_a_leaf_never_passes_for_a_node() -> None:
    left, right = LEAVES[:2]
    assert leaf_hash(left + right) != node_hash(left, right)


def test_all_small_trees_by_the_definition() -> None:
    """Every tree up to 33 leaves: roots, frontier, tree, all inclusion and all consistency proofs."""
    leaves = some_leaves(33)
    tree, frontier = Tree(leaves), Frontier()
    for size in range(34):
        root = by_definition(leaves[:size])
        assert root_of(leaves[:size]) == tree.root(size) == frontier.root() == root
        for index in range(size):
            proof = tree.inclusion_proof(index, size)
            assert proof == path_by_definition(index, leaves[:size])
            assert verify_inclusion(leaves[index], index=index, size=size, proof=proof, root=root)
        for old in range(size + 1):
            proof = tree.consistency_proof(old, size)
            assert not old or proof == subproof_by_definition(old, leaves[:size], whole=True)
            assert verify_consistency(size_old=old, root_old=tree.root(old), size_new=size, root_new=root, proof=proof)
        if size < 33:
            assert tree.leaf(size) == leaves[size]
            frontier.append(leaves[size])


@given(st.data())
def test_an_inclusion_proof_proves_one_thing_only(data: st.DataObject) -> None:
    """Another index, size, leaf, root, or a proof with a hash changed, dropped, added or moved proves nothing."""
    size = data.draw(st.integers(1, 70))
    index = data.draw(st.integers(0, size - 1))
    tree = Tree(some_leaves(size))
    leaf, proof, root = tree.leaf(index), tree.inclusion_proof(index), tree.root()
    assert verify_inclusion(leaf, index=index, size=size, proof=proof, root=root)
    for other in set(range(-1, size + 1)) - {index}:
        assert not verify_inclusion(leaf, index=other, size=size, proof=proof, root=root)
    assert not verify_inclusion(data.draw(BYTES_32), index=index, size=size, proof=proof, root=root)
    assert not verify_inclusion(leaf, index=index, size=size, proof=proof, root=data.draw(BYTES_32))
    for wrong in _damaged(proof):
        assert not verify_inclusion(leaf, index=index, size=size, proof=wrong, root=root)


@given(st.data())
def test_a_consistency_proof_proves_one_thing_only(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, 70))
    old = data.draw(st.integers(1, new - 1))
    tree = Tree(some_leaves(new))
    proof, root_old, root_new = tree.consistency_proof(old), tree.root(old), tree.root()

    def holds(old: int, root_old: bytes, new: int, root_new: bytes, proof: list[bytes]) -> bool:
        return verify_consistency(size_old=old, root_old=root_old, size_new=new, root_new=root_new, proof=proof)

    assert holds(old, root_old, new, root_new, proof)
    assert not holds(old, data.draw(BYTES_32), new, root_new, proof)
    assert not holds(old, root_old, new, data.draw(BYTES_32), proof)
    assert not holds(old, root_new, new, root_old, proof)
    assert not holds(new, root_new, old, root_old, proof)
    assert not holds(0, root_old, new, root_new, proof)
    for wrong in _damaged(proof):
        assert not holds(old, root_old, new, root_new, wrong)


def _damaged(proof: list[bytes]) -> list[list[bytes]]:
    flipped = [[*proof[:at], bytes([proof[at][0] ^ 1]) + proof[at][1:], *proof[at + 1 :]] for at in range(len(proof))]
    dropped = [[*proof[:at], *proof[at + 1 :]] for at in range(len(proof))]
    swapped = [
        [*proof[:at], proof[at + 1], proof[at], *proof[at + 2 :]]
        for at, (one, two) in enumerate(itertools.pairwise(proof))
        if one != two
    ]
    short = [[*proof[:at], proof[at][:-1], *proof[at + 1 :]] for at in range(len(proof))]
    longer = [[*proof, bytes(32)], [bytes(32), *proof], [*proof, *([bytes(32)] * PROOF_HASHES_MAX)]]
    return flipped + dropped + swapped + short + longer


def test_an_older_log_that_is_no_beginning_is_never_consistent() -> None:
    leaves = some_leaves(12)
    other = Tree([*leaves[:4], leaf_hash(b"rewritten"), *leaves[5:]])
    tree = Tree(leaves)
    for old in range(1, 13):
        consistent = verify_consistency(
            size_old=old,
            root_old=other.root(old),
            size_new=12,
            root_new=tree.root(),
            proof=tree.consistency_proof(old),
        )
        assert consistent == (old <= 4)


def test_the_empty_tree_and_equal_trees_need_no_proof() -> None:
    tree = Tree(some_leaves(5))
    root, none = tree.root(), list[bytes]()

    def holds(old: int, root_old: bytes, proof: list[bytes]) -> bool:
        return verify_consistency(size_old=old, root_old=root_old, size_new=5, root_new=root, proof=proof)

    assert holds(0, EMPTY_ROOT, none)
    assert not holds(0, root, none)
    assert not holds(0, EMPTY_ROOT, [root])
    assert holds(5, root, none)
    assert not holds(5, root, [root])
    assert not holds(3, tree.root(3), none)
    assert not verify_inclusion(root, index=0, size=0, proof=none, root=EMPTY_ROOT)
    assert not verify_inclusion(root, index=0, size=1 << 63, proof=none, root=root)


@given(st.lists(BYTES_32, max_size=40), st.lists(BYTES_32, max_size=10))
def test_a_frontier_goes_on_where_it_was_saved(before: list[bytes], after: list[bytes]) -> None:
    frontier = Frontier()
    for leaf in before:
        frontier.append(leaf)
    resumed, copied = Frontier.from_bytes(frontier.to_bytes()), frontier.copy()
    for leaf in after:
        resumed.append(leaf)
        copied.append(leaf)
    assert resumed.root() == copied.root() == root_of([*before, *after])
    assert frontier.root() == root_of(before)
    assert resumed.size == copied.size == len(before) + len(after)


@pytest.mark.parametrize("source", [b"", bytes(7), bytes(9), b"\0" * 7 + b"\x03" + bytes(32), bytes(8) + bytes(32)])
def test_a_damaged_frontier_is_refused(source: bytes) -> None:
    with pytest.raises(Refusal):
        Frontier.from_bytes(source)


def test_what_is_no_hash_never_enters_a_tree() -> None:
    for tree in (Tree(), Frontier()):
        with pytest.raises(InternalError):
            tree.append(b"short")
    with pytest.raises(InternalError):
        Tree(LEAVES).root(9)
    with pytest.raises(InternalError):
        inclusion_proof(LEAVES, 8, 8)
    with pytest.raises(InternalError):
        consistency_proof(LEAVES, 3, 2)
