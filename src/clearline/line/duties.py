"""What this node owes a line by itself, derived from the state alone.

Rules
 * Findings are told before the receipt that they belong to: a receipt never arrives ahead of what it found.
 * A receipt carries the findings that fit; the others go before it in CONFLICT messages.
 * Saying the duty is what ends it: `apply` of our own message takes it off the list. A crash loses nothing.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from clearline.model import limits
from clearline.model.message import ConflictTold, FindingKey, FindingReport, Receipt, ReceiptItem, TreeHead

if TYPE_CHECKING:
    from clearline.line.line_state import LineState
    from clearline.line.records import OwedReceipt

__all__ = ["next_duty"]


def next_duty(line: LineState, tree: TreeHead) -> ConflictTold | Receipt | None:
    """Return the next message that this node must say, or None. `tree` is the head of its log as it stands now."""
    owed = list(islice(line.owed.values(), limits.RECEIPT_ITEMS_MAX))
    carried, left = _share_out(line, owed)
    if left:
        reports = tuple(_own_report(line, key) for key in left[: limits.FINDINGS_PER_RECEIPT_MAX])
        return ConflictTold(findings=reports)
    if not owed:
        return None
    return Receipt(items=tuple(_item(line, debt, keys) for debt, keys in zip(owed, carried, strict=True)), tree=tree)


def _share_out(line: LineState, owed: list[OwedReceipt]) -> tuple[list[list[FindingKey]], list[FindingKey]]:
    """Give each receipt item its findings while they fit; return what is left to be told before."""
    untold = dict(line.untold)
    room = limits.FINDINGS_PER_RECEIPT_MAX
    carried: list[list[FindingKey]] = []
    for debt in owed:
        record = line.notices.get((debt.party, debt.notice_id)) if debt.notice_id is not None else None
        current = record is not None and record.notice.version == debt.version
        keys = [key for key in record.findings if key in untold][:room] if record is not None and current else []
        room -= len(keys)
        for key in keys:
            del untold[key]
        carried.append(keys)
    return carried, list(untold)


def _own_report(line: LineState, key: FindingKey) -> FindingReport:
    return line.findings[key].reports[line.own]


def _item(line: LineState, debt: OwedReceipt, keys: list[FindingKey]) -> ReceiptItem:
    return ReceiptItem(
        party=debt.party,
        sequence=debt.sequence,
        digest=debt.digest,
        log_index=debt.place.log_index,
        received_at_ms=debt.place.at_ms,
        rejected=debt.rejected,
        findings=tuple(_own_report(line, key) for key in keys),
    )
