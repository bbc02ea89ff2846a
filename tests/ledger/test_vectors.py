"""The code against the published vectors, and the vectors against the program that writes them.

The first tests read nothing but the files: what they do, another implementation can do (docs/spec).
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from clearline.ledger import verify
from clearline.ledger.entry import Entry, entry_bytes
from clearline.ledger.envelope import (
    MESSAGE_PAYLOAD_TYPE,
    Envelope,
    EnvelopeSignature,
    decode_envelope,
    encode_envelope,
    message_digest,
    pae,
    verify_envelope,
)
from clearline.ledger.keys import Ed25519Signer, Ed25519Verifier, check_public_key, key_id
from clearline.ledger.merkle import leaf_hash, root_of, verify_consistency, verify_inclusion
from clearline.ledger.report import ProblemCode
from clearline.model import limits
from clearline.model.agreement import LineAgreement, agreement_bytes, agreement_digest
from clearline.model.decode import decode
from clearline.model.identity import Role
from clearline.model.message import BODY_TYPES, JOURNAL_LINE, JOURNAL_TYPES, Header, MessageType, Precedence
from clearline.model.refusal import Refusal
from tests.ledger.verdict import split, verdict
from tools import verify_alone
from tools.make_ledger_vectors import FOLDER, edited, vectors

SPEC = FOLDER.parent.parent.parent / "docs" / "spec"
VERIFIER = Ed25519Verifier()


def read(name: str) -> Any:
    return json.loads((FOLDER / name).read_bytes())


def hashes(texts: list[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


def test_the_files_are_what_the_program_writes() -> None:
    written = vectors()
    assert {path.name for path in FOLDER.iterdir()} == set(written)
    for name, content in written.items():
        assert (FOLDER / name).read_bytes() == content, f"{name}: run python -m tools.make_ledger_vectors"


def test_keys() -> None:
    for vector in read("keys.json")["keys"]:
        signer = Ed25519Signer.from_seed(bytes.fromhex(vector["seed"]))
        assert signer.public_key.hex() == vector["public_key"]
        assert key_id(signer.public_key) == vector["key_id"]
        check_public_key(signer.public_key)


def test_keys_that_must_not_be_pinned() -> None:
    for vector in read("keys.json")["refused"]:
        with pytest.raises(Refusal) as refused:
            check_public_key(bytes.fromhex(vector["public_key"]))
        assert vector["why"] in refused.value.found


def test_envelopes() -> None:
    for vector in read("envelope.json")["good"]:
        payload = bytes.fromhex(vector["payload"])
        assert pae(vector["payload_type"], payload).hex() == vector["pae"]
        assert hashlib.sha256(bytes.fromhex(vector["pae"])).hexdigest() == vector["digest"]
        key = bytes.fromhex(vector["public_key"])
        signature = EnvelopeSignature(key_id(key), bytes.fromhex(vector["signature"]))
        envelope = Envelope(vector["payload_type"], payload, (signature,))
        assert encode_envelope(envelope).decode() == vector["text"]
        assert decode_envelope(vector["text"].encode()) == envelope
        verify_envelope(envelope, key, VERIFIER, payload_type=vector["payload_type"])


def test_texts_that_are_no_envelopes() -> None:
    good = {vector["text"] for vector in read("envelope.json")["good"]}
    for vector in read("envelope.json")["refused"]:
        assert vector["text"] not in good
        with pytest.raises(Refusal) as refused:
            decode_envelope(vector["text"].encode())
        assert refused.value.code.value == vector["code"], vector["why"]


def test_envelopes_that_do_not_verify() -> None:
    key = bytes.fromhex(read("envelope.json")["good"][1]["public_key"])
    for vector in read("envelope.json")["unverified"]:
        with pytest.raises(Refusal) as refused:
            verify_envelope(decode_envelope(vector["text"].encode()), key, VERIFIER)
        assert refused.value.code.value == vector["code"], vector["why"]


def test_messages_and_their_chains() -> None:
    document = read("messages.json")
    agreement = decode(LineAgreement, document["agreement"].encode(), bytes_max=limits.PAYLOAD_BYTES_MAX)
    assert agreement_bytes(agreement).decode() == document["agreement"]
    assert agreement_digest(agreement) == document["agreement_digest"]
    heads: dict[tuple[str, str], tuple[int, str]] = {}
    for vector in document["messages"]:
        payload = vector["payload"].encode()
        header = decode(Header, payload, bytes_max=limits.PAYLOAD_BYTES_MAX)
        decode(BODY_TYPES[header.type], bytes(header.body), bytes_max=limits.PAYLOAD_BYTES_MAX)
        place = (header.line_id, header.from_party)
        genesis = "0" * 64 if header.line_id == JOURNAL_LINE else document["agreement_digest"]
        sequence, head = heads.get(place, (0, genesis))
        assert (header.sequence, header.previous) == (sequence + 1, head)
        assert message_digest(Envelope(MESSAGE_PAYLOAD_TYPE, payload, ())) == vector["digest"]
        heads[place] = (header.sequence, vector["digest"])


def test_the_log() -> None:
    document = read("log.json")
    leaves = []
    for vector in document["entries"]:
        data = entry_bytes(Entry(vector["index"], vector["received_at_ms"], vector["envelope"].encode()))
        assert data == bytes.fromhex(vector["entry_prefix"]) + vector["envelope"].encode()
        assert leaf_hash(data).hex() == vector["leaf_hash"]
        leaves.append(leaf_hash(data))
    roots = hashes(document["roots"])
    assert [root_of(leaves[:size]) for size in range(len(leaves) + 1)] == roots
    for vector in document["inclusion"]:
        index, size = vector["index"], vector["size"]
        proof = hashes(vector["proof"])
        assert verify_inclusion(leaves[index], index=index, size=size, proof=proof, root=roots[size])
    for vector in document["consistency"]:
        old, new = vector["size_old"], vector["size_new"]
        assert verify_consistency(
            size_old=old, root_old=roots[old], size_new=new, root_new=roots[new], proof=hashes(vector["proof"])
        )


@pytest.mark.parametrize("name", ["north.bundle", "south.bundle"])
def test_bundles(name: str) -> None:
    report = verdict(split((FOLDER / name).read_bytes()))
    assert report.ok
    assert report.unreceipted == 0


def test_broken_bundles() -> None:
    lines = split((FOLDER / "north.bundle").read_bytes())
    for edit in read("bundle.json")["edits"]:
        report = verdict(edited(lines, edit))
        found = [{"place": problem.place, "code": problem.code.value} for problem in report.problems]
        assert found == edit["problems"], edit["why"]
        assert report.ok == (edit["why"] == "nothing is changed")


# --- the specifications name what the code has


def text_of(name: str) -> str:
    return (SPEC / name).read_text()


def test_the_specification_of_bundles_names_every_problem() -> None:
    named = set(re.findall(r"^\| `([A-Z_]+)` \|", text_of("bundle.md"), flags=re.MULTILINE))
    assert named == {code.value for code in ProblemCode}


def test_the_specification_of_messages_names_every_type_and_every_field() -> None:
    text = text_of("messages.md")
    sections = dict(re.findall(r"^### ([A-Z_]+)\n(.*?)(?=^### |^## |\Z)", text, re.MULTILINE | re.DOTALL))
    assert set(sections) == {kind.value for kind in MessageType}
    for kind, body in BODY_TYPES.items():
        named = set(re.findall(r"^\| `([a-z_]+)` \|", sections[kind.value], flags=re.MULTILINE))
        assert named == set(body.__struct_fields__), kind
    for name in Header.__struct_fields__:
        assert f"| `{name}` |" in text
    for word in (*Role, *Precedence, *JOURNAL_TYPES):
        assert f"`{word.value}`" in text


def test_the_examples_in_the_specifications_are_real() -> None:
    """Every example envelope verifies, and every example line stands in a vector file."""
    files = b"".join(path.read_bytes() for path in sorted(FOLDER.iterdir())).decode()
    decoded = files.replace('\\"', '"')
    for path in sorted(SPEC.glob("*.md")):
        for block in re.findall(r"^```vector\n(.*?)^```", path.read_text(), flags=re.MULTILINE | re.DOTALL):
            for line in block.splitlines():
                assert line in decoded, f"{path.name}: {line[:80]}"
        for block in re.findall(r"^```json\n(.*?)^```", path.read_text(), flags=re.MULTILINE | re.DOTALL):
            assert json.dumps(json.loads(block), separators=(",", ":")) in decoded, path.name


def test_the_stand_alone_verifier_has_the_same_limits_and_words() -> None:
    assert (
        verify_alone.ENVELOPE_MAX,
        verify_alone.PAYLOAD_MAX,
        verify_alone.MESSAGE_MAX,
        verify_alone.LINE_MAX,
    ) == (
        limits.ENVELOPE_BYTES_MAX,
        limits.PAYLOAD_BYTES_MAX,
        limits.MESSAGE_BYTES_MAX,
        limits.BUNDLE_LINE_BYTES_MAX,
    )
    assert (verify_alone.WHOLE_MAX, verify_alone.TIME_MAX, verify_alone.ENTRIES_MAX) == (
        limits.SEQUENCE_MAX,
        limits.TIME_MS_MAX,
        limits.BUNDLE_ENTRIES_MAX,
    )
    assert (verify_alone.LISTED_MAX, verify_alone.WHAT_MAX) == (
        limits.PROBLEMS_LISTED_MAX,
        limits.PROBLEM_CHARACTERS_MAX,
    )
    assert {kind.value for kind in JOURNAL_TYPES} == verify_alone.JOURNAL_TYPES
    assert {kind.value for kind in MessageType} == verify_alone.JOURNAL_TYPES | verify_alone.LINE_TYPES
    assert Path(verify.__file__).name == "verify.py"


def test_the_stand_alone_verifier_imports_nothing_of_ours() -> None:
    source = Path(verify_alone.__file__).read_text()
    imported = set(re.findall(r"^(?:from|import) (\w+)", source, flags=re.MULTILINE))
    assert "clearline" not in imported
    assert imported - {"__future__"} <= {
        "argparse",
        "base64",
        "collections",
        "cryptography",
        "dataclasses",
        "decimal",
        "hashlib",
        "json",
        "pathlib",
        "re",
        "sys",
        "typing",
    }
