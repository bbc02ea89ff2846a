"""The sample extracts: tracks that were really flown, without any name (R7).

Rules
 * A track has a number, a party, and fixes in order of time; times differ, altitudes are pressure altitudes in feet.
 * The files are package data, read like any other input: sizes bounded, anything odd is a `Refusal`.

Form of the files, source and licence: src/clearline/samples/README.md.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from importlib.resources import files
from itertools import accumulate
from typing import Annotated, Final, final

import msgspec

from clearline.model import limits
from clearline.model.decode import decode
from clearline.model.identity import PartyId
from clearline.model.refusal import FieldRefusal, Refusal, RefusalCode

__all__ = ["SAMPLES", "Fix", "Sample", "Track", "load_sample", "read_sample"]

SAMPLES: Final = ("calfire", "switzerland", "paris")
SAMPLE_SCHEMA: Final = "clearline/sample/1"
SAMPLE_BYTES_MAX: Final = 64 << 20
"""Unpacked; the largest one shipped has 1 MB."""
FEET_STEP: Final = 25
DEGREE_STEPS: Final = 100_000


@final
@dataclass(frozen=True, slots=True)
class Fix:
    """Where an aircraft was: ms since 1970, degrees WGS84, feet of pressure altitude."""

    at_ms: int
    lat: float
    lng: float
    pressure_ft: int


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One flight as it was heard."""

    number: int
    party: str
    fixes: tuple[Fix, ...]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One extract: two parties and their tracks, numbered from 1."""

    name: str
    title: str
    parties: tuple[str, ...]
    tracks: tuple[Track, ...]


class _TrackJson(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    party: PartyId
    at: tuple[int, ...]
    lat: tuple[int, ...]
    lng: tuple[int, ...]
    altitude: tuple[int, ...]

    def __post_init__(self) -> None:
        if not 2 <= len(self.at) == len(self.lat) == len(self.lng) == len(self.altitude):
            raise FieldRefusal(
                RefusalCode.MALFORMED, field="at", found="lists of different lengths", allowed="2 or more"
            )
        if min(self.at) <= 0:
            raise FieldRefusal(
                RefusalCode.TIME_ORDER, field="at", found=min(self.at), allowed="each later than the last"
            )


class _SampleJson(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: Annotated[str, msgspec.Meta(pattern=f"^{SAMPLE_SCHEMA}\\Z")]
    name: Annotated[str, msgspec.Meta(max_length=32)]
    title: Annotated[str, msgspec.Meta(max_length=200)]
    source: Annotated[str, msgspec.Meta(max_length=200)]
    parties: Annotated[tuple[PartyId, ...], msgspec.Meta(min_length=2, max_length=limits.PARTIES_PER_LINE_MAX)]
    party_rule: Annotated[str, msgspec.Meta(max_length=200)]
    units: dict[str, str]
    tracks: tuple[_TrackJson, ...]


def load_sample(name: str) -> Sample:
    """Return a sample that is shipped with Clearline.

    Raises:
        Refusal: NOT_FOUND for a name that is none.
    """
    if name not in SAMPLES:
        raise Refusal(RefusalCode.NOT_FOUND, field="sample", found=name, allowed=", ".join(SAMPLES))
    return read_sample(files("clearline").joinpath("samples", f"{name}.json.gz").read_bytes())


def read_sample(source: bytes) -> Sample:
    """Read the bytes of an extract.

    Raises:
        Refusal: MALFORMED, OVER_LIMIT, OUT_OF_RANGE, TIME_ORDER.
    """
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        body = unpacker.decompress(source, SAMPLE_BYTES_MAX + 1)
    except zlib.error:
        raise Refusal(RefusalCode.MALFORMED, found=source[:8], allowed="gzip") from None
    if len(body) <= SAMPLE_BYTES_MAX and not unpacker.eof:
        raise Refusal(RefusalCode.MALFORMED, found="a file that breaks off", allowed="whole gzip")
    document = decode(_SampleJson, body, bytes_max=SAMPLE_BYTES_MAX)
    tracks = tuple(_track(each, number) for number, each in enumerate(document.tracks, start=1))
    return Sample(name=document.name, title=document.title, parties=document.parties, tracks=tracks)


def _track(source: _TrackJson, number: int) -> Track:
    columns = (accumulate(column) for column in (source.at, source.lat, source.lng, source.altitude))
    fixes = tuple(
        Fix(at_s * 1000, lat / DEGREE_STEPS, lng / DEGREE_STEPS, altitude * FEET_STEP)
        for at_s, lat, lng, altitude in zip(*columns, strict=True)
    )
    for fix in fixes:
        fits = -90.0 <= fix.lat <= 90.0 and -180.0 <= fix.lng <= 180.0 and fix.at_ms <= limits.TIME_MS_MAX
        if not fits or not 0 <= fix.pressure_ft <= limits.FLIGHT_LEVEL_MAX * 100:
            raise Refusal(
                RefusalCode.OUT_OF_RANGE, field=f"tracks[{number - 1}]", found=fix, allowed="a place in the sky"
            )
    return Track(number=number, party=source.party, fixes=fixes)
