"""What a verification says: every problem with its place, and what the record proves.

Rules
 * `ok` IFF there is no problem. A report never says "probably".
 * A problem names where it is (`header`, `entries[7]`, `closing`, `file`), a code, and what was found, in one line.
 * The list is bounded; what does not fit is counted. Problems of the file as a whole always fit.

Codes: docs/spec/bundle.md.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from clearline.model import limits
from clearline.model.message import TreeHead
from clearline.model.refusal import shown

__all__ = [
    "ChainReport",
    "LineReport",
    "PairReport",
    "Problem",
    "ProblemCode",
    "Problems",
    "VerifyReport",
    "at_entry",
]


class ProblemCode(StrEnum):
    """Every way in which a bundle can fail to prove itself."""

    NOT_CANONICAL = "NOT_CANONICAL"
    """A line that is not in the one form that this line may have."""
    OVER_LIMIT = "OVER_LIMIT"
    HEADER_DIFFERS = "HEADER_DIFFERS"
    """The header is not the one that the closing statement signs."""
    ENTRY_MISSING = "ENTRY_MISSING"
    ENTRY_MISPLACED = "ENTRY_MISPLACED"
    """An index that was already there: an entry doubled, inserted or out of order."""
    LEAF_HASH = "LEAF_HASH"
    """An entry that has not the hash written beside it."""
    TIME_ORDER = "TIME_ORDER"
    """An entry received before the one that precedes it."""
    MESSAGE_MALFORMED = "MESSAGE_MALFORMED"
    """An envelope without a readable message, or a journal or receipt body that cannot be read."""
    TYPE_FORBIDDEN = "TYPE_FORBIDDEN"
    """A journal message on a line, or another message in the journal."""
    LINE_UNKNOWN = "LINE_UNKNOWN"
    """A message of a line whose agreement is not in the log before it."""
    PARTY_UNKNOWN = "PARTY_UNKNOWN"
    KEY_UNKNOWN = "KEY_UNKNOWN"
    """Signed under the id of another key than the agreement pins."""
    KEY_DIFFERS = "KEY_DIFFERS"
    """A key in the bundle is not the one that the caller gave, or not the exporter's own."""
    SIGNATURE_INVALID = "SIGNATURE_INVALID"
    AGREEMENT_DIFFERS = "AGREEMENT_DIFFERS"
    """Two agreements for one line, or a first message under another one."""
    CHAIN_GAP = "CHAIN_GAP"
    CHAIN_REPEATED = "CHAIN_REPEATED"
    """The same message again."""
    CHAIN_FORK = "CHAIN_FORK"
    """Another message for a place that is taken, or one that names another predecessor."""
    RECEIPT_FALSE = "RECEIPT_FALSE"
    """A receipt for what is not in the log, or with other facts than the log has."""
    TREE_HEAD = "TREE_HEAD"
    """A tree head that the log does not have, or that goes back."""
    CLOSING_MISSING = "CLOSING_MISSING"
    SIZE_DIFFERS = "SIZE_DIFFERS"
    ROOT_DIFFERS = "ROOT_DIFFERS"
    FILE_HASH = "FILE_HASH"
    # Only between two bundles
    LINE_NOT_COMMON = "LINE_NOT_COMMON"
    CHAIN_DIFFERS = "CHAIN_DIFFERS"
    """The two logs hold different messages at one place of one chain."""
    CHAIN_WITHHELD = "CHAIN_WITHHELD"
    """A bundle lacks what its own party had signed before it exported."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One contradiction. `entry` is the log index where it shows, none where it is of the whole file."""

    entry: int | None
    place: str
    code: ProblemCode
    what: str


def at_entry(index: int) -> str:
    """Return the place of an entry."""
    return f"entries[{index}]"


class Problems:
    """A bounded list: the first ones in order, and how many there are in all."""

    def __init__(self, listed_max: int = limits.PROBLEMS_LISTED_MAX) -> None:
        self._listed_max = listed_max
        self._of_entries: list[Problem] = []
        self._of_file: list[Problem] = []
        self.count = 0

    def entry(self, index: int, code: ProblemCode, what: str, *, bundle: str = "") -> None:
        """Add a problem of one entry; `bundle` goes before the place where there are two."""
        self.count += 1
        if len(self._of_entries) < self._listed_max:
            place = f"{bundle}{at_entry(index)}"
            self._of_entries.append(Problem(entry=index, place=place, code=code, what=_bounded(what)))

    def file(self, place: str, code: ProblemCode, what: str) -> None:
        """Add a problem of the header, the closing statement or the file."""
        self.count += 1
        if len(self._of_file) < self._listed_max:
            self._of_file.append(Problem(entry=None, place=place, code=code, what=_bounded(what)))

    def listed(self) -> tuple[Problem, ...]:
        """Return the entries' problems in order, then the file's."""
        return (*self._of_entries, *self._of_file)

    @property
    def more(self) -> int:
        """How many are not listed."""
        return self.count - len(self._of_entries) - len(self._of_file)


def _bounded(what: str) -> str:
    # Two hostile values of `shown` length and our own words around them.
    return shown(what) if len(what) <= limits.PROBLEM_CHARACTERS_MAX else shown(what[: limits.PROBLEM_CHARACTERS_MAX])


class ChainReport(msgspec.Struct, frozen=True, kw_only=True):
    """How far one party's chain reaches in this log. `sequence` 0 and the genesis digest where it said nothing."""

    party: str
    sequence: int
    digest: str
    unreceipted: int
    """Messages of the exporter that this party has not receipted; for the exporter: others' that it has not."""


class LineReport(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the log."""

    line_id: str
    agreement: str
    """Digest of the agreement."""
    keys: dict[str, str]
    """Party to public key in hexadecimal, as the agreement pins them."""
    chains: tuple[ChainReport, ...]


class VerifyReport(msgspec.Struct, frozen=True, kw_only=True):
    """What one bundle proves, or where it contradicts itself."""

    ok: bool
    party: str
    public_key: str
    exported_at_ms: int
    entries: int
    tree: TreeHead | None
    """Size and root as recomputed; none where entries are missing or cannot be read."""
    lines: tuple[LineReport, ...]
    keys_given: tuple[str, ...]
    """Parties whose key the caller gave. The identity of the others rests on the bundle's own word."""
    messages_by_type: dict[str, int]
    messages_by_party: dict[str, int]
    receipts_proven: int
    """Receipt items whose message is in the log with that digest."""
    receipts_rejecting: int
    """Of these, how many say that the message was recorded but not taken."""
    receipts_open: int
    """Receipt items between two other parties whose message has not reached this log."""
    unreceipted: int
    """Messages that still lack a receipt: the exporter's from others, and others' from the exporter."""
    problems: tuple[Problem, ...]
    problems_more: int


class PairReport(msgspec.Struct, frozen=True, kw_only=True):
    """What two parties' bundles prove about each other. `entry` of a problem is an index in the bundle it names."""

    ok: bool
    a: VerifyReport
    b: VerifyReport
    lines: tuple[str, ...]
    """Lines that both hold under the same agreement."""
    messages_common: int
    heads_confirmed: int
    """Tree heads that one party signed for the other and that its own bundle bears out."""
    heads_beyond: int
    """Tree heads larger than the signer's bundle: it was exported before they were made."""
    problems: tuple[Problem, ...]
    problems_more: int
