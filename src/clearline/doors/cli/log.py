"""`clearline log`: the entries of the node's log, as they are or as they come.

Rules
 * `--follow` reads the node's event stream. Where it breaks off it is opened again after the last entry that was
   printed: nothing is missed, and nothing comes twice.
 * `--json` prints one JSON object a line.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

import click

from clearline.doors.cli.node_client import on_node
from clearline.doors.cli.printing import plain
from clearline.doors.cli.told import Entry, LogPage, finding_reference, reference_of
from clearline.doors.cli.trouble import ExitCode, NodeTrouble
from clearline.model import limits
from clearline.model.instant import instant_text
from clearline.model.refusal import shown

if TYPE_CHECKING:
    from clearline.doors.cli.node_client import NodeClient

__all__ = ["command", "entry_events"]

_RETRY_S: Final = 2.0
_EVENT_BYTES_MAX: Final = 1 << 20
_NAMED_MAX: Final = 6


@click.command(
    name="log",
    epilog="Exit code: 0 done, 2 usage or refused, 5 the node cannot be reached (with --follow: only at "
    "the beginning), 6 the token will not do, 130 ended with Ctrl-C.",
)
@click.option("--from", "start", type=click.IntRange(0), metavar="INDEX", help="From this entry on.")
@click.option("--last", type=click.IntRange(0), default=20, show_default=True, help="Without --from: the last ones.")
@click.option("--follow", "-f", is_flag=True, help="Go on as the log grows, until Ctrl-C.")
@click.option("--count", type=click.IntRange(1), metavar="N", help="End after so many entries.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@on_node
def command(client: NodeClient, *, start: int | None, last: int, follow: bool, count: int | None, as_json: bool) -> int:
    """Print entries of the log: index, when received (UTC), line, from whom, type, place in its chain, what about."""
    size = client.get(LogPage, "/v1/log", limit=1).log_size
    first = max(0, size - last) if start is None else start
    entries = _followed(client, first) if follow else _pages(client, first)
    for number, (entry, source) in enumerate(entries, start=1):
        click.echo(json.dumps(source, ensure_ascii=True) if as_json else _entry_text(entry))
        if number == count:
            break
    return ExitCode.DONE


def _pages(client: NodeClient, first: int) -> Iterator[tuple[Entry, object]]:
    while True:
        page = client.get(LogPage, "/v1/log", from_=first, limit=limits.PAGE_ENTRIES_MAX)
        if not page.entries:
            return
        for entry in page.entries:
            yield entry, plain(entry)
        first = page.entries[-1].log_index + 1


def _followed(client: NodeClient, first: int) -> Iterator[tuple[Entry, object]]:
    done = first - 1
    while True:
        try:
            with client.stream("/v1/events", from_=done + 1) as response:
                for source in entry_events(response.iter_bytes()):
                    entry = client.read(Entry, source)
                    if entry.log_index <= done:
                        continue
                    yield entry, plain(entry)
                    done = entry.log_index
            lost = "the node has ended the stream"
        except NodeTrouble as trouble:
            if done < first:
                raise
            lost = str(trouble)
        click.echo(f"{lost}; trying again …", err=True)
        time.sleep(_RETRY_S)


def entry_events(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the data of each `entry` event of a stream of server-sent events.

    Raises:
        NodeTrouble: an event that is longer than any that a node sends.
    """
    held = b""
    for chunk in chunks:
        held += chunk
        if len(held) > _EVENT_BYTES_MAX + len(chunk):
            raise NodeTrouble("an event without an end", advice="Is this address a Clearline node?")
        *events, held = held.split(b"\n\n")
        for event in events:
            lines = (line.partition(b":") for line in event.split(b"\n"))
            fields = {name: value.removeprefix(b" ") for name, colon, value in lines if colon and name}
            if fields.get(b"event") == b"entry":
                yield fields.get(b"data", b"")


def _entry_text(entry: Entry) -> str:
    about = [reference_of(each) for each in entry.notice_ids]
    about += [f"finding {finding_reference(each)}" for each in entry.finding_ids]
    if len(about) > _NAMED_MAX:
        about = [*about[:_NAMED_MAX], f"and {len(about) - _NAMED_MAX} more"]
    rejected = ""
    if entry.rejected is not None:
        rejected = f"  NOT TAKEN: {shown(entry.rejected.code)} {shown(entry.rejected.field)}"
    chain = f"{shown(entry.from_party)} {entry.sequence}"
    return (
        f"{entry.log_index:>7}  {instant_text(entry.received_at_ms)}  {shown(entry.line_id)}  {chain:<16}  "
        f"{shown(entry.type):<12}  {', '.join(about)}{rejected}"
    ).rstrip()
