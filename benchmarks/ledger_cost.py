"""What a signed message costs beyond its signature: `python benchmarks/ledger_cost.py`.

Prints microseconds for a typical notice (one circle) and a large one, the best of several runs, and for a whole bundle
the time and memory of its verification. Figures depend on the machine; the ratio to Ed25519 alone does not much.
"""

from __future__ import annotations

import sys
import timeit
import tracemalloc
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from clearline.ledger.bundle import bundle_lines
from clearline.ledger.entry import Entry, entry_bytes
from clearline.ledger.envelope import decode_envelope, encode_envelope, message_digest, pae, seal, verify_envelope
from clearline.ledger.keys import Ed25519Verifier
from clearline.ledger.merkle import Frontier, Tree, leaf_hash, root_of
from clearline.ledger.verify import BundleWalk, verify_bundle
from tests.ledger.two_parties import conversation, signer_of

ROUNDS = 1_250
"""Four entries a round: about 5,000 entries."""


def microseconds(call: Callable[[], object], *, repeat: int = 7, number: int = 400) -> float:
    return min(timeit.repeat(call, repeat=repeat, number=number)) / number * 1e6


def show(name: str, value: float, unit: str = "us") -> None:
    print(f"  {name:<52}{value:>10.2f} {unit}")


def envelopes(payload: bytes) -> None:
    signer, verifier = signer_of("north"), Ed25519Verifier()
    envelope = seal(payload, signer)
    text, signed = encode_envelope(envelope), pae(envelope.payload_type, payload)
    key, signature = signer.public_key, envelope.signatures[0].signature
    print(f"payload of {len(payload):,} bytes")
    show("Ed25519 sign alone", microseconds(lambda: signer.sign(signed)))
    show("seal + encode", microseconds(lambda: encode_envelope(seal(payload, signer))))
    show("Ed25519 verify alone", microseconds(lambda: verifier.verify(key, signature, signed)))
    show("decode + verify", microseconds(lambda: verify_envelope(decode_envelope(text), key, verifier)))
    show("decode", microseconds(lambda: decode_envelope(text), number=2_000))
    show("encode", microseconds(lambda: encode_envelope(envelope), number=2_000))
    show("message digest", microseconds(lambda: message_digest(envelope), number=2_000))
    entry = Entry(1, 1_795_348_800_274, text)
    show("entry bytes + leaf hash", microseconds(lambda: leaf_hash(entry_bytes(entry)), number=2_000))


def trees() -> None:
    leaves = [leaf_hash(number.to_bytes(4, "big")) for number in range(100_000)]
    tree, frontier = Tree(leaves), Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    print("tree of 100,000 leaves")
    show("append to a frontier, each", microseconds(lambda: root_of(leaves), number=1, repeat=3) / len(leaves))
    show("append to a tree, each", microseconds(lambda: Tree(leaves), number=1, repeat=3) / len(leaves))
    show("root of a frontier", microseconds(frontier.root))
    show("root at an earlier size", microseconds(lambda: tree.root(77_777)))
    show("inclusion proof", microseconds(lambda: tree.inclusion_proof(54_321)))
    show("consistency proof", microseconds(lambda: tree.consistency_proof(54_321)))


def bundles() -> None:
    north, _ = conversation(rounds=ROUNDS)
    lines = north.bundle()
    size = len(north.log)
    print(f"bundle of {size:,} entries, {sum(map(len, lines)) / 1e6:.1f} MB")

    def write() -> None:
        for _ in bundle_lines(
            north.log, party="north", exported_at_ms=1, size=size, agreements=north.agreements, signer=north.signer
        ):
            pass

    show("write, each entry", microseconds(write, number=1, repeat=3) / size)
    show("verify, each entry", microseconds(lambda: verify_bundle(lines), number=1, repeat=3) / size)
    walk = BundleWalk(keys={}, verifier=Ed25519Verifier())
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    walk.read(iter(lines))
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    show("memory kept, each entry", (after - before) / size, "bytes")


def main() -> None:
    north, _ = conversation()
    envelopes(decode_envelope(north.log[1].envelope).payload)
    envelopes(b'{"volumes":[' + b"7.123456," * 40_000 + b"0]}")
    trees()
    bundles()


if __name__ == "__main__":
    main()
