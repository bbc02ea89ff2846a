"""Input files named on the command line; `-` is what comes in on stdin."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from clearline.formats.detect import read_source
from clearline.formats.record import Reading
from clearline.model import limits
from clearline.model.refusal import Refusal, RefusalCode

__all__ = ["STDIN", "read_source_file"]

STDIN: Final = "-"


def read_source_file(file: str) -> Reading:
    """Read a file of any format known, or stdin where it is called `-`.

    Raises:
        Refusal: UNREADABLE_FILE, or a refusal of the format for the file as a whole.
    """
    return read_source(read_bytes(file, bytes_max=limits.FILE_BYTES_MAX))


def read_bytes(file: str, *, bytes_max: int) -> bytes:
    """Return what a file holds; where that is more than `bytes_max`, one byte more of it.

    Raises:
        Refusal: UNREADABLE_FILE.
    """
    try:
        if file == STDIN:
            return sys.stdin.buffer.read(bytes_max + 1)
        with Path(file).open("rb") as source:
            return source.read(bytes_max + 1)
    except OSError as error:
        raise Refusal(
            RefusalCode.UNREADABLE_FILE, found=error.strerror or type(error).__name__, allowed="a file that can be read"
        ) from None
    except ValueError:
        raise Refusal(RefusalCode.UNREADABLE_FILE, found="a name with a zero byte", allowed="a file name") from None
