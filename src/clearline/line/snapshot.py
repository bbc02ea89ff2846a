"""The state as bytes: to restart without replaying everything, and to compare two replays.

Rules
 * Equal logs give equal bytes: everything is written in the order in which it came or changed, which the log fixes.
 * Prepared volumes are kept as they are, so that a restart need not prepare them again; a snapshot of another build of
   `sky` is therefore not used. The index is built anew.
 * A snapshot is a shortcut and never the truth: one that is missing, old or of another version costs time only.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict

import msgspec

from clearline.ledger.merkle import Frontier
from clearline.line.chain import Chain, ChainSnapshot
from clearline.line.line_state import LineState
from clearline.line.node_state import NodeState
from clearline.line.records import Awaited, FindingRecord, NoticeKey, NoticeRecord, OwedReceipt
from clearline.model.agreement import LineAgreement
from clearline.model.message import FindingKey
from clearline.model.refusal import Refusal, RefusalCode, RefusalReport
from clearline.sky import Prepared, room_hash

__all__ = ["SNAPSHOT_VERSION", "digest_of", "restore", "snapshot_bytes"]

SNAPSHOT_VERSION = 2


class _LineSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    agreement: LineAgreement
    chains: dict[str, ChainSnapshot]
    message_ids: dict[str, list[str]]
    notices: list[NoticeRecord]
    prepared: list[tuple[bytes, bytes] | None]
    """For each notice, the packed bytes of its volumes; none for an ended one."""
    findings: list[FindingRecord]
    gone: list[FindingKey]
    early: list[tuple[NoticeKey, list[FindingKey]]]
    untold: list[FindingKey]
    owed: list[OwedReceipt]
    awaited: list[tuple[int, Awaited]]
    forks: dict[str, int]
    rejections: dict[str, int]


class _NodeSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    sky: str
    own: str
    frontier: bytes
    journal: ChainSnapshot
    lines: list[_LineSnapshot]
    rejections: dict[int, RefusalReport]
    last_at_ms: int


_ENCODER = msgspec.msgpack.Encoder()


def snapshot_bytes(state: NodeState) -> bytes:
    """Return the state as MessagePack."""
    return _ENCODER.encode(
        _NodeSnapshot(
            version=SNAPSHOT_VERSION,
            sky=room_hash(),
            own=state.own,
            frontier=state.frontier.to_bytes(),
            journal=state.journal.snapshot(),
            lines=[_line_snapshot(line) for line in state.lines.values()],
            rejections=state.rejections,
            last_at_ms=state.last_at_ms,
        )
    )


def digest_of(state: NodeState) -> str:
    """Return SHA-256 of the snapshot: equal IFF two states are equal."""
    return hashlib.sha256(snapshot_bytes(state)).hexdigest()


def restore(source: bytes, *, own: str) -> NodeState:
    """Return the state that `snapshot_bytes` wrote.

    Raises:
        Refusal: STORE_DAMAGED where it cannot be read, or is of another version or party; replay the log instead.
    """
    try:
        snapshot = msgspec.msgpack.decode(source, type=_NodeSnapshot)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise Refusal(
            RefusalCode.STORE_DAMAGED, field="snapshot", found=str(error), allowed=f"version {SNAPSHOT_VERSION}"
        ) from None
    if (snapshot.version, snapshot.sky, snapshot.own) != (SNAPSHOT_VERSION, room_hash(), own):
        raise Refusal(
            RefusalCode.STORE_DAMAGED,
            field="snapshot",
            found=f"version {snapshot.version}, sky {snapshot.sky}, of {snapshot.own}",
            allowed=f"version {SNAPSHOT_VERSION}, sky {room_hash()}, of {own}",
        )
    state = NodeState(own)
    state.frontier = Frontier.from_bytes(snapshot.frontier)
    state.journal = Chain.restore(snapshot.journal)
    state.rejections = dict(snapshot.rejections)
    state.last_at_ms = snapshot.last_at_ms
    for line in snapshot.lines:
        state.lines[line.agreement.line_id] = _restore_line(line, own)
    return state


def _line_snapshot(line: LineState) -> _LineSnapshot:
    records = line.notices.values()
    return _LineSnapshot(
        agreement=line.agreement,
        chains={party: chain.snapshot() for party, chain in line.chains.items()},
        message_ids={party: list(ids) for party, ids in line.message_ids.items()},
        notices=[msgspec.structs.replace(record, prepared=None) for record in records],
        prepared=[record.prepared.packed if record.prepared is not None else None for record in records],
        findings=list(line.findings.values()),
        gone=list(line.gone),
        early=[(notice_key, list(keys)) for notice_key, keys in line.early.items()],
        untold=list(line.untold),
        owed=list(line.owed.values()),
        awaited=list(line.awaited.items()),
        forks=line.forks,
        rejections=line.rejections,
    )


def _restore_line(snapshot: _LineSnapshot, own: str) -> LineState:
    line = LineState(snapshot.agreement, own=own)
    line.chains = {party: Chain.restore(chain) for party, chain in snapshot.chains.items()}
    line.message_ids = {party: dict.fromkeys(ids) for party, ids in snapshot.message_ids.items()}
    line.notices = OrderedDict((record.key, record) for record in snapshot.notices)
    line.by_handle = [record.key for record in sorted(snapshot.notices, key=lambda record: record.handle)]
    line.findings = OrderedDict((finding.key, finding) for finding in snapshot.findings)
    line.gone = OrderedDict.fromkeys(snapshot.gone)
    line.early = {notice_key: dict.fromkeys(keys) for notice_key, keys in snapshot.early}
    line.untold = dict.fromkeys(snapshot.untold)
    line.owed = {(debt.party, debt.sequence): debt for debt in snapshot.owed}
    line.awaited = dict(snapshot.awaited)
    line.forks = dict(snapshot.forks)
    line.rejections = dict(snapshot.rejections)
    for record, packed in zip(snapshot.notices, snapshot.prepared, strict=True):
        if packed is not None:
            record.prepared = Prepared.from_packed(packed, record.notice.volumes)
    line.sky.add_many(
        (record.handle, record.prepared, line.group(record.owner), record.notice.aircraft_class)
        for record in snapshot.notices
        if not record.ended
    )
    return line
