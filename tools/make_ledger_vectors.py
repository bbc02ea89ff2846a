"""Write the test vectors of the ledger's specifications: `python -m tools.make_ledger_vectors` from the root.

Rules
 * Everything comes from fixed seeds and a fixed clock: the same bytes in every run and on every machine.
 * The keys are nobody's: each seed is the party's name, filled up with full stops.
 * `tests/ledger/test_vectors.py` checks the code against the files, and the files against this program.

Files: tests/vectors/ledger; what they are for: docs/spec/envelope.md, messages.md, log.md, bundle.md.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from clearline.ledger.entry import entry_bytes
from clearline.ledger.envelope import (
    BUNDLE_PAYLOAD_TYPE,
    MESSAGE_PAYLOAD_TYPE,
    REQUEST_PAYLOAD_TYPE,
    decode_envelope,
    encode_envelope,
    message_digest,
    pae,
    seal,
)
from clearline.ledger.keys import key_id
from clearline.ledger.merkle import leaf_hash
from clearline.ledger.verify import verify_bundle
from clearline.model.agreement import agreement_bytes, agreement_digest
from tests.ledger.two_parties import LINE, Desk, agreement_of, conversation, signer_of

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "vectors" / "ledger"
SMALL_ORDER = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
]
"""The eight points of small order, in canonical encoding."""
NOT_CANONICAL = [
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
]
ORDER = 2**252 + 27742317777372353535851937790883648493


def keys() -> dict[str, Any]:
    """Seeds, keys, key ids; and keys that must not be pinned."""
    signers = {party: signer_of(party) for party in ("east", "north", "south")}
    return {
        "keys": [
            {
                "party": party,
                "seed": party.encode().ljust(32, b".").hex(),
                "public_key": signer.public_key.hex(),
                "key_id": key_id(signer.public_key),
            }
            for party, signer in signers.items()
        ],
        "refused": [{"public_key": key, "why": "small order"} for key in SMALL_ORDER]
        + [{"public_key": key, "why": "not the canonical encoding"} for key in NOT_CANONICAL]
        + [{"public_key": "02" + "00" * 31, "why": "not on the curve"}],
    }


def envelopes() -> dict[str, Any]:
    """Envelopes that every reader takes, and texts that none may take."""
    signer = signer_of("north")
    good = []
    for payload_type, payload in (
        (MESSAGE_PAYLOAD_TYPE, b""),
        (MESSAGE_PAYLOAD_TYPE, b'{"said":"here"}'),
        (REQUEST_PAYLOAD_TYPE, b'{"said":"here"}'),
        (BUNDLE_PAYLOAD_TYPE, bytes(range(256))),
    ):
        envelope = seal(payload, signer, payload_type)
        good.append(
            {
                "payload_type": payload_type,
                "payload": payload.hex(),
                "pae": pae(payload_type, payload).hex(),
                "digest": message_digest(envelope),
                "public_key": signer.public_key.hex(),
                "signature": envelope.signatures[0].signature.hex(),
                "text": encode_envelope(envelope).decode(),
            }
        )
    text = good[1]["text"]
    signature = bytes.fromhex(good[1]["signature"])
    high = signature[:32] + (int.from_bytes(signature[32:], "little") + ORDER).to_bytes(32, "little")
    refused = [
        ("MALFORMED", "a space", text.replace('":"', '": "', 1)),
        ("MALFORMED", "a line feed", text + "\n"),
        ("MALFORMED", "an escaped slash", text.replace("/vnd", "\\/vnd")),
        ("MALFORMED", "another order of fields", _reordered(text)),
        ("MALFORMED", "base64 without padding", text.replace('=="}]}', '"}]}')),
        ("MALFORMED", "idle bits of base64 set", _with_idle_bit(text)),
        ("DUPLICATE_FIELD", "a field twice", text[:-1] + ',"payload":""}'),
        ("UNKNOWN_FIELD", "a field more", text[:-1] + ',"more":1}'),
        ("OUT_OF_RANGE", "two signatures", text.replace("}]}", "}," + text[text.index("[") + 1 : -2] + "]}")),
        ("OUT_OF_RANGE", "another algorithm", text.replace("ed25519:", "ed448:")),
        ("OUT_OF_RANGE", "upper case in the type", text.replace("vnd", "VND")),
    ]
    other = encode_envelope(seal(b'{"said":"there"}', signer)).decode()
    unverified = [
        ("SIGNATURE_INVALID", "another payload", _with_payload_of(text, other)),
        ("SIGNATURE_INVALID", "the request relabelled a message", good[2]["text"].replace("request+", "message+")),
        ("SIGNATURE_INVALID", "S + L", text.replace(_base64(signature), _base64(high))),
        ("KEY_UNKNOWN", "the id of another key", text.replace(key_id(signer.public_key), key_id(bytes(32)))),
        ("OUT_OF_RANGE", "a request where a message is due", good[2]["text"]),
    ]
    return {
        "good": good,
        "refused": [{"code": code, "why": why, "text": text} for code, why, text in refused],
        "unverified": [{"code": code, "why": why, "text": text} for code, why, text in unverified],
    }


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _with_idle_bit(text: str) -> str:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    at = text.index('=="}]}') - 1
    return text[:at] + alphabet[alphabet.index(text[at]) + 1] + text[at + 1 :]


def _reordered(text: str) -> str:
    return json.dumps(dict(reversed(json.loads(text).items())), separators=(",", ":"))


def _with_payload_of(text: str, other: str) -> str:
    return text.replace(json.loads(text)["payload"], json.loads(other)["payload"])


def messages(desk: Desk) -> dict[str, Any]:
    """Each message of a talk as it is signed, with its digest: every link of every chain can be recomputed."""
    agreement = agreement_of("north", "south")
    said = []
    for entry in desk.log:
        envelope = decode_envelope(entry.envelope)
        header = json.loads(envelope.payload)
        said.append(
            {
                "index": entry.index,
                "line_id": header["line_id"],
                "from_party": header["from_party"],
                "type": header["type"],
                "sequence": header["sequence"],
                "previous": header["previous"],
                "payload": envelope.payload.decode(),
                "digest": message_digest(envelope),
            }
        )
    return {
        "line_id": LINE,
        "agreement": agreement_bytes(agreement).decode(),
        "agreement_digest": agreement_digest(agreement),
        "messages": said,
    }


def log(desk: Desk) -> dict[str, Any]:
    """Entries, leaf hashes, the root at every size, and all proofs of a few places."""
    size = len(desk.log)
    return {
        "roots": [desk.tree.root(n).hex() for n in range(size + 1)],
        "entries": [
            {
                "index": entry.index,
                "received_at_ms": entry.received_at_ms,
                "envelope": entry.envelope.decode(),
                "entry_prefix": entry_bytes(entry)[:9].hex(),
                "leaf_hash": leaf_hash(entry_bytes(entry)).hex(),
            }
            for entry in desk.log
        ],
        "inclusion": [
            {"index": index, "size": n, "proof": [node.hex() for node in desk.tree.inclusion_proof(index, n)]}
            for index, n in ((0, 1), (0, size), (3, 7), (6, 7), (size // 2, size), (size - 1, size))
        ],
        "consistency": [
            {"size_old": old, "size_new": new, "proof": [node.hex() for node in desk.tree.consistency_proof(old, new)]}
            for old, new in ((0, size), (1, size), (4, 8), (6, 7), (size - 1, size), (size, size))
        ],
    }


def broken(lines: list[bytes]) -> list[dict[str, Any]]:
    """Edits of a good bundle, line numbers counted from 0, and the problems that a verifier must name."""
    at = lines[6].index(b'"sig":"') + 8
    first, other = lines[6][at - 8 : at].decode(), "B" if lines[6][at - 1 : at] == b"A" else "A"
    edits: list[dict[str, Any]] = [
        {"why": "nothing is changed", "do": "replace", "line": 0, "old": "", "new": ""},
        {"why": "another time of export", "do": "replace", "line": 0, "old": '"size":', "new": '"size":1'},
        {"why": "an entry left out", "do": "drop", "line": 6},
        {"why": "the last entry left out", "do": "drop", "line": len(lines) - 2},
        {"why": "an entry twice", "do": "double", "line": 6},
        {"why": "two entries exchanged", "do": "swap", "line": 6},
        {
            "why": "a time of receipt",
            "do": "replace",
            "line": 6,
            "old": '"received_at_ms":17',
            "new": '"received_at_ms":18',
        },
        {"why": "a space", "do": "replace", "line": 6, "old": '"index":', "new": '"index": '},
        {"why": "a byte of a payload", "do": "replace", "line": 6, "old": '"payload":"eyJz', "new": '"payload":"eyJy'},
        {"why": "a signature", "do": "replace", "line": 6, "old": first, "new": first[:-1] + other},
        {"why": "no closing statement", "do": "drop", "line": len(lines) - 1},
        {"why": "the closing statement twice", "do": "double", "line": len(lines) - 1},
        {"why": "a carriage return", "do": "replace", "line": 3, "old": "}\n", "new": "}\r\n"},
    ]
    for edit in edits:
        report = verify_bundle(edited(lines, edit))
        edit["problems"] = [{"place": problem.place, "code": problem.code.value} for problem in report.problems]
    return edits


def edited(lines: list[bytes], edit: dict[str, Any]) -> list[bytes]:
    """Apply one edit: drop a line, double it, swap it with the next, or replace a text in it once."""
    at = edit["line"]
    match edit["do"]:
        case "drop":
            return [*lines[:at], *lines[at + 1 :]]
        case "double":
            return [*lines[: at + 1], *lines[at:]]
        case "swap":
            return [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]
        case _:
            return [*lines[:at], lines[at].replace(edit["old"].encode(), edit["new"].encode(), 1), *lines[at + 1 :]]


def _payload(line: bytes) -> str:
    return decode_envelope(line[:-1]).payload.decode()


def vectors() -> dict[str, bytes]:
    """Return all files by name."""
    north, south = conversation(rounds=1)
    north_lines, south_lines = north.bundle(), south.bundle()
    documents: dict[str, Any] = {
        "keys.json": keys(),
        "envelope.json": envelopes(),
        "messages.json": messages(north),
        "log.json": log(north),
        "bundle.json": {"north_closing": _payload(north_lines[-1]), "edits": broken(north_lines)},
    }
    files = {name: json.dumps(document, indent=1).encode() + b"\n" for name, document in documents.items()}
    return {**files, "north.bundle": b"".join(north_lines), "south.bundle": b"".join(south_lines)}


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, content in vectors().items():
        (FOLDER / name).write_bytes(content)
        print(f"{name}: {len(content)} bytes")


if __name__ == "__main__":
    main()
