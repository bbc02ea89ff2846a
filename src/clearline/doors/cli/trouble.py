"""What the command line says when something is refused: the fact on one line, and what to do next."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import click

from clearline.model.refusal import InternalError, Refusal, RefusalCode, shown

__all__ = ["ExitCode", "NodeTrouble", "exit_code_of", "refusal_text", "tell_bug", "tell_refusal", "tell_trouble"]


class ExitCode(IntEnum):
    """Exit codes of every command."""

    DONE = 0
    """Done; `check`: no conflicts."""
    FOUND = 1
    """Done, and something was found: `check`: conflicts; `declare`: not all is cleared; `read-back`: a field was wrong;
    `status`: not all is well; `verify`, `export`: a record that does not prove itself."""
    BAD_INPUT = 2
    """Usage, or input that was refused. What could be read was still worked on."""
    CONFIGURATION = 3
    """`serve`: the node's configuration, its key or its tokens."""
    STORE = 4
    """`serve`: the node's store is in use, damaged, rolled back or cannot be written."""
    NODE = 5
    """The node cannot be reached, is not ready, or broke off. The same command may do later."""
    ACCESS = 6
    """The node does not know the token, or the token's role may not do this."""
    BUG = 70
    """Clearline broke one of its own rules (EX_SOFTWARE)."""
    INTERRUPTED = 130


_NEXT: Final[dict[RefusalCode, str]] = {
    RefusalCode.UNREADABLE_FILE: "Check the name and its permissions, and give a file.",
    RefusalCode.UNKNOWN_FORMAT: "Give one of the formats allowed; docs/formats.md shows each.",
    RefusalCode.MALFORMED: "Mend the field named and run again; docs/formats.md shows the form.",
    RefusalCode.UNKNOWN_FIELD: "Take the field out: the schema does not have it.",
    RefusalCode.DUPLICATE_FIELD: "Keep one of the two.",
    RefusalCode.OVER_LIMIT: "Cut it into smaller parts.",
    RefusalCode.OUT_OF_RANGE: "Mend the field named and run again.",
    RefusalCode.RING_INVALID: "Draw the outline again as one closed ring without holes.",
    RefusalCode.RING_CROSSES: "Draw the outline again so that no two edges meet.",
    RefusalCode.SHAPE_MISSING: "Give it volumes: one Polygon, Point with radius_m, or LineString with width_m.",
    RefusalCode.SHAPE_TOO_LARGE: "Cut the outline into smaller parts.",
    RefusalCode.ALTITUDE_ORDER: "Set lower below upper, both in the same reference.",
    RefusalCode.TIME_ORDER: "Set end after start.",
    RefusalCode.CONFIGURATION_INVALID: "Mend the field named in node.toml (or beside it) and start again.",
    RefusalCode.STORE_IN_USE: "Stop the other node on this directory first.",
    RefusalCode.STORE_UNAVAILABLE: "Look at the disk: full, read-only or gone? Nothing was accepted meanwhile.",
    RefusalCode.STORE_DAMAGED: "Keep the files as they are, and bring back the newest copy of the data directory.",
    RefusalCode.STORE_ROLLED_BACK: "This is an older copy of the log. Bring back the newest one.",
    RefusalCode.NOT_AUTHENTICATED: "Give a token of this node: --token, CLEARLINE_TOKEN, or a file `token` in --dir.",
    RefusalCode.ROLE_FORBIDS: "Use the token of a role that may do this: WATCH may everything, PLANNER own notices.",
    RefusalCode.NOTICE_UNKNOWN: "`clearline notices` lists what the node holds.",
    RefusalCode.NOTICE_EXISTS: "It was declared with other content: `clearline amend` changes it.",
    RefusalCode.NOTICE_ENDED: "It is over and stays so: declare a new one.",
    RefusalCode.FINDING_UNKNOWN: "`clearline findings` lists what the node holds.",
    RefusalCode.VERSION_NOT_NEXT: "It has changed meanwhile: look at it with `clearline show`, then run again.",
    RefusalCode.STATE_FORBIDS: "Look at it with `clearline show`: its state does not allow this (yet).",
    RefusalCode.NOT_OWNER: "Only its owner may: ask the other side.",
    RefusalCode.LINE_UNKNOWN: "`clearline status` lists the node's lines.",
    RefusalCode.AGREEMENT_DIFFERS: "Keep the agreement that the log holds, or begin a line under a new line_id.",
}


_ACCESS: Final = frozenset({RefusalCode.NOT_AUTHENTICATED, RefusalCode.ROLE_FORBIDS})


class NodeTrouble(Exception):
    """The node was not reached, is not ready, or broke off; `advice` says what to do next."""

    def __init__(self, what: str, *, advice: str) -> None:
        self.advice = advice
        super().__init__(what)


def exit_code_of(refusal: Refusal) -> ExitCode:
    """Return the exit code of a refusal that ended a command."""
    return ExitCode.ACCESS if refusal.code in _ACCESS else ExitCode.BAD_INPUT


def refusal_text(refusal: Refusal, *, place: str = "") -> str:
    """Return a refusal in one line, `place` (file, feature) in front."""
    # A field may be a name out of a hostile file: bounded, and no control character reaches the terminal.
    parts = [part for part in (place, shown(refusal.field)) if part]
    where = f"{': '.join(parts)}: " if parts else ""
    found = f"found {refusal.found}" if refusal.found else "refused"
    allowed = f"; allowed: {refusal.allowed}" if refusal.allowed else ""
    return f"{where}{refusal.code}: {found}{allowed}"


def tell_refusal(refusal: Refusal, *, place: str = "") -> None:
    """Print a refusal to stderr, with what to do next."""
    click.echo(f"error: {refusal_text(refusal, place=place)}", err=True)
    advice = _NEXT.get(refusal.code)
    if advice is not None:
        click.echo(f"  next: {advice}", err=True)


def tell_trouble(trouble: NodeTrouble) -> None:
    """Print to stderr why nothing came from the node, with what to do next."""
    click.echo(f"error: {trouble}", err=True)
    click.echo(f"  next: {trouble.advice}", err=True)


def tell_bug(error: InternalError) -> None:
    """Print a bug of Clearline to stderr."""
    click.echo(f"bug: {error}", err=True)
    click.echo("  next: please report it with the command and its input; nothing was changed.", err=True)
