"""Bundles: a whole log in one text file that proves itself to anybody, alone and offline.

Rules
 * Lines end in one line feed and have one form only: header, one line for each entry, closing statement.
 * The closing statement is signed by the exporting party over size and root of the tree, the SHA-256 of all bytes
   before it, the header and the digests of all agreements. So there is no byte that no signature covers.
 * Writing and reading stream: neither keeps an entry longer than it takes to handle it.

Source: docs/spec/bundle.md; practice.md R6.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Final

import msgspec

from clearline.ledger.entry import Entry, entry_bytes
from clearline.ledger.envelope import (
    BUNDLE_PAYLOAD_TYPE,
    Envelope,
    decode_envelope,
    encode_envelope,
    seal,
)
from clearline.ledger.keys import Signer
from clearline.ledger.merkle import Frontier, leaf_hash
from clearline.model import limits
from clearline.model.decode import decode
from clearline.model.identity import Digest, LineId, PartyId
from clearline.model.message import TreeHead
from clearline.model.refusal import Refusal, RefusalCode, invariant

__all__ = [
    "BUNDLE_FORMAT",
    "AgreementNamed",
    "BundleClosing",
    "BundleHeader",
    "EntryLine",
    "bounded_lines",
    "bundle_lines",
    "closing_bytes",
    "entry_line",
    "header_line",
    "parse_closing",
    "parse_entry_line",
    "parse_header_line",
]

BUNDLE_FORMAT: Final = "clearline/bundle/1"

_Milliseconds = Annotated[int, msgspec.Meta(ge=limits.TIME_MS_MIN, le=limits.TIME_MS_MAX)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=limits.BUNDLE_ENTRIES_MAX)]
_ENTRY = re.compile(
    rb'\{"index":(0|[1-9][0-9]{0,15}),"received_at_ms":(0|[1-9][0-9]{0,12}),'
    rb'"leaf_hash":"([0-9a-f]{64})","envelope":(\{.*\})\}\n',
    re.DOTALL,
)


class BundleHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose log, under which key, exported when, and how much of it. Version 1 bundles hold a log from its start."""

    format: Annotated[str, msgspec.Meta(pattern=r"^clearline/bundle/1\Z")] = msgspec.field(default=BUNDLE_FORMAT)
    party: PartyId
    public_key: Digest
    """32 bytes in hexadecimal; the alphabet is that of a digest."""
    exported_at_ms: _Milliseconds
    first_index: Annotated[int, msgspec.Meta(ge=0, le=0)]
    size: _Count


class AgreementNamed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A line, and the digest of the agreement under which its messages stand."""

    line_id: LineId
    digest: Digest


class BundleClosing(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the exporting party signs about the whole file. `sha256` is over all bytes before the closing line."""

    header: BundleHeader
    tree: TreeHead
    sha256: Digest
    agreements: Annotated[tuple[AgreementNamed, ...], msgspec.Meta(max_length=limits.LINES_MAX)]


class EntryLine(msgspec.Struct, frozen=True):
    """One entry as the file states it; `envelope` is decoded, `source` its text."""

    index: int
    received_at_ms: int
    leaf_hash: bytes
    source: bytes
    envelope: Envelope


def header_line(header: BundleHeader) -> bytes:
    """Return the first line of a bundle."""
    return msgspec.json.encode(header) + b"\n"


def entry_line(entry: Entry) -> bytes:
    """Return the line of one entry. Its envelope is already in canonical form and goes in as it is."""
    return b'{"index":%d,"received_at_ms":%d,"leaf_hash":"%b","envelope":%b}\n' % (
        entry.index,
        entry.received_at_ms,
        leaf_hash(entry_bytes(entry)).hex().encode(),
        entry.envelope,
    )


def closing_bytes(closing: BundleClosing) -> bytes:
    """Return the payload of the closing envelope."""
    return msgspec.json.encode(closing)


def bundle_lines(
    entries: Iterable[Entry],
    *,
    party: str,
    exported_at_ms: int,
    size: int,
    agreements: Mapping[str, str],
    signer: Signer,
) -> Iterator[bytes]:
    """Write the first `size` entries of a log; `agreements` is line id to agreement digest.

    Yields the lines one by one; the tree is computed on the way, from what is really written.
    """
    header = BundleHeader(
        party=party, public_key=signer.public_key.hex(), exported_at_ms=exported_at_ms, first_index=0, size=size
    )
    line = header_line(header)
    digest, frontier = hashlib.sha256(line), Frontier()
    yield line
    for entry in entries:
        invariant(entry.index == frontier.size, "a bundle holds a log from its start, without gaps")
        frontier.append(leaf_hash(entry_bytes(entry)))
        line = entry_line(entry)
        digest.update(line)
        yield line
    invariant(frontier.size == size, "a bundle holds as many entries as its header says")
    closing = BundleClosing(
        header=header,
        tree=TreeHead(size=size, root=frontier.root().hex()),
        sha256=digest.hexdigest(),
        agreements=tuple(AgreementNamed(line_id=name, digest=agreements[name]) for name in sorted(agreements)),
    )
    yield encode_envelope(seal(closing_bytes(closing), signer, BUNDLE_PAYLOAD_TYPE)) + b"\n"


def bounded_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Split a stream of bytes into lines, line feeds kept, without ever holding more than one lawful line.

    Of a longer line only its beginning is handed on, one byte more than is allowed, so that the reader refuses it.
    """
    held, dropping = b"", False
    for chunk in chunks:
        *whole, rest = chunk.split(b"\n")
        for piece in whole:
            if not dropping:
                yield (held + piece + b"\n")[: limits.BUNDLE_LINE_BYTES_MAX + 1]
            held, dropping = b"", False
        if not dropping:
            held += rest
            if len(held) > limits.BUNDLE_LINE_BYTES_MAX:
                yield held[: limits.BUNDLE_LINE_BYTES_MAX + 1]
                held, dropping = b"", True
    if held:
        yield held


def parse_header_line(line: bytes) -> BundleHeader:
    """Read the first line.

    Raises:
        Refusal: as `decode`, or MALFORMED for another spelling of the same header.
    """
    header = decode(BundleHeader, line, bytes_max=limits.BUNDLE_LINE_BYTES_MAX)
    if header_line(header) != line:
        raise _other_spelling("header")
    return header


def parse_entry_line(line: bytes) -> EntryLine:
    """Read the line of an entry, its envelope included; nothing is verified yet.

    Raises:
        Refusal: OVER_LIMIT, MALFORMED, or a refusal of the envelope.
    """
    if len(line) > limits.BUNDLE_LINE_BYTES_MAX:
        raise Refusal(
            RefusalCode.OVER_LIMIT, field="line", found="more", allowed=f"at most {limits.BUNDLE_LINE_BYTES_MAX} bytes"
        )
    match = _ENTRY.fullmatch(line)
    if match is None:
        raise _other_spelling("line")
    index, received_at_ms, leaf, source = match.groups()
    if int(received_at_ms) > limits.TIME_MS_MAX:
        raise Refusal(
            RefusalCode.OUT_OF_RANGE,
            field="received_at_ms",
            found=int(received_at_ms),
            allowed=f"at most {limits.TIME_MS_MAX}",
        )
    return EntryLine(int(index), int(received_at_ms), bytes.fromhex(leaf.decode()), source, decode_envelope(source))


def parse_closing(line: bytes) -> tuple[Envelope, BundleClosing]:
    """Read the last line; the signature is not verified yet.

    Raises:
        Refusal: as `decode_envelope` and `decode`, or MALFORMED for another spelling or another kind of envelope.
    """
    if not line.endswith(b"\n"):
        raise _other_spelling("closing")
    envelope = decode_envelope(line[:-1])
    closing = decode(BundleClosing, envelope.payload, bytes_max=limits.PAYLOAD_BYTES_MAX)
    names = [named.line_id for named in closing.agreements]
    if closing_bytes(closing) != envelope.payload or names != sorted(set(names)):
        raise _other_spelling("closing")
    return envelope, closing


def _other_spelling(field: str) -> Refusal:
    return Refusal(
        RefusalCode.MALFORMED, field=field, found="another spelling", allowed="the one form of docs/spec/bundle.md"
    )
