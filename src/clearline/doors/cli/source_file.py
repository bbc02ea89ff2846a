"""Input files named on the command line."""

from __future__ import annotations

from pathlib import Path

from clearline.formats.detect import read_source
from clearline.formats.record import Reading
from clearline.model import limits
from clearline.model.refusal import Refusal, RefusalCode

__all__ = ["read_source_file"]


def read_source_file(file: str) -> Reading:
    """Read a file of any format known.

    Raises:
        Refusal: UNREADABLE_FILE, or a refusal of the format for the file as a whole.
    """
    try:
        with Path(file).open("rb") as source:
            body = source.read(limits.FILE_BYTES_MAX + 1)
    except OSError as error:
        raise Refusal(
            RefusalCode.UNREADABLE_FILE, found=error.strerror or type(error).__name__, allowed="a file that can be read"
        ) from None
    except ValueError:
        raise Refusal(RefusalCode.UNREADABLE_FILE, found="a name with a zero byte", allowed="a file name") from None
    return read_source(body)
