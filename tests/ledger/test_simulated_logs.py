"""Logs that real nodes wrote, under loss, crashes, partitions and wrong clocks: each proves itself, each pair fits.

The logs of `two_parties` are what this room believes a log to be; these are what it is.
"""

from __future__ import annotations

from itertools import combinations

import pytest

from clearline.ledger.bundle import bundle_lines
from clearline.ledger.pair import verify_pair
from clearline.ledger.verify import verify_bundle
from clearline.testing.simulated_ports import SimulatedVerifier
from clearline.testing.simulator import SimulatedNode, Simulation
from clearline.testing.virtual_loop import run_virtual

SEEDS = range(900, 920)

pytestmark = pytest.mark.simulation


def exported(node: SimulatedNode) -> list[bytes]:
    """What this node would export at the end of the run."""
    entries, state = node.durable_entries(), node.replayed()
    return list(
        bundle_lines(
            entries,
            party=node.party,
            exported_at_ms=node.clock.now_ms(),
            size=len(entries),
            agreements={name: line.digest for name, line in state.lines.items()},
            signer=node.signer,
        )
    )


def bundles_of(seed: int) -> dict[str, list[bytes]]:
    """Run one seed to its end and export every party's log."""

    async def main() -> dict[str, list[bytes]]:
        simulation = Simulation(seed)
        await simulation.run()
        return {name: exported(node) for name, node in simulation.nodes.items()}

    return run_virtual(main())


@pytest.mark.parametrize("seed", SEEDS)
def test_every_log_proves_itself_and_every_pair_fits(seed: int) -> None:
    bundles = bundles_of(seed)
    verifier = SimulatedVerifier()
    for party, lines in bundles.items():
        report = verify_bundle(lines, verifier=verifier)
        assert report.ok, f"seed {seed}, {party}: {report.problems}"
        assert (report.unreceipted, report.receipts_open) == (0, 0)
    for one, other in combinations(bundles, 2):
        pair = verify_pair(bundles[one], bundles[other], verifier=verifier)
        assert pair.ok, f"seed {seed}, {one} and {other}: {pair.problems}"
        assert pair.heads_beyond == 0
        assert pair.messages_common > 0
