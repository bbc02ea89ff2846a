"""KMZ: the one KML document of a zip archive.

Rules
 * `doc.kml` is taken where there is one, else the first .kml of the archive; nothing else in it is opened.
 * Members are counted, and their sizes known, before anything is unpacked. What unpacks to more than the limits say,
   whatever the archive says of itself, is refused; so is what is enciphered or packed in another way than deflate.
 * Nothing is written anywhere: names in the archive lead nowhere.

Source: OGC 07-147r2 annex C (KMZ); APPNOTE 6.3 (zip).
"""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Final

from clearline.model import limits
from clearline.model.refusal import Refusal, RefusalCode

__all__ = ["is_kmz", "unpack"]

_MEMBER_MARK: Final = b"PK\x01\x02"
_ENCIPHERED: Final = 0x1
_RATIO_FREE_BYTES: Final = 1 << 20
"""Below this size a document may be packed as tightly as it likes."""
_BROKEN: Final = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, OverflowError, KeyError)
"""What `zipfile` raises over damaged archives; NotImplementedError is a RuntimeError."""


def is_kmz(source: bytes) -> bool:
    """Tell whether these are the bytes of a zip archive; nothing else read here is one."""
    return source.startswith(b"PK\x03\x04")


def unpack(source: bytes) -> bytes:
    """Return the KML document of an archive.

    Raises:
        Refusal: OVER_LIMIT, MALFORMED, UNKNOWN_FORMAT.
    """
    if len(source) > limits.FILE_BYTES_MAX:
        found, allowed = f"{len(source)} bytes", f"at most {limits.FILE_BYTES_MAX} bytes"
        raise Refusal(RefusalCode.OVER_LIMIT, found=found, allowed=allowed)
    members = source.count(_MEMBER_MARK)
    if members > limits.KMZ_MEMBERS_MAX:
        allowed = f"at most {limits.KMZ_MEMBERS_MAX}"
        raise Refusal(RefusalCode.OVER_LIMIT, found=f"{members} files in one archive", allowed=allowed)
    try:
        with zipfile.ZipFile(io.BytesIO(source)) as archive:
            member = _document(archive)
            with archive.open(member) as packed:
                body = packed.read(limits.XML_BYTES_MAX + 1)
    except _BROKEN as error:
        found = str(error) or type(error).__name__
        raise Refusal(RefusalCode.MALFORMED, found=found, allowed="a KMZ: a zip archive with one KML") from None
    _check_size(len(body), member.compress_size)
    return body


def _document(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    kml = [member for member in archive.infolist() if member.filename.lower().endswith(".kml")]
    chosen = next((member for member in kml if member.filename.lower() == "doc.kml"), kml[0] if kml else None)
    if chosen is None:
        found = f"an archive of {len(archive.infolist())} files without a .kml"
        raise Refusal(RefusalCode.UNKNOWN_FORMAT, found=found, allowed="of zip archives only KMZ")
    if chosen.flag_bits & _ENCIPHERED or chosen.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        found = f"{chosen.filename}: enciphered, or packed in way {chosen.compress_type}"
        raise Refusal(RefusalCode.UNKNOWN_FORMAT, found=found, allowed="stored, or packed by deflate")
    _check_size(chosen.file_size, chosen.compress_size)
    return chosen


def _check_size(size: int, packed: int) -> None:
    if size > limits.XML_BYTES_MAX:
        found, allowed = f"{size} bytes or more, unpacked", f"at most {limits.XML_BYTES_MAX} bytes"
        raise Refusal(RefusalCode.OVER_LIMIT, found=found, allowed=allowed)
    if size > _RATIO_FREE_BYTES and size > packed * limits.KMZ_RATIO_MAX:
        found, allowed = f"{size} bytes out of {packed}", f"at most {limits.KMZ_RATIO_MAX} times the packed size"
        raise Refusal(RefusalCode.OVER_LIMIT, found=found, allowed=allowed)
