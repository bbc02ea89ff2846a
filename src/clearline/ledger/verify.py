"""Verification of a bundle: alone, offline, in one pass, keeping hashes and places but no message.

Rules
 * Every entry is checked for form, index, leaf hash, time, signature against the pinned key, and place in its chain;
   every receipt against the log; the file against its closing statement.
 * Keys come from the agreements in the log itself. Who needs to know that these are the right ones gives the keys he
   got from the parties: without them a bundle proves only that it is one story told by whoever holds its keys.
 * Reading goes on behind a fault, so that all of them are named, each at the entry where it shows. Roots are not
   compared any more once entries are missing: one fault is enough for that.

Source: docs/spec/bundle.md (the checks are numbered there).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import final

from clearline.ledger.bundle import BundleHeader, EntryLine, parse_closing, parse_entry_line, parse_header_line
from clearline.ledger.entry import Entry, entry_bytes
from clearline.ledger.envelope import BUNDLE_PAYLOAD_TYPE, message_digest, verify_envelope
from clearline.ledger.heard import LineReceipts, ReceiptFacts, own_head_fault
from clearline.ledger.keys import Ed25519Verifier, Verifier
from clearline.ledger.merkle import Tree, leaf_hash
from clearline.ledger.report import ChainReport, LineReport, ProblemCode, Problems, VerifyReport
from clearline.ledger.spoken import JOURNAL_GENESIS, Spoken, SpokenChain
from clearline.model import limits
from clearline.model.agreement import LineAgreement, agreement_bytes, agreement_digest
from clearline.model.decode import decode, decode_repeating, refusal_of_repeated, repeated_fields
from clearline.model.message import JOURNAL_LINE, JOURNAL_TYPES, Header, LineAdopted, MessageType, TreeHead
from clearline.model.refusal import Refusal, RefusalCode

__all__ = ["BundleWalk", "verify_bundle"]


def verify_bundle(
    lines: Iterable[bytes], *, keys: Mapping[str, bytes] | None = None, verifier: Verifier | None = None
) -> VerifyReport:
    """Verify a bundle from its lines, line feeds included (see `bounded_lines` for files that nobody has seen yet).

    `keys` are public keys that the caller trusts, by party. Never raises for what the bundle contains.
    """
    walk = BundleWalk(keys=keys or {}, verifier=verifier or Ed25519Verifier())
    walk.read(lines)
    return walk.report()


@final
class LineRecord:
    """One line of the log while it is read."""

    def __init__(self, agreement: LineAgreement, digest: str, own: str) -> None:
        self.agreement = agreement
        self.digest = digest
        self.chains = {party: SpokenChain(digest) for party in agreement.parties}
        self.receipts = LineReceipts(own, self.chains)


@final
class BundleWalk:
    """One pass over a bundle. `read` once, then `report`; what it kept serves the comparison of two bundles."""

    def __init__(self, *, keys: Mapping[str, bytes], verifier: Verifier) -> None:
        self._keys = keys
        self._verifier = verifier
        self._file = hashlib.sha256()
        self._due = 0
        self._time_ms = 0
        self._whole = True
        self._journal = SpokenChain(JOURNAL_GENESIS)
        self._by_type: Counter[str] = Counter()
        self._by_party: Counter[str] = Counter()
        self.header: BundleHeader | None = None
        self.tree = Tree()
        self.lines: dict[str, LineRecord] = {}
        self.problems = Problems()

    @property
    def party(self) -> str:
        """Whose log it is; empty where the header cannot be read."""
        return self.header.party if self.header else ""

    @property
    def exported_at_ms(self) -> int:
        """When it was exported, by its party's clock; 0 where the header cannot be read."""
        return self.header.exported_at_ms if self.header else 0

    # --- the file

    def read(self, lines: Iterable[bytes]) -> None:
        """Take all lines; the last one is held back, for it must be the closing statement."""
        held: bytes | None = None
        for number, line in enumerate(lines):
            if held is not None:
                self._take(held)
                if self.header is None:
                    return
            held = line
            if number > limits.BUNDLE_ENTRIES_MAX + 1:
                self.problems.file("file", ProblemCode.OVER_LIMIT, f"over {limits.BUNDLE_ENTRIES_MAX} entries")
                return
        if self.header is None:
            self.problems.file("header", ProblemCode.NOT_CANONICAL, "no header with anything behind it")
            return
        self._close(held or b"", self.header)
        self._check_keys_given(self.header)
        for record in self.lines.values():
            record.receipts.finish(self.problems)

    def _take(self, line: bytes) -> None:
        self._file.update(line)
        if self.header is not None:
            self._take_entry(line, self.header)
            return
        try:
            self.header = parse_header_line(line)
        except Refusal as refusal:
            self.problems.file("header", ProblemCode.NOT_CANONICAL, f"nothing else was checked: {refusal}")

    def _close(self, line: bytes, header: BundleHeader) -> None:
        problems = self.problems
        if line.startswith(b'{"index":'):
            self._take_entry(line, header)
            problems.file("closing", ProblemCode.CLOSING_MISSING, "the file ends with an entry")
            return
        try:
            envelope, closing = parse_closing(line)
        except Refusal as refusal:
            problems.file("closing", ProblemCode.NOT_CANONICAL, str(refusal))
            return
        try:
            key = bytes.fromhex(header.public_key)
            verify_envelope(envelope, key, self._verifier, payload_type=BUNDLE_PAYLOAD_TYPE)
        except Refusal as refusal:
            problems.file("closing", _code_of(refusal), str(refusal))
        if closing.header != header:
            problems.file("header", ProblemCode.HEADER_DIFFERS, f"the closing statement signs {closing.header}")
        if not self._due == header.size == closing.tree.size:
            what = f"{self._due} entries, {header.size} in the header, {closing.tree.size} in the closing statement"
            problems.file("file", ProblemCode.SIZE_DIFFERS, what)
        elif self._whole and self.tree.root().hex() != closing.tree.root:
            problems.file("file", ProblemCode.ROOT_DIFFERS, f"the entries make {self.tree.root().hex()}")
        if self._file.hexdigest() != closing.sha256:
            problems.file("file", ProblemCode.FILE_HASH, f"the bytes before it make {self._file.hexdigest()}")
        signed = {named.line_id: named.digest for named in closing.agreements}
        if signed != {line_id: record.digest for line_id, record in self.lines.items()}:
            problems.file("closing", ProblemCode.AGREEMENT_DIFFERS, "other agreements than the log holds")

    def _check_keys_given(self, header: BundleHeader) -> None:
        named = {header.party: header.public_key}
        for record in self.lines.values():
            named.update({member.party_id: member.public_key for member in record.agreement.members})
        for party in self._keys:
            if party not in named:
                self.problems.file("file", ProblemCode.PARTY_UNKNOWN, f"a key was given for {party}, who is not in it")
        if self._keys.get(header.party, bytes.fromhex(header.public_key)).hex() != header.public_key:
            self.problems.file("header", ProblemCode.KEY_DIFFERS, f"not the key given for {header.party}")

    # --- entries

    def _take_entry(self, line: bytes, header: BundleHeader) -> None:
        try:
            entry = parse_entry_line(line)
        except Refusal as refusal:
            code = ProblemCode.OVER_LIMIT if refusal.code is RefusalCode.OVER_LIMIT else ProblemCode.NOT_CANONICAL
            self.problems.entry(self._due, code, str(refusal))
            self._due, self._whole = self._due + 1, False
            return
        self._place(entry)
        try:
            message = _header_of(entry.envelope.payload)
        except Refusal as refusal:
            self.problems.entry(entry.index, ProblemCode.MESSAGE_MALFORMED, str(refusal))
            return
        self._by_type[message.type.value] += 1
        self._by_party[message.from_party] += 1
        if message.line_id == JOURNAL_LINE:
            self._take_journal(entry, message, header)
        else:
            self._take_message(entry, message, header)

    def _place(self, entry: EntryLine) -> None:
        """Check index, leaf hash and time, and let the tree grow by the hash that is written."""
        if entry.index > self._due:
            what = f"entries {self._due} to {entry.index - 1} are missing"
            self.problems.entry(self._due, ProblemCode.ENTRY_MISSING, what)
            self._whole = False
        elif entry.index < self._due:
            self.problems.entry(entry.index, ProblemCode.ENTRY_MISPLACED, f"again, or late: {self._due} is next")
            self._whole = False
        self._due = entry.index + 1
        computed = leaf_hash(entry_bytes(Entry(entry.index, entry.received_at_ms, entry.source)))
        if computed != entry.leaf_hash:
            # Its time is then as little to be believed as the rest: it must not make its neighbours look late.
            self.problems.entry(entry.index, ProblemCode.LEAF_HASH, f"the entry makes {computed.hex()}")
        else:
            if entry.received_at_ms < self._time_ms:
                what = f"received at {entry.received_at_ms}, after one received at {self._time_ms}"
                self.problems.entry(entry.index, ProblemCode.TIME_ORDER, what)
            self._time_ms = entry.received_at_ms
        if self._whole:
            self.tree.append(entry.leaf_hash)

    def _take_journal(self, entry: EntryLine, message: Header, header: BundleHeader) -> None:
        if message.from_party != header.party:
            self.problems.entry(entry.index, ProblemCode.PARTY_UNKNOWN, f"{message.from_party} in another's journal")
            return
        if message.type not in JOURNAL_TYPES:
            self.problems.entry(entry.index, ProblemCode.TYPE_FORBIDDEN, f"{message.type} in the journal")
            return
        self._take_signed(entry, message, bytes.fromhex(header.public_key), self._journal)
        if message.type is MessageType.LINE_ADOPTED:
            self._adopt(entry, message, header)

    def _take_message(self, entry: EntryLine, message: Header, header: BundleHeader) -> None:
        record = self.lines.get(message.line_id)
        if record is None:
            what = f"no agreement of {message.line_id} in the log before it"
            self.problems.entry(entry.index, ProblemCode.LINE_UNKNOWN, what)
            return
        key = record.agreement.public_key(message.from_party)
        if key is None:
            self.problems.entry(entry.index, ProblemCode.PARTY_UNKNOWN, f"{message.from_party} is not on the line")
            return
        if message.type in JOURNAL_TYPES:
            self.problems.entry(entry.index, ProblemCode.TYPE_FORBIDDEN, f"{message.type} on a line")
            return
        if len(entry.envelope.payload) > limits.MESSAGE_BYTES_MAX:
            what = f"{len(entry.envelope.payload)} bytes, at most {limits.MESSAGE_BYTES_MAX} on a line"
            self.problems.entry(entry.index, ProblemCode.OVER_LIMIT, what)
        believed = self._take_signed(entry, message, key, record.chains[message.from_party])
        if believed and message.type is MessageType.RECEIPT:
            self._take_receipt(entry, message, record, header)

    def _take_signed(self, entry: EntryLine, message: Header, key: bytes, chain: SpokenChain) -> bool:
        """Check signature and place in the chain; return whether the message is one to believe, and a new one."""
        digest = message_digest(entry.envelope)
        try:
            verify_envelope(entry.envelope, key, self._verifier)
        except Refusal as refusal:
            self.problems.entry(entry.index, _code_of(refusal), str(refusal))
            digest = ""
        if digest:
            fault = chain.fault(message.sequence, message.previous, digest)
            if fault is not None:
                self.problems.entry(entry.index, fault[0], f"{message.from_party}: {fault[1]}")
        held = chain.find(message.sequence)
        spoken = Spoken(
            held.slot if held else len(chain),
            message.sequence,
            digest,
            entry.index,
            entry.received_at_ms,
            message.sent_at_ms,
        )
        if held is not None:
            believed = bool(digest) and not held.digest
            if believed:
                chain.settle(spoken)
            return believed
        # What is not believed is kept as the next place only: a forged number must not open a gap for what follows.
        new = message.sequence > chain.last_sequence
        if new and (digest or message.sequence == chain.last_sequence + 1):
            chain.add(spoken, owes_receipt=message.type is not MessageType.RECEIPT)
        return new and bool(digest)

    def _adopt(self, entry: EntryLine, message: Header, header: BundleHeader) -> None:
        """Take an agreement. Even from an entry not believed: the rest must be checked against something."""
        body = bytes(message.body)
        try:
            agreement = decode(LineAdopted, body, bytes_max=limits.PAYLOAD_BYTES_MAX).agreement
        except Refusal as refusal:
            self.problems.entry(entry.index, ProblemCode.MESSAGE_MALFORMED, str(refusal))
            return
        digest, held = agreement_digest(agreement), self.lines.get(agreement.line_id)
        if body != b'{"agreement":%b}' % agreement_bytes(agreement):
            self.problems.entry(entry.index, ProblemCode.AGREEMENT_DIFFERS, "not the spelling that is hashed")
        if held is not None:
            if held.digest != digest:
                what = f"a second agreement of {agreement.line_id}"
                self.problems.entry(entry.index, ProblemCode.AGREEMENT_DIFFERS, what)
            return
        own = agreement.public_key(header.party)
        if own is None or own.hex() != header.public_key:
            self.problems.entry(entry.index, ProblemCode.KEY_DIFFERS, f"not the exporter's key for {header.party}")
        for member in agreement.members:
            given = self._keys.get(member.party_id)
            if given is not None and given.hex() != member.public_key:
                what = f"not the key given for {member.party_id}"
                self.problems.entry(entry.index, ProblemCode.KEY_DIFFERS, what)
        if own is not None:
            self.lines[agreement.line_id] = LineRecord(agreement, digest, header.party)

    def _take_receipt(self, entry: EntryLine, message: Header, record: LineRecord, header: BundleHeader) -> None:
        try:
            receipt = _receipt_of(bytes(message.body))
        except Refusal as refusal:
            self.problems.entry(entry.index, ProblemCode.MESSAGE_MALFORMED, str(refusal))
            return
        record.receipts.take(entry.index, message.from_party, receipt, self.problems)
        if message.from_party == header.party and self._whole:
            fault = own_head_fault(receipt.tree, self.tree, entry.index)
            if fault is not None:
                self.problems.entry(entry.index, ProblemCode.TREE_HEAD, fault)
                self._whole = False

    # --- the outcome

    def report(self) -> VerifyReport:
        """Return what was found."""
        header = self.header
        records = self.lines.values()
        lines = tuple(_line_report(self.lines[name]) for name in sorted(self.lines))
        return VerifyReport(
            ok=self.problems.count == 0,
            party=self.party,
            public_key=header.public_key if header else "",
            exported_at_ms=self.exported_at_ms,
            entries=self._due,
            tree=TreeHead(size=self.tree.size, root=self.tree.root().hex()) if self._whole else None,
            lines=lines,
            keys_given=tuple(sorted(self._keys)),
            messages_by_type=dict(sorted(self._by_type.items())),
            messages_by_party=dict(sorted(self._by_party.items())),
            receipts_proven=sum(record.receipts.proven for record in records),
            receipts_rejecting=sum(record.receipts.rejecting for record in records),
            receipts_open=sum(record.receipts.open for record in records),
            unreceipted=sum(chain.unreceipted for line in lines for chain in line.chains),
            problems=self.problems.listed(),
            problems_more=self.problems.more,
        )


def _line_report(record: LineRecord) -> LineReport:
    return LineReport(
        line_id=record.agreement.line_id,
        agreement=record.digest,
        keys={member.party_id: member.public_key for member in record.agreement.members},
        chains=tuple(
            ChainReport(
                party=party,
                sequence=chain.last_sequence,
                digest=chain.head,
                unreceipted=record.receipts.unreceipted(party),
            )
            for party, chain in record.chains.items()
        ),
    )


def _header_of(payload: bytes) -> Header:
    header = decode_repeating(Header, payload, bytes_max=limits.PAYLOAD_BYTES_MAX)
    repeated = repeated_fields(payload)
    if repeated and repeated[-1].outermost:
        raise refusal_of_repeated(repeated[-1])
    return header


def _receipt_of(body: bytes) -> ReceiptFacts:
    return decode(ReceiptFacts, body, bytes_max=limits.PAYLOAD_BYTES_MAX)


_CODES = {
    RefusalCode.KEY_UNKNOWN: ProblemCode.KEY_UNKNOWN,
    RefusalCode.SIGNATURE_INVALID: ProblemCode.SIGNATURE_INVALID,
}


def _code_of(refusal: Refusal) -> ProblemCode:
    """Another payload type is another kind of statement, and so no message at all."""
    return _CODES.get(refusal.code, ProblemCode.MESSAGE_MALFORMED)
