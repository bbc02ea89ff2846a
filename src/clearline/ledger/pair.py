"""Two bundles of the lines they share, held against each other.

Rules
 * Each bundle is verified by itself first; then, for every line that both hold: one agreement, and for every sender
   one chain as far as both logs reach.
 * A tree head that one party signed for the other must be one of its own bundle's trees: what it told its peers and
   what it shows now are one log. A head larger than its bundle was made after the export.
 * Two bundles of one party are one log: the shorter is the beginning of the longer.
 * A bundle may end earlier than the other's copy of its chain, but not lack what its own party had signed by the time
   of its export, by its own clock.

Source: docs/spec/bundle.md (comparison of two bundles).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, final

from clearline.ledger.keys import Ed25519Verifier, Verifier
from clearline.ledger.report import PairReport, ProblemCode, Problems
from clearline.ledger.spoken import SpokenChain
from clearline.ledger.verify import BundleWalk

__all__ = ["verify_pair"]

_NOWHERE: Final = "file"


def verify_pair(
    a: Iterable[bytes],
    b: Iterable[bytes],
    *,
    keys: Mapping[str, bytes] | None = None,
    verifier: Verifier | None = None,
) -> PairReport:
    """Verify two bundles and compare them. The places of problems are prefixed with `a.` or `b.`."""
    walks = [BundleWalk(keys=keys or {}, verifier=verifier or Ed25519Verifier()) for _ in range(2)]
    for walk, lines in zip(walks, (a, b), strict=True):
        walk.read(lines)
    return _Comparison(walks[0], walks[1]).report()


@final
class _Comparison:
    def __init__(self, a: BundleWalk, b: BundleWalk) -> None:
        self._a, self._b = a, b
        self._problems = Problems()
        self._common = 0
        self._confirmed = 0
        self._beyond = 0

    def report(self) -> PairReport:
        """Compare, and return what was found."""
        a, b = self._a, self._b
        common = sorted(a.lines.keys() & b.lines.keys())
        lines = [name for name in common if a.lines[name].digest == b.lines[name].digest]
        for name in sorted(set(common) - set(lines)):
            self._problems.file(name, ProblemCode.AGREEMENT_DIFFERS, "the two hold different agreements")
        if not lines:
            self._problems.file(_NOWHERE, ProblemCode.LINE_NOT_COMMON, "the two share no line under one agreement")
        self._check_same_log()
        for name in lines:
            for party, chain in a.lines[name].chains.items():
                self._compare_chains(name, party, chain, b.lines[name].chains[party])
            self._check_heads(name, signer=a, hearer=b, bundle="b.")
            self._check_heads(name, signer=b, hearer=a, bundle="a.")
            self._check_withheld(name, speaker=a, hearer=b, bundle="b.")
            self._check_withheld(name, speaker=b, hearer=a, bundle="a.")
        report_a, report_b = a.report(), b.report()
        return PairReport(
            ok=report_a.ok and report_b.ok and self._problems.count == 0,
            a=report_a,
            b=report_b,
            lines=tuple(lines),
            messages_common=self._common,
            heads_confirmed=self._confirmed,
            heads_beyond=self._beyond,
            problems=self._problems.listed(),
            problems_more=self._problems.more,
        )

    def _check_same_log(self) -> None:
        """Two bundles of one party: the shorter must be the beginning of the longer."""
        a, b = self._a, self._b
        if a.party != b.party:
            return
        size = min(a.tree.size, b.tree.size)
        if a.tree.root(size) != b.tree.root(size):
            what = f"the first {size} entries of the two bundles of {a.party} differ"
            self._problems.file(_NOWHERE, ProblemCode.ROOT_DIFFERS, what)

    def _compare_chains(self, line: str, party: str, a: SpokenChain, b: SpokenChain) -> None:
        """Name the first message that differs; behind it all others do, because each names the one before."""
        for slot in range(min(len(a), len(b))):
            one, other = a.at(slot), b.at(slot)
            if one.sequence != other.sequence or one.digest != other.digest:
                what = (
                    f"{line}, {party}: message {one.sequence} is {one.digest or 'doubtful'} here, and "
                    f"{other.sequence} is {other.digest or 'doubtful'} at entry {other.log_index} of the other"
                )
                self._problems.entry(one.log_index, ProblemCode.CHAIN_DIFFERS, what, bundle="a.")
                return
            self._common += 1

    def _check_heads(self, line: str, *, signer: BundleWalk, hearer: BundleWalk, bundle: str) -> None:
        heads = hearer.lines[line].receipts.heads.get(signer.party)
        if heads is None:
            return
        for slot in range(len(heads)):
            size, entry = heads.sizes[slot], heads.entries[slot]
            if size > signer.tree.size:
                self._beyond += 1
            elif signer.tree.root(size).hex() != heads.root(slot):
                what = f"{line}: {signer.party} signed another root for its first {size} entries than it shows"
                self._problems.entry(entry, ProblemCode.TREE_HEAD, what, bundle=bundle)
                return
            else:
                self._confirmed += 1

    def _check_withheld(self, line: str, *, speaker: BundleWalk, hearer: BundleWalk, bundle: str) -> None:
        party = speaker.party
        shown, heard = speaker.lines[line].chains[party], hearer.lines[line].chains[party]
        if len(heard) <= len(shown):
            return
        first = heard.at(len(shown))
        if first.sent_at_ms <= speaker.exported_at_ms:
            what = f"{line}: the bundle of {party} lacks its own message {first.sequence}, signed before the export"
            self._problems.entry(first.log_index, ProblemCode.CHAIN_WITHHELD, what, bundle=bundle)
