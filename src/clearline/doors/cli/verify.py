"""`clearline verify`: does a record prove itself? Alone, offline, on a machine that never saw the node.

Rules
 * Everything in the file is checked; every problem is named with its entry and its reason.
 * Several bundles are verified each by itself and then held against each other, two by two.
 * Keys come from the bundle unless they are given with `--key`: only then is it proven who signed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from clearline.doors.cli.printing import plain, print_json
from clearline.doors.cli.trouble import ExitCode
from clearline.model.instant import instant_text
from clearline.model.refusal import Refusal, RefusalCode, shown

if TYPE_CHECKING:
    from clearline.ledger.report import PairReport, Problem, VerifyReport

__all__ = ["command", "read_bundle", "report_lines"]

VERIFY_SCHEMA: Final = "clearline/verify/1"
_CHUNK_BYTES: Final = 1 << 20


@click.command(
    name="verify",
    epilog="Exit code: 0 every record proves itself, 1 problems (each is named), 2 a file cannot be read.",
)
@click.argument("bundles", nargs=-1, required=True, metavar="BUNDLE...")
@click.option("--key", "keys", multiple=True, metavar="PARTY=HEX", help="A public key that you trust; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(bundles: tuple[str, ...], keys: tuple[str, ...], as_json: bool) -> int:
    """Verify exported records: every signature, every chain, every receipt, the whole file. Needs no server.

    Two or more bundles are also held against each other.
    """
    trusted = _keys(keys)
    reports: dict[str, VerifyReport] = {}
    pairs: dict[tuple[str, str], PairReport] = {}
    if len(bundles) == 1:
        reports[bundles[0]] = _verified(bundles[0], trusted)
    for a, b in itertools.combinations(bundles, 2):
        pair = _compared(a, b, trusted)
        reports.update({a: pair.a, b: pair.b})
        pairs[a, b] = pair
    good = all(report.ok for report in reports.values()) and all(pair.ok for pair in pairs.values())
    if as_json:
        print_json(
            {
                "schema": VERIFY_SCHEMA,
                "ok": good,
                "bundles": [{"file": file, **plain(report)} for file, report in reports.items()],
                "comparisons": [
                    {"a": a, "b": b, "ok": pair.ok, **_comparison_json(pair)} for (a, b), pair in pairs.items()
                ],
            }
        )
    else:
        for file, report in reports.items():
            click.echo("\n".join(report_lines(file, report)))
        for (a, b), pair in pairs.items():
            click.echo("\n".join(_pair_lines(a, b, pair)))
    return ExitCode.DONE if good else ExitCode.FOUND


def read_bundle(file: str) -> Iterator[bytes]:
    """Yield the lines of a bundle's file, none of them longer than a lawful one.

    Raises:
        Refusal: UNREADABLE_FILE.
    """
    from clearline.ledger.bundle import bounded_lines

    yield from bounded_lines(_chunks(file))


def _chunks(file: str) -> Iterator[bytes]:
    try:
        with Path(file).open("rb") as source:
            while chunk := source.read(_CHUNK_BYTES):
                yield chunk
    except (OSError, ValueError) as error:
        found = getattr(error, "strerror", None) or type(error).__name__
        raise Refusal(
            RefusalCode.UNREADABLE_FILE, field=file, found=found, allowed="a bundle that can be read"
        ) from None


def _verified(file: str, keys: Mapping[str, bytes]) -> VerifyReport:
    from clearline.ledger.verify import verify_bundle

    return verify_bundle(read_bundle(file), keys=keys)


def _compared(a: str, b: str, keys: Mapping[str, bytes]) -> PairReport:
    from clearline.ledger.pair import verify_pair

    return verify_pair(read_bundle(a), read_bundle(b), keys=keys)


def _keys(given: Sequence[str]) -> dict[str, bytes]:
    from clearline.ledger.keys import check_public_key

    keys: dict[str, bytes] = {}
    for each in given:
        party, equals, text = each.partition("=")
        try:
            key = bytes.fromhex(text)
            check_public_key(key)
        except (ValueError, Refusal):
            equals = ""
            key = b""
        if not equals or not party:
            raise Refusal(
                RefusalCode.OUT_OF_RANGE, field="--key", found=each, allowed="PARTY=64 hexadecimal digits of a key"
            )
        keys[party] = key
    return keys


def report_lines(file: str, report: VerifyReport) -> list[str]:
    """Return what one bundle proves, or where it contradicts itself, in lines."""
    name = shown(file)
    if not report.party:
        return [f"{name}: NOT PROVEN", *_problem_lines(report.problems, report.problems_more)]
    head = "proves itself" if report.ok else "NOT PROVEN"
    exported = instant_text(report.exported_at_ms)
    lines = [
        f"{name}: {head}",
        f"  log of {shown(report.party)}, exported {exported}, {report.entries:,} entries",
        f"  key {report.public_key}",
    ]
    if report.tree is not None:
        lines.append(f"  tree head {report.tree.size:,} {report.tree.root}")
    for line in report.lines:
        lines.append(f"  line {shown(line.line_id)}, agreement {line.agreement}")
        for chain in line.chains:
            trusted = "key as given" if chain.party in report.keys_given else "key on the bundle's own word"
            count = f"{chain.sequence:,} message{'' if chain.sequence == 1 else 's'}"
            lines.append(f"    {shown(chain.party):<16} {count}, {trusted}")
    lines.append(
        f"  receipts: {report.receipts_proven:,} proven, {report.receipts_rejecting:,} rejecting, "
        f"{report.unreceipted:,} missing"
    )
    return lines + _problem_lines(report.problems, report.problems_more)


def _pair_lines(a: str, b: str, pair: PairReport) -> list[str]:
    agree = not pair.problems and not pair.problems_more
    lines = [
        f"{shown(a)} and {shown(b)}: {'agree' if agree else 'CONTRADICT EACH OTHER'}",
        (
            f"  {pair.messages_common:,} messages in common, {pair.heads_confirmed:,} tree heads confirmed"
            f"{f', {pair.heads_beyond:,} made after the export' if pair.heads_beyond else ''}"
        ),
    ]
    return lines + _problem_lines(pair.problems, pair.problems_more)


def _problem_lines(problems: Sequence[Problem], more: int) -> list[str]:
    lines = [f"  PROBLEM {shown(each.place)}: {each.code.value}: {each.what}" for each in problems]
    return [*lines, f"  and {more:,} more problems"] if more else lines


def _comparison_json(pair: PairReport) -> dict[str, object]:
    return {
        "lines": list(pair.lines),
        "messages_common": pair.messages_common,
        "heads_confirmed": pair.heads_confirmed,
        "heads_beyond": pair.heads_beyond,
        "problems": plain(pair.problems),
        "problems_more": pair.problems_more,
    }
