"""`clearline export`: the whole record into a file, which is then verified.

Rules
 * The file has its name only once it is whole and on disk: it is written beside it, flushed (fsync) and renamed.
 * Nothing is overwritten unless asked for.
 * What was written is read again and verified; a record that does not prove itself is kept, and said.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from clearline.doors.cli.node_client import on_node
from clearline.doors.cli.printing import plain, print_json
from clearline.doors.cli.trouble import ExitCode
from clearline.doors.cli.verify import read_bundle, report_lines
from clearline.model.refusal import Refusal, RefusalCode

if TYPE_CHECKING:
    from clearline.doors.cli.node_client import NodeClient

__all__ = ["command"]


@click.command(
    name="export",
    epilog="Exit code: 0 written and proven, 1 written, and it does not prove itself, 2 the file cannot be written, "
    "5 the node cannot be reached or broke off, 6 the token will not do.",
)
@click.option("-o", "--output", required=True, metavar="FILE", help="Where to write it.")
@click.option("--force", is_flag=True, help="Replace the file where there is one.")
@click.option("--json", "as_json", is_flag=True, help="Print the report of the verification as JSON.")
@on_node
def command(client: NodeClient, *, output: str, force: bool, as_json: bool) -> int:
    """Write the node's whole record to FILE, and verify it as `clearline verify` would."""
    from clearline.ledger.verify import verify_bundle

    path = Path(output)
    if path.exists() and not force:
        raise Refusal(
            RefusalCode.UNREADABLE_FILE, field=output, found="a file that is there", allowed="a new name, or --force"
        )
    with _new_file(path) as file, client.stream("/v1/export") as response:
        for part in response.iter_bytes():
            file.write(part)
    report = verify_bundle(read_bundle(output))
    if as_json:
        print_json({"file": output, **plain(report)})
    else:
        click.echo("\n".join(report_lines(output, report)))
    return ExitCode.DONE if report.ok else ExitCode.FOUND


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """Give a file that gets the name `path` once everything is in it and on disk; nothing is left behind else."""
    beside = path.with_name(f"{path.name}.part-{os.getpid()}")
    try:
        with beside.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise Refusal(
            RefusalCode.UNREADABLE_FILE, field=str(path), found=error.strerror or "", allowed="a file to write"
        ) from None
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
