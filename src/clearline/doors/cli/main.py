"""`clearline`: the group of commands, each in a module of its own that is loaded only when it is called.

Rules
 * `--help` answers at once: names and summaries stand in the table here; no command's module is imported for it.
 * A command is one line in `COMMANDS`: its name, its module under `clearline.doors.cli`, its summary. The module
   holds a click command named `command`.
 * Exit codes: 0 done (for `check`: clear), 1 done and something was found (conflicts, a bundle that does not hold),
   2 bad input or usage, 3 a node's configuration is wrong, 4 a node's store cannot be used, 70 a bug of Clearline,
   130 interrupted.
 * A refusal is printed to stderr in words, with what to do next; never a stack trace.
"""

from __future__ import annotations

import importlib
import sys
from typing import Final, NamedTuple

import click

from clearline import __version__
from clearline.doors.cli.trouble import ExitCode, tell_bug, tell_refusal
from clearline.model.refusal import InternalError, Refusal

__all__ = ["COMMANDS", "Entry", "group", "main"]


class Entry(NamedTuple):
    """Where a command is, and what the list of commands says of it."""

    module: str
    summary: str


COMMANDS: Final[dict[str, Entry]] = {
    "check": Entry("clearline.doors.cli.check", "Print every conflict between and within files. Needs no server."),
    "init": Entry("clearline.doors.cli.init", "Make a node's directory: key, tokens, configuration."),
    "serve": Entry("clearline.doors.cli.serve", "Run a node until it is told to stop."),
}


class _LateGroup(click.Group):
    """A group that knows its commands by name and imports the one that is called."""

    # click's signatures: the context is not needed, because the table does not depend on how we were called.

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command = importlib.import_module(entry.module).command
        if not isinstance(command, click.Command):
            raise InternalError(f"{entry.module}.command is no click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        # click's own asks each command for its summary, which would import them all.
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])


@click.group(cls=_LateGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="clearline")
def group() -> None:
    """Clearline: a deconfliction line between parties that share a sky."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        code = group.main(prog_name="clearline", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else ExitCode.DONE)
    except click.ClickException as error:
        error.show()
        sys.exit(ExitCode.BAD_INPUT)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        sys.exit(ExitCode.INTERRUPTED)
    except Refusal as refusal:
        tell_refusal(refusal)
        sys.exit(ExitCode.BAD_INPUT)
    except InternalError as error:
        tell_bug(error)
        sys.exit(ExitCode.BUG)
