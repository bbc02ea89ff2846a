"""Verify a Clearline bundle with nothing but Python 3.11 and `cryptography`. One file: read it, then trust it.

Use:  python verify_alone.py BUNDLE [--key PARTY=HEX ...] [--json]

Prints what the bundle proves and every contradiction with its place; ends with 0 if there is none, 1 if there is one,
2 if the file cannot be read. `--key` gives a public key that you received from its party: without keys, a bundle
proves only that it is one story told by whoever holds the keys in it.

What is checked, check by check, with the codes of the problems: docs/spec/bundle.md. This program shares no code with
`clearline verify`; the two must give the same problems at the same places.
"""
# One file to be read from top to bottom: short names say what short functions do.
# ruff: noqa: D102, D103, FBT001

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MESSAGE_TYPE = "application/vnd.clearline.message+json"
BUNDLE_TYPE = "application/vnd.clearline.bundle+json"
JOURNAL, JOURNAL_GENESIS = "journal", "0" * 64
ENVELOPE_MAX, PAYLOAD_MAX, MESSAGE_MAX, LINE_MAX = 1 << 20, (768 << 10) - 1_024, 512 << 10, (1 << 20) + 256
WHOLE_MAX, TIME_MAX, ENTRIES_MAX, LISTED_MAX, WHAT_MAX = 1 << 53, 4_102_444_800_000, 20_000_000, 100, 300
JOURNAL_TYPES = {"LINE_ADOPTED", "EVIDENCE"}
LINE_TYPES = set(
    "AREA_NOTICE AREA_AMEND AREA_CANCEL ACTIVATE RELEASE READ_BACK NOTED CONFLICT RESOLUTION RECEIPT".split()
)
NAME, DIGEST = r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?", r"[0-9a-f]{64}"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
ENVELOPE = re.compile(
    rb'\{"payloadType":"([a-z0-9][a-z0-9.+/-]{0,126})","payload":"([A-Za-z0-9+/]*={0,2})",'
    rb'"signatures":\[\{"keyid":"(ed25519:[0-9a-f]{32})","sig":"([A-Za-z0-9+/]{86}==)"\}\]\}'
)
ENTRY = re.compile(
    rb'\{"index":(0|[1-9][0-9]{0,15}),"received_at_ms":(0|[1-9][0-9]{0,12}),'
    rb'"leaf_hash":"([0-9a-f]{64})","envelope":(\{.*\})\}\n',
    re.DOTALL,
)
P = 2**255 - 19
EIGHTH = 2707385501144840649318225287225658788936804267575313519463743609750303402022
SMALL_ORDER_Y = {0, 1, P - 1, EIGHTH, P - EIGHTH}
"""All y of points whose order divides 8: under such a key, signatures can be made that fit almost anything."""


class NoError(Exception):
    """A text is not what it should be; the message says why."""


def need(holds: bool, why: str) -> None:
    if not holds:
        raise NoError(why)


# --- JSON: the same strictness everywhere


def parse(text: bytes) -> tuple[Any, bool, bool]:
    """Return a document, whether its outermost object repeats a field, and whether any inner one does."""
    repeats: list[bool] = []

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        repeats.append(len({name for name, _ in members}) != len(members))
        return dict(members)

    def no_constant(name: str) -> float:
        raise NoError(f"{name} is no JSON")

    try:
        document = json.loads(text.decode(), object_pairs_hook=pairs, parse_constant=no_constant)
        if b"\\u" in text:
            json.dumps(document, ensure_ascii=False).encode()  # half a surrogate pair is no character
    except (ValueError, RecursionError) as error:
        raise NoError(f"not JSON: {error}") from None
    outermost = bool(repeats) and isinstance(document, dict) and repeats[-1]
    return document, outermost, any(repeats[:-1])


def number_text(value: float) -> str:
    text = repr(value)
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return text
    return format(Decimal(text), "f") if -6 < int(exponent) < 0 else f"{mantissa}e{int(exponent)}"


def compact(value: Any) -> str:
    """Write JSON the one way that is hashed: no spaces, fields in the order given, shortest numbers."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{compact(name)}:{compact(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(compact(item) for item in value) + "]"
    return number_text(value) if isinstance(value, float) else json.dumps(value)


def fields(value: Any, names: str, *, exactly: bool = True) -> list[Any]:
    """Return the named fields of an object; with `exactly`, it has no others."""
    wanted = names.split()
    need(isinstance(value, dict) and value.keys() >= set(wanted), f"fields missing, of {names}")
    need(not exactly or len(value) == len(wanted), f"fields beyond {names}")
    return [value[name] for name in wanted]


def text_like(pattern: str, *values: Any) -> None:
    for value in values:
        need(isinstance(value, str) and re.fullmatch(pattern, value) is not None, f"{value!r} is not like {pattern}")


def whole(least: int, most: int, *values: Any) -> None:
    for value in values:
        need(type(value) is int and least <= value <= most, f"{value!r} is not from {least} to {most}")


# --- what lines and messages are


@dataclass(frozen=True)
class Envelope:
    """One signed payload."""

    payload_type: str
    payload: bytes
    key_id: str
    signature: bytes

    def pae(self) -> bytes:
        name = self.payload_type.encode()
        return b"DSSEv1 %d %b %d %b" % (len(name), name, len(self.payload), self.payload)

    def fault(self, key: bytes, payload_type: str) -> tuple[str, str] | None:
        """Say why this is not signed by `key` as `payload_type`, or None."""
        if self.payload_type != payload_type:
            return "MESSAGE_MALFORMED", f"payload type {self.payload_type}"
        if self.key_id != "ed25519:" + hashlib.sha256(key).hexdigest()[:32]:
            return "KEY_UNKNOWN", f"signed under {self.key_id}"
        y = int.from_bytes(key, "little") & ((1 << 255) - 1)
        try:
            need(y < P and y not in SMALL_ORDER_Y, "a key that nobody may use")
            Ed25519PublicKey.from_public_bytes(key).verify(self.signature, self.pae())
        except (NoError, ValueError, InvalidSignature):
            return "SIGNATURE_INVALID", f"not signed by {self.key_id}"
        return None


def envelope_of(text: bytes) -> Envelope:
    need(len(text) <= ENVELOPE_MAX, "an envelope over the limit")
    match = ENVELOPE.fullmatch(text)
    if match is None:
        raise NoError("not an envelope in canonical form")
    kind, payload, key_id, signature = match.groups()
    for part in (payload, signature):
        need(
            len(part) % 4 == 0 and base64.b64encode(base64.b64decode(part)) == part, "another base64 of the same bytes"
        )
    return Envelope(kind.decode(), base64.b64decode(payload), key_id.decode(), base64.b64decode(signature))


def bundle_header(value: Any) -> dict[str, Any]:
    names = fields(value, "format party public_key exported_at_ms first_index size")
    need(names[0] == "clearline/bundle/1", "not a bundle of version 1")
    text_like(NAME, names[1])
    text_like(DIGEST, names[2])
    whole(0, TIME_MAX, names[3])
    whole(0, 0, names[4])
    whole(0, ENTRIES_MAX, names[5])
    return dict(value)


def closing_of(line: bytes) -> tuple[Envelope, dict[str, Any]]:
    need(line.endswith(b"\n"), "no line feed at the end")
    envelope = envelope_of(line[:-1])
    value, outer, inner = parse(envelope.payload)
    header, tree, digest, agreements = fields(value, "header tree sha256 agreements")
    bundle_header(header)
    size, root = fields(tree, "size root")
    whole(0, WHOLE_MAX, size)
    text_like(DIGEST, root, digest)
    need(isinstance(agreements, list) and len(agreements) <= 64, "agreements")
    for named in agreements:
        line_id, agreed = fields(named, "line_id digest")
        text_like(NAME, line_id)
        text_like(DIGEST, agreed)
    names = [named["line_id"] for named in agreements]
    need(names == sorted(set(names)) and not outer and not inner, "names not sorted, or a field twice")
    ordered = {
        "header": {name: header[name] for name in "format party public_key exported_at_ms first_index size".split()},
        "tree": {"size": size, "root": root},
        "sha256": digest,
        "agreements": [{"line_id": named["line_id"], "digest": named["digest"]} for named in agreements],
    }
    need(compact(ordered).encode() == envelope.payload, "another spelling of the closing statement")
    return envelope, value


def message_of(payload: bytes) -> tuple[dict[str, Any], bool]:
    """Return a message, and whether its body repeats a field."""
    need(len(payload) <= PAYLOAD_MAX, "a payload over the limit")
    message, outer, inner = parse(payload)
    names = "schema line_id from_party from_role sequence previous msg_id sent_at_ms precedence type body"
    schema, line_id, party, role, sequence, previous, msg_id, sent, precedence, kind, _ = fields(message, names)
    need(schema == "clearline/message/1" and not outer, "another schema, or a field twice")
    text_like(NAME, line_id, party)
    text_like("WATCH|PLANNER|OBSERVER|NODE", role)
    whole(1, WHOLE_MAX, sequence)
    text_like(DIGEST, previous)
    text_like(UUID, msg_id)
    whole(0, TIME_MAX, sent)
    text_like("FLASH|IMMEDIATE|PRIORITY|ROUTINE", precedence)
    need(isinstance(kind, str) and kind in JOURNAL_TYPES | LINE_TYPES, f"type {kind!r}")
    return message, inner


def agreement_of(body: Any) -> dict[str, Any]:
    (agreement,) = fields(body, "agreement")
    schema, line_id, members, rules = fields(agreement, "schema line_id members rules")
    need(schema == "clearline/agreement/1" and line_id != JOURNAL, "another schema, or the journal as a line")
    text_like(NAME, line_id)
    need(isinstance(members, list) and 2 <= len(members) <= 16, "members")
    for member in members:
        party, key = fields(member, "party_id public_key")
        text_like(NAME, party)
        text_like(DIGEST, key)
    names = [member["party_id"] for member in members]
    need(names == sorted(set(names)), "members not sorted, or one twice")
    need(len({member["public_key"] for member in members}) == len(members), "one key for two members")
    rule, version, lateral, vertical, closer = fields(
        rules, "rule_id version separation_lateral_m separation_vertical_m closer_ms_max"
    )
    text_like(NAME, rule)
    whole(1, 1_000_000, version)
    for distance, most in ((lateral, 100_000), (vertical, 20_000)):
        need(type(distance) in (int, float) and 0 <= distance <= most, f"separation {distance!r}")
    if closer is not None:
        whole(0, 3_600_000, closer)
    return dict(agreement)


def agreement_text(agreement: dict[str, Any]) -> str:
    """The bytes that are hashed: fields in the order of the specification."""
    rules = agreement["rules"]
    return compact(
        {
            "schema": agreement["schema"],
            "line_id": agreement["line_id"],
            "members": [{name: member[name] for name in ("party_id", "public_key")} for member in agreement["members"]],
            "rules": {
                "rule_id": rules["rule_id"],
                "version": rules["version"],
                "separation_lateral_m": float(rules["separation_lateral_m"]),
                "separation_vertical_m": float(rules["separation_vertical_m"]),
                "closer_ms_max": rules["closer_ms_max"],
            },
        }
    )


def receipt_of(body: Any) -> tuple[list[dict[str, Any]], int, str]:
    """Return items, tree size and root: what a record can prove of a receipt; findings are the parties' business."""
    items, tree = fields(body, "items tree", exactly=False)
    need(isinstance(items, list) and 1 <= len(items) <= 256, "items")
    for item in items:
        party, sequence, digest, index, received = fields(
            item, "party sequence digest log_index received_at_ms", exactly=False
        )
        text_like(NAME, party)
        whole(1, WHOLE_MAX, sequence)
        text_like(DIGEST, digest)
        whole(0, WHOLE_MAX, index)
        whole(0, TIME_MAX, received)
    size, root = fields(tree, "size root")
    whole(0, WHOLE_MAX, size)
    text_like(DIGEST, root)
    return items, size, root


# --- the tree of RFC 6962


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """Roots of all full subtrees, level by level."""

    def __init__(self) -> None:
        self.levels = [bytearray()]

    def __len__(self) -> int:
        return len(self.levels[0]) // 32

    def append(self, node: bytes) -> None:
        for row in self.levels:
            row.extend(node)
            if len(row) // 32 % 2:
                return
            node = node_hash(bytes(row[-64:-32]), node)
        self.levels.append(bytearray(node))

    def root(self, size: int) -> str:
        """Return the root over the first `size` leaves."""
        root, end = b"", size
        while end:
            level = (end & -end).bit_length() - 1
            place = (end - 1 >> level) * 32
            node = bytes(self.levels[level][place : place + 32])
            root = node_hash(node, root) if root else node
            end -= 1 << level
        return (root or hashlib.sha256(b"").digest()).hex()


# --- one pass over a bundle


@dataclass
class Chain:
    """What one party said on one line: sequence to (digest, entry, time); the digest is empty where not believed."""

    head: str
    last: int = 0
    said: dict[int, tuple[str, int, int]] = field(default_factory=dict)
    owed: set[int] = field(default_factory=set)

    def fault(self, sequence: int, previous: str, digest: str) -> tuple[str, str] | None:
        if sequence > self.last + 1:
            return "CHAIN_GAP", f"sequence {sequence} where {self.last + 1} is next"
        if sequence <= self.last:
            if sequence not in self.said:
                return "CHAIN_GAP", f"sequence {sequence} comes after {self.last}"
            held = self.said[sequence][0]
            if held == digest:
                return "CHAIN_REPEATED", f"sequence {sequence} again"
            return ("CHAIN_FORK", f"sequence {sequence} again, with other content") if held else None
        if self.head and previous != self.head:
            return "CHAIN_FORK" if self.last else "AGREEMENT_DIFFERS", f"names {previous}, not {self.head}"
        return None


@dataclass
class Line:
    """One line of the log: pinned keys, chains, and who has receipted what."""

    digest: str
    keys: dict[str, str]
    chains: dict[str, Chain]
    proven: set[tuple[str, str, int]] = field(default_factory=set)
    heads: dict[str, tuple[int, str]] = field(default_factory=dict)
    waiting: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)


class Walk:
    """Everything that is kept while a bundle is read: hashes and places, never a message."""

    def __init__(self, keys: dict[str, str]) -> None:
        self.keys = keys
        self.header: dict[str, Any] = {"party": "", "public_key": ""}
        self.due = self.time = self.open = 0
        self.whole = True
        self.tree, self.journal = Tree(), Chain(JOURNAL_GENESIS)
        self.lines: dict[str, Line] = {}
        self.types: Counter[str] = Counter()
        self.problems: list[dict[str, Any]] = []
        self.file_problems: list[dict[str, Any]] = []
        self.count = 0

    def problem(self, entry: int | str, code: str, what: object) -> None:
        """Note a contradiction at an entry, or (with a name) in the header, the closing statement or the file."""
        self.count += 1
        listed = self.problems if isinstance(entry, int) else self.file_problems
        if len(listed) < LISTED_MAX:
            place, index = (f"entries[{entry}]", entry) if isinstance(entry, int) else (entry, None)
            listed.append({"entry": index, "place": place, "code": code, "what": ascii(str(what)[:WHAT_MAX])[1:-1]})

    def read(self, lines: Iterable[bytes]) -> None:
        digest, held = hashlib.sha256(), b""
        for number, line in enumerate(lines):
            if number == 1:
                self.header = self.read_header(held)
            elif number > 1:
                self.entry(held)
            if number == 1 and not self.header["party"]:
                return
            if number:
                digest.update(held)
            held = line
            if number > ENTRIES_MAX + 1:
                self.problem("file", "OVER_LIMIT", "too many entries")
                return
        if not self.header["party"]:
            self.problem("header", "NOT_CANONICAL", "no header with anything behind it")
            return
        self.close(held, digest)
        named = {party: key for line in self.lines.values() for party, key in line.keys.items()}
        named[self.header["party"]] = self.header["public_key"]
        for party in self.keys.keys() - named.keys():
            self.problem("file", "PARTY_UNKNOWN", f"a key was given for {party}, who is not in it")
        if self.keys.get(self.header["party"], self.header["public_key"]) != self.header["public_key"]:
            self.problem("header", "KEY_DIFFERS", "not the key given")
        for line_ in self.lines.values():
            self.finish(line_)

    def read_header(self, line: bytes) -> dict[str, Any]:
        try:
            value, _, _ = parse(line)
            header = bundle_header(value)
            need(compact(header).encode() + b"\n" == line, "another spelling of the header")
            need(" ".join(header) == "format party public_key exported_at_ms first_index size", "another order")
        except NoError as why:
            self.problem("header", "NOT_CANONICAL", f"nothing else was checked: {why}")
            return self.header
        return header

    def close(self, line: bytes, digest: Any) -> None:
        if line.startswith(b'{"index":'):
            self.entry(line)
            self.problem("closing", "CLOSING_MISSING", "the file ends with an entry")
            return
        try:
            envelope, closing = closing_of(line)
        except NoError as why:
            self.problem("closing", "NOT_CANONICAL", why)
            return
        fault = envelope.fault(bytes.fromhex(self.header["public_key"]), BUNDLE_TYPE)
        if fault:
            self.problem("closing", *fault)
        if closing["header"] != self.header:
            self.problem("header", "HEADER_DIFFERS", "not the header that the closing statement signs")
        if not self.due == self.header["size"] == closing["tree"]["size"]:
            self.problem("file", "SIZE_DIFFERS", f"{self.due} entries")
        elif self.whole and self.tree.root(len(self.tree)) != closing["tree"]["root"]:
            self.problem("file", "ROOT_DIFFERS", "the entries make another tree")
        if digest.hexdigest() != closing["sha256"]:
            self.problem("file", "FILE_HASH", f"the bytes before it make {digest.hexdigest()}")
        if {named["line_id"]: named["digest"] for named in closing["agreements"]} != {
            name: kept.digest for name, kept in self.lines.items()
        }:
            self.problem("closing", "AGREEMENT_DIFFERS", "other agreements than the log holds")

    def entry(self, line: bytes) -> None:
        try:
            need(len(line) <= LINE_MAX, "over the limit")
            match = ENTRY.fullmatch(line)
            if match is None or int(match[2]) > TIME_MAX:
                raise NoError("not the line of an entry")
            index, received, stated, text = int(match[1]), int(match[2]), match[3].decode(), match[4]
            envelope = envelope_of(text)
        except NoError as why:
            over = len(line) > LINE_MAX or "over the limit" in str(why)
            self.problem(self.due, "OVER_LIMIT" if over else "NOT_CANONICAL", why)
            self.due, self.whole = self.due + 1, False
            return
        self.place(index, received, stated, b"\x01" + received.to_bytes(8, "big") + text)
        try:
            message, repeats = message_of(envelope.payload)
        except NoError as why:
            self.problem(index, "MESSAGE_MALFORMED", why)
            return
        self.types[message["type"]] += 1
        line_id, party, kind = message["line_id"], message["from_party"], message["type"]
        if line_id == JOURNAL:
            if party != self.header["party"]:
                self.problem(index, "PARTY_UNKNOWN", f"{party} in another's journal")
                return
            if kind not in JOURNAL_TYPES:
                self.problem(index, "TYPE_FORBIDDEN", f"{kind} in the journal")
                return
            self.signed(index, received, envelope, message, self.header["public_key"], self.journal)
            if kind == "LINE_ADOPTED":
                self.adopt(index, envelope.payload, message["body"], repeats)
            return
        kept = self.lines.get(line_id)
        if kept is None:
            self.problem(index, "LINE_UNKNOWN", f"no agreement of {line_id} in the log before it")
            return
        if party not in kept.keys:
            self.problem(index, "PARTY_UNKNOWN", f"{party} is not on the line")
            return
        if kind in JOURNAL_TYPES:
            self.problem(index, "TYPE_FORBIDDEN", f"{kind} on a line")
            return
        if len(envelope.payload) > MESSAGE_MAX:
            self.problem(index, "OVER_LIMIT", f"{len(envelope.payload)} bytes on a line")
        believed = self.signed(index, received, envelope, message, kept.keys[party], kept.chains[party])
        if believed and kind == "RECEIPT":
            self.receipt(index, party, message["body"], kept, repeats)

    def place(self, index: int, received: int, stated: str, data: bytes) -> None:
        if index > self.due:
            self.problem(self.due, "ENTRY_MISSING", f"entries {self.due} to {index - 1} are missing")
        if index < self.due:
            self.problem(index, "ENTRY_MISPLACED", f"again, or late: {self.due} is next")
        self.whole = self.whole and index == self.due
        self.due = index + 1
        if hashlib.sha256(b"\x00" + data).hexdigest() != stated:
            self.problem(index, "LEAF_HASH", "not the hash of this entry")
        else:
            if received < self.time:
                self.problem(index, "TIME_ORDER", f"received at {received}, after one received at {self.time}")
            self.time = received
        if self.whole:
            self.tree.append(bytes.fromhex(stated))

    def signed(
        self, index: int, received: int, envelope: Envelope, message: dict[str, Any], key: str, chain: Chain
    ) -> bool:
        """Check signature and place; return whether it is a new message to believe."""
        digest, sequence = hashlib.sha256(envelope.pae()).hexdigest(), message["sequence"]
        fault = envelope.fault(bytes.fromhex(key), MESSAGE_TYPE)
        if fault:
            digest = ""
        else:
            fault = chain.fault(sequence, message["previous"], digest)
        if fault:
            self.problem(index, fault[0], f"{message['from_party']}: {fault[1]}")
        if sequence in chain.said:
            believed = bool(digest) and not chain.said[sequence][0]
            if believed:
                chain.said[sequence] = (digest, index, received)
                chain.head = digest if sequence == chain.last else chain.head
            return believed
        new: bool = sequence > chain.last
        if new and (digest or sequence == chain.last + 1):
            chain.said[sequence] = (digest, index, received)
            chain.last, chain.head = sequence, digest
            if message["type"] != "RECEIPT":
                chain.owed.add(sequence)
        return new and bool(digest)

    def adopt(self, index: int, payload: bytes, body: Any, repeats: bool) -> None:
        try:
            need(not repeats, "a field twice")
            agreement = agreement_of(body)
        except NoError as why:
            self.problem(index, "MESSAGE_MALFORMED", why)
            return
        text = agreement_text(agreement).encode()
        digest, line_id = hashlib.sha256(text).hexdigest(), agreement["line_id"]
        keys = {member["party_id"]: member["public_key"] for member in agreement["members"]}
        if not re.search(rb'"body"\s*:\s*\{"agreement":' + re.escape(text) + rb"\}", payload):
            self.problem(index, "AGREEMENT_DIFFERS", "not the spelling that is hashed")
        if line_id in self.lines:
            if self.lines[line_id].digest != digest:
                self.problem(index, "AGREEMENT_DIFFERS", f"a second agreement of {line_id}")
            return
        if keys.get(self.header["party"]) != self.header["public_key"]:
            self.problem(index, "KEY_DIFFERS", "not the exporter's key")
        for party in sorted(keys):
            if self.keys.get(party, keys[party]) != keys[party]:
                self.problem(index, "KEY_DIFFERS", f"not the key given for {party}")
        if self.header["party"] in keys:
            self.lines[line_id] = Line(digest, keys, {party: Chain(digest) for party in keys})

    def receipt(self, index: int, signer: str, body: Any, line: Line, repeats: bool) -> None:
        try:
            need(not repeats, "a field twice")
            items, size, root = receipt_of(body)
        except NoError as why:
            self.problem(index, "MESSAGE_MALFORMED", why)
            return
        for item in items:
            fault = self.item_fault(index, signer, item, size, line)
            if fault:
                self.problem(index, "RECEIPT_FALSE", f"{signer}: {fault}")
        if signer != self.header["party"]:
            last, last_root = line.heads.get(signer, (0, root))
            if size < last or (size == last and root != last_root):
                self.problem(index, "TREE_HEAD", f"{signer} signed a tree of {size} after one of {last}")
            line.heads[signer] = (size, root)
        elif self.whole and (size > min(index, len(self.tree)) or self.tree.root(size) != root):
            self.problem(index, "TREE_HEAD", f"the first {size} entries make another tree")
            self.whole = False

    def item_fault(self, index: int, signer: str, item: dict[str, Any], size: int, line: Line) -> str | None:
        party, sequence = item["party"], item["sequence"]
        if party not in line.chains or party == signer:
            return f"receipts {party}, which is not another party of the line"
        if item["log_index"] >= size:
            return f"its tree of {size} does not cover log index {item['log_index']}"
        if sequence not in line.chains[party].said:
            if self.header["party"] in (signer, party):
                return f"message {sequence} of {party} is not in the log before it"
            line.waiting.append((index, signer, item))
            return None
        return self.compared(signer, item, line)

    def compared(self, signer: str, item: dict[str, Any], line: Line) -> str | None:
        party, sequence = item["party"], item["sequence"]
        digest, index, received = line.chains[party].said[sequence]
        if digest and item["digest"] != digest:
            return f"names message {sequence} of {party} with another digest than entry {index}"
        if signer == self.header["party"] and (item["log_index"], item["received_at_ms"]) != (index, received):
            return f"message {sequence} of {party} is at {index}, received at {received}"
        if (signer, party, sequence) in line.proven:
            return f"receipts message {sequence} of {party} a second time"
        line.proven.add((signer, party, sequence))
        return None

    def finish(self, line: Line) -> None:
        for index, signer, item in line.waiting:
            if item["sequence"] not in line.chains[item["party"]].said:
                self.open += 1
                continue
            fault = self.compared(signer, item, line)
            if fault:
                self.problem(index, "RECEIPT_FALSE", f"{signer}: {fault}")

    def unreceipted(self) -> int:
        own, missing = self.header["party"], 0
        for line in self.lines.values():
            for party in line.chains.keys() - {own}:
                missing += sum((party, own, n) not in line.proven for n in line.chains[own].owed)
                missing += sum((own, party, n) not in line.proven for n in line.chains[party].owed)
        return missing

    def report(self) -> dict[str, Any]:
        return {
            "ok": self.count == 0,
            "party": self.header["party"],
            "public_key": self.header["public_key"],
            "entries": self.due,
            "root": self.tree.root(len(self.tree)) if self.whole else None,
            "lines": {name: {"agreement": line.digest, "keys": line.keys} for name, line in self.lines.items()},
            "messages_by_type": dict(sorted(self.types.items())),
            "receipts_proven": sum(len(line.proven) for line in self.lines.values()),
            "receipts_open": self.open,
            "unreceipted": self.unreceipted(),
            "problems": self.problems + self.file_problems,
            "problems_more": self.count - len(self.problems) - len(self.file_problems),
        }


def verify(lines: Iterable[bytes], keys: dict[str, str]) -> dict[str, Any]:
    """Verify the lines of a bundle, line feeds included; `keys` is party to public key in hexadecimal."""
    walk = Walk(keys)
    walk.read(lines)
    return walk.report()


def bounded_lines(path: Path) -> Iterator[bytes]:
    """Read lines, never more of one than a lawful line may have; the rest of a longer one is passed over."""
    with path.open("rb") as file:
        while line := file.readline(LINE_MAX + 1):
            yield line
            while len(line) > LINE_MAX and not line.endswith(b"\n"):
                line = file.readline(LINE_MAX + 1)


def key_given(text: str) -> tuple[str, str]:
    party, _, key = text.partition("=")
    if not re.fullmatch(NAME, party) or not re.fullmatch(DIGEST, key):
        raise argparse.ArgumentTypeError("PARTY=64 hexadecimal digits")
    return party, key


def main() -> int:
    parser = argparse.ArgumentParser(description="Verify a Clearline bundle, offline and alone.")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--key", action="append", default=[], type=key_given, metavar="PARTY=HEX")
    parser.add_argument("--json", action="store_true", help="print the whole report as JSON")
    chosen = parser.parse_args()
    try:
        report = verify(bounded_lines(chosen.bundle), dict(chosen.key))
    except OSError as error:
        print(f"{chosen.bundle}: {error.strerror}", file=sys.stderr)
        return 2
    if chosen.json:
        print(json.dumps(report, indent=1))
        return 0 if report["ok"] else 1
    for problem in report["problems"]:
        print(f"{problem['place']}: {problem['code']}: {problem['what']}")
    for name, line in report["lines"].items():
        for party, key in line["keys"].items():
            print(f"line {name}: {party} {key}{'' if party in dict(chosen.key) else ' (on the word of the bundle)'}")
    verdict = (
        "proves itself" if report["ok"] else f"BROKEN: {len(report['problems']) + report['problems_more']} problems"
    )
    print(f"{report['party']}: {report['entries']} entries, {report['receipts_proven']} receipts proven: {verdict}")
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
