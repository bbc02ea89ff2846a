"""`clearline`: the group of commands, each in a module of its own that is loaded only when it is called.

Rules
 * `--help` answers at once: names and summaries stand in the table here; no command's module is imported for it.
 * A command is one line in `COMMANDS`: its name, its module under `clearline.doors.cli`, its summary. The module
   holds a click command named `command`.
 * Exit codes: 0 done (for `check`: clear), 1 done and something was found (conflicts, a bundle that does not hold),
   2 bad input or usage, 3 a node's configuration is wrong, 4 a node's store cannot be used, 5 the node cannot be
   reached, 6 the token will not do, 70 a bug of Clearline, 130 interrupted. docs/cli.md has the table.
 * A refusal is printed to stderr in words, with what to do next; never a stack trace.
"""

from __future__ import annotations

import importlib
import sys
from typing import Final, NamedTuple

import click

from clearline import __version__
from clearline.doors.cli.trouble import ExitCode, NodeTrouble, exit_code_of, tell_bug, tell_refusal, tell_trouble
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
    "demo": Entry("clearline.doors.cli.demo", "Start two nodes and play real flights into them."),
    "declare": Entry("clearline.doors.cli.declare", "Declare each feature of a file as a notice."),
    "notices": Entry("clearline.doors.cli.notices", "List notices with their status."),
    "findings": Entry("clearline.doors.cli.findings", "List findings: who with whom, where, how high, when."),
    "show": Entry("clearline.doors.cli.show", "Show all that is known of one notice or finding."),
    "read-back": Entry("clearline.doors.cli.read_back", "Repeat another party's notice, field by field."),
    "noted": Entry("clearline.doors.cli.noted", "Say that a notice, rightly read back, is understood."),
    "activate": Entry("clearline.doors.cli.activate", "Say that use of an own notice begins."),
    "amend": Entry("clearline.doors.cli.amend", "Give an own notice the volumes of a file."),
    "release": Entry("clearline.doors.cli.release", "Say that use of an own notice is over, wholly or in part."),
    "cancel": Entry("clearline.doors.cli.cancel", "End an own notice before or instead of its use."),
    "resolve": Entry("clearline.doors.cli.resolve", "Sign terms under which two notices stay apart."),
    "log": Entry("clearline.doors.cli.log", "Print the log, or follow it as it grows."),
    "status": Entry("clearline.doors.cli.status", "Print how the node and its lines fare."),
    "export": Entry("clearline.doors.cli.export", "Write the whole record to a file, and verify it."),
    "verify": Entry("clearline.doors.cli.verify", "Verify exported records. Needs no server."),
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
    except NodeTrouble as trouble:
        tell_trouble(trouble)
        sys.exit(ExitCode.NODE)
    except Refusal as refusal:
        tell_refusal(refusal)
        sys.exit(exit_code_of(refusal))
    except InternalError as error:
        tell_bug(error)
        sys.exit(ExitCode.BUG)
